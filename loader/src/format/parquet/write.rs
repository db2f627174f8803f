//! Writing Parquet.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray, RecordBatch, StringViewBuilder};
use arrow::compute;
use arrow::datatypes::{
    DataType, Decimal128Type, Field as ArrowField, Int32Type, Int64Type, Schema as ArrowSchema,
    SchemaRef, TimeUnit,
};
use firn_column::{Array, Batch, Column, PhysicalType};
use firn_types::variant::json_write::{JsonWriter, PlainText};
use firn_types::variant::view::Variant;
use firn_types::{Error, ErrorCode, Field, Result, SqlType};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::format::WritableFormat;
use crate::format::write::{Counted, FileWriter, Written};
use crate::options::ParquetOptions;
use crate::stage::StageWriter;

/// Writes one Parquet file. Its batches are typed.
pub struct ParquetWriter {
    writer: ArrowWriter<Counted>,
    schema: SchemaRef,
    fields: Vec<Field>,
    file: String,
}

impl WritableFormat for ParquetOptions {
    fn extension(&self) -> String {
        match self.compression.as_str() {
            "NONE" => ".parquet".to_owned(),
            codec => format!(".{}.parquet", codec.to_ascii_lowercase()),
        }
    }

    fn writer(
        &self,
        sink: Box<dyn StageWriter>,
        file: String,
        fields: &[Field],
        header: bool,
    ) -> Result<Box<dyn FileWriter>> {
        let mut fields = fields.to_vec();
        if !header {
            let named = fields.iter_mut().enumerate();
            named.for_each(|(i, field)| field.name = format!("_COL_{i}"));
        }
        Ok(Box::new(ParquetWriter::new(sink, file, self, fields)?))
    }
}

impl ParquetWriter {
    /// A writer into `sink`, the file named `file`, with columns of these names and types.
    ///
    /// # Errors
    /// Types and compressions that cannot be written, a store that cannot be written.
    pub fn new(
        sink: Box<dyn StageWriter>,
        file: String,
        options: &ParquetOptions,
        fields: Vec<Field>,
    ) -> Result<ParquetWriter> {
        let compression = match options.compression.as_str() {
            "SNAPPY" => Compression::SNAPPY,
            "NONE" => Compression::UNCOMPRESSED,
            "GZIP" => Compression::GZIP(GzipLevel::default()),
            "ZSTD" => Compression::ZSTD(ZstdLevel::default()),
            other => {
                return Err(Error::not_supported(format!("Parquet with COMPRESSION = {other}")));
            }
        };
        let arrow = fields.iter().map(|field| {
            Ok(ArrowField::new(&field.name, arrow_type(field.sql_type)?, field.nullable))
        });
        let schema = Arc::new(ArrowSchema::new(arrow.collect::<Result<Vec<_>>>()?));
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_created_by("firn".to_owned())
            .build();
        let counted = Counted::new(sink);
        let writer = ArrowWriter::try_new(counted, Arc::clone(&schema), Some(properties));
        let writer = writer.map_err(|error| failed(&file, error))?;
        Ok(ParquetWriter { writer, schema, fields, file })
    }
}

impl FileWriter for ParquetWriter {
    fn write(&mut self, batch: &Batch) -> Result<()> {
        let columns = batch.columns().iter().zip(&self.fields).zip(self.schema.fields());
        let arrays = columns.map(|((column, field), arrow)| {
            arrow_array(column, field.sql_type, arrow.data_type())
                .map_err(|error| error.map_detail(|text| format!("column {}: {text}", field.name)))
        });
        let arrays = arrays.collect::<Result<Vec<_>>>()?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays);
        let batch = batch.map_err(|error| failed(&self.file, error))?;
        self.writer.write(&batch).map_err(|error| failed(&self.file, error))
    }

    fn bytes(&self) -> u64 {
        self.writer.inner().bytes() + self.writer.in_progress_size() as u64
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        let sink = self.writer.into_inner().map_err(|error| failed(&self.file, error))?;
        let size = sink.finish()?;
        Ok(Written { size, plain: size })
    }
}

fn failed(file: &str, error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Storage, format!("File '{file}' cannot be written: {error}"))
}

/// The Arrow type that a SQL type is written as.
fn arrow_type(sql_type: SqlType) -> Result<DataType> {
    Ok(match sql_type {
        SqlType::Null | SqlType::Boolean => DataType::Boolean,
        SqlType::Number { precision, scale: 0 } if precision <= 9 => DataType::Int32,
        SqlType::Number { precision, scale: 0 } if precision <= 18 => DataType::Int64,
        SqlType::Number { precision, scale } => {
            DataType::Decimal128(precision, i8::try_from(scale).unwrap_or(i8::MAX))
        }
        SqlType::Float => DataType::Float64,
        SqlType::Varchar { .. }
        | SqlType::Variant
        | SqlType::Object
        | SqlType::Array
        | SqlType::Structured(_) => DataType::Utf8View,
        SqlType::Vector { .. } => {
            return Err(Error::not_supported("unloading of VECTOR; TO_ARRAY helps"));
        }
        SqlType::Binary { .. } => DataType::BinaryView,
        SqlType::Date => DataType::Date32,
        SqlType::Time { .. } => DataType::Time64(TimeUnit::Microsecond),
        SqlType::TimestampNtz { scale } if scale <= 6 => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        SqlType::TimestampNtz { .. } => DataType::Timestamp(TimeUnit::Nanosecond, None),
        SqlType::TimestampLtz { .. } | SqlType::TimestampTz { .. } => {
            return Err(Error::new(
                ErrorCode::UnsupportedFeature,
                "Error encountered when unloading to PARQUET: TIMESTAMP_TZ and LTZ types are not \
                 supported for unloading to Parquet.",
            ));
        }
    })
}

fn arrow_array(column: &Column, sql_type: SqlType, arrow: &DataType) -> Result<ArrayRef> {
    let array = column.flat();
    let out_of_range = |_| {
        let text = match sql_type {
            SqlType::TimestampNtz { .. } => {
                "a timestamp is beyond what nanoseconds of 64 bits reach, which end in 2262; \
                 TIMESTAMP_NTZ(6) reaches further"
            }
            _ => "a value is out of range",
        };
        Error::new(ErrorCode::NumberOutOfRange, text)
    };
    let narrow = |divisor: i64| {
        let wide = match array.widened(PhysicalType::I128) {
            Array::I128(wide) => wide,
            _ => return Err(Error::internal("integers expected")),
        };
        let value = |value: i128| i64::try_from(value.div_euclid(i128::from(divisor)));
        wide.try_unary::<_, Int64Type, _>(value).map_err(out_of_range)
    };
    Ok(match arrow {
        DataType::Int32 => {
            let values = narrow(1)?;
            Arc::new(values.try_unary::<_, Int32Type, _>(i32::try_from).map_err(out_of_range)?)
        }
        DataType::Date32 => {
            let days = narrow(1)?;
            let days = days.try_unary::<_, Int32Type, _>(i32::try_from).map_err(out_of_range)?;
            Arc::new(days.reinterpret_cast::<arrow::datatypes::Date32Type>())
        }
        DataType::Int64 => Arc::new(narrow(1)?),
        DataType::Time64(_) => {
            Arc::new(narrow(1_000)?.reinterpret_cast::<arrow::datatypes::Time64MicrosecondType>())
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => Arc::new(
            narrow(1_000)?.reinterpret_cast::<arrow::datatypes::TimestampMicrosecondType>(),
        ),
        DataType::Timestamp(..) => {
            Arc::new(narrow(1)?.reinterpret_cast::<arrow::datatypes::TimestampNanosecondType>())
        }
        DataType::Decimal128(..) => {
            let wide = array.widened(PhysicalType::I128).to_arrow();
            let wide = wide.as_primitive_opt::<Decimal128Type>();
            let wide = wide.ok_or_else(|| Error::internal("integers expected"))?;
            Arc::new(wide.clone().with_data_type(arrow.clone()))
        }
        DataType::Utf8View if sql_type.is_semi_structured() => Arc::new(json_texts(&array)?),
        _ => {
            let plain = array.to_arrow();
            match plain.data_type() == arrow {
                true => plain,
                false => compute::cast(&plain, arrow)
                    .map_err(|error| Error::internal(error.to_string()))?,
            }
        }
    })
}

fn json_texts(array: &Array) -> Result<arrow::array::StringViewArray> {
    let Array::Bytes(values) = array else {
        return Err(Error::internal("semi-structured values expected"));
    };
    let printer = JsonWriter::compact(&PlainText);
    let mut builder = StringViewBuilder::with_capacity(values.len());
    for value in values.iter() {
        builder.append_option(value.map(|value| printer.text(Variant::new(value))));
    }
    Ok(builder.finish())
}
