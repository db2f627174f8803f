//! Writing and reading back: all types, all forms, pruning, deletes, caching.

use std::sync::Arc;

use arrow::array::UInt32Array;
use firn_column::{Array, Batch, Column, PhysicalType};
use firn_types::scan_predicate::{Comparison, ScanPredicate};
use firn_types::value::TimestampTz;
use firn_types::variant::Builder;
use firn_types::{Decimal, FieldId, Result, SqlType, Value};

use super::*;
use crate::{ColumnCache, ColumnStatistics, Location, ObjectAccess, Partition, Prune, prune};

fn column(id: u32, sql_type: SqlType) -> StoredColumn {
    StoredColumn { field: FieldId(id), name: format!("C{id}"), sql_type }
}

fn wanted(columns: &[StoredColumn]) -> Vec<ReadColumn> {
    columns
        .iter()
        .map(|column| ReadColumn {
            column: column.field.into(),
            sql_type: column.sql_type,
            initial_default: None,
        })
        .collect()
}

fn options(row_group_rows: usize) -> WriterOptions {
    WriterOptions { row_group_rows, inside_bytes: 0, ..WriterOptions::default() }
}

fn write(
    access: &ObjectAccess,
    columns: &[StoredColumn],
    batches: &[Batch],
    options: WriterOptions,
) -> Result<Vec<Arc<Partition>>> {
    let mut writer = PartitionWriter::new(access.clone(), "data/1", columns, options);
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    Ok(writer.finish()?.into_iter().map(Arc::new).collect())
}

fn open(access: &ObjectAccess, partition: &Arc<Partition>) -> Result<PartitionReader> {
    PartitionReader::open(access, partition, &ColumnCache::new(64 << 20))
}

/// Writes one column and reads it back through row groups of 3 rows.
fn round_trip(sql_type: SqlType, values: &[Value]) -> Result<Vec<PhysicalType>> {
    let access = ObjectAccess::memory();
    let columns = [column(7, sql_type)];
    let flat = Column::from_values(sql_type, values)?;
    let partitions = write(&access, &columns, &[Batch::new(vec![flat], values.len())], options(3))?;
    let reader = open(&access, &partitions[0])?;
    let mut read = Vec::new();
    let mut forms = Vec::new();
    for group in reader.row_groups() {
        let batch = reader.read(group.index, &wanted(&columns), &RowSelection::All)?;
        read.extend((0..batch.rows()).map(|row| batch.column(0).value(row, sql_type)));
        forms.push(batch.column(0).physical());
    }
    assert_eq!(read, values, "{sql_type}");
    let statistics = &partitions[0].columns[0];
    let nulls = values.iter().filter(|value| value.is_null()).count();
    assert_eq!(statistics.null_count, nulls as u64, "{sql_type}");
    let in_memory = in_memory(&access, &columns, values)?;
    let known = in_memory
        .column(&columns[0].field.into())
        .map(|column| ColumnStatistics { bytes: statistics.bytes, ..column.clone() });
    assert_eq!(known.as_ref(), Some(statistics), "{sql_type} in memory");
    Ok(forms)
}

/// The same in memory, two values a batch, twice: deleted rows are left out the second time.
fn in_memory(
    access: &ObjectAccess,
    columns: &[StoredColumn],
    values: &[Value],
) -> Result<Arc<Partition>> {
    let cache = ColumnCache::new(1 << 20);
    let writer = PartitionWriter::new(access.clone(), "temporary/1", columns, options(3));
    let mut writer = writer.in_memory(&cache);
    for pair in values.chunks(2) {
        let column = Column::from_values(columns[0].sql_type, pair)?;
        writer.write(&Batch::new(vec![column], pair.len()))?;
    }
    let mut partitions = writer.finish()?;
    assert_eq!(partitions.len(), 1);
    let Some(partition) = partitions.pop() else { unreachable!("one partition") };
    assert!(matches!(partition.location, Location::Memory(_)));
    let mut deleted = Partition { deleted: Some(Arc::new([0].into())), ..partition.clone() };
    deleted.rows = values.len() as u64;
    for (partition, skip) in [(Arc::new(partition.clone()), 0), (Arc::new(deleted), 1)] {
        let reader = PartitionReader::open(access, &partition, &cache)?;
        let mut read = Vec::new();
        for group in reader.row_groups() {
            let live = reader.live_rows(group.index);
            let batch = reader.read(group.index, &wanted(columns), &live)?;
            let value = |row| batch.column(0).value(row, columns[0].sql_type);
            read.extend((0..batch.rows()).map(value));
        }
        assert_eq!(read, values[skip..], "{} in memory", columns[0].sql_type);
    }
    Ok(Arc::new(partition))
}

#[test]
fn rows_without_room_in_memory_are_written() -> Result<()> {
    let access = ObjectAccess::memory();
    let columns = [column(1, SqlType::INTEGER)];
    let numbers: Vec<Value> = (0..100).map(Value::integer).collect();
    let batch = Batch::new(vec![Column::from_values(SqlType::INTEGER, &numbers)?], 100);
    let write = |cache: &Arc<ColumnCache>| -> Result<Partition> {
        let writer = PartitionWriter::new(access.clone(), "temporary/1", &columns, options(100));
        let mut writer = writer.in_memory(cache);
        writer.write(&batch)?;
        writer.finish()?.pop().ok_or_else(|| firn_types::Error::internal("no partition"))
    };
    let bytes = write(&ColumnCache::new(1 << 20))?.bytes as usize;
    // Half of it may be lent.
    let cache = ColumnCache::new(bytes * 3);
    let write = || write(&cache);
    let first = write()?;
    assert!(matches!(first.location, Location::Memory(_)));
    assert!(matches!(write()?.location, Location::File));
    drop(first);
    assert!(matches!(write()?.location, Location::Memory(_)), "room is given back");
    Ok(())
}

#[test]
fn every_type_comes_back_as_it_was() -> Result<()> {
    let number = |unscaled: i128, scale| Value::Number(Decimal { unscaled, scale });
    let far = i128::from(i64::MAX) * 3;
    let tz =
        |utc_nanos, offset_minutes| Value::TimestampTz(TimestampTz { utc_nanos, offset_minutes });
    let json = |text: &str| -> Result<Value> {
        let mut bytes = Vec::new();
        let mut builder = Builder::new();
        builder.text(text);
        builder.finish(&mut bytes)?;
        Ok(Value::Variant(bytes.into()))
    };
    let cases: Vec<(SqlType, Vec<Value>)> = vec![
        (SqlType::number(38, 0), vec![number(1, 0), Value::Null, number(-7, 0), number(9, 0)]),
        (SqlType::number(12, 2), vec![number(1 << 33, 2), Value::Null]),
        (SqlType::number(38, 20), vec![number(5, 20), number(10_i128.pow(37), 20)]),
        (SqlType::Float, vec![Value::Float(1.5), Value::Null, Value::Float(-0.25)]),
        (
            SqlType::TEXT,
            vec![Value::text(""), Value::Null, Value::text("ä long text, not inlined")],
        ),
        (SqlType::BINARY, vec![Value::Binary(vec![0, 255].into()), Value::Null]),
        (SqlType::Boolean, vec![Value::Boolean(true), Value::Null, Value::Boolean(false)]),
        (SqlType::Date, vec![Value::Date(-1), Value::Null, Value::Date(20_000)]),
        (SqlType::TIME, vec![Value::Time(1), Value::Null, Value::Time(86_399_999_999_999)]),
        (SqlType::TIME, vec![Value::Time(1000), Value::Time(5_000_000)]),
        (SqlType::TIMESTAMP_NTZ, vec![Value::Timestamp(1), Value::Null, Value::Timestamp(-5)]),
        (SqlType::TIMESTAMP_LTZ, vec![Value::Timestamp(far - far % 1000), Value::Null]),
        (SqlType::TIMESTAMP_NTZ, vec![Value::Timestamp(far), Value::Timestamp(7)]),
        (SqlType::TIMESTAMP_TZ, vec![tz(5, -480), Value::Null, tz(-1, 60), tz(1 << 70, 0)]),
        (SqlType::Variant, vec![json("one")?, Value::Null, json("two")?, json("one")?]),
        (SqlType::number(38, 0), vec![Value::Null, Value::Null, Value::Null, Value::Null]),
    ];
    for (sql_type, values) in cases {
        round_trip(sql_type, &values)?;
    }
    Ok(())
}

#[test]
fn numbers_come_back_narrow() -> Result<()> {
    let small: Vec<Value> = (0..10).map(Value::integer).collect();
    assert_eq!(round_trip(SqlType::INTEGER, &small)?[0], PhysicalType::I32);
    let large: Vec<Value> = (0..10).map(|n: i128| Value::integer(n << 35)).collect();
    assert_eq!(round_trip(SqlType::INTEGER, &large)?[0], PhysicalType::I64);
    Ok(())
}

#[test]
fn batches_of_different_forms_make_one_file() -> Result<()> {
    let access = ObjectAccess::memory();
    let columns = [column(1, SqlType::TEXT), column(2, SqlType::INTEGER)];
    let values = Column::from_values(SqlType::TEXT, &[Value::text("red"), Value::text("blue")])?;
    let dictionary = Column::Dictionary {
        codes: UInt32Array::from(vec![Some(1), None, Some(0)]),
        values: Arc::new(values.flat()),
    };
    let batches = [
        Batch::new(
            vec![dictionary, Column::constant(&Value::integer(1_i128 << 40), SqlType::INTEGER, 3)?],
            3,
        ),
        Batch::new(
            vec![Column::nulls_of(SqlType::TEXT, 2), Column::nulls_of(SqlType::INTEGER, 2)],
            2,
        ),
        Batch::new(
            vec![
                Column::from_values(SqlType::TEXT, &[Value::text("green")])?,
                Column::from_values(SqlType::INTEGER, &[Value::integer(5)])?,
            ],
            1,
        ),
    ];
    let partitions = write(&access, &columns, &batches, options(1 << 17))?;
    let reader = open(&access, &partitions[0])?;
    let batch = reader.read(0, &wanted(&columns), &RowSelection::All)?;
    let texts: Vec<Value> = (0..6).map(|row| batch.column(0).value(row, SqlType::TEXT)).collect();
    let expected = [Some("blue"), None, Some("red"), None, None, Some("green")];
    assert_eq!(texts, expected.map(|t| t.map_or(Value::Null, Value::text)));
    assert_eq!(batch.column(1).value(2, SqlType::INTEGER), Value::integer(1_i128 << 40));
    assert_eq!(batch.column(1).value(5, SqlType::INTEGER), Value::integer(5));
    assert_eq!(partitions[0].columns[0].max, Some(Value::text("red")));
    assert_eq!(partitions[0].columns[1].min, Some(Value::integer(5)));
    Ok(())
}

/// 10,000 rows: a number that grows and a text of few values.
fn growing(access: &ObjectAccess, options: WriterOptions) -> Result<Vec<Arc<Partition>>> {
    let columns = [column(1, SqlType::INTEGER), column(2, SqlType::TEXT)];
    let batch = |start: i128| -> Result<Batch> {
        let numbers: Vec<Value> = (start..start + 1000).map(Value::integer).collect();
        let texts: Vec<Value> =
            (start..start + 1000).map(|n| Value::text(format!("text {}", n % 5))).collect();
        let columns = vec![
            Column::from_values(SqlType::INTEGER, &numbers)?,
            Column::from_values(SqlType::TEXT, &texts)?,
        ];
        Ok(Batch::new(columns, 1000))
    };
    let batches: Vec<Batch> = (0..10).map(|n| batch(n * 1000)).collect::<Result<_>>()?;
    write(access, &columns, &batches, options)
}

#[test]
fn files_are_cut_by_rows_and_repeated_texts_are_dictionaries() -> Result<()> {
    let access = ObjectAccess::memory();
    let options = WriterOptions { target_rows: 4_500, ..options(1 << 17) };
    let partitions = growing(&access, options)?;
    assert_eq!(partitions.iter().map(|p| p.rows).collect::<Vec<_>>(), [4_500, 4_500, 1_000]);
    let reader = open(&access, &partitions[1])?;
    let text = &wanted(&[column(2, SqlType::TEXT)]);
    let batch = reader.read(0, text, &RowSelection::Range(10..12))?;
    assert_eq!(batch.column(0).value(1, SqlType::TEXT), Value::text("text 1"));
    let Column::Dictionary { values, .. } = batch.column(0) else {
        panic!("a dictionary");
    };
    assert_eq!(values.len(), 5);
    assert_eq!(partitions[1].columns[1].distinct.estimate(), 5);
    Ok(())
}

#[test]
fn partitions_row_groups_and_pages_are_pruned() -> Result<()> {
    let access = ObjectAccess::memory();
    let partitions = growing(&access, options(4_000))?;
    let columns = wanted(&[column(1, SqlType::INTEGER), column(2, SqlType::TEXT)]);
    let reader = open(&access, &partitions[0])?;
    let less = |value: i128| ScanPredicate::Compare {
        column: FieldId(1).into(),
        operator: Comparison::Less,
        value: Value::integer(value),
    };
    assert_eq!(prune(&less(0), partitions[0].as_ref()), Prune::Skip);
    assert_eq!(prune(&less(10_000), partitions[0].as_ref()), Prune::All);
    let groups = |predicate: &ScanPredicate| -> Vec<Prune> {
        (0..3).map(|group| reader.prune(group, &columns, predicate)).collect()
    };
    assert_eq!(groups(&less(4_100)), [Prune::All, Prune::Read, Prune::Skip]);
    let text = ScanPredicate::StartsWith { column: FieldId(2).into(), prefix: "tint".to_string() };
    assert_eq!(groups(&text), [Prune::Skip; 3]);
    assert_eq!(reader.page_range(1, &columns, &less(4_100)), Some(0..4_000));
    assert_eq!(reader.page_range(2, &columns, &less(4_100)), None);
    Ok(())
}

#[test]
fn selections_deletes_and_row_ids() -> Result<()> {
    let access = ObjectAccess::memory();
    let partitions = growing(&access, options(4_000))?;
    let mut partition = Partition::clone(&partitions[0]);
    partition.first_row_id = 1_000_000;
    partition.deleted = Some(Arc::new([4_000, 4_002, 9_999].into_iter().collect()));
    assert_eq!(partition.live_rows(), 9_997);
    let reader = open(&access, &Arc::new(partition))?;
    assert!(matches!(reader.live_rows(0), RowSelection::All));
    let live = reader.live_rows(1);
    assert_eq!(live.count(4_000), 3_998);
    let number = wanted(&[column(1, SqlType::INTEGER)]);
    let batch = reader.read(1, &number, &live)?;
    assert_eq!(batch.column(0).value(0, SqlType::INTEGER), Value::integer(4_001));
    assert_eq!(batch.column(0).value(1, SqlType::INTEGER), Value::integer(4_003));
    let ids = reader.row_ids(1, &RowSelection::List(UInt32Array::from(vec![3, 1])))?;
    assert_eq!(ids.value(0, SqlType::INTEGER), Value::integer(1_004_003));
    assert!(reader.read(1, &number, &RowSelection::Range(0..5_000)).is_err());
    Ok(())
}

#[test]
fn columns_that_a_file_lacks_are_constant_and_row_ids_can_be_stored() -> Result<()> {
    let access = ObjectAccess::memory();
    let columns = [column(1, SqlType::INTEGER)];
    let batch = Batch::new(
        vec![
            Column::from_values(SqlType::INTEGER, &[Value::integer(1), Value::integer(2)])?,
            Column::Flat(Array::I64(vec![77_i64, 12].into())),
        ],
        2,
    );
    let options = WriterOptions { row_ids: true, ..WriterOptions::default() };
    let partitions = write(&access, &columns, &[batch], options)?;
    let reader = open(&access, &partitions[0])?;
    let ids = reader.row_ids(0, &RowSelection::All)?;
    assert_eq!(ids.value(1, SqlType::INTEGER), Value::integer(12));
    let mut added = wanted(&[column(8, SqlType::TEXT), column(9, SqlType::INTEGER)]);
    added[1].initial_default = Some(Value::integer(3));
    let batch = reader.read(0, &added, &RowSelection::All)?;
    assert!(batch.column(0).is_null(1));
    assert_eq!(batch.column(1).value(1, SqlType::INTEGER), Value::integer(3));
    let three = ScanPredicate::Compare {
        column: FieldId(9).into(),
        operator: Comparison::Equal,
        value: Value::integer(3),
    };
    assert_eq!(reader.prune(0, &added, &three), Prune::All);
    Ok(())
}

#[test]
fn chunks_are_read_once_and_a_cut_file_is_an_error() -> Result<()> {
    let access = ObjectAccess::memory();
    let partitions = growing(&access, options(1 << 17))?;
    let columns = wanted(&[column(1, SqlType::INTEGER), column(2, SqlType::TEXT)]);
    let cache = ColumnCache::new(16 << 20);
    for _ in 0..3 {
        let reader = PartitionReader::open(&access, &partitions[0], &cache)?;
        reader.read(0, &columns, &RowSelection::All)?;
    }
    assert_eq!((cache.counts().misses, cache.counts().hits), (2, 4));
    let bytes = access.get(&partitions[0].path)?;
    access.put(&partitions[0].path, bytes.slice(100..))?;
    assert!(open(&access, &partitions[0]).is_err());
    Ok(())
}

/// More bytes than it takes to remember what has been read of a few columns.
const SMALL: usize = 2 << 10;

#[test]
fn a_small_part_of_a_row_group_is_read_by_its_pages() -> Result<()> {
    let access = ObjectAccess::memory();
    let columns = [column(1, SqlType::INTEGER), column(2, SqlType::TEXT), column(3, SqlType::TEXT)];
    let numbers: Vec<Value> = (0..100_000).map(Value::integer).collect();
    let text = |n: i128| Value::text(format!("value {}", n % 7));
    let texts: Vec<Value> = (0..100_000).map(text).collect();
    let long = |n: i128| Value::text(format!("a different text for each row {n}"));
    let longs: Vec<Value> = (0..100_000).map(long).collect();
    let batch = Batch::new(
        vec![
            Column::from_values(SqlType::INTEGER, &numbers)?,
            Column::from_values(SqlType::TEXT, &texts)?,
            Column::from_values(SqlType::TEXT, &longs)?,
        ],
        100_000,
    );
    let partitions = write(&access, &columns, &[batch], options(1 << 17))?;
    let cache = ColumnCache::new(64 << 20);
    let reader = PartitionReader::open(&access, &partitions[0], &cache)?;
    let wanted = wanted(&columns);
    let fifty = ScanPredicate::Compare {
        column: FieldId(1).into(),
        operator: Comparison::Equal,
        value: Value::integer(50_000),
    };
    let page = reader.page_range(0, &wanted, &fifty).expect("a page");
    assert!(page.contains(&50_000) && page.len() <= 20_000);
    let mut mask = vec![false; 100_000];
    mask[50_000] = true;
    mask[50_003] = true;
    for rows in [
        RowSelection::Range(50_000..50_004),
        RowSelection::List(UInt32Array::from(vec![50_000, 50_003])),
        RowSelection::Mask(mask.into()),
    ] {
        cache.clear();
        let batch = reader.read(0, &wanted, &rows)?;
        let last = batch.rows() - 1;
        assert_eq!(batch.column(0).value(0, SqlType::INTEGER), Value::integer(50_000));
        assert_eq!(batch.column(0).value(last, SqlType::INTEGER), Value::integer(50_003));
        assert_eq!(batch.column(1).value(last, SqlType::TEXT), text(50_003));
        assert_eq!(batch.column(2).value(last, SqlType::TEXT), long(50_003));
    }
    cache.clear();
    let scattered = [95_000, 3, 50_000, 3, 40, 99_999];
    let mut held = Vec::new();
    for _ in 0..9 {
        // The others are so small that they are kept at once.
        let batch = reader.read(0, &wanted[2..], &RowSelection::List(scattered.to_vec().into()))?;
        for (at, row) in scattered.into_iter().enumerate() {
            assert_eq!(batch.column(0).value(at, SqlType::TEXT), long(row.into()));
        }
        held.push(cache.counts().bytes);
    }
    assert!(held[0] < SMALL, "pages are not kept");
    assert!(held[8] > 100_000, "what is read again and again is kept");
    let none = reader.read(0, &wanted, &RowSelection::Range(7..7))?;
    assert_eq!(none.rows(), 0);
    Ok(())
}

#[test]
fn a_file_with_some_columns_anew_keeps_the_others_and_its_rows() -> Result<()> {
    let access = ObjectAccess::memory();
    let columns =
        [column(1, SqlType::INTEGER), column(2, SqlType::TEXT), column(3, SqlType::Float)];
    let integers = |add: i128| (0..10_000).map(|n| Value::integer(n + add)).collect::<Vec<_>>();
    let texts: Vec<Value> = (0..10_000).map(|n| Value::text(format!("text {}", n % 7))).collect();
    let floats: Vec<Value> = (0..10_000).map(|n| Value::Float(f64::from(n))).collect();
    let batch = Batch::new(
        vec![
            Column::from_values(SqlType::INTEGER, &integers(0))?,
            Column::from_values(SqlType::TEXT, &texts)?,
            Column::from_values(SqlType::Float, &floats)?,
        ],
        10_000,
    );
    let mut old = Partition::clone(&*write(&access, &columns, &[batch], options(4_000))?[0]);
    old.first_row_id = 500;
    old.deleted = Some(Arc::new([3].into_iter().collect()));
    let cache = ColumnCache::new(64 << 20);
    let mut old = Arc::new(old);
    // Twice: of a file whose rows have no stored ids, and of one whose rows have.
    for add in [70_000_i128, 90_000] {
        let reader = PartitionReader::open(&access, &old, &cache)?;
        reader.read(1, &wanted(&columns), &RowSelection::All)?;
        let new = Column::from_values(SqlType::INTEGER, &integers(add))?;
        let replacement = Replacement::new(&reader, &columns, &[0]).expect("a file");
        let new = Arc::new(replacement.write("data/1", &[Batch::new(vec![new], 10_000)])?);
        assert!(replacement.write("data/1", &[]).is_err());
        assert_eq!((new.rows, new.live_rows(), new.stored_row_ids), (10_000, 9_999, true));
        assert_eq!(
            (new.column(&FieldId(2).into()), new.column(&FieldId(3).into())),
            (old.column(&FieldId(2).into()), old.column(&FieldId(3).into()))
        );
        let numbers = new.column(&FieldId(1).into()).expect("statistics");
        assert_eq!(numbers.max, Some(Value::integer(9_999 + add)));
        let misses = cache.counts().misses;
        let reader = PartitionReader::open(&access, &new, &cache)?;
        let batch = reader.read(1, &wanted(&columns), &RowSelection::All)?;
        assert_eq!(cache.counts().misses, misses + 1, "what was kept of the others is kept on");
        assert_eq!(batch.column(0).value(1, SqlType::INTEGER), Value::integer(4_001 + add));
        let batch = open(&access, &new)?.read(2, &wanted(&columns), &RowSelection::All)?;
        assert!(matches!(batch.column(1), Column::Dictionary { .. }), "still read as one");
        assert_eq!(batch.column(2).value(5, SqlType::Float), Value::Float(8_005.0));
        let ids = reader.row_ids(1, &RowSelection::List(UInt32Array::from(vec![3, 1])))?;
        assert_eq!(ids.value(0, SqlType::INTEGER), Value::integer(4_503));
        let above = |value| ScanPredicate::Compare {
            column: FieldId(3).into(),
            operator: Comparison::GreaterOrEqual,
            value: Value::Float(value),
        };
        assert_eq!(reader.prune(0, &wanted(&columns), &above(4_000.0)), Prune::Skip);
        assert!(reader.page_range(2, &wanted(&columns), &above(9_999.0)).is_some());
        old = new;
    }
    Ok(())
}
