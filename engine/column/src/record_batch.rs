//! Batches as Arrow record batches, for whoever reads results outside of firn.
//!
//! Within firn the form of a column follows its values; outside it follows its SQL type alone, so that all
//! batches of a result have one schema. The SQL type itself stands in the field's metadata.
//!
//! | SQL type | Arrow |
//! |---|---|
//! | untyped NULL | `Null` |
//! | BOOLEAN | `Boolean` |
//! | NUMBER(p,s) | `Decimal128(p, s)` |
//! | FLOAT | `Float64` |
//! | VARCHAR | `Utf8View` |
//! | BINARY | `BinaryView` |
//! | DATE | `Date32` |
//! | TIME | `Time64(Nanosecond)` |
//! | TIMESTAMP_NTZ, TIMESTAMP_LTZ with up to 6 digits | `Timestamp(Microsecond)`, LTZ in UTC |
//! | the same with more digits | a struct: `epoch`, whole seconds in 64 bits, and `fraction`, nanoseconds |
//! | TIMESTAMP_TZ | the same struct with `timezone`, the offset in minutes |
//! | VARIANT, OBJECT, ARRAY, structured types | `Utf8View`, a compact JSON text |
//! | VECTOR | `Utf8View`, a list in brackets |
//!
//! Nanoseconds in 64 bits would end in the year 2262, which is why not every timestamp is Arrow's.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, ArrowPrimitiveType, Date32Array, Decimal128Array, Int32Array, Int64Array,
    NullArray, PrimitiveArray, RecordBatchOptions, StringViewBuilder, StructArray,
    Time64NanosecondArray, TimestampMicrosecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field as ArrowField, Fields, Schema, TimeUnit};
use firn_types::value::TimestampTz;
use firn_types::variant::json_write::{JsonWriter, ScalarText};
use firn_types::variant::view::Variant;
use firn_types::{Error, Field, Result, SqlType, vector};

pub use arrow::array::RecordBatch;
pub use arrow::datatypes::SchemaRef;

use crate::{Array, Batch};

/// The key of the SQL type in a field's metadata.
pub const SQL_TYPE: &str = "firn.sql_type";

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const NANOS_PER_MICROSECOND: i128 = 1_000;
/// Timestamps with more digits of a second's fraction are structs.
const MICROSECOND_DIGITS: u8 = 6;

/// The schema of record batches of these columns.
pub fn schema(fields: &[Field]) -> SchemaRef {
    let fields = fields.iter().map(|field| {
        let metadata = HashMap::from([(SQL_TYPE.to_string(), field.sql_type.to_string())]);
        let arrow = ArrowField::new(&field.name, data_type(field.sql_type), true);
        arrow.with_metadata(metadata)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A batch as a record batch of the schema that [`schema`] makes of its columns; `texts` writes the scalars
/// in semi-structured values that JSON does not have.
///
/// # Errors
/// An internal error when the columns are not of these types.
pub fn encode(
    batch: &Batch,
    fields: &[Field],
    schema: &SchemaRef,
    texts: &dyn ScalarText,
) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(fields);
    let columns = columns.map(|(column, field)| array(&column.flat(), field.sql_type, texts));
    let columns: Vec<ArrayRef> = columns.collect::<Result<_>>()?;
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("a batch that Arrow does not take: {error}"))
}

/// Arrow's type of a SQL type.
fn data_type(sql_type: SqlType) -> DataType {
    match sql_type {
        SqlType::Null => DataType::Null,
        SqlType::Boolean => DataType::Boolean,
        SqlType::Number { precision, scale } => {
            DataType::Decimal128(precision, i8::try_from(scale).unwrap_or(0))
        }
        SqlType::Float => DataType::Float64,
        SqlType::Varchar { .. }
        | SqlType::Variant
        | SqlType::Object
        | SqlType::Array
        | SqlType::Structured(_)
        | SqlType::Vector { .. } => DataType::Utf8View,
        SqlType::Binary { .. } => DataType::BinaryView,
        SqlType::Date => DataType::Date32,
        SqlType::Time { .. } => DataType::Time64(TimeUnit::Nanosecond),
        SqlType::TimestampNtz { scale } if scale <= MICROSECOND_DIGITS => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        SqlType::TimestampLtz { scale } if scale <= MICROSECOND_DIGITS => {
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        }
        SqlType::TimestampNtz { .. } | SqlType::TimestampLtz { .. } => {
            DataType::Struct(instant_fields(false))
        }
        SqlType::TimestampTz { .. } => DataType::Struct(instant_fields(true)),
    }
}

/// The fields of a moment that Arrow has no type for: seconds since 1970, nanoseconds beyond them, and the zone's
/// offset in minutes.
pub fn instant_fields(zoned: bool) -> Fields {
    let field = |name: &str, data_type| ArrowField::new(name, data_type, true);
    let mut fields = vec![field("epoch", DataType::Int64), field("fraction", DataType::Int32)];
    if zoned {
        fields.push(field("timezone", DataType::Int32));
    }
    fields.into()
}

fn array(array: &Array, sql_type: SqlType, texts: &dyn ScalarText) -> Result<ArrayRef> {
    Ok(match (sql_type, array) {
        (SqlType::Null, array) => Arc::new(NullArray::new(array.len())),
        (SqlType::Boolean, Array::Bool(_))
        | (SqlType::Float, Array::F64(_))
        | (SqlType::Varchar { .. }, Array::Text(_))
        | (SqlType::Binary { .. }, Array::Bytes(_)) => array.to_arrow(),
        (SqlType::Number { precision, scale }, array) => {
            let scale = i8::try_from(scale).unwrap_or(0);
            let numbers: Decimal128Array = integers(array, Ok)?;
            Arc::new(numbers.with_precision_and_scale(precision, scale).map_err(failed)?)
        }
        (SqlType::Date, array) => Arc::new(integers::<_>(array, narrow)?) as Arc<Date32Array>,
        (SqlType::Time { .. }, array) => {
            Arc::new(integers::<_>(array, narrow)?) as Arc<Time64NanosecondArray>
        }
        (SqlType::TimestampNtz { scale } | SqlType::TimestampLtz { scale }, array)
            if scale <= MICROSECOND_DIGITS =>
        {
            let micros = |nanos: i128| narrow(nanos.div_euclid(NANOS_PER_MICROSECOND));
            let instants: TimestampMicrosecondArray = integers(array, micros)?;
            match sql_type {
                SqlType::TimestampLtz { .. } => Arc::new(instants.with_timezone("UTC")),
                _ => Arc::new(instants),
            }
        }
        (SqlType::TimestampNtz { .. } | SqlType::TimestampLtz { .. }, array) => {
            Arc::new(instants(array, false)?)
        }
        (SqlType::TimestampTz { .. }, array) => Arc::new(instants(array, true)?),
        (SqlType::Vector { element, .. }, Array::Bytes(values)) => {
            let mut builder = StringViewBuilder::with_capacity(values.len());
            for value in values {
                builder.append_option(value.map(|value| {
                    let mut text = String::new();
                    vector::write(value, element, &mut text);
                    text
                }));
            }
            Arc::new(builder.finish())
        }
        (sql_type, Array::Bytes(values)) if sql_type.is_semi_structured() => {
            let writer = JsonWriter::compact(texts);
            let mut builder = StringViewBuilder::with_capacity(values.len());
            let mut text = String::new();
            for value in values {
                match value {
                    None => builder.append_null(),
                    Some(value) => {
                        text.clear();
                        writer.write(Variant::new(value), &mut text);
                        builder.append_value(&text);
                    }
                }
            }
            Arc::new(builder.finish())
        }
        (sql_type, array) => {
            let form = array.physical();
            return Err(Error::internal(format!("values of {sql_type} in the form {form:?}")));
        }
    })
}

/// Integers of any width as Arrow's of one width, each changed by `change`.
fn integers<T: ArrowPrimitiveType>(
    array: &Array,
    change: impl Fn(i128) -> Result<T::Native>,
) -> Result<PrimitiveArray<T>> {
    if !array.physical().is_integer() {
        let form = array.physical();
        return Err(Error::internal(format!("integers in the form {form:?}")));
    }
    let value = |row| match array.is_null(row) {
        true => Ok(T::default_value()),
        false => change(array.integer(row)),
    };
    let values = (0..array.len()).map(value).collect::<Result<Vec<_>>>()?;
    PrimitiveArray::try_new(values.into(), array.nulls().cloned()).map_err(failed)
}

fn narrow<T: TryFrom<i128>>(value: i128) -> Result<T> {
    T::try_from(value).map_err(|_| Error::internal(format!("{value} is too large for its type")))
}

/// Instants as seconds and nanoseconds, and the minutes of their offsets.
fn instants(array: &Array, zoned: bool) -> Result<StructArray> {
    let nanos = |value: i128| if zoned { TimestampTz::unpacked(value).utc_nanos } else { value };
    let epoch: Int64Array =
        integers(array, |value| narrow(nanos(value).div_euclid(NANOS_PER_SECOND)))?;
    let fraction: Int32Array =
        integers(array, |value| narrow(nanos(value).rem_euclid(NANOS_PER_SECOND)))?;
    let mut children: Vec<ArrayRef> = vec![Arc::new(epoch), Arc::new(fraction)];
    if zoned {
        let offset = |value| Ok(i32::from(TimestampTz::unpacked(value).offset_minutes));
        let offsets: Int32Array = integers(array, offset)?;
        children.push(Arc::new(offsets));
    }
    let nulls: Option<NullBuffer> = array.nulls().cloned();
    StructArray::try_new(instant_fields(zoned), children, nulls).map_err(failed)
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray as _;
    use arrow::datatypes::{
        Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, Time64NanosecondType,
        TimestampMicrosecondType,
    };
    use firn_types::Value;
    use firn_types::value::Decimal;
    use firn_types::variant::json_read::{JsonReader, RepeatedKey};
    use firn_types::variant::json_write::PlainText;

    use super::*;
    use crate::Column;

    /// A value and NULL of a type, as Arrow has them.
    fn encoded(sql_type: SqlType, value: &Value) -> Result<ArrayRef> {
        let fields = [Field::new("C", sql_type)];
        let schema = schema(&fields);
        let flat = Column::from_values(sql_type, [value, &Value::Null])?;
        let batch = encode(&Batch::new(vec![flat], 2), &fields, &schema, &PlainText)?;
        assert_eq!(schema.field(0).metadata()[SQL_TYPE], sql_type.to_string());
        let array = Arc::clone(batch.column(0));
        assert_eq!(array.len(), 2);
        assert!(array.is_null(1) || sql_type == SqlType::Null);
        // The same value in the other forms of a column.
        for column in
            [Column::constant(value, sql_type, 2)?, Column::constant(&Value::Null, sql_type, 2)?]
        {
            let again = encode(&Batch::new(vec![column], 2), &fields, &schema, &PlainText)?;
            assert_eq!(again.schema(), batch.schema());
        }
        Ok(array)
    }

    fn number(unscaled: i128, scale: u8) -> Value {
        Value::Number(Decimal { unscaled, scale })
    }

    #[test]
    fn plain_types() -> Result<()> {
        assert_eq!(encoded(SqlType::Null, &Value::Null)?.data_type(), &DataType::Null);
        assert!(encoded(SqlType::Boolean, &Value::Boolean(true))?.as_boolean().value(0));
        let float = encoded(SqlType::Float, &Value::Float(-1.5))?;
        assert_eq!(float.as_primitive::<Float64Type>().value(0), -1.5);
        let text = encoded(SqlType::TEXT, &Value::text("a text of more than twelve bytes"))?;
        assert_eq!(text.as_string_view().value(0), "a text of more than twelve bytes");
        let bytes = encoded(SqlType::BINARY, &Value::Binary([0, 255].into()))?;
        assert_eq!(bytes.as_binary_view().value(0), [0, 255]);
        Ok(())
    }

    #[test]
    fn numbers_of_every_width_are_decimals_of_their_type() -> Result<()> {
        for (precision, scale, unscaled) in
            [(5, 2, -12_345), (18, 0, 1 << 40), (38, 0, 7), (38, 10, 10_i128.pow(37))]
        {
            let sql_type = SqlType::Number { precision, scale };
            let array = encoded(sql_type, &number(unscaled, scale))?;
            let decimals = array.as_primitive::<Decimal128Type>();
            assert_eq!(decimals.value(0), unscaled);
            assert_eq!((decimals.precision(), decimals.scale()), (precision, scale as i8));
        }
        Ok(())
    }

    #[test]
    fn dates_times_and_instants() -> Result<()> {
        let date = encoded(SqlType::Date, &Value::Date(-3))?;
        assert_eq!(date.as_primitive::<Date32Type>().value(0), -3);
        let time = encoded(SqlType::TIME, &Value::Time(86_399_999_999_999))?;
        assert_eq!(time.as_primitive::<Time64NanosecondType>().value(0), 86_399_999_999_999);
        // One nanosecond before 1970, and the last day of the year 9999.
        let last = 253_402_214_400 * NANOS_PER_SECOND;
        for (nanos, micros) in [(-1_000, -1), (last, 253_402_214_400_000_000)] {
            let coarse = encoded(SqlType::TimestampNtz { scale: 6 }, &Value::Timestamp(nanos))?;
            assert_eq!(coarse.as_primitive::<TimestampMicrosecondType>().value(0), micros);
        }
        let zoned = encoded(SqlType::TimestampLtz { scale: 3 }, &Value::Timestamp(0))?;
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        assert_eq!(zoned.data_type(), &utc);
        let parts = |array: &ArrayRef| {
            let parts = array.as_struct();
            let seconds = parts.column(0).as_primitive::<Int64Type>().value(0);
            (seconds, parts.column(1).as_primitive::<Int32Type>().value(0))
        };
        for sql_type in [SqlType::TIMESTAMP_NTZ, SqlType::TIMESTAMP_LTZ] {
            assert_eq!(parts(&encoded(sql_type, &Value::Timestamp(-1))?), (-1, 999_999_999));
            assert_eq!(
                parts(&encoded(sql_type, &Value::Timestamp(last + 5))?),
                (253_402_214_400, 5)
            );
        }
        let value = TimestampTz { utc_nanos: -1, offset_minutes: -480 };
        let array = encoded(SqlType::TIMESTAMP_TZ, &Value::TimestampTz(value))?;
        assert_eq!(parts(&array), (-1, 999_999_999));
        assert_eq!(array.as_struct().column(2).as_primitive::<Int32Type>().value(0), -480);
        Ok(())
    }

    #[test]
    fn semi_structured_values_are_json_texts() -> Result<()> {
        let mut bytes = Vec::new();
        JsonReader::new(RepeatedKey::Refuse).read("{\"a\": [1, null, \"x\"]}", &mut bytes)?;
        let value = Value::Variant(bytes.into());
        for sql_type in [SqlType::Variant, SqlType::Object] {
            let array = encoded(sql_type, &value)?;
            assert_eq!(array.as_string_view().value(0), "{\"a\":[1,null,\"x\"]}");
        }
        let mut bytes = Vec::new();
        JsonReader::new(RepeatedKey::Refuse).read("[true]", &mut bytes)?;
        let array = encoded(SqlType::Array, &Value::Variant(bytes.into()))?;
        assert_eq!(array.as_string_view().value(0), "[true]");
        Ok(())
    }

    #[test]
    fn rows_without_columns_are_counted() -> Result<()> {
        let schema = schema(&[]);
        let batch = encode(&Batch::new(Vec::new(), 7), &[], &schema, &PlainText)?;
        assert_eq!(batch.num_rows(), 7);
        Ok(())
    }
}
