//! HASH_AGG: one number for all rows of a group, whatever their order.

use firn_column::Column;
use firn_types::{Result, SqlType};

use super::grouped::{Fold, Folded};
use super::{AggregateBinding, AggregateFunction, CATEGORY};
use crate::driver::Output;
use crate::scalar::hash::hash_rows;
use crate::{Arity, Documentation, Example};

/// HASH_AGG(value, ...)
pub(crate) const HASH_AGG: AggregateFunction = AggregateFunction::new(
    "HASH_AGG",
    Arity::at_least(1),
    |arguments| {
        let types: Vec<SqlType> = arguments.iter().map(|argument| argument.sql_type).collect();
        let kept = types.clone();
        let fold = move || Folded::new(HashAgg { types: kept.clone() });
        AggregateBinding::new(types, SqlType::number(19, 0), fold)
    },
    Documentation::of(
        CATEGORY,
        "A signed 64-bit hash of all rows, which does not depend on their order; 0 for none.",
        &[Example::of("HASH_AGG(1) = HASH_AGG(1.0)", "True")],
    ),
)
.with_distinct();

struct HashAgg {
    types: Vec<SqlType>,
}

impl Fold for HashAgg {
    type State = u64;

    fn start(&self) -> u64 {
        0
    }

    fn update(
        &self,
        states: &mut [u64],
        groups: &[u32],
        arguments: &[Column],
        _: &mut usize,
    ) -> Result<()> {
        let hashes = hash_rows(arguments, &self.types, groups.len())?;
        for (hash, &group) in hashes.into_iter().zip(groups) {
            let state = &mut states[group as usize];
            *state = state.wrapping_add(hash);
        }
        Ok(())
    }

    fn merge(&self, into: &mut u64, from: u64) -> Result<()> {
        *into = into.wrapping_add(from);
        Ok(())
    }

    fn finish(&self, states: Vec<u64>) -> Result<Column> {
        Ok(Column::Flat(i64::array(states.into_iter().map(|hash| hash as i64).collect(), None)))
    }
}
