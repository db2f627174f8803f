//! Files as other writers make them: of types that Arrow does not write, with footers that are not true.

use std::sync::Arc;

use firn_column::Column;
use firn_types::date_time::{NANOS_PER_DAY, days_from_civil};
use firn_types::variant::json_write::{JsonWriter, PlainText};
use firn_types::variant::view::Variant;
use firn_types::{Result, SqlType, Value};
use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType};
use parquet::data_type::{DataType, Int32Type, Int64Type, Int96, Int96Type};
use parquet::file::metadata::{FileMetaData, ParquetMetaData, ParquetMetaDataWriter};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

use super::ParquetFile;
use super::tests::{read_with, staged, wanted};
use crate::format::ColumnsPlan;
use crate::options::{ArrowOptions, ParquetOptions};
use crate::row_error::LoadTarget;

/// Days from the epoch of Julian days to 1970-01-01.
const JULIAN_EPOCH_DAYS: i64 = 2_440_588;

/// Writes one column.
type Write = Box<dyn FnOnce(&mut SerializedColumnWriter<'_>)>;

/// The values of a column, and how much of it each row defines.
fn column_of<T: DataType>(values: Vec<T::T>, levels: Option<Vec<i16>>) -> Write {
    Box::new(move |column| {
        column.typed::<T>().write_batch(&values, levels.as_deref(), None).unwrap();
    })
}

/// A file of one row group, and its metadata.
fn file_of(schema: &str, columns: Vec<Write>) -> (Vec<u8>, ParquetMetaData) {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for write in columns {
        let mut column = group.next_column().unwrap().unwrap();
        write(&mut column);
        column.close().unwrap();
    }
    group.close().unwrap();
    let metadata = writer.finish().unwrap();
    (writer.inner().clone(), metadata)
}

fn int96(year: i32, nanos_of_day: i64) -> Int96 {
    let day = i64::from(days_from_civil(year, 12, 31)) + JULIAN_EPOCH_DAYS;
    let mut value = Int96::new();
    let nanos = nanos_of_day as u64;
    value.set_data(nanos as u32, (nanos >> 32) as u32, day as u32);
    value
}

fn nanos_of(year: i32, nanos_of_day: i64) -> Value {
    let days = i128::from(days_from_civil(year, 12, 31));
    Value::Timestamp(days * i128::from(NANOS_PER_DAY) + i128::from(nanos_of_day))
}

fn object_text(column: &Column, row: usize) -> String {
    let Value::Variant(bytes) = column.value(row, SqlType::Variant) else { return String::new() };
    JsonWriter::compact(&PlainText).text(Variant::new(&bytes))
}

#[test]
fn timestamps_of_96_bits_reach_from_year_1_to_9999() -> Result<()> {
    let cases = [(1, 1), (1000, 0), (2024, 123_456_789), (3000, NANOS_PER_DAY - 1), (9999, 999)];
    let values = |count: usize| -> Vec<Int96> {
        cases[..count].iter().map(|(year, nanos)| int96(*year, *nanos)).collect()
    };
    let (bytes, _) = file_of(
        "message m { required int96 a; required group g { optional int96 b; } }",
        vec![
            column_of::<Int96Type>(values(5), None),
            column_of::<Int96Type>(values(4), Some(vec![1, 1, 1, 1, 0])),
        ],
    );
    let options = ParquetOptions::default();
    let (_, batches) = read_with(&bytes, wanted(&["a"]), &options)?;
    for (row, (year, nanos)) in cases.into_iter().enumerate() {
        let expected = nanos_of(year, nanos);
        assert_eq!(batches[0][0].value(row, SqlType::TIMESTAMP_NTZ), expected, "{year}");
    }
    let plan = ColumnsPlan::object(None, LoadTarget::default());
    let (_, batches) = read_with(&bytes, plan, &options)?;
    let texts: Vec<String> = (0..5).map(|row| object_text(&batches[0][0], row)).collect();
    assert_eq!(
        texts[1],
        "{\"a\":\"1000-12-31 00:00:00.000\",\"g\":{\"b\":\"1000-12-31 00:00:00.000\"}}"
    );
    assert_eq!(texts[4], "{\"a\":\"9999-12-31 00:00:00.000\",\"g\":{\"b\":null}}");
    Ok(())
}

#[test]
fn row_groups_tell_the_number_of_rows() -> Result<()> {
    let (bytes, metadata) =
        file_of("message m { required int32 a; }", vec![column_of::<Int32Type>(vec![7; 6], None)]);
    let file = metadata.file_metadata();
    let none = FileMetaData::new(file.version(), 0, None, None, file.schema_descr_ptr(), None);
    let lying = ParquetMetaData::new(none, metadata.row_groups().to_vec());
    let footer = u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap());
    let mut lies = bytes[..bytes.len() - 8 - footer as usize].to_vec();
    ParquetMetaDataWriter::new(&mut lies, &lying).finish().unwrap();
    let (rows, batches) = read_with(&lies, wanted(&["a"]), &ParquetOptions::default())?;
    assert_eq!((rows.len(), batches[0][0].len()), (6, 6));
    Ok(())
}

#[test]
fn a_time_outside_of_the_day_is_an_error() {
    let schema = "message m { required int64 t (TIME(MICROS, true)); }";
    let (bytes, _) = file_of(schema, vec![column_of::<Int64Type>(vec![-1], None)]);
    for plan in [wanted(&["t"]), ColumnsPlan::object(None, LoadTarget::default())] {
        let error = read_with(&bytes, plan, &ParquetOptions::default()).unwrap_err();
        assert!(error.detail().contains("the time -1 is outside of the day"), "{error}");
    }
}

fn with(arrow: ArrowOptions) -> ParquetOptions {
    ParquetOptions { arrow, ..ParquetOptions::default() }
}

#[test]
fn bytes_are_texts_as_the_option_says_and_uuids_never_are() -> Result<()> {
    let schema = "message m { required binary b; required fixed_len_byte_array(16) u (UUID); }";
    let bytes_of = |values: [&str; 2]| values.map(ByteArray::from).to_vec();
    let uuids = vec![FixedLenByteArray::from(vec![0x31; 16]); 2];
    let (bytes, _) = file_of(
        schema,
        vec![
            column_of::<ByteArrayType>(bytes_of(["Hi", "4869"]), None),
            column_of::<FixedLenByteArrayType>(uuids, None),
        ],
    );
    let uuid = "31".repeat(16);
    for (binary_as_text, first, second) in [(true, "Hi", "4869"), (false, "4869", "34383639")] {
        let options = with(ArrowOptions { binary_as_text, ..ParquetOptions::default().arrow });
        let plan = ColumnsPlan::object(None, LoadTarget::default());
        let (_, batches) = read_with(&bytes, plan, &options)?;
        let expected = |text: &str| format!("{{\"b\":\"{text}\",\"u\":\"{uuid}\"}}");
        assert_eq!(object_text(&batches[0][0], 0), expected(first));
        assert_eq!(object_text(&batches[0][0], 1), expected(second));
    }
    let (stage, file) = staged(&bytes)?;
    let parquet = ParquetFile::open(stage, &file, &ParquetOptions::default())?;
    assert_eq!(parquet.schema().fields[1].sql_type, SqlType::BINARY);
    Ok(())
}

#[test]
fn instants_are_of_utc_where_logical_types_count() -> Result<()> {
    let schema = "message m { required int64 t (TIMESTAMP(MICROS, true)); }";
    let (bytes, _) = file_of(schema, vec![column_of::<Int64Type>(vec![0], None)]);
    for (use_logical_type, expected) in
        [(true, SqlType::TIMESTAMP_LTZ), (false, SqlType::TIMESTAMP_NTZ)]
    {
        let (stage, file) = staged(&bytes)?;
        let options = with(ArrowOptions { use_logical_type, ..ParquetOptions::default().arrow });
        let parquet = ParquetFile::open(stage, &file, &options)?;
        assert_eq!(parquet.schema().fields[0].sql_type, expected);
    }
    Ok(())
}
