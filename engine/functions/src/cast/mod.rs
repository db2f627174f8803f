//! Conversions of columns and values between types: CAST, `::`, TRY_CAST, and what the binder adds.
//!
//! Which pairs of types convert is decided by [`firn_types::coerce`]; here is how. There is one file
//! per target type, each with one function over an array; this file spares constant and dictionary
//! columns the repetition and decides what becomes of a value that cannot be converted.

mod failures;
mod integers;
mod rows;
mod structured;
mod to_binary;
mod to_boolean;
mod to_date;
mod to_float;
mod to_number;
mod to_text;
mod to_time;
mod to_timestamp;
mod to_vector;
mod variant;

use std::sync::Arc;

use arrow::array::UInt32Array;
use firn_column::{Array, Column, PhysicalType};
use firn_types::coerce::can_cast;
use firn_types::{Error, ErrorCode, Result, SqlType, TypeFamily, Value};

use super::FunctionContext;
pub(crate) use failures::Failures;
pub(crate) use to_binary::parse as parse_binaries;
pub(crate) use to_date::parse as parse_dates;
pub(crate) use to_float::number_to_float;
pub(crate) use to_time::parse as parse_times;
pub(crate) use to_timestamp::{from_epoch as timestamps_from_epoch, parse as parse_timestamps};
pub use variant::{SessionText, display_variant};

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
        TypeFamily::Vector => "VECTOR",
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
        Array, Binary, Number, Object, Structured, Time, TimestampLtz, TimestampNtz, TimestampTz,
        Varchar, Variant,
    };
    match (from, to) {
        (from, to) if from == to => true,
        (Varchar { length: a, .. }, Varchar { length: b, .. })
        | (Binary { length: a }, Binary { length: b }) => a <= b,
        (Number { precision: p, scale: s }, Number { precision, scale }) => {
            s == scale && p <= precision
        }
        (Time { scale: a }, Time { scale: b })
        | (TimestampNtz { scale: a }, TimestampNtz { scale: b })
        | (TimestampLtz { scale: a }, TimestampLtz { scale: b })
        | (TimestampTz { scale: a }, TimestampTz { scale: b }) => a <= b,
        (Array | Object, Variant) => true,
        (Structured(of), to) => to == of.plain() || to == Variant,
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
    if let SqlType::Vector { .. } = to {
        return to_vector::convert(array, from, to, failures, context);
    }
    if let SqlType::Vector { element, .. } = from
        && to == SqlType::Array
    {
        return to_vector::to_array(array, element);
    }
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
        TypeFamily::Null | TypeFamily::Vector => Ok(array.clone()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn varchar(length: u32) -> SqlType {
        SqlType::varchar(length)
    }

    /// What a value becomes on the way through several types and then VARCHAR.
    fn chain(text: &str, types: &[SqlType]) -> String {
        let context = FunctionContext::default();
        let mut value = Value::text(text);
        let mut from = SqlType::TEXT;
        for &to in types.iter().chain(&[SqlType::TEXT]) {
            match cast_value(&value, from, to, CastMode::Strict, &context) {
                Ok(next) => value = next,
                Err(error) => return error.to_string(),
            }
            from = to;
        }
        match value {
            Value::Text(text) => text.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn values_convert_as_documented() {
        let number = SqlType::number;
        let ntz = SqlType::TIMESTAMP_NTZ;
        let (ltz, tz) = (SqlType::TIMESTAMP_LTZ, SqlType::TIMESTAMP_TZ);
        let cases: &[(&str, &[SqlType], &str)] = &[
            ("2.5", &[number(2, 1), SqlType::INTEGER], "3"),
            ("-2.5", &[number(2, 1), SqlType::INTEGER], "-3"),
            ("999.999", &[number(6, 3), number(10, 2)], "1000.00"),
            ("1.7", &[SqlType::Float, SqlType::INTEGER], "2"),
            ("0", &[number(38, 20)], "0.00000000000000000000"),
            ("1.50", &[number(10, 2), SqlType::Float], "1.5"),
            ("1e20", &[SqlType::Float, SqlType::INTEGER], "100000000000000000000"),
            ("1.1e20", &[SqlType::Float, number(38, 10)], "110000000000000000000.0000000000"),
            ("12345678901234567890.12", &[number(38, 2), SqlType::Float], "1.2345678901234567e+19"),
            ("on", &[SqlType::Boolean, number(3, 1)], "1.0"),
            ("0.0", &[number(2, 1), SqlType::Boolean], "false"),
            ("-3", &[SqlType::Float, SqlType::Boolean], "true"),
            ("0", &[SqlType::INTEGER, ntz], "1970-01-01 00:00:00.000"),
            ("1.5", &[number(2, 1), ntz], "1970-01-01 00:00:01.500"),
            ("0", &[SqlType::INTEGER, ltz], "1969-12-31 16:00:00.000 -0800"),
            ("2024-01-02", &[SqlType::Date, ntz], "2024-01-02 00:00:00.000"),
            ("2024-07-02", &[SqlType::Date, tz], "2024-07-02 00:00:00.000 -0700"),
            ("2024-01-02 23:30:00", &[ntz, SqlType::Date], "2024-01-02"),
            ("2024-01-02 01:30:00 +00:00", &[ltz, SqlType::Date], "2024-01-01"),
            ("2024-01-02 01:30:00 +00:00", &[tz, SqlType::Date], "2024-01-02"),
            ("2024-01-02 01:30:00 +00:00", &[tz, ltz, ntz], "2024-01-01 17:30:00.000"),
            ("2024-01-02 01:30:00 +00:00", &[tz, ntz], "2024-01-02 01:30:00.000"),
            ("2024-01-02 01:30:00 +00:00", &[tz, SqlType::TIME], "01:30:00"),
            ("0001-01-01", &[SqlType::Date, ntz], "0001-01-01 00:00:00.000"),
            ("abcdef", &[SqlType::BINARY], "ABCDEF"),
            (
                "2024-01-02 12:34:56.789",
                &[SqlType::TimestampNtz { scale: 1 }],
                "2024-01-02 12:34:56.700",
            ),
        ];
        for (text, types, wanted) in cases {
            assert_eq!(chain(text, types), *wanted, "{text} {types:?}");
        }
    }

    #[test]
    fn bad_values_and_pairs_have_their_errors() {
        let cases: &[(&str, &[SqlType], &str)] = &[
            (
                "12.3456",
                &[SqlType::number(6, 4), SqlType::number(2, 1)],
                "100039 (22003): Numeric value '12.3456' is out of range",
            ),
            ("one", &[SqlType::INTEGER], "100038 (22018): Numeric value 'one' is not recognized"),
            (
                "9.8765",
                &[varchar(4)],
                "100078 (22000): String '9.8765' is too long and would be truncated",
            ),
            (
                "20240101",
                &[SqlType::number(8, 0), SqlType::Date],
                "001007 (22023): invalid type [CAST(NUMBER(8,0) AS DATE)] for parameter 'TO_DATE'",
            ),
            (
                "NaN",
                &[SqlType::Float, SqlType::Boolean],
                "100037 (22018): Boolean value 'NaN' is not recognized",
            ),
            (
                "inf",
                &[SqlType::Float, SqlType::INTEGER],
                "100039 (22003): Numeric value 'inf' is out of range",
            ),
            (
                "on",
                &[SqlType::Boolean, SqlType::number(1, 1)],
                "100039 (22003): Numeric value '1' is out of range",
            ),
        ];
        for (text, types, wanted) in cases {
            assert_eq!(chain(text, types), *wanted, "{text} {types:?}");
        }
    }

    fn texts(values: &[Option<&str>]) -> Column {
        let values: Vec<Value> =
            values.iter().map(|v| v.map_or(Value::Null, Value::text)).collect();
        Column::from_values(SqlType::TEXT, &values).unwrap()
    }

    #[test]
    fn loads_list_bad_rows_and_forgiving_casts_give_null() {
        let context = FunctionContext::default();
        let column = texts(&[Some("1"), Some("x"), None, Some("300")]);
        let to = SqlType::number(2, 0);
        let (numbers, errors) = cast_collect(&column, SqlType::TEXT, to, &context).unwrap();
        assert_eq!(errors.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(numbers.value(0, to), Value::integer(1));
        assert_eq!(numbers.null_count(), 3);
        let lenient = cast_column(&column, SqlType::TEXT, to, CastMode::Try, &context).unwrap();
        assert_eq!(lenient.null_count(), 3);
        assert!(cast_column(&column, SqlType::TEXT, to, CastMode::Strict, &context).is_err());
    }

    #[test]
    fn dictionaries_fail_only_for_values_that_a_row_has() {
        let context = FunctionContext::default();
        let values = texts(&[Some("1"), Some("bad"), Some("3")]).flat();
        let with_codes = |codes: Vec<Option<u32>>| Column::Dictionary {
            codes: UInt32Array::from(codes),
            values: Arc::new(values.clone()),
        };
        let (from, to) = (SqlType::TEXT, SqlType::INTEGER);
        let unused = with_codes(vec![Some(0), None, Some(2), Some(2)]);
        let numbers = cast_column(&unused, from, to, CastMode::Strict, &context).unwrap();
        assert_eq!(numbers.value(3, to), Value::integer(3));
        assert_eq!(numbers.null_count(), 1);
        let used = with_codes(vec![Some(1), Some(0), Some(1)]);
        assert!(cast_column(&used, from, to, CastMode::Strict, &context).is_err());
        let (numbers, errors) = cast_collect(&used, from, to, &context).unwrap();
        assert_eq!(errors.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(numbers.null_count(), 2);
    }

    #[test]
    fn numbers_rescale_in_the_width_that_holds_them() {
        let context = FunctionContext::default();
        let values = [Value::integer(7), Value::Null, Value::integer(-1_999_999)];
        let column = Column::from_values(SqlType::INTEGER, &values).unwrap();
        let cast =
            |to| cast_column(&column, SqlType::INTEGER, to, CastMode::Strict, &context).unwrap();
        assert_eq!(cast(SqlType::number(38, 2)).physical(), PhysicalType::I32);
        assert_eq!(cast(SqlType::number(38, 4)).physical(), PhysicalType::I64);
        let wide = SqlType::number(38, 20);
        assert_eq!(cast(wide).physical(), PhysicalType::I128);
        assert_eq!(
            cast(wide).value(0, wide),
            Value::Number(firn_types::Decimal { unscaled: 7 * 10i128.pow(20), scale: 20 })
        );
    }
}
