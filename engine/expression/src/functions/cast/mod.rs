//! Conversions of columns and values between types: CAST, `::`, TRY_CAST, and what the binder adds.
//!
//! Which pairs of types convert is decided by [`firn_types::coerce`]; here is how. There is one file
//! per target type, each with one function over an array; this file spares constant and dictionary
//! columns the repetition and decides what becomes of a value that cannot be converted.

mod failures;
mod integers;
mod to_binary;
mod to_boolean;
mod to_date;
mod to_float;
mod to_number;
mod to_text;
mod to_time;
mod to_timestamp;
mod variant;

use std::sync::Arc;

use arrow::array::{Array as _, UInt32Array};
use firn_column::{Array, Column, PhysicalType};
use firn_types::coerce::can_cast;
use firn_types::{Error, ErrorCode, Result, SqlType, TypeFamily, Value};

use super::FunctionContext;
pub(crate) use failures::Failures;

/// What becomes of a value that cannot be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CastMode {
    /// It is an error.
    Strict,
    /// It becomes NULL: TRY_CAST.
    Try,
}

/// Converts every value of a column from one type to another.
///
/// # Errors
/// For a pair of types that does not convert; in strict mode for the first value that does not.
pub fn cast_column(
    column: &Column,
    from: SqlType,
    to: SqlType,
    mode: CastMode,
    context: &FunctionContext,
) -> Result<Column> {
    let mut failures = match mode {
        CastMode::Strict => Failures::fatal(),
        CastMode::Try => Failures::forgotten(),
    };
    convert(column, from, to, &mut failures, context)
}

/// Converts a column whose bad values are to be reported: they become NULL, and each is listed by its
/// row, in ascending order, with its error. For loads.
///
/// # Errors
/// Only for a pair of types that does not convert.
pub fn cast_collect(
    column: &Column,
    from: SqlType,
    to: SqlType,
    context: &FunctionContext,
) -> Result<(Column, Vec<(usize, Error)>)> {
    let mut failures = Failures::listed();
    let column = convert(column, from, to, &mut failures, context)?;
    Ok((column, failures.into_list()))
}

/// Converts one value.
///
/// # Errors
/// As [`cast_column`].
pub fn cast_value(
    value: &Value,
    from: SqlType,
    to: SqlType,
    mode: CastMode,
    context: &FunctionContext,
) -> Result<Value> {
    if value.is_null() {
        check_cast(from, to)?;
        return Ok(Value::Null);
    }
    let column = Column::constant(value, from, 1)?;
    Ok(cast_column(&column, from, to, mode, context)?.value(0, to))
}

/// Refuses, when a statement is compiled, a cast that no value can pass.
///
/// # Errors
/// `InvalidParameterType` for a pair of types that does not convert.
pub fn check_cast(from: SqlType, to: SqlType) -> Result<()> {
    if can_cast(from, to) {
        return Ok(());
    }
    let function = match to.family() {
        TypeFamily::Number => "TO_NUMBER",
        TypeFamily::Float => "TO_DOUBLE",
        TypeFamily::Text => "TO_VARCHAR",
        TypeFamily::Binary => "TO_BINARY",
        TypeFamily::Boolean => "TO_BOOLEAN",
        TypeFamily::Date => "TO_DATE",
        TypeFamily::Time => "TO_TIME",
        TypeFamily::TimestampNtz => "TO_TIMESTAMP_NTZ",
        TypeFamily::TimestampLtz => "TO_TIMESTAMP_LTZ",
        TypeFamily::TimestampTz => "TO_TIMESTAMP_TZ",
        TypeFamily::Array => "TO_ARRAY",
        TypeFamily::Object => "TO_OBJECT",
        TypeFamily::Null | TypeFamily::Variant => "TO_VARIANT",
    };
    Err(Error::new(
        ErrorCode::InvalidParameterType,
        format!("invalid type [CAST({from} AS {to})] for parameter '{function}'"),
    ))
}

fn convert(
    column: &Column,
    from: SqlType,
    to: SqlType,
    failures: &mut Failures,
    context: &FunctionContext,
) -> Result<Column> {
    if keeps_values(from, to) {
        return Ok(column.clone());
    }
    check_cast(from, to)?;
    if from == SqlType::Null || column.null_count() == column.len() {
        return Ok(Column::nulls_of(to, column.len()));
    }
    match column {
        Column::Flat(array) => Ok(Column::Flat(convert_array(array, from, to, failures, context)?)),
        Column::Constant { value, rows } => {
            let mut found = Failures::listed();
            let value = convert_array(value, from, to, &mut found, context)?;
            if let Some((_, error)) = found.into_list().first() {
                (0..*rows).try_for_each(|row| failures.add(row, || error.clone()))?;
            }
            Ok(Column::Constant { value, rows: *rows })
        }
        Column::Dictionary { codes, values } if values.len() <= codes.len() => {
            let mut found = Failures::listed();
            let values = convert_array(values, from, to, &mut found, context)?;
            let errors = found.into_list();
            report_codes(codes, &errors, failures)?;
            Ok(dictionary(codes, values))
        }
        Column::Dictionary { .. } => {
            Ok(Column::Flat(convert_array(&column.flat(), from, to, failures, context)?))
        }
    }
}

/// Whether every value of `from` is a value of `to` as it stands.
fn keeps_values(from: SqlType, to: SqlType) -> bool {
    use SqlType::{
        Array, Binary, Number, Object, Time, TimestampLtz, TimestampNtz, TimestampTz, Varchar,
        Variant,
    };
    match (from, to) {
        (from, to) if from == to => true,
        (Varchar { length: a }, Varchar { length: b })
        | (Binary { length: a }, Binary { length: b }) => a <= b,
        (Number { precision: p, scale: s }, Number { precision, scale }) => {
            s == scale && p <= precision
        }
        (Time { scale: a }, Time { scale: b })
        | (TimestampNtz { scale: a }, TimestampNtz { scale: b })
        | (TimestampLtz { scale: a }, TimestampLtz { scale: b })
        | (TimestampTz { scale: a }, TimestampTz { scale: b }) => a <= b,
        (Array | Object, Variant) => true,
        _ => false,
    }
}

fn convert_array(
    array: &Array,
    from: SqlType,
    to: SqlType,
    failures: &mut Failures,
    context: &FunctionContext,
) -> Result<Array> {
    if from.is_semi_structured() {
        return variant::from_variant(array, from, to, failures, context);
    }
    match to.family() {
        TypeFamily::Number => to_number::convert(array, from, to, failures),
        TypeFamily::Float => to_float::convert(array, from, failures),
        TypeFamily::Text => to_text::convert(array, from, to, failures, context),
        TypeFamily::Binary => to_binary::convert(array, from, to, failures, context),
        TypeFamily::Boolean => to_boolean::convert(array, from, failures),
        TypeFamily::Date => to_date::convert(array, from, failures, context),
        TypeFamily::Time => to_time::convert(array, from, to, failures, context),
        TypeFamily::TimestampNtz | TypeFamily::TimestampLtz | TypeFamily::TimestampTz => {
            to_timestamp::convert(array, from, to, failures, context)
        }
        TypeFamily::Variant | TypeFamily::Object | TypeFamily::Array => {
            variant::to_variant(array, from, to, context)
        }
        TypeFamily::Null => Ok(array.clone()),
    }
}

/// Reports the rows whose dictionary entry could not be converted; entries that no row has are no
/// failure.
fn report_codes(
    codes: &UInt32Array,
    errors: &[(usize, Error)],
    failures: &mut Failures,
) -> Result<()> {
    if errors.is_empty() {
        return Ok(());
    }
    for (row, code) in codes.iter().enumerate() {
        let Some(code) = code else { continue };
        let bad = errors.binary_search_by_key(&(code as usize), |(entry, _)| *entry);
        if let Ok(position) = bad {
            failures.add(row, || errors[position].1.clone())?;
        }
    }
    Ok(())
}

/// Codes into converted values, of which some may have become NULL. Only texts and bytes stay a
/// dictionary: other values are as cheap as codes.
fn dictionary(codes: &UInt32Array, values: Array) -> Column {
    let keeps = values.null_count() == 0
        && matches!(values.physical(), PhysicalType::Text | PhysicalType::Bytes);
    let column = Column::Dictionary { codes: codes.clone(), values: Arc::new(values) };
    if keeps { column } else { Column::Flat(column.flat()) }
}
