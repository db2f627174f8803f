//! Rows as Arrow: one stream of the inter-process format, in the form that Snowflake's clients read.
//!
//! They read little else than it: other types, dictionaries, views, compressed buffers, missing metadata or a batch
//! without rows end some of them. So a stream holds only these, and every field says its SQL type:
//!
//! | SQL type | Arrow |
//! |---|---|
//! | BOOLEAN | `Boolean` |
//! | NUMBER(p,s) | the smallest of `Int8` to `Int64` that holds all unscaled values; else `Decimal128(p, s)` |
//! | FLOAT | `Float64` |
//! | VARCHAR, untyped NULL | `Utf8` |
//! | BINARY | `Binary` |
//! | DATE | `Date32` |
//! | TIME(s) | `Int32` up to 4 digits, else `Int64`, in units of the scale |
//! | TIMESTAMP_NTZ(s), TIMESTAMP_LTZ(s) | `Int64` in units of the scale up to 7 digits; else a struct of `epoch`, seconds in 64 bits, and `fraction`, nanoseconds in 32 |
//! | TIMESTAMP_TZ(s) | the same struct with `timezone`, minutes east of UTC plus 1440 |
//! | VARIANT, OBJECT, ARRAY, structured types | `Utf8`, JSON as the session prints it |
//! | VECTOR | `FixedSizeList` of `Float32` or `Int32` |

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, ArrowPrimitiveType, BinaryBuilder, BinaryViewArray, Date32Array,
    Decimal128Array, FixedSizeListArray, Float32Array, Float64Array, Int8Array, Int16Array,
    Int32Array, Int64Array, PrimitiveArray, RecordBatch, RecordBatchOptions, StringBuilder,
    StructArray, new_null_array,
};
use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef};
use arrow_ipc::writer::StreamWriter;
use firn_column::record_batch::instant_fields;
use firn_column::{Array, Batch, PhysicalType, with_array};
use firn_engine::{Field, SqlType, StatementResult};
use firn_types::decimal::power_of_ten;
use firn_types::value::TimestampTz;
use firn_types::{Error, Result, VectorElement, vector};

use super::json::OFFSET_BIAS;
use super::rowtype::limits;

const NANOS_PER_SECOND: i128 = 1_000_000_000;
/// Timestamps with more digits of a second's fraction are structs.
const INTEGER_DIGITS: u8 = 7;
/// Times with more digits of a second's fraction need 64 bits.
const SHORT_TIME_DIGITS: u8 = 4;

/// The stream of some rows of a result; empty when there are none. All parts of a result have one schema, since
/// clients read the later ones as they read the first; when it is `whole`, the values decide how wide numbers are.
///
/// # Errors
/// An internal error when a column is not of its type.
pub(crate) fn stream(result: &StatementResult, batches: &[Batch], whole: bool) -> Result<Vec<u8>> {
    let batches: Vec<&Batch> = batches.iter().filter(|batch| batch.rows() > 0).collect();
    if batches.is_empty() {
        return Ok(Vec::new());
    }
    let columns: Vec<Vec<Array>> = (0..result.fields.len())
        .map(|index| batches.iter().map(|batch| batch.column(index).flat()).collect())
        .collect();
    let forms = result.forms();
    let types = columns.iter().zip(&result.fields).zip(&forms).map(|((arrays, field), form)| {
        let numbers = match whole {
            true => range(arrays),
            false => range_of(*form, field.sql_type),
        };
        data_type(field.sql_type, numbers)
    });
    let types: Vec<DataType> = types.collect();
    let schema = schema(&result.fields, &types);
    let bytes: usize = columns.iter().flatten().map(Array::needed_bytes).sum();
    let mut out = Vec::with_capacity(bytes + 4096);
    let mut writer = StreamWriter::try_new(&mut out, &schema).map_err(failed)?;
    for (number, batch) in batches.iter().enumerate() {
        let columns =
            columns.iter().zip(&result.fields).zip(&types).map(|((arrays, field), data)| {
                array(result, &arrays[number], field.sql_type, data)
            });
        let options = RecordBatchOptions::new().with_row_count(Some(batch.rows()));
        let columns = columns.collect::<Result<_>>()?;
        let record = RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options);
        writer.write(&record.map_err(failed)?).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    drop(writer);
    Ok(out)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("rows that Arrow does not take: {error}"))
}

/// The schema of columns that have these types.
fn schema(fields: &[Field], types: &[DataType]) -> SchemaRef {
    let fields = fields.iter().zip(types).map(|(field, data_type)| {
        let limits = limits(field.sql_type);
        let number = |value: Option<u32>| value.unwrap_or(0).to_string();
        let byte_length = match field.sql_type {
            SqlType::TimestampTz { .. } => "16".to_string(),
            _ => number(limits.byte_length),
        };
        let metadata = HashMap::from([
            ("logicalType".to_string(), field.sql_type.client_name().to_uppercase()),
            ("precision".to_string(), number(limits.precision.map(u32::from))),
            ("scale".to_string(), number(limits.scale.map(u32::from))),
            ("charLength".to_string(), number(limits.length)),
            ("byteLength".to_string(), byte_length),
            ("finalType".to_string(), "T".to_string()),
        ]);
        ArrowField::new(&field.name, data_type.clone(), field.nullable).with_metadata(metadata)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The type for the values of a column, whose unscaled numbers lie in a range.
fn data_type(sql_type: SqlType, (low, high): (i128, i128)) -> DataType {
    match sql_type {
        SqlType::Boolean => DataType::Boolean,
        SqlType::Number { precision, scale } => {
            let fits = |min: i128, max: i128| min <= low && high <= max;
            if fits(i8::MIN.into(), i8::MAX.into()) {
                DataType::Int8
            } else if fits(i16::MIN.into(), i16::MAX.into()) {
                DataType::Int16
            } else if fits(i32::MIN.into(), i32::MAX.into()) {
                DataType::Int32
            } else if fits(i64::MIN.into(), i64::MAX.into()) {
                DataType::Int64
            } else {
                DataType::Decimal128(precision, i8::try_from(scale).unwrap_or(0))
            }
        }
        SqlType::Float => DataType::Float64,
        SqlType::Binary { .. } => DataType::Binary,
        SqlType::Date => DataType::Date32,
        SqlType::Time { scale } if scale <= SHORT_TIME_DIGITS => DataType::Int32,
        SqlType::Time { .. } => DataType::Int64,
        SqlType::TimestampNtz { scale } | SqlType::TimestampLtz { scale } => {
            if scale <= INTEGER_DIGITS {
                DataType::Int64
            } else {
                DataType::Struct(instant_fields(false))
            }
        }
        SqlType::TimestampTz { .. } => DataType::Struct(instant_fields(true)),
        SqlType::Null
        | SqlType::Varchar { .. }
        | SqlType::Variant
        | SqlType::Object
        | SqlType::Array
        | SqlType::Structured(_) => DataType::Utf8,
        SqlType::Vector { element, dimension } => {
            DataType::FixedSizeList(vector_item(element), i32::from(dimension))
        }
    }
}

/// The smallest and the largest value, at least from 0 to 0.
fn range(arrays: &[Array]) -> (i128, i128) {
    let mut range = (0_i128, 0_i128);
    for array in arrays {
        let (low, high) = match array {
            Array::I32(values) => bounds(values),
            Array::I64(values) => bounds(values),
            Array::I128(values) => bounds(values),
            _ => None,
        }
        .unwrap_or_default();
        range = (range.0.min(low), range.1.max(high));
    }
    range
}

/// The range of numbers of a form and a type.
fn range_of(form: PhysicalType, sql_type: SqlType) -> (i128, i128) {
    let of_form = match form {
        PhysicalType::I32 => (i128::from(i32::MIN), i128::from(i32::MAX)),
        PhysicalType::I64 => (i128::from(i64::MIN), i128::from(i64::MAX)),
        _ => (i128::MIN, i128::MAX),
    };
    match sql_type {
        SqlType::Number { precision, .. } => {
            let limit = power_of_ten(u32::from(precision)).map_or(i128::MAX, |power| power - 1);
            (of_form.0.max(-limit), of_form.1.min(limit))
        }
        _ => of_form,
    }
}

fn bounds<T: ArrowPrimitiveType>(values: &PrimitiveArray<T>) -> Option<(i128, i128)>
where
    T::Native: Into<i128> + Ord,
{
    let (low, high) = match values.null_count() {
        0 => (values.values().iter().min().copied(), values.values().iter().max().copied()),
        _ => (values.iter().flatten().min(), values.iter().flatten().max()),
    };
    Some((low?.into(), high?.into()))
}

/// The values of a column in the type that was chosen for it.
fn array(
    result: &StatementResult,
    array: &Array,
    sql_type: SqlType,
    data_type: &DataType,
) -> Result<ArrayRef> {
    Ok(match (sql_type, array) {
        (SqlType::Null, array) => new_null_array(&DataType::Utf8, array.len()),
        (SqlType::Boolean, Array::Bool(values)) => Arc::new(values.clone()),
        (SqlType::Float, Array::F64(values)) => Arc::new(values.clone()) as Arc<Float64Array>,
        (SqlType::Varchar { .. }, Array::Text(values)) => {
            let mut builder = StringBuilder::with_capacity(values.len(), array.needed_bytes());
            values.iter().for_each(|value| builder.append_option(value));
            Arc::new(builder.finish())
        }
        (SqlType::Binary { .. }, Array::Bytes(values)) => {
            let mut builder = BinaryBuilder::with_capacity(values.len(), array.needed_bytes());
            values.iter().for_each(|value| builder.append_option(value));
            Arc::new(builder.finish())
        }
        (SqlType::Vector { element, dimension }, Array::Bytes(values)) => {
            vectors(values, element, dimension)?
        }
        (sql_type, Array::Bytes(values)) if sql_type.is_semi_structured() => {
            let mut builder = StringBuilder::with_capacity(values.len(), array.needed_bytes());
            let mut text = String::new();
            for value in values {
                text.clear();
                value.iter().for_each(|value| result.write_variant(value, &mut text));
                builder.append_option(value.map(|_| &text));
            }
            Arc::new(builder.finish())
        }
        (SqlType::Number { .. }, array) => number(array, data_type)?,
        (SqlType::Date, array) => {
            Arc::new(integers(array, |value| value as i32)?) as Arc<Date32Array>
        }
        (SqlType::Time { scale }, array) if scale <= SHORT_TIME_DIGITS => {
            Arc::new(integers(array, |nanos| in_units(nanos, scale) as i32)?) as Arc<Int32Array>
        }
        (SqlType::Time { scale }, array) => {
            Arc::new(integers(array, |nanos| in_units(nanos, scale))?) as Arc<Int64Array>
        }
        (SqlType::TimestampNtz { scale } | SqlType::TimestampLtz { scale }, array)
            if scale <= INTEGER_DIGITS =>
        {
            Arc::new(integers(array, |nanos| in_units(nanos, scale))?) as Arc<Int64Array>
        }
        (SqlType::TimestampNtz { .. } | SqlType::TimestampLtz { .. }, array) => {
            Arc::new(instants(array, false)?)
        }
        (SqlType::TimestampTz { .. }, array) => Arc::new(instants(array, true)?),
        (sql_type, array) => return Err(misformed(array, sql_type)),
    })
}

/// The elements of vectors.
fn vector_item(element: VectorElement) -> Arc<ArrowField> {
    let data_type = match element {
        VectorElement::Float => DataType::Float32,
        VectorElement::Int => DataType::Int32,
    };
    Arc::new(ArrowField::new("item", data_type, true))
}

fn vectors(values: &BinaryViewArray, element: VectorElement, dimension: u16) -> Result<ArrayRef> {
    let dimension = usize::from(dimension);
    let none = vec![0; dimension * 4];
    let bytes = values.iter().map(|value| value.unwrap_or(&none));
    let items: ArrayRef = match element {
        VectorElement::Float => {
            let items: Vec<f32> = bytes.flat_map(vector::floats).collect();
            Arc::new(Float32Array::from(items))
        }
        VectorElement::Int => {
            let items: Vec<i32> = bytes.flat_map(vector::ints).collect();
            Arc::new(Int32Array::from(items))
        }
    };
    let size = i32::try_from(dimension).unwrap_or(i32::MAX);
    let lists =
        FixedSizeListArray::try_new(vector_item(element), size, items, values.nulls().cloned());
    let lists =
        lists.map_err(|error| Error::internal(format!("vectors that Arrow refuses: {error}")))?;
    Ok(Arc::new(lists))
}

fn misformed(array: &Array, sql_type: SqlType) -> Error {
    Error::internal(format!("values of {sql_type} in the form {:?}", array.physical()))
}

/// Numbers in the type whose range holds them.
fn number(array: &Array, data_type: &DataType) -> Result<ArrayRef> {
    Ok(match (data_type, array) {
        (DataType::Int32, Array::I32(values)) => Arc::new(values.clone()),
        (DataType::Int64, Array::I64(values)) => Arc::new(values.clone()),
        (DataType::Int8, array) => {
            Arc::new(integers(array, |value| value as i8)?) as Arc<Int8Array>
        }
        (DataType::Int16, array) => {
            Arc::new(integers(array, |value| value as i16)?) as Arc<Int16Array>
        }
        (DataType::Int32, array) => {
            Arc::new(integers(array, |value| value as i32)?) as Arc<Int32Array>
        }
        (DataType::Int64, array) => {
            Arc::new(integers(array, |value| value as i64)?) as Arc<Int64Array>
        }
        (DataType::Decimal128(precision, scale), array) => {
            let numbers: Decimal128Array = integers(array, |value| value)?;
            Arc::new(numbers.with_precision_and_scale(*precision, *scale).map_err(failed)?)
        }
        (data_type, _) => return Err(failed(data_type)),
    })
}

/// Nanoseconds in units of a scale, to 64 bits: no time or timestamp of up to 7 digits has more.
fn in_units(nanos: i128, scale: u8) -> i64 {
    let unit = NANOS_PER_SECOND / 10_i128.pow(u32::from(scale.min(9)));
    nanos.div_euclid(unit) as i64
}

/// Integers of any width as Arrow's of one width, each changed by `change`; values of NULLs do not matter.
fn integers<T: ArrowPrimitiveType>(
    array: &Array,
    change: impl Fn(i128) -> T::Native,
) -> Result<PrimitiveArray<T>> {
    let values: Vec<T::Native> = match array {
        Array::I32(a) => a.values().iter().map(|value| change(i128::from(*value))).collect(),
        Array::I64(a) => a.values().iter().map(|value| change(i128::from(*value))).collect(),
        Array::I128(a) => a.values().iter().map(|value| change(*value)).collect(),
        _ => return Err(failed(format!("integers in the form {:?}", array.physical()))),
    };
    let nulls = with_array!(array, a => a.nulls().cloned());
    PrimitiveArray::try_new(values.into(), nulls).map_err(failed)
}

/// Instants as seconds and nanoseconds, and the minutes of their offsets.
fn instants(array: &Array, zoned: bool) -> Result<StructArray> {
    let nanos = |value: i128| if zoned { TimestampTz::unpacked(value).utc_nanos } else { value };
    let epoch: Int64Array =
        integers(array, |value| nanos(value).div_euclid(NANOS_PER_SECOND) as i64)?;
    let fraction: Int32Array =
        integers(array, |value| nanos(value).rem_euclid(NANOS_PER_SECOND) as i32)?;
    let mut children: Vec<ArrayRef> = vec![Arc::new(epoch), Arc::new(fraction)];
    if zoned {
        let offset = |value| i32::from(TimestampTz::unpacked(value).offset_minutes) + OFFSET_BIAS;
        let offsets: Int32Array = integers(array, offset)?;
        children.push(Arc::new(offsets));
    }
    StructArray::try_new(instant_fields(zoned), children, array.nulls().cloned()).map_err(failed)
}
