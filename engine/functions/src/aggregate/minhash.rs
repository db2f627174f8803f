//! MINHASH, MINHASH_COMBINE and APPROXIMATE_SIMILARITY: how alike sets of rows are (Broder, On the resemblance and
//! containment of documents, 1997).
//!
//! A state is the least hash of all rows under each of several hash functions. The share of functions
//! whose least hashes agree is about the share of the rows that the sets have in common.

use arrow::array::Float64Array;
use firn_column::row_key::hash::hash_columns;
use firn_column::{Array, Column};
use firn_types::variant::{Builder, Item, Variant};
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::array_agg::build_all;
use super::grouped::{Fold, Folded};
use super::state::{AnswerStates, Storable, each_stored};
use super::{AggregateBinding, AggregateFunction, CATEGORY};
use crate::{Argument, Arity, Documentation, Example, accept};

/// MINHASH(count, value, ...)
pub(crate) const MINHASH: AggregateFunction = AggregateFunction::new(
    "MINHASH",
    Arity::at_least(2),
    bind_minhash,
    Documentation::of(
        CATEGORY,
        "A state of so many hashes, by which APPROXIMATE_SIMILARITY compares sets of rows.",
        &[Example::of("ARRAY_SIZE(MINHASH(5, 'a'):state)", "5")],
    ),
);

/// MINHASH_COMBINE(state)
pub(crate) const MINHASH_COMBINE: AggregateFunction = AggregateFunction::new(
    "MINHASH_COMBINE",
    Arity::exactly(1),
    |_| {
        let states = || MinHash { count: 0, types: Vec::new() };
        AggregateBinding::new(vec![SqlType::Variant], SqlType::Variant, move || {
            Folded::new(AnswerStates::of_states(states()))
        })
    },
    Documentation::of(CATEGORY, "The state of all rows, from the states of parts of them.", &[]),
);

/// APPROXIMATE_SIMILARITY(state)
pub(crate) const APPROXIMATE_SIMILARITY: AggregateFunction = AggregateFunction::new(
    "APPROXIMATE_SIMILARITY",
    Arity::exactly(1),
    |_| AggregateBinding::new(vec![SqlType::Variant], SqlType::Float, || Folded::new(Similarity)),
    Documentation::of(
        CATEGORY,
        "About how alike the sets behind states of MINHASH are: from 0, nothing in common, to 1.",
        &[],
    ),
)
.with_aliases(&["APPROXIMATE_JACCARD_INDEX"]);

/// Most hash functions of a state.
const COUNT_MAX: i64 = 1_024;

fn bind_minhash(arguments: &[Argument]) -> Result<AggregateBinding> {
    let name = "MINHASH";
    let given = accept::constant_integer(arguments, 0).filter(|k| (1..=COUNT_MAX).contains(k));
    let Some(count) = given else {
        let text =
            format!("argument 1 to function {name} needs to be a constant from 1 to {COUNT_MAX}");
        return Err(Error::new(ErrorCode::ConstantArgument, text));
    };
    let mut types = vec![accept::integer(name, arguments, 0)?];
    types.extend(arguments[1..].iter().map(|argument| argument.sql_type));
    let kept = types[1..].to_vec();
    let fold = move || Folded::new(MinHash { count: count as usize, types: kept.clone() });
    AggregateBinding::new(types, SqlType::Variant, fold)
}

/// The least hash of each function; none of no rows.
type Least = Vec<u64>;

fn least_of(into: &mut Least, from: impl Iterator<Item = u64>) {
    if into.is_empty() {
        into.extend(from);
        return;
    }
    into.iter_mut().zip(from).for_each(|(least, hash)| *least = (*least).min(hash));
}

/// The hash of a row under one of the functions; 53 bits, which a FLOAT holds.
fn hash_under(function: u64, hash: u64) -> u64 {
    let mut z = hash ^ function.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)) >> 11
}

fn write(least: &Least, out: &mut Builder) -> Result<()> {
    out.begin_object()?;
    out.key("state");
    out.begin_array()?;
    least.iter().for_each(|hash| out.integer(i128::from(*hash)));
    out.end_array()?;
    out.key("type");
    out.text("minhash");
    out.key("version");
    out.integer(1);
    out.end_object()
}

/// The hashes of a state.
fn read(bytes: &[u8]) -> Result<Least> {
    let invalid =
        || Error::new(ErrorCode::InvalidValue, "Invalid state of MINHASH: it has no hashes");
    let state = Variant::new(bytes).get("state").and_then(Variant::as_array);
    let hashes = state.ok_or_else(invalid)?.iter().map(|hash| match hash.item() {
        Item::Number(number) if number.scale == 0 => u64::try_from(number.unscaled).ok(),
        _ => None,
    });
    hashes.collect::<Option<Least>>().filter(|least| !least.is_empty()).ok_or_else(invalid)
}

struct MinHash {
    count: usize,
    types: Vec<SqlType>,
}

impl Fold for MinHash {
    type State = Least;

    fn start(&self) -> Least {
        Least::new()
    }

    fn update(
        &self,
        states: &mut [Least],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()> {
        let mut hashes = Vec::new();
        hash_columns(&arguments[1..], &self.types, &mut hashes)?;
        for (&group, &hash) in groups.iter().zip(&hashes) {
            let state = &mut states[group as usize];
            if state.is_empty() {
                *heap += self.count * size_of::<u64>();
            }
            least_of(state, (0..self.count as u64).map(|function| hash_under(function, hash)));
        }
        Ok(())
    }

    fn merge(&self, into: &mut Least, from: Least) -> Result<()> {
        if !into.is_empty() && !from.is_empty() && into.len() != from.len() {
            return Err(different());
        }
        least_of(into, from.into_iter());
        Ok(())
    }

    fn finish(&self, states: Vec<Least>) -> Result<Column> {
        MinHash::write(states)
    }
}

impl Storable for MinHash {
    fn read(bytes: &[u8]) -> Result<Least> {
        read(bytes)
    }

    fn write(states: Vec<Least>) -> Result<Column> {
        build_all(&states, write)
    }

    fn heap_bytes(state: &Least) -> usize {
        state.len() * size_of::<u64>()
    }
}

fn different() -> Error {
    let text = "States of MINHASH have different numbers of hashes";
    Error::new(ErrorCode::InvalidValue, text)
}

struct Similarity;

/// The hashes of the first state, and whether all others agree with each.
#[derive(Default)]
struct Agreed {
    first: Least,
    agrees: Vec<bool>,
}

impl Agreed {
    fn add(&mut self, hashes: Least, agrees: &[bool]) -> Result<()> {
        if self.first.is_empty() {
            (self.agrees, self.first) = (agrees.to_vec(), hashes);
            return Ok(());
        }
        if hashes.len() != self.first.len() {
            return Err(different());
        }
        for (place, hash) in hashes.iter().enumerate() {
            self.agrees[place] &= agrees[place] && self.first[place] == *hash;
        }
        Ok(())
    }
}

impl Fold for Similarity {
    type State = Agreed;

    fn start(&self) -> Agreed {
        Agreed::default()
    }

    fn update(
        &self,
        states: &mut [Agreed],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()> {
        each_stored(groups, &arguments[0], |group, bytes| {
            let (state, hashes) = (&mut states[group], read(bytes)?);
            if state.first.is_empty() {
                *heap += hashes.len() * (size_of::<u64>() + 1);
            }
            let all = vec![true; hashes.len()];
            state.add(hashes, &all)
        })
    }

    fn merge(&self, into: &mut Agreed, from: Agreed) -> Result<()> {
        if from.first.is_empty() {
            return Ok(());
        }
        into.add(from.first, &from.agrees)
    }

    fn finish(&self, states: Vec<Agreed>) -> Result<Column> {
        let share = |state: &Agreed| {
            let agreed = state.agrees.iter().filter(|agrees| **agrees).count();
            (!state.agrees.is_empty()).then(|| agreed as f64 / state.agrees.len() as f64)
        };
        Ok(Column::Flat(Array::F64(states.iter().map(share).collect::<Float64Array>())))
    }
}
