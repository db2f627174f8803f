//! Files written by Arrow's writer, read back, cut and broken.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Decimal128Array, Int32Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type};
use arrow_avro::compression::CompressionCodec;
use arrow_avro::writer::WriterBuilder;
use arrow_avro::writer::format::AvroOcfFormat;
use firn_column::{Array, Column};
use firn_types::variant::json_write::{JsonWriter, PlainText};
use firn_types::variant::view::Variant;
use firn_types::{Decimal, ErrorCode, Result, SqlType, Value};
use object_store::memory::InMemory;

use super::reader::{AvroFile, open};
use crate::format::{ChunkedFile, ColumnFormat, ColumnsPlan, WantedColumn};
use crate::options::AvroOptions;
use crate::row_error::LoadTarget;
use crate::stage::{ObjectStage, SharedStage, put_bytes};

const ROWS: usize = 1_000;

fn sample(first: usize) -> RecordBatch {
    let rows = first as i32..(first + ROWS) as i32;
    let texts = rows.clone().map(|i| (i % 5 != 4).then(|| format!("text number {}", i % 3)));
    let texts: ArrayRef = Arc::new(StringArray::from_iter(texts));
    let lists = rows.clone().map(|i| (i % 7 != 3).then(|| vec![Some(i), None]));
    let inner = Field::new("x", DataType::Utf8, true);
    let structs = StructArray::from(vec![(Arc::new(inner), Arc::clone(&texts))]);
    let money = Decimal128Array::from_iter_values(rows.clone().map(|i| i128::from(i) * 100));
    let big = rows.clone().map(|i| i64::from(i) * 1_000_000_000);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int32Array::from_iter_values(rows.clone()))),
        ("Big", Arc::new(Int64Array::from_iter_values(big.clone()))),
        ("money", Arc::new(money.with_precision_and_scale(20, 2).unwrap())),
        ("at", Arc::new(TimestampMicrosecondArray::from_iter_values(big))),
        ("text", texts),
        ("raw", Arc::new(BinaryArray::from_iter_values(rows.clone().map(|_| [0xff, 0x01])))),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
        ("row", Arc::new(structs)),
    ];
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// A file of ten blocks.
fn file_of(codec: Option<CompressionCodec>) -> Vec<u8> {
    let schema = sample(0).schema();
    let writer = WriterBuilder::new(schema.as_ref().clone()).with_compression(codec);
    let mut writer = writer.build::<_, AvroOcfFormat>(Vec::new()).unwrap();
    (0..10).for_each(|block| writer.write(&sample(block * ROWS)).unwrap());
    writer.finish().unwrap();
    writer.into_inner()
}

/// The columns of all chunks of about `chunk_bytes`, with the number of their first row.
fn read_in(
    bytes: &[u8],
    plan: &ColumnsPlan,
    chunk_bytes: usize,
) -> Result<Vec<(u64, Vec<Column>)>> {
    let stage: SharedStage = Arc::new(ObjectStage::new(Arc::new(InMemory::new()), "", ""));
    put_bytes(&*stage, "f.avro", bytes)?;
    let file = stage.find("f.avro")?.unwrap();
    let (inner, source) = open(&*stage, &file, &AvroOptions::default(), chunk_bytes)?;
    let file = AvroFile::new(inner, source, Arc::new(plan.clone()));
    let mut batches = Vec::new();
    while let Some(chunk) = file.next_chunk()? {
        chunk.parse(|batch| {
            batches.push((batch.row_number(0), batch.batch.columns().to_vec()));
            Ok(())
        })?;
    }
    Ok(batches)
}

fn wanted(names: &[&str]) -> ColumnsPlan {
    let wanted = |name: &&str| WantedColumn { name: (*name).to_owned(), case_sensitive: false };
    ColumnsPlan::columns(names.iter().map(wanted).collect(), LoadTarget::default())
}

#[test]
fn columns_come_by_name_whatever_the_codec_and_the_chunks() -> Result<()> {
    let codecs = [
        None,
        Some(CompressionCodec::Deflate),
        Some(CompressionCodec::Snappy),
        Some(CompressionCodec::ZStandard),
        Some(CompressionCodec::Bzip2),
    ];
    for codec in codecs {
        let bytes = file_of(codec);
        for chunk_bytes in [100, 30_000, 8_000_000] {
            let plan = wanted(&["TEXT", "big", "none", "money", "at"]);
            let batches = read_in(&bytes, &plan, chunk_bytes)?;
            let mut row = 0usize;
            for (first, columns) in &batches {
                assert_eq!(*first, row as u64 + 1);
                for at in 0..columns[0].len() {
                    let text = match row % 5 {
                        4 => Value::Null,
                        _ => Value::text(format!("text number {}", row % 3)),
                    };
                    assert_eq!(columns[0].value(at, SqlType::TEXT), text);
                    let big = Decimal { unscaled: row as i128 * 1_000_000_000, scale: 0 };
                    assert_eq!(columns[1].value(at, SqlType::INTEGER), Value::Number(big));
                    assert!(columns[2].is_null(at));
                    let money = Decimal { unscaled: row as i128 * 100, scale: 2 };
                    assert_eq!(columns[3].value(at, SqlType::number(20, 2)), Value::Number(money));
                    let nanos = row as i128 * 1_000_000_000_000;
                    let instant = columns[4].value(at, SqlType::TIMESTAMP_NTZ);
                    assert_eq!(instant, Value::Timestamp(nanos));
                    row += 1;
                }
            }
            assert_eq!(row, 10 * ROWS);
        }
    }
    Ok(())
}

#[test]
fn rows_are_objects_and_files_tell_their_columns() -> Result<()> {
    let bytes = file_of(None);
    let batches = read_in(&bytes, &ColumnsPlan::object(None, LoadTarget::default()), 8_000_000)?;
    let Array::Bytes(objects) = batches[0].1[0].flat() else { panic!("no objects") };
    let mut text = String::new();
    JsonWriter::compact(&PlainText).write(Variant::new(objects.value(4)), &mut text);
    assert_eq!(
        text,
        "{\"Big\":4000000000,\"at\":\"1970-01-01 01:06:40.000\",\"id\":4,\"list\":[4,null],\
         \"money\":4,\"raw\":\"FF01\",\"row\":{\"x\":null},\"text\":null}"
    );
    let rows: usize = read_in(&bytes, &wanted(&["none"]), 100)?.iter().map(|b| b.1[0].len()).sum();
    assert_eq!(rows, 10 * ROWS);
    let stage: SharedStage = Arc::new(ObjectStage::new(Arc::new(InMemory::new()), "", ""));
    put_bytes(&*stage, "f", &bytes)?;
    let schema = AvroOptions::default().schema(&stage, &stage.find("f")?.unwrap())?;
    let types: Vec<SqlType> = schema.fields.iter().map(|field| field.sql_type).collect();
    assert_eq!(types[..3], [SqlType::INTEGER, SqlType::INTEGER, SqlType::number(20, 2)]);
    assert_eq!(types[5..], [SqlType::BINARY, SqlType::Variant, SqlType::Variant]);
    Ok(())
}

#[test]
fn files_that_are_cut_or_broken_are_errors_and_never_fewer_rows() {
    let bytes = file_of(Some(CompressionCodec::Deflate));
    let plan = wanted(&["id"]);
    let read = |bytes: &[u8]| read_in(bytes, &plan, 8_000_000);
    let rows =
        |bytes: &[u8]| read(bytes).map(|all| all.iter().map(|b| b.1[0].len()).sum::<usize>());
    assert_eq!(rows(&bytes).ok(), Some(10 * ROWS));
    for end in (0..bytes.len()).step_by(997) {
        match rows(&bytes[..end]) {
            Err(error) => assert_eq!(error.code(), ErrorCode::CorruptFile, "cut at {end}"),
            // A file that ends after a block is whole.
            Ok(rows) => assert_eq!(rows % ROWS, 0, "cut at {end}"),
        }
    }
    let error = read(b"PAR1 this is something else").err().unwrap();
    assert!(error.detail().contains("is not a valid Avro file"), "{error}");
    for at in (0..bytes.len()).step_by(101) {
        let mut broken = bytes.clone();
        broken[at] ^= 0x10;
        // Not every flipped bit can be noticed, but none is a panic, and no row goes missing.
        if let Ok(rows) = rows(&broken) {
            assert_eq!(rows, 10 * ROWS, "flipped at {at}");
        }
    }
}
