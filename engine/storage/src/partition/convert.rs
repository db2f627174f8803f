//! Columns to the arrays that a file is written from, and back.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray, BinaryViewArray, BinaryViewBuilder, BooleanArray,
    Decimal128Array, Float64Array, Int32Array, Int64Array, PrimitiveArray, StringViewArray,
    StructArray,
};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal32Type, Decimal64Type, Decimal128Type,
    Int32Type, Int64Type, Time64MicrosecondType, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampNanosecondType, UInt32Type,
};
use firn_column::{Array, Column, PhysicalType};
use firn_types::{Error, ErrorCode, Result, SqlType, variant};

use super::file_type::{FileType, variant_fields};

/// Nanoseconds of a microsecond.
const MICROSECOND: i64 = 1000;

/// The array that the file is written from.
pub(super) fn to_file(column: &Column, file_type: FileType) -> Result<ArrayRef> {
    let array = column.flat();
    Ok(match file_type {
        FileType::Boolean => Arc::new(bits(&array)?.clone()),
        FileType::Decimal32 { .. } => typed::<Decimal32Type, _>(&narrow_32(&array)?, file_type),
        FileType::Decimal64 { .. } => typed::<Decimal64Type, _>(&narrow_64(&array)?, file_type),
        FileType::Decimal128 { .. } => {
            let Array::I128(wide) = array.widened(PhysicalType::I128) else {
                return Err(unexpected(&array));
            };
            Arc::new(wide.with_data_type(file_type.arrow()))
        }
        FileType::Integer => Arc::new(narrow_64(&array)?),
        FileType::Double => match &array {
            Array::F64(a) => Arc::new(a.clone()),
            _ => return Err(unexpected(&array)),
        },
        FileType::Date => typed::<Date32Type, _>(&narrow_32(&array)?, file_type),
        FileType::Time(TimeUnit::Microsecond) => {
            typed::<Time64MicrosecondType, _>(&micros(&array)?, file_type)
        }
        FileType::Time(_) => typed::<Time64NanosecondType, _>(&narrow_64(&array)?, file_type),
        FileType::Timestamp { unit: TimeUnit::Microsecond, .. } => {
            typed::<TimestampMicrosecondType, _>(&micros(&array)?, file_type)
        }
        FileType::Timestamp { .. } => {
            typed::<TimestampNanosecondType, _>(&narrow_64(&array)?, file_type)
        }
        FileType::Text | FileType::Binary => array.to_arrow(),
        FileType::Variant => match &array {
            Array::Bytes(a) => split_variants(a)?,
            _ => return Err(unexpected(&array)),
        },
    })
}

/// The same integers under another Arrow type of the same width.
fn typed<To, From>(array: &PrimitiveArray<From>, file_type: FileType) -> ArrayRef
where
    To: ArrowPrimitiveType,
    From: ArrowPrimitiveType<Native = To::Native>,
{
    Arc::new(array.reinterpret_cast::<To>().with_data_type(file_type.arrow()))
}

fn bits(array: &Array) -> Result<&BooleanArray> {
    match array {
        Array::Bool(a) => Ok(a),
        other => Err(unexpected(other)),
    }
}

/// The integers in 32 bits; the caller knows that they fit.
fn narrow_32(array: &Array) -> Result<Int32Array> {
    Ok(match array {
        Array::I32(a) => a.clone(),
        Array::I64(a) => a.unary(|value| value as i32),
        Array::I128(a) => a.unary(|value| value as i32),
        other => return Err(unexpected(other)),
    })
}

/// The integers in 64 bits; the caller knows that they fit.
fn narrow_64(array: &Array) -> Result<Int64Array> {
    Ok(match array {
        Array::I32(a) => a.unary(i64::from),
        Array::I64(a) => a.clone(),
        Array::I128(a) => a.unary(|value| value as i64),
        other => return Err(unexpected(other)),
    })
}

/// Nanoseconds as microseconds; the caller knows that nothing is lost and that they fit.
fn micros(array: &Array) -> Result<Int64Array> {
    Ok(match array {
        Array::I128(a) => a.unary(|value| (value / i128::from(MICROSECOND)) as i64),
        other => narrow_64(other)?.unary(|value| value / MICROSECOND),
    })
}

fn split_variants(array: &BinaryViewArray) -> Result<ArrayRef> {
    let mut metadata = BinaryViewBuilder::with_capacity(array.len()).with_deduplicate_strings();
    let mut value = BinaryViewBuilder::with_capacity(array.len());
    for row in array {
        // What stands below a NULL is not looked at.
        let (left, right) = row.map_or((&[][..], &[][..]), variant::split);
        metadata.append_value(left);
        value.append_value(right);
    }
    let parts: Vec<ArrayRef> = vec![Arc::new(metadata.finish()), Arc::new(value.finish())];
    let nulls = array.nulls().cloned();
    let rows = StructArray::try_new(variant_fields(), parts, nulls);
    Ok(Arc::new(rows.map_err(|e| Error::internal(e.to_string()))?))
}

/// The Arrow type to read a file's column as, from the type that the file suggests.
pub(super) fn reading_type(file: &DataType, dictionary: bool) -> DataType {
    match file {
        DataType::Decimal128(p, s) if *p <= 9 => DataType::Decimal32(*p, *s),
        DataType::Decimal128(p, s) if *p <= 18 => DataType::Decimal64(*p, *s),
        DataType::Utf8 if dictionary => {
            DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8View))
        }
        DataType::Utf8 => DataType::Utf8View,
        DataType::Binary => DataType::BinaryView,
        DataType::Struct(_) => DataType::Struct(variant_fields()),
        other => other.clone(),
    }
}

/// The column of an array that was read from a file, in the form that operators like best.
///
/// # Errors
/// `CorruptFile` when the file's type cannot hold the SQL type.
pub(super) fn from_file(array: &ArrayRef, sql_type: SqlType) -> Result<Column> {
    if let Some(dictionary) = array.as_any_dictionary_opt() {
        let dictionary = dictionary
            .as_any()
            .downcast_ref::<arrow::array::DictionaryArray<UInt32Type>>()
            .ok_or_else(|| mismatch(array.data_type(), sql_type))?;
        let values = Array::from_arrow(dictionary.values())?;
        return Ok(Column::Dictionary {
            codes: dictionary.keys().clone(),
            values: Arc::new(values),
        });
    }
    flat_from_file(array, sql_type).map(Column::Flat)
}

fn flat_from_file(array: &ArrayRef, sql_type: SqlType) -> Result<Array> {
    Ok(match array.data_type() {
        DataType::Boolean => Array::Bool(array.as_boolean().clone()),
        DataType::Decimal32(..) => Array::I32(same::<Int32Type, Decimal32Type>(array)),
        DataType::Decimal64(..) => Array::I64(same::<Int64Type, Decimal64Type>(array)),
        DataType::Decimal128(..) => {
            let wide: &Decimal128Array = array.as_primitive::<Decimal128Type>();
            Array::from_arrow(&(Arc::new(wide.clone()) as ArrayRef))?
        }
        DataType::Int64 => Array::I64(array.as_primitive::<Int64Type>().clone()),
        DataType::Float64 => Array::F64(as_floats(array)),
        DataType::Date32 => Array::I32(same::<Int32Type, Date32Type>(array)),
        DataType::Time64(TimeUnit::Nanosecond) => {
            Array::I64(same::<Int64Type, Time64NanosecondType>(array))
        }
        DataType::Time64(_) => {
            let micros = same::<Int64Type, Time64MicrosecondType>(array);
            Array::I64(micros.unary(|value| value.wrapping_mul(MICROSECOND)))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            Array::I64(same::<Int64Type, TimestampNanosecondType>(array))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = same::<Int64Type, TimestampMicrosecondType>(array);
            let nanos: Decimal128Array =
                micros.unary(|value| i128::from(value) * i128::from(MICROSECOND));
            Array::from_arrow(&(Arc::new(nanos) as ArrayRef))?
        }
        DataType::Utf8View => Array::Text(as_texts(array)).with_few_buffers(),
        DataType::BinaryView => Array::Bytes(array.as_binary_view().clone()).with_few_buffers(),
        DataType::Struct(_) => join_variants(array.as_struct())?,
        other => return Err(mismatch(other, sql_type)),
    })
}

fn same<To, From>(array: &ArrayRef) -> PrimitiveArray<To>
where
    To: ArrowPrimitiveType,
    From: ArrowPrimitiveType<Native = To::Native>,
{
    array.as_primitive::<From>().reinterpret_cast::<To>()
}

fn as_floats(array: &ArrayRef) -> Float64Array {
    array.as_primitive::<arrow::datatypes::Float64Type>().clone()
}

fn as_texts(array: &ArrayRef) -> StringViewArray {
    array.as_string_view().clone()
}

fn join_variants(rows: &StructArray) -> Result<Array> {
    let part = |at: usize| -> Result<&BinaryViewArray> {
        let column = rows.columns().get(at).and_then(|column| column.as_binary_view_opt());
        column.ok_or_else(|| mismatch(rows.data_type(), SqlType::Variant))
    };
    let (metadata, value) = (part(0)?, part(1)?);
    let mut joined = BinaryViewBuilder::with_capacity(rows.len());
    let mut buffer = Vec::new();
    for row in 0..rows.len() {
        if rows.is_null(row) {
            joined.append_null();
            continue;
        }
        buffer.clear();
        variant::join(metadata.value(row), value.value(row), &mut buffer);
        joined.append_value(&buffer);
    }
    Ok(Array::Bytes(joined.finish()))
}

fn unexpected(array: &Array) -> Error {
    Error::internal(format!("a column of form {:?} where its type has none", array.physical()))
}

fn mismatch(file: &DataType, sql_type: SqlType) -> Error {
    Error::new(ErrorCode::CorruptFile, format!("a file's column of type {file} as {sql_type}"))
}
