//! Arrays with fewer elements, or in another order.

use firn_types::variant::{Builder, Elements, Variant, compare};
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::row::{Row, builds};
use super::{Want, bind, define, example};
use crate::Arity;
use crate::NullRule;
use crate::scalar::ScalarFunction;

pub(super) const ARRAY_COMPACT: ScalarFunction = define(
    "ARRAY_COMPACT",
    Arity::exactly(1),
    |a| {
        let kernel = builds(NullRule::Propagate, |row, out| {
            keep(row.array(0), out, |_, value| !value.is_null())
        });
        bind("ARRAY_COMPACT", a, &[Want::Array], SqlType::Array, kernel)
    },
    "The array without nulls and undefined elements.",
    &[example("TO_JSON(ARRAY_COMPACT(ARRAY_CONSTRUCT(1, NULL, PARSE_JSON('null'), 2)))", "[1,2]")],
);

pub(super) const ARRAY_REMOVE: ScalarFunction = define(
    "ARRAY_REMOVE",
    Arity::exactly(2),
    |a| {
        let kernel = builds(NullRule::Propagate, |row, out| {
            let Some(unwanted) = row.variant(1) else { return Ok(false) };
            keep(row.array(0), out, |_, value| !compare::equal(value, unwanted))
        });
        bind("ARRAY_REMOVE", a, &[Want::Array, Want::Variant], SqlType::Array, kernel)
    },
    "The array without the elements that equal a value.",
    &[example("TO_JSON(ARRAY_REMOVE(ARRAY_CONSTRUCT(1, 2, 1), 1))", "[2]")],
);

pub(super) const ARRAY_REMOVE_AT: ScalarFunction = define(
    "ARRAY_REMOVE_AT",
    Arity::exactly(2),
    |a| {
        let kernel = builds(NullRule::Propagate, |row, out| {
            let (Some(array), Some(position)) = (row.array(0), row.integer(1)) else {
                return Ok(false);
            };
            let place = from_end(position, array.len());
            keep(Some(array), out, |index, _| index as i64 != place)
        });
        bind("ARRAY_REMOVE_AT", a, &[Want::Array, Want::Integer], SqlType::Array, kernel)
    },
    "The array without the element at a position, which counts from the end when it is negative.",
    &[example("TO_JSON(ARRAY_REMOVE_AT(ARRAY_CONSTRUCT('a', 'b', 'c'), -1))", "[\"a\",\"b\"]")],
);

pub(super) const ARRAY_SLICE: ScalarFunction = define(
    "ARRAY_SLICE",
    Arity::exactly(3),
    |a| {
        let kernel = builds(NullRule::Propagate, array_slice);
        bind("ARRAY_SLICE", a, &[Want::Array, Want::Integer], SqlType::Array, kernel)
    },
    "The elements from a position up to, and without, another; negative ones count from the end.",
    &[
        example("TO_JSON(ARRAY_SLICE(ARRAY_CONSTRUCT(0, 1, 2, 3), 1, 3))", "[1,2]"),
        example("TO_JSON(ARRAY_SLICE(ARRAY_CONSTRUCT(0, 1, 2, 3), 0, -2))", "[0,1]"),
    ],
);

pub(super) const ARRAY_REVERSE: ScalarFunction = define(
    "ARRAY_REVERSE",
    Arity::exactly(1),
    |a| {
        let kernel = builds(NullRule::Propagate, |row, out| {
            let Some(array) = row.array(0) else { return Ok(false) };
            write_all(array.iter().rev(), out)
        });
        bind("ARRAY_REVERSE", a, &[Want::Array], SqlType::Array, kernel)
    },
    "The array from its end to its start.",
    &[example("TO_JSON(ARRAY_REVERSE(ARRAY_CONSTRUCT(1, 2)))", "[2,1]")],
);

pub(super) const ARRAY_SORT: ScalarFunction = define(
    "ARRAY_SORT",
    Arity::between(1, 3),
    |a| {
        let wants = [Want::Array, Want::Boolean];
        bind("ARRAY_SORT", a, &wants, SqlType::Array, builds(NullRule::Propagate, array_sort))
    },
    "The array sorted, ascending or not, undefined elements first or not.",
    &[
        example("TO_JSON(ARRAY_SORT(ARRAY_CONSTRUCT(20, NULL, 0, 10)))", "[0,10,20,undefined]"),
        example("TO_JSON(ARRAY_SORT(ARRAY_CONSTRUCT(0, NULL, 1), FALSE))", "[undefined,1,0]"),
    ],
);

pub(super) const ARRAY_FLATTEN: ScalarFunction = define(
    "ARRAY_FLATTEN",
    Arity::exactly(1),
    |a| {
        bind(
            "ARRAY_FLATTEN",
            a,
            &[Want::Array],
            SqlType::Array,
            builds(NullRule::Propagate, flatten),
        )
    },
    "The elements of the arrays inside an array.",
    &[example("TO_JSON(ARRAY_FLATTEN(PARSE_JSON('[[1, 2], [3, [4]]]')))", "[1,2,3,[4]]")],
);

/// A position that may count from the end.
fn from_end(position: i64, length: usize) -> i64 {
    if position < 0 { position.saturating_add(length as i64) } else { position }
}

fn write_all<'a>(values: impl Iterator<Item = Variant<'a>>, out: &mut Builder) -> Result<bool> {
    out.begin_array()?;
    for value in values {
        out.copy(value)?;
    }
    out.end_array()?;
    Ok(true)
}

/// Writes the elements for which `wanted` holds.
fn keep(
    array: Option<Elements<'_>>,
    out: &mut Builder,
    mut wanted: impl FnMut(usize, Variant<'_>) -> bool,
) -> Result<bool> {
    let Some(array) = array else { return Ok(false) };
    let kept = array.iter().enumerate().filter(|(index, value)| wanted(*index, *value));
    write_all(kept.map(|(_, value)| value), out)
}

fn array_slice(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let (Some(array), Some(from), Some(to)) = (row.array(0), row.integer(1), row.integer(2)) else {
        return Ok(false);
    };
    let place = |position: i64| from_end(position, array.len()).clamp(0, array.len() as i64);
    let (from, to) = (place(from) as usize, place(to) as usize);
    write_all((from..to).filter_map(|index| array.get(index)), out)
}

fn array_sort(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let Some(array) = row.array(0) else { return Ok(false) };
    let ascending = row.boolean(1).unwrap_or(true);
    let nulls_first = row.boolean(2).unwrap_or(!ascending);
    let mut values: Vec<Variant<'_>> = array.iter().collect();
    values.sort_by(|a, b| {
        let nulls = a.is_undefined().cmp(&b.is_undefined());
        let nulls = if nulls_first { nulls.reverse() } else { nulls };
        let order = || compare::compare(*a, *b);
        nulls.then_with(|| if ascending { order() } else { order().reverse() })
    });
    write_all(values.into_iter(), out)
}

fn flatten(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let Some(array) = row.array(0) else { return Ok(false) };
    if array.iter().any(Variant::is_undefined) {
        return Ok(false);
    }
    out.begin_array()?;
    for inner in array.iter() {
        let Some(inner) = inner.as_array() else {
            let message =
                "Not an array: 'Input argument to ARRAY_FLATTEN is not an array of arrays'";
            return Err(Error::new(ErrorCode::NotAnArray, message));
        };
        inner.iter().try_for_each(|value| out.copy(value))?;
    }
    out.end_array()?;
    Ok(true)
}
