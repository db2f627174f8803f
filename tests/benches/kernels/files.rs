//! Reading: micro-partitions, and CSV.

use std::hint::black_box;
use std::sync::Arc;
use std::{fmt, slice};

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use firn_column::{Batch, Column};
use firn_loader::format::csv::{ColumnRule, CsvFile, CsvPlan, typed_sink};
use firn_loader::options::CsvOptions;
use firn_loader::row_error::LoadTarget;
use firn_loader::stage::{ObjectStage, Stage, put_bytes};
use firn_storage::{
    ColumnCache, ObjectAccess, PartitionReader, PartitionWriter, ReadColumn, RowSelection,
    StoredColumn, WriterOptions,
};
use firn_types::text_format::TextFormats;
use firn_types::{FieldId, SqlType};
use object_store::memory::InMemory;

use crate::data::{ROWS, integers, texts};

/// A column to decode.
struct Stored {
    name: &'static str,
    sql_type: SqlType,
    column: fn() -> Vec<Column>,
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const STORED: [Stored; 4] = [
    Stored { name: "small integers", sql_type: SqlType::INTEGER, column: || integers(100, 0) },
    Stored { name: "large integers", sql_type: SqlType::INTEGER, column: || integers(1 << 40, 0) },
    Stored { name: "few texts", sql_type: SqlType::TEXT, column: || texts(100) },
    Stored { name: "many texts", sql_type: SqlType::TEXT, column: || texts(1 << 20) },
];

/// Decoding a column of a micro-partition, from its bytes in memory to batches.
#[divan::bench(args = STORED, sample_count = 20)]
fn scan(bencher: Bencher<'_, '_>, stored: &Stored) {
    let sql_type = stored.sql_type;
    let reader = reader(sql_type, (stored.column)());
    let read = ReadColumn { column: FieldId(1).into(), sql_type, initial_default: None };
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        for group in reader.row_groups() {
            let batch = reader.read(group.index, slice::from_ref(&read), &RowSelection::All);
            black_box(batch.expect("what was written can be read"));
        }
    });
}

/// A reader, without a cache, of one micro-partition with one column.
fn reader(sql_type: SqlType, column: Vec<Column>) -> PartitionReader {
    let access = ObjectAccess::memory();
    let stored = StoredColumn { field: FieldId(1), name: "C".to_string(), sql_type };
    let mut writer =
        PartitionWriter::new(access.clone(), "data/1", &[stored], WriterOptions::default());
    for column in column {
        let rows = column.len();
        writer.write(&Batch::new(vec![column], rows)).expect("memory takes it");
    }
    let partition = writer.finish().expect("memory takes it").remove(0);
    let opened = PartitionReader::open(&access, &Arc::new(partition), &ColumnCache::new(0));
    opened.expect("what was written can be read")
}

/// Reading lines such as those of TPC-H's largest table into typed columns.
#[divan::bench(sample_count = 20)]
fn csv(bencher: Bencher<'_, '_>) {
    const LINE: &str = "1234567|15518|785|1|17|24386.67|0.04|0.02|N|O|1996-03-13|1996-02-12|\
                        1996-03-22|DELIVER IN PERSON|TRUCK|egular courts above the\n";
    let (integer, money, text, date) =
        (SqlType::INTEGER, SqlType::number(15, 2), SqlType::TEXT, SqlType::Date);
    let types = [
        integer, integer, integer, integer, money, money, money, money, text, text, date, date,
        date, text, text, text,
    ];
    let options = CsvOptions { field_delimiter: Some("|".to_string()), ..CsvOptions::default() };
    let stage = ObjectStage::new(Arc::new(InMemory::new()), "", "");
    let bytes = LINE.repeat(100_000);
    put_bytes(&stage, "f.csv", bytes.as_bytes()).expect("memory takes it");
    let file = stage.find("f.csv").expect("memory is read").expect("the file is there");
    let width = types.len();
    let plan =
        Arc::new(CsvPlan::new(&options, (0..width).collect(), Some(width), LoadTarget::default()));

    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| {
        let csv = CsvFile::open(&stage, &file, &options).expect("the file is there");
        while let Some(chunk) = csv.next_chunk().expect("memory is read") {
            let mut sinks: Vec<_> = types.map(rule).map(typed_sink).into();
            let read = chunk.parse(&plan, &mut sinks, |batch| {
                black_box(batch);
                Ok(())
            });
            read.expect("no line is wrong");
        }
    });
}

fn rule(sql_type: SqlType) -> ColumnRule {
    let formats = Arc::new(TextFormats::default());
    ColumnRule { sql_type, required: true, truncate: false, formats, zone: chrono_tz::UTC }
}
