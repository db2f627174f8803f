//! Arrays as sets and multisets of their elements.

use std::collections::HashMap;

use firn_types::variant::{Builder, Elements, Variant, compare};
use firn_types::{Result, SqlType};

use super::row::{Row, answers, builds};
use super::{Want, bind, define, example};
use crate::Arity;
use crate::NullRule;
use crate::scalar::ScalarFunction;

pub(super) const ARRAY_DISTINCT: ScalarFunction = define(
    "ARRAY_DISTINCT",
    Arity::exactly(1),
    |a| {
        let kernel = builds(NullRule::Propagate, array_distinct);
        bind("ARRAY_DISTINCT", a, &[Want::Array], SqlType::Array, kernel)
    },
    "The different elements of an array.",
    &[example("TO_JSON(ARRAY_DISTINCT(ARRAY_CONSTRUCT('A', 'B', 'A')))", "[\"A\",\"B\"]")],
);

pub(super) const ARRAY_EXCEPT: ScalarFunction = define(
    "ARRAY_EXCEPT",
    Arity::exactly(2),
    |a| {
        let kernel = builds(NullRule::Propagate, |row, out| filtered(row, out, false));
        bind("ARRAY_EXCEPT", a, &[Want::Array], SqlType::Array, kernel)
    },
    "The elements of the first array that are left when each of the second takes one away.",
    &[example(
        "TO_JSON(ARRAY_EXCEPT(ARRAY_CONSTRUCT('A', 'B', 'B'), ARRAY_CONSTRUCT('B')))",
        "[\"A\",\"B\"]",
    )],
);

pub(super) const ARRAY_INTERSECTION: ScalarFunction = define(
    "ARRAY_INTERSECTION",
    Arity::exactly(2),
    |a| {
        let kernel = builds(NullRule::Propagate, |row, out| filtered(row, out, true));
        bind("ARRAY_INTERSECTION", a, &[Want::Array], SqlType::Array, kernel)
    },
    "The elements that both arrays have, as often as both have them.",
    &[example(
        "TO_JSON(ARRAY_INTERSECTION(ARRAY_CONSTRUCT('A', 'B', 'B'), ARRAY_CONSTRUCT('B', 'C')))",
        "[\"B\"]",
    )],
);

pub(super) const ARRAYS_OVERLAP: ScalarFunction = define(
    "ARRAYS_OVERLAP",
    Arity::exactly(2),
    |a| {
        let kernel = answers(NullRule::Propagate, |row| Ok(arrays_overlap(row)));
        bind("ARRAYS_OVERLAP", a, &[Want::Array], SqlType::Boolean, kernel)
    },
    "Whether two arrays have an element in common.",
    &[example("ARRAYS_OVERLAP(ARRAY_CONSTRUCT(1, 2), ARRAY_CONSTRUCT(2, 3))", "True")],
);

/// How often each element is there, by its key for grouping.
fn counts(array: Elements<'_>) -> HashMap<Vec<u8>, usize> {
    let mut counts = HashMap::new();
    for value in array.iter() {
        *counts.entry(key(value)).or_insert(0) += 1;
    }
    counts
}

fn key(value: Variant<'_>) -> Vec<u8> {
    let mut key = Vec::new();
    compare::sort_key(value, &mut key);
    key
}

fn array_distinct(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let Some(array) = row.array(0) else { return Ok(false) };
    let mut seen = std::collections::HashSet::new();
    out.begin_array()?;
    for value in array.iter().filter(|value| seen.insert(key(*value))) {
        out.copy(value)?;
    }
    out.end_array()?;
    Ok(true)
}

/// The elements of the first array that pair off with one of the second, or those that do not.
fn filtered(row: &Row<'_>, out: &mut Builder, paired: bool) -> Result<bool> {
    let (Some(array), Some(other)) = (row.array(0), row.array(1)) else { return Ok(false) };
    let mut left = counts(other);
    out.begin_array()?;
    for value in array.iter() {
        let pair = match left.get_mut(&key(value)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        };
        if pair == paired {
            out.copy(value)?;
        }
    }
    out.end_array()?;
    Ok(true)
}

fn arrays_overlap(row: &Row<'_>) -> Option<bool> {
    let (array, other) = (row.array(0)?, counts(row.array(1)?));
    Some(array.iter().any(|value| other.contains_key(&key(value))))
}
