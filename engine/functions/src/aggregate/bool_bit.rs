//! BOOLAND_AGG, BOOLOR_AGG, BOOLXOR_AGG, BITAND_AGG, BITOR_AGG and BITXOR_AGG.

use arrow::array::BooleanArray;
use firn_column::{Array, Column, column};
use firn_types::{Error, Result};

use super::grouped::{Fold, Folded};
use super::{AggregateBinding, AggregateFunction, CATEGORY};
use crate::meaning::AggregateMeaning;
use crate::{Argument, Arity, Documentation, Example, accept};

macro_rules! of_flags {
    ($constant:ident, $answer:expr, $meaning:ident, $summary:literal) => {
        /// An aggregate of conditions.
        pub(crate) const $constant: AggregateFunction = AggregateFunction::new(
            stringify!($constant),
            Arity::exactly(1),
            |arguments| bind_flags(stringify!($constant), arguments, $answer),
            Documentation::of(
                CATEGORY,
                $summary,
                &[
                    Example::of(concat!(stringify!($constant), "(TRUE)"), "True"),
                    Example::of(concat!(stringify!($constant), "(0)"), "False"),
                ],
            ),
        )
        .with_meaning(AggregateMeaning::$meaning);
    };
}

of_flags!(
    BOOLAND_AGG,
    |t| t.truths == t.rows,
    SelfMerging,
    "Whether all values are TRUE or not 0."
);
of_flags!(BOOLOR_AGG, |t| t.truths > 0, SelfMerging, "Whether one of the values is TRUE or not 0.");
of_flags!(
    BOOLXOR_AGG,
    |t| t.truths == 1,
    Opaque,
    "Whether exactly one of the values is TRUE or not 0."
);

macro_rules! of_bits {
    ($constant:ident, $aliases:expr, $combine:expr, $summary:literal) => {
        /// An aggregate of bits.
        pub(crate) const $constant: AggregateFunction = AggregateFunction::new(
            stringify!($constant),
            Arity::exactly(1),
            |arguments| {
                let input = accept::integer(stringify!($constant), arguments, 0)?;
                AggregateBinding::new(vec![input], input, || {
                    Folded::new(Bits { combine: $combine })
                })
            },
            Documentation::of(
                CATEGORY,
                $summary,
                &[Example::of(concat!(stringify!($constant), "(26)"), "26")],
            ),
        )
        .with_aliases($aliases)
        .with_distinct();
    };
}

of_bits!(
    BITAND_AGG,
    &["BITANDAGG", "BIT_AND_AGG", "BIT_ANDAGG"],
    |a, b| a & b,
    "The bits that all values have."
);
of_bits!(
    BITOR_AGG,
    &["BITORAGG", "BIT_OR_AGG", "BIT_ORAGG"],
    |a, b| a | b,
    "The bits that one of the values has."
);
of_bits!(
    BITXOR_AGG,
    &["BITXORAGG", "BIT_XOR_AGG", "BIT_XORAGG"],
    |a, b| a ^ b,
    "The bits that an odd number of values has."
);

/// How many values there are, and how many of them are TRUE.
#[derive(Clone, Copy, Default)]
struct Tally {
    rows: u64,
    truths: u64,
}

struct Flags {
    answer: fn(&Tally) -> bool,
}

fn bind_flags(
    name: &str,
    arguments: &[Argument],
    answer: fn(&Tally) -> bool,
) -> Result<AggregateBinding> {
    let input = accept::boolean(name, arguments, 0)?;
    AggregateBinding::new(vec![input], input, move || Folded::new(Flags { answer }))
}

impl Fold for Flags {
    type State = Tally;

    fn start(&self) -> Tally {
        Tally::default()
    }

    fn update(
        &self,
        states: &mut [Tally],
        groups: &[u32],
        arguments: &[Column],
        _: &mut usize,
    ) -> Result<()> {
        let Array::Bool(flags) = arguments[0].flat() else {
            return Err(Error::internal("a condition that is no BOOLEAN"));
        };
        for (flag, &group) in flags.iter().zip(groups) {
            if let Some(flag) = flag {
                let tally = &mut states[group as usize];
                tally.rows += 1;
                tally.truths += u64::from(flag);
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut Tally, from: Tally) -> Result<()> {
        into.rows += from.rows;
        into.truths += from.truths;
        Ok(())
    }

    fn finish(&self, states: Vec<Tally>) -> Result<Column> {
        let answers = states.iter().map(|tally| (tally.rows > 0).then(|| (self.answer)(tally)));
        Ok(Column::Flat(Array::Bool(answers.collect::<BooleanArray>())))
    }
}

struct Bits {
    combine: fn(i128, i128) -> i128,
}

impl Fold for Bits {
    type State = Option<i128>;

    fn start(&self) -> Option<i128> {
        None
    }

    fn update(
        &self,
        states: &mut [Option<i128>],
        groups: &[u32],
        arguments: &[Column],
        _: &mut usize,
    ) -> Result<()> {
        let values = arguments[0].flat();
        for (row, &group) in groups.iter().enumerate() {
            if !values.is_null(row) {
                self.merge(&mut states[group as usize], Some(values.integer(row)))?;
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut Option<i128>, from: Option<i128>) -> Result<()> {
        *into = match (*into, from) {
            (Some(left), Some(right)) => Some((self.combine)(left, right)),
            (left, right) => left.or(right),
        };
        Ok(())
    }

    fn finish(&self, states: Vec<Option<i128>>) -> Result<Column> {
        Ok(Column::Flat(column::integers(states)))
    }
}
