//! Arrays out of values, and arrays with more in them.

use firn_types::variant::{Builder, Variant};
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::row::{Row, builds};
use super::{Want, bind, define, example};
use crate::Arity;
use crate::NullRule;
use crate::scalar::ScalarFunction;

/// Elements that a function may make at most, so that a wrong argument does not fill the memory.
const ELEMENTS_MAX: i128 = 16_777_216;

pub(super) const ARRAY_CONSTRUCT: ScalarFunction = define(
    "ARRAY_CONSTRUCT",
    Arity::at_least(0),
    |a| {
        let kernel = builds(NullRule::Aware, |row, out| construct(row, out, true));
        bind("ARRAY_CONSTRUCT", a, &[Want::Any], SqlType::Array, kernel)
    },
    "An array of values; NULL becomes undefined.",
    &[example("ARRAY_CONSTRUCT(1, 'x', NULL)", "[\n  1,\n  \"x\",\n  undefined\n]")],
);

pub(super) const ARRAY_CONSTRUCT_COMPACT: ScalarFunction = define(
    "ARRAY_CONSTRUCT_COMPACT",
    Arity::at_least(0),
    |a| {
        let kernel = builds(NullRule::Aware, |row, out| construct(row, out, false));
        bind("ARRAY_CONSTRUCT_COMPACT", a, &[Want::Any], SqlType::Array, kernel)
    },
    "An array of those values that are not NULL.",
    &[example("ARRAY_CONSTRUCT_COMPACT(NULL, 2)", "[\n  2\n]")],
);

pub(super) const ARRAY_APPEND: ScalarFunction = define(
    "ARRAY_APPEND",
    Arity::exactly(2),
    |a| {
        let wants = [Want::Array, Want::Any];
        bind("ARRAY_APPEND", a, &wants, SqlType::Array, builds(NullRule::Aware, array_append))
    },
    "The array with one more element at its end.",
    &[example("ARRAY_TO_STRING(ARRAY_APPEND(ARRAY_CONSTRUCT(1), 'x'), ',')", "1,x")],
);

pub(super) const ARRAY_PREPEND: ScalarFunction = define(
    "ARRAY_PREPEND",
    Arity::exactly(2),
    |a| {
        let wants = [Want::Array, Want::Any];
        bind("ARRAY_PREPEND", a, &wants, SqlType::Array, builds(NullRule::Aware, array_prepend))
    },
    "The array with one more element at its start.",
    &[example("ARRAY_TO_STRING(ARRAY_PREPEND(ARRAY_CONSTRUCT(1), 0), ',')", "0,1")],
);

pub(super) const ARRAY_INSERT: ScalarFunction = define(
    "ARRAY_INSERT",
    Arity::exactly(3),
    |a| {
        let wants = [Want::Array, Want::Integer, Want::Any];
        bind("ARRAY_INSERT", a, &wants, SqlType::Array, builds(NullRule::Aware, array_insert))
    },
    "The array with one more element at a position, which counts from the end when it is negative.",
    &[
        example("TO_JSON(ARRAY_INSERT(ARRAY_CONSTRUCT(0, 1), 1, 'x'))", "[0,\"x\",1]"),
        example("TO_JSON(ARRAY_INSERT(ARRAY_CONSTRUCT(0), 2, 'x'))", "[0,undefined,\"x\"]"),
    ],
);

pub(super) const ARRAY_CAT: ScalarFunction = define(
    "ARRAY_CAT",
    Arity::at_least(1),
    |a| {
        bind("ARRAY_CAT", a, &[Want::Array], SqlType::Array, builds(NullRule::Propagate, array_cat))
    },
    "The elements of all the arrays in one.",
    &[example("ARRAY_TO_STRING(ARRAY_CAT(ARRAY_CONSTRUCT(1), ARRAY_CONSTRUCT(2)), ',')", "1,2")],
);

pub(super) const ARRAY_REPEAT: ScalarFunction = define(
    "ARRAY_REPEAT",
    Arity::exactly(2),
    |a| {
        let wants = [Want::Any, Want::Integer];
        bind("ARRAY_REPEAT", a, &wants, SqlType::Array, builds(NullRule::Aware, array_repeat))
    },
    "An array of one value several times.",
    &[example("ARRAY_TO_STRING(ARRAY_REPEAT('x', 3), '')", "xxx")],
);

pub(super) const ARRAY_GENERATE_RANGE: ScalarFunction = define(
    "ARRAY_GENERATE_RANGE",
    Arity::between(2, 3),
    |a| {
        let kernel = builds(NullRule::Propagate, array_generate_range);
        bind("ARRAY_GENERATE_RANGE", a, &[Want::Integer], SqlType::Array, kernel)
    },
    "The whole numbers from a first one up to, and without, a last one, in steps.",
    &[
        example("ARRAY_TO_STRING(ARRAY_GENERATE_RANGE(2, 5), ',')", "2,3,4"),
        example("ARRAY_TO_STRING(ARRAY_GENERATE_RANGE(5, 0, -2), ',')", "5,3,1"),
    ],
);

pub(super) const ARRAYS_ZIP: ScalarFunction = define(
    "ARRAYS_ZIP",
    Arity::at_least(1),
    |a| {
        bind(
            "ARRAYS_ZIP",
            a,
            &[Want::Array],
            SqlType::Array,
            builds(NullRule::Propagate, arrays_zip),
        )
    },
    "An array of objects; the n-th holds the n-th elements of all the arrays. Of empty arrays alone, it \
     is an array of one empty object.",
    &[
        example(
            "TO_JSON(ARRAYS_ZIP(ARRAY_CONSTRUCT(1, 2), ARRAY_CONSTRUCT('a')))",
            "[{\"$1\":1,\"$2\":\"a\"},{\"$1\":2,\"$2\":null}]",
        ),
        example("TO_JSON(ARRAYS_ZIP([], [], []))", "[{}]"),
    ],
);

/// Copies a value into an array; NULL as undefined.
fn element(value: Option<Variant<'_>>, out: &mut Builder) -> Result<()> {
    match value {
        Some(value) => out.copy(value),
        None => {
            out.undefined();
            Ok(())
        }
    }
}

fn construct(row: &Row<'_>, out: &mut Builder, keep_nulls: bool) -> Result<bool> {
    out.begin_array()?;
    for position in 0..row.len() {
        let value = row.variant(position);
        if keep_nulls || value.is_some() {
            element(value, out)?;
        }
    }
    out.end_array()?;
    Ok(true)
}

fn array_append(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let Some(array) = row.array(0) else { return Ok(false) };
    out.begin_array()?;
    array.iter().try_for_each(|value| out.copy(value))?;
    element(row.variant(1), out)?;
    out.end_array()?;
    Ok(true)
}

fn array_prepend(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let Some(array) = row.array(0) else { return Ok(false) };
    out.begin_array()?;
    element(row.variant(1), out)?;
    array.iter().try_for_each(|value| out.copy(value))?;
    out.end_array()?;
    Ok(true)
}

fn array_insert(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let (Some(array), Some(position)) = (row.array(0), row.integer(1)) else { return Ok(false) };
    let length = array.len() as i128;
    let position = i128::from(position);
    let place = if position < 0 { (length + position).max(0) } else { position };
    check_elements(place)?;
    out.begin_array()?;
    for index in 0..length.max(place) {
        if index == place {
            element(row.variant(2), out)?;
        }
        element(array.get(index as usize), out)?;
    }
    if place >= length {
        element(row.variant(2), out)?;
    }
    out.end_array()?;
    Ok(true)
}

fn array_cat(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    out.begin_array()?;
    for position in 0..row.len() {
        let Some(array) = row.array(position) else { continue };
        array.iter().try_for_each(|value| out.copy(value))?;
    }
    out.end_array()?;
    Ok(true)
}

fn array_repeat(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let Some(count) = row.integer(1) else { return Ok(false) };
    check_elements(count.into())?;
    out.begin_array()?;
    (0..count).try_for_each(|_| element(row.variant(0), out))?;
    out.end_array()?;
    Ok(true)
}

fn array_generate_range(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let (Some(start), Some(stop)) = (row.integer(0), row.integer(1)) else { return Ok(false) };
    let step = i128::from(row.integer(2).unwrap_or(1));
    let (start, stop) = (i128::from(start), i128::from(stop));
    if step == 0 {
        let message = "Step size of ARRAY_GENERATE_RANGE must not be 0";
        return Err(Error::new(ErrorCode::InvalidValue, message));
    }
    let distance = if step > 0 { stop - start } else { start - stop };
    let count = (distance.max(0) + step.abs() - 1) / step.abs();
    check_elements(count)?;
    out.begin_array()?;
    (0..count).for_each(|n| out.integer(start + n * step));
    out.end_array()?;
    Ok(true)
}

fn arrays_zip(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let arrays: Vec<_> = (0..row.len()).filter_map(|position| row.array(position)).collect();
    let keys: Vec<String> = (1..=arrays.len()).map(|n| format!("${n}")).collect();
    let longest = arrays.iter().map(|array| array.len()).max().unwrap_or(0);
    out.begin_array()?;
    if longest == 0 {
        out.begin_object()?;
        out.end_object()?;
    }
    for index in 0..longest {
        out.begin_object()?;
        for (key, array) in keys.iter().zip(&arrays) {
            out.key(key);
            element(array.get(index), out)?;
        }
        out.end_object()?;
    }
    out.end_array()?;
    Ok(true)
}

/// Refuses an array of too many elements.
fn check_elements(count: i128) -> Result<()> {
    if count <= ELEMENTS_MAX {
        return Ok(());
    }
    let message = format!("Array of {count} elements is too large, at most {ELEMENTS_MAX}");
    Err(Error::new(ErrorCode::ValueTooLarge, message))
}
