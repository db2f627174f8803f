//! Arrow's arrays as our columns.

use std::sync::Arc;

use arrow::array::{
    Array as ArrowArray, ArrayRef, AsArray, Decimal128Array, Int32Array, Int64Array,
    PrimitiveArray, StringViewArray, StringViewBuilder, UInt32Array,
};
use arrow::compute;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date64Type, Decimal128Type, Float64Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt64Type,
};
use firn_column::{Array, Column, PhysicalType};
use firn_types::date_time::NANOS_PER_DAY;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::variant::variants;
use crate::options::ArrowOptions;

/// The type that a column of this Arrow type has in SQL when nothing else is asked for; none for
/// types that have no counterpart.
pub fn natural_type(arrow: &DataType, options: &ArrowOptions) -> Option<SqlType> {
    Some(match arrow {
        DataType::Null => SqlType::TEXT,
        DataType::Boolean => SqlType::Boolean,
        integer if integer.is_integer() => SqlType::INTEGER,
        float if float.is_floating() => SqlType::Float,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale)
            if (1..=38).contains(precision) =>
        {
            SqlType::Number { precision: *precision, scale: u8::try_from(*scale).ok()? }
        }
        DataType::Date32 | DataType::Date64 => SqlType::Date,
        DataType::Time32(_) | DataType::Time64(_) => SqlType::TIME,
        DataType::Timestamp(_, Some(_)) if options.use_logical_type => SqlType::TIMESTAMP_LTZ,
        DataType::Timestamp(..) => SqlType::TIMESTAMP_NTZ,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => SqlType::TEXT,
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => match options.binary_as_text {
            true => SqlType::TEXT,
            false => SqlType::BINARY,
        },
        DataType::Dictionary(_, values) => natural_type(values, options)?,
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::Struct(_)
        | DataType::Map(..)
        | DataType::Union(..) => SqlType::Variant,
        _ => return None,
    })
}

/// What was read of a column.
pub(in crate::format) struct Read {
    /// Its values; timestamps of 96 bits in microseconds.
    pub(in crate::format) array: ArrayRef,
    /// The same with timestamps of 96 bits in nanoseconds, modulo 2^64, where there are any.
    pub(in crate::format) nanos: Option<ArrayRef>,
}

/// The array as a column of its [`natural_type`].
///
/// # Errors
/// Bytes that are no text, values that SQL's type cannot hold.
pub(in crate::format) fn column(read: &Read, options: &ArrowOptions) -> Result<Column> {
    match (read.array.data_type(), &read.nanos) {
        (DataType::Timestamp(..), Some(nanos)) => {
            let micros = read.array.as_primitive::<TimestampMicrosecondType>();
            let nanos = nanos.as_primitive::<TimestampNanosecondType>();
            let values = micros.values().iter().zip(nanos.values());
            let values = values.map(|(micros, nanos)| exact_nanos(*micros, *nanos)).collect();
            let wide = Decimal128Array::new(values, micros.nulls().cloned());
            Ok(Column::Flat(match narrow(wide) {
                narrow @ Array::I32(_) => narrow.widened(PhysicalType::I64),
                other => other,
            }))
        }
        (kind, _) if natural_type(kind, options) == Some(SqlType::Variant) => {
            Ok(Column::Flat(Array::Bytes(variants(read, options)?)))
        }
        _ => plain_column(&read.array, options),
    }
}

/// The nanoseconds of a timestamp, of its whole microseconds and its nanoseconds modulo 2^64.
pub(super) fn exact_nanos(micros: i64, nanos: i64) -> i128 {
    let below_micro = nanos.wrapping_sub(micros.wrapping_mul(1_000));
    i128::from(micros) * 1_000 + i128::from(below_micro)
}

fn plain_column(array: &ArrayRef, options: &ArrowOptions) -> Result<Column> {
    let flat = |array| Ok(Column::Flat(array));
    match array.data_type() {
        DataType::Null => Ok(Column::nulls_of(SqlType::TEXT, array.len())),
        DataType::Boolean => flat(Array::Bool(array.as_boolean().clone())),
        DataType::Int8
        | DataType::Int16
        | DataType::UInt8
        | DataType::UInt16
        | DataType::Int32
        | DataType::Date32 => flat(Array::I32(cast::<Int32Type>(array, &DataType::Int32)?)),
        DataType::UInt32 | DataType::Int64 => {
            flat(Array::I64(cast::<Int64Type>(array, &DataType::Int64)?))
        }
        DataType::UInt64 => {
            let values = array.as_primitive::<UInt64Type>();
            flat(narrow(values.unary(i128::from)))
        }
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            flat(Array::F64(cast::<Float64Type>(array, &DataType::Float64)?))
        }
        DataType::Decimal32(p, s)
        | DataType::Decimal64(p, s)
        | DataType::Decimal128(p, s)
        | DataType::Decimal256(p, s) => {
            let wide = cast::<Decimal128Type>(array, &DataType::Decimal128(*p, *s))?;
            flat(narrow(wide))
        }
        DataType::Date64 => {
            const DAY: i64 = 86_400_000;
            let days = array.as_primitive::<Date64Type>();
            flat(Array::I32(days.unary(|millis| millis.div_euclid(DAY) as i32)))
        }
        DataType::Time32(unit) | DataType::Time64(unit) => {
            let nanos = nanos_per(*unit);
            let values = cast::<Int64Type>(&plain_integers(array)?, &DataType::Int64)?;
            flat(Array::I64(values.try_unary(|value| time_of_day(value, nanos))?))
        }
        DataType::Timestamp(unit, _) => flat(timestamps(array, *unit)),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            flat(Array::Text(texts(array, options)?))
        }
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => bytes(array, options).map(Column::Flat),
        DataType::Dictionary(..) => dictionary(array, options),
        other => Err(Error::not_supported(format!("a column of type {other}"))),
    }
}

/// The nanoseconds since midnight of a time in units of so many.
pub(super) fn time_of_day(value: i64, nanos_per_unit: i64) -> Result<i64> {
    let nanos =
        value.checked_mul(nanos_per_unit).filter(|nanos| (0..NANOS_PER_DAY).contains(nanos));
    nanos.ok_or_else(|| failed(format!("the time {value} is outside of the day")))
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::CorruptFile, error.to_string())
}

fn cast<T: ArrowPrimitiveType>(array: &ArrayRef, to: &DataType) -> Result<PrimitiveArray<T>> {
    let options = compute::CastOptions { safe: false, ..Default::default() };
    let array = compute::cast_with_options(array, to, &options).map_err(failed)?;
    Ok(array.as_primitive::<T>().clone())
}

/// Times as the integers that they are.
fn plain_integers(array: &ArrayRef) -> Result<ArrayRef> {
    let plain = match array.data_type() {
        DataType::Time32(_) => DataType::Int32,
        _ => DataType::Int64,
    };
    compute::cast(array, &plain).map_err(failed)
}

/// Nanoseconds of a unit.
pub(super) fn nanos_per(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

/// Bytes as texts, where BINARY_AS_TEXT asks for it.
///
/// # Errors
/// Bytes that are no UTF-8, unless REPLACE_INVALID_CHARACTERS.
fn as_text<'b>(bytes: &'b [u8], options: &ArrowOptions) -> Result<std::borrow::Cow<'b, str>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(_) if options.replace_invalid_characters => Ok(String::from_utf8_lossy(bytes)),
        Err(_) => {
            let shown = crate::format::csv::show_invalid(bytes);
            let detail = format!("Invalid UTF8 detected in string '{shown}'");
            Err(Error::new(ErrorCode::InvalidUtf8, detail))
        }
    }
}

/// Nanoseconds, in 64 bits where they fit.
fn timestamps(array: &ArrayRef, unit: TimeUnit) -> Array {
    let values: Int64Array = match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().reinterpret_cast(),
        TimeUnit::Millisecond => {
            array.as_primitive::<TimestampMillisecondType>().reinterpret_cast()
        }
        TimeUnit::Microsecond => {
            array.as_primitive::<TimestampMicrosecondType>().reinterpret_cast()
        }
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().reinterpret_cast(),
    };
    let nanos = nanos_per(unit);
    match values.try_unary::<_, Int64Type, ()>(|value| value.checked_mul(nanos).ok_or(())) {
        Ok(values) => Array::I64(values),
        Err(()) => Array::I128(values.unary(|value| i128::from(value) * i128::from(nanos))),
    }
}

/// The integers in the narrowest width that holds the valid ones.
fn narrow(wide: Decimal128Array) -> Array {
    let low = compute::min(&wide).unwrap_or(0);
    let high = compute::max(&wide).unwrap_or(0);
    match PhysicalType::narrowest(low, high) {
        PhysicalType::I32 => {
            Array::I32(wide.unary::<_, Int32Type>(|value| value as i32) as Int32Array)
        }
        PhysicalType::I64 => Array::I64(wide.unary(|value| value as i64)),
        _ => Array::I128(wide.with_data_type(Decimal128Type::DATA_TYPE)),
    }
}

/// Texts, trimmed and NULL as the options say.
pub(super) fn texts(array: &ArrayRef, options: &ArrowOptions) -> Result<StringViewArray> {
    let views = compute::cast(array, &DataType::Utf8View).map_err(failed)?;
    let views = views.as_string_view();
    if !options.trim_space && options.null_if.is_empty() {
        return Ok(views.clone());
    }
    let mut builder = StringViewBuilder::with_capacity(views.len());
    for text in views.iter() {
        let text = text.map(|text| if options.trim_space { text.trim() } else { text });
        let is_null = |text: &&str| options.null_if.iter().any(|null| null == text);
        builder.append_option(text.filter(|text| !is_null(text)));
    }
    Ok(builder.finish())
}

/// Bytes, or texts where BINARY_AS_TEXT asks for them.
pub(super) fn bytes(array: &ArrayRef, options: &ArrowOptions) -> Result<Array> {
    let array = match array.data_type() {
        DataType::FixedSizeBinary(_) => compute::cast(array, &DataType::Binary).map_err(failed)?,
        _ => Arc::clone(array),
    };
    let views = compute::cast(&array, &DataType::BinaryView).map_err(failed)?;
    let views = views.as_binary_view().clone();
    if !options.binary_as_text {
        return Ok(Array::Bytes(views));
    }
    let mut builder = StringViewBuilder::with_capacity(views.len());
    for value in views.iter() {
        builder.append_option(value.map(|bytes| as_text(bytes, options)).transpose()?);
    }
    let array: ArrayRef = Arc::new(builder.finish());
    Ok(Array::Text(texts(&array, options)?))
}

/// A dictionary stays one, unless its values become NULL or are NULL already.
fn dictionary(array: &ArrayRef, options: &ArrowOptions) -> Result<Column> {
    let dictionary = array.as_any_dictionary();
    let values = plain_column(dictionary.values(), options)?;
    let codes = compute::cast(dictionary.keys(), &DataType::UInt32).map_err(failed)?;
    let codes: UInt32Array = codes.as_primitive::<arrow::datatypes::UInt32Type>().clone();
    match values {
        Column::Flat(values) if values.null_count() == 0 => {
            Ok(Column::Dictionary { codes, values: Arc::new(values) })
        }
        values => Ok(values.take(&codes)),
    }
}
