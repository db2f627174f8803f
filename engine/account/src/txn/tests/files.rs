//! Real micro-partitions from the writer through a commit and a reopened account to the reader.

use firn_column::{Batch, Column};
use firn_storage::{
    ColumnCache, PartitionReader, PartitionWriter, ReadColumn, WriterOptions, path,
};
use firn_types::{FieldId, Result, SqlType, Value};

use super::*;

/// Appends numbers to a table of one column.
fn insert(world: &World, table: ObjectId, numbers: &[i128], options: WriterOptions) -> Result<u64> {
    world.commit("insert", |t| {
        let columns = t.catalog().table(table).expect("the table").stored_columns();
        let folder = t.data_folder(table)?;
        let access = world.access.clone();
        let mut writer = PartitionWriter::new(access, folder, &columns, options);
        let values: Vec<Value> = numbers.iter().map(|n| Value::integer(*n)).collect();
        let column = Column::from_values(SqlType::INTEGER, &values)?;
        writer.write(&Batch::new(vec![column], numbers.len()))?;
        t.append(table, writer.finish()?)
    })
}

/// All numbers of the table, in order, as a process that opens the account now sees them.
fn select(world: &World, table: ObjectId) -> Result<Vec<Value>> {
    let world = world.other()?;
    let catalog = world.account.catalog();
    let column =
        ReadColumn { column: FieldId(1).into(), sql_type: SqlType::INTEGER, initial_default: None };
    let cache = ColumnCache::new(1 << 20);
    let mut numbers = Vec::new();
    for partition in catalog.rows_of(table)?.partitions()?.iter() {
        let reader = PartitionReader::open(&world.access, partition, &cache)?;
        for group in reader.row_groups() {
            let live = reader.live_rows(group.index);
            let batch = reader.read(group.index, std::slice::from_ref(&column), &live)?;
            let values = (0..batch.rows()).map(|r| batch.column(0).value(r, SqlType::INTEGER));
            numbers.extend(values);
        }
    }
    Ok(numbers)
}

fn numbers(numbers: &[i128]) -> Vec<Value> {
    numbers.iter().map(|n| Value::integer(*n)).collect()
}

#[test]
fn small_inserts_ride_in_the_log_until_a_checkpoint_writes_them() -> Result<()> {
    let world = World::new()?;
    let table = world.create("T")?;
    insert(&world, table, &[1, 2], WriterOptions::default())?;
    insert(&world, table, &[3], WriterOptions::default())?;
    assert!(world.access.list(path::DATA)?.is_empty());
    assert_eq!(select(&world, table)?, numbers(&[1, 2, 3]));
    world.account.checkpoint()?;
    assert_eq!(world.access.list(path::DATA)?.len(), 2);
    insert(&world, table, &[4], WriterOptions::default())?;
    assert_eq!(select(&world, table)?, numbers(&[1, 2, 3, 4]));
    world.account.checkpoint()?;
    world.access.delete_folder(path::LOG)?;
    assert_eq!(select(&world, table)?, numbers(&[1, 2, 3, 4]));
    Ok(())
}

#[test]
fn a_folder_keeps_rows_and_deletes() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("firn-account-{}", uuid::Uuid::new_v4()));
    let access = ObjectAccess::folder(&folder)?;
    let world = World::on(access, Clock::system())?;
    let table = world.create("T")?;
    let options = WriterOptions { inside_bytes: 0, ..WriterOptions::default() };
    insert(&world, table, &[10, 20, 30], options)?;
    let id = world
        .account
        .catalog()
        .rows_of(table)?
        .partitions()?
        .get(0)
        .expect("a partition")
        .id
        .clone();
    world.commit("delete", |t| t.delete_rows(table, &id, bits(&[1])))?;
    assert_eq!(select(&world, table)?, numbers(&[10, 30]));
    world.commit("delete all", |t| t.delete_rows(table, &id, bits(&[0, 2])))?;
    assert!(world.account.catalog().rows_of(table)?.partitions()?.is_empty());
    std::fs::remove_dir_all(folder).map_err(|e| firn_types::Error::internal(e.to_string()))
}

#[test]
fn an_account_in_a_newer_format_is_not_opened() -> Result<()> {
    let world = World::new()?;
    world.access.put(&path::log_object(2), r#"{"format":2}"#.into())?;
    let error = world.other().err().expect("a newer format");
    assert_eq!(error.code(), ErrorCode::CorruptFile);
    Ok(())
}
