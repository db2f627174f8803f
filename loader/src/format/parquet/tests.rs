//! Files written by Arrow, read back, and files that are broken.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Int16Array,
    Int32Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int32Type};
use firn_column::{Array, Column, PhysicalType};
use firn_types::variant::json_write::{JsonWriter, PlainText};
use firn_types::variant::view::Variant;
use firn_types::{ErrorCode, Result, SqlType, Value};
use object_store::memory::InMemory;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::ParquetFile;
use crate::format::{ColumnsPlan, WantedColumn};
use crate::options::ParquetOptions;
use crate::row_error::LoadTarget;
use crate::stage::{ObjectStage, SharedStage, put_bytes};

const ROWS: usize = 25;

fn sample() -> RecordBatch {
    let lists = (0..ROWS as i32).map(|i| (i != 3).then(|| vec![Some(i), None]));
    let days: ArrayRef = Arc::new(Date32Array::from_iter_values(0..ROWS as i32));
    let texts = (0..ROWS).map(|i| (i % 5 != 4).then(|| format!("text number {}", i % 3)));
    let texts: ArrayRef = Arc::new(StringArray::from_iter(texts));
    let inner = Field::new("x", DataType::Utf8, true);
    let structs = StructArray::from(vec![(Arc::new(inner), Arc::clone(&texts))]);
    let numbers = || (0..ROWS as i64).map(|i| i * 1_000_000_000_000_000);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("small", Arc::new(Int16Array::from_iter_values(0..ROWS as i16))),
        ("Big", Arc::new(Int64Array::from_iter_values(numbers()))),
        ("huge", Arc::new(UInt64Array::from(vec![u64::MAX; ROWS]))),
        (
            "money",
            Arc::new(
                Decimal128Array::from_iter_values((0..ROWS as i128).map(|i| i * 100))
                    .with_precision_and_scale(20, 2)
                    .unwrap(),
            ),
        ),
        ("real", Arc::new(Float32Array::from_iter_values((0..ROWS).map(|i| i as f32 / 2.0)))),
        ("day", days),
        ("at", Arc::new(TimestampMicrosecondArray::from_iter_values(numbers()))),
        ("text", texts),
        ("flag", Arc::new(BooleanArray::from(vec![true; ROWS]))),
        ("raw", Arc::new(BinaryArray::from_iter_values((0..ROWS).map(|_| b"abc")))),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
        ("row", Arc::new(structs)),
    ];
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn file_of(batch: &RecordBatch) -> Vec<u8> {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(10)).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

pub(super) fn staged(bytes: &[u8]) -> Result<(SharedStage, crate::stage::StagedFile)> {
    let stage: SharedStage = Arc::new(ObjectStage::new(Arc::new(InMemory::new()), "", "st/"));
    put_bytes(&*stage, "f.parquet", bytes)?;
    let file = stage.find("f.parquet")?.unwrap();
    Ok((stage, file))
}

fn read(bytes: &[u8], plan: ColumnsPlan) -> Result<(Vec<u64>, Vec<Vec<Column>>)> {
    read_with(bytes, plan, &ParquetOptions::default())
}

/// The numbers of the rows, and the columns of the batches.
pub(super) fn read_with(
    bytes: &[u8],
    plan: ColumnsPlan,
    options: &ParquetOptions,
) -> Result<(Vec<u64>, Vec<Vec<Column>>)> {
    let (stage, file) = staged(bytes)?;
    let parquet = ParquetFile::open(stage, &file, options)?;
    let plan = Arc::new(plan);
    let (mut numbers, mut batches) = (Vec::new(), Vec::new());
    while let Some(chunk) = parquet.next_chunk()? {
        chunk.parse(&plan, |batch| {
            numbers.extend((0..batch.batch.rows()).map(|row| batch.row_number(row)));
            batches.push(batch.batch.into_columns());
            Ok(())
        })?;
    }
    Ok((numbers, batches))
}

pub(super) fn wanted(names: &[&str]) -> ColumnsPlan {
    let wanted =
        names.iter().map(|name| WantedColumn { name: (*name).to_owned(), case_sensitive: false });
    ColumnsPlan::columns(wanted.collect(), LoadTarget::default())
}

#[test]
fn columns_come_with_their_natural_types() -> Result<()> {
    let bytes = file_of(&sample());
    let (stage, file) = staged(&bytes)?;
    let parquet = ParquetFile::open(stage, &file, &ParquetOptions::default())?;
    assert_eq!(parquet.rows(), ROWS as u64);
    let types: Vec<String> =
        parquet.schema().fields.iter().map(|field| field.sql_type.to_string()).collect();
    assert_eq!(
        types.join(" "),
        "NUMBER(38,0) NUMBER(38,0) NUMBER(38,0) NUMBER(20,2) FLOAT DATE TIMESTAMP_NTZ(9) \
         VARCHAR(16777216) BOOLEAN VARCHAR(16777216) VARIANT VARIANT"
    );
    let names = ["at", "BIG", "none", "money", "huge", "text", "real", "day", "raw", "small"];
    let (numbers, batches) = read(&bytes, wanted(&names))?;
    assert_eq!(numbers, (1..=ROWS as u64).collect::<Vec<_>>());
    assert_eq!(batches.len(), 3);
    let last = &batches[2];
    assert_eq!(last[0].physical(), PhysicalType::I128);
    assert_eq!(
        last[0].value(0, SqlType::TIMESTAMP_NTZ),
        Value::Timestamp(20_000_000_000_000_000_000)
    );
    assert_eq!(last[1].value(0, SqlType::INTEGER), Value::integer(20_000_000_000_000_000i64));
    assert!(last[2].is_null(0));
    assert_eq!(last[3].physical(), PhysicalType::I32);
    assert_eq!(last[4].value(0, SqlType::INTEGER), Value::integer(u64::MAX));
    assert!(matches!(last[5], Column::Dictionary { .. }));
    assert_eq!(last[5].value(0, SqlType::TEXT), Value::text("text number 2"));
    assert!(last[5].is_null(4));
    assert_eq!(last[6].value(1, SqlType::Float), Value::Float(10.5));
    assert_eq!(last[7].value(1, SqlType::Date), Value::Date(21));
    assert_eq!(last[8].value(1, SqlType::TEXT), Value::text("abc"));
    assert_eq!(last[9].value(1, SqlType::INTEGER), Value::integer(21));
    Ok(())
}

#[test]
fn a_row_is_one_object() -> Result<()> {
    let (_, batches) = read(&file_of(&sample()), ColumnsPlan::object(None, LoadTarget::default()))?;
    let Column::Flat(Array::Bytes(values)) = &batches[0][0] else { panic!() };
    let text = |row| JsonWriter::compact(&PlainText).text(Variant::new(values.value(row)));
    let expected = "\"list\":[1,null],\"money\":1,\"raw\":\"abc\",\"real\":5.000000000000000e-01,\
                    \"row\":{\"x\":\"text number 1\"},\"small\":1,\"text\":\"text number 1\"}";
    assert!(text(1).ends_with(expected), "{}", text(1));
    assert!(text(3).contains("\"list\":null"), "{}", text(3));
    let only = ColumnsPlan::object(Some(vec!["small".to_owned()]), LoadTarget::default());
    let (_, batches) = read(&file_of(&sample()), only)?;
    let Column::Flat(Array::Bytes(values)) = &batches[1][0] else { panic!() };
    let text = JsonWriter::compact(&PlainText).text(Variant::new(values.value(0)));
    assert_eq!(text, "{\"small\":10}");
    Ok(())
}

#[test]
fn broken_files_are_errors_that_say_where() -> Result<()> {
    let one = RecordBatch::try_from_iter([
        ("a", Arc::new(Int32Array::from_iter_values(0..30)) as ArrayRef),
        ("b", Arc::new(StringArray::from_iter_values((0..30).map(|i| format!("value {i}"))))),
    ]);
    let good = file_of(&one.unwrap());
    let plan = || wanted(&["a", "b"]);
    for bytes in [&b""[..], b"PAR1", b"a,b\n1,2\n", &good[..good.len() / 2]] {
        let error = read(bytes, plan()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::CorruptFile, "{error}");
        assert!(error.detail().contains("'st/f.parquet'"), "{error}");
    }
    let mut named = 0;
    for position in 0..good.len() {
        let mut bytes = good.clone();
        bytes[position] ^= 0xff;
        // Not every broken byte can be noticed; none may panic.
        if let Err(error) = read(&bytes, plan()) {
            named += usize::from(
                error.detail().contains("row group") && error.detail().contains("column '"),
            );
        }
    }
    assert!(named > 20, "{named}");
    Ok(())
}
