//! What SQL does not show: the order in which rows are written, and what happens when memory is short.

use std::collections::BTreeSet;
use std::sync::Arc;

use firn_account::catalog::{Header, Table, TableColumn};
use firn_account::{Account, CatalogChange, SessionSpace, Transaction};
use firn_column::{Batch, Column};
use firn_storage::{ColumnCache, ObjectAccess, PartitionReader, RowSelection};
use firn_types::clock::Clock;
use firn_types::{Error, ObjectId, Result, SqlType, Value};

use super::copy::undecided::UndecidedRows;
use super::old_rows::read_columns;
use super::touched::Rows;
use super::writer::RowsWriter;
use crate::row_locator::RowLocator;
use crate::testing::Test;

fn numbers(values: impl IntoIterator<Item = i64>) -> Result<Batch> {
    let values: Vec<Value> = values.into_iter().map(|v| Value::integer(i128::from(v))).collect();
    Ok(Batch::new(vec![Column::from_values(SqlType::INTEGER, &values)?], values.len()))
}

fn values(batch: &Batch) -> Vec<Value> {
    (0..batch.rows()).map(|row| batch.column(0).value(row, SqlType::INTEGER)).collect()
}

/// A transaction with one empty table of one column.
fn with_table() -> Result<(Transaction, Arc<Table>)> {
    let account = Account::open(ObjectAccess::memory(), Clock::fixed(1))?;
    let mut transaction = account.begin(&SessionSpace::new(1));
    let column = TableColumn::new("A", SqlType::INTEGER);
    let everything = std::sync::Arc::new(firn_account::catalog::Rights::of_engine());
    let catalog = firn_account::catalog::VisibleCatalog::new(transaction.catalog(), everything);
    let parent = catalog.database("FIRN").map(|found| found.header.id);
    let schema = parent.and_then(|id| catalog.schema(id, "PUBLIC").map(|schema| schema.header.id));
    let header =
        Header::new(schema.unwrap_or(ObjectId(0)), "T", firn_account::catalog::SYSADMIN, 1);
    let table = Table::new(header, vec![column]);
    let id = table.id();
    transaction.apply(CatalogChange::create(table))?;
    let table = transaction.catalog().table(id).cloned();
    Ok((transaction, table.ok_or_else(|| Error::internal("no table"))?))
}

#[test]
fn rows_are_written_in_the_order_of_their_places() -> Result<()> {
    let (transaction, table) = with_table()?;
    let context = Test::default().context(2, 1 << 30);
    let writer = RowsWriter::new(&table, &[], false, &context, &transaction)?;
    for place in [3, 0, 2, 1, 0] {
        writer.write(place, numbers([place as i64])?)?;
    }
    let written = writer.finish()?;
    assert_eq!((written.rows, written.partitions.len()), (5, 1));
    let partition = Arc::new(written.partitions[0].clone());
    let cache = ColumnCache::new(1 << 20);
    let reader = PartitionReader::open(transaction.account().access(), &partition, &cache)?;
    let batch = reader.read(0, &read_columns(&table), &RowSelection::All)?;
    assert_eq!(values(&batch), values(&numbers([0, 0, 1, 2, 3])?));
    assert_eq!(context.memory.used_bytes(), 0);
    Ok(())
}

#[test]
fn held_rows_go_to_disk_when_memory_is_short() -> Result<()> {
    for memory in [0, 64, 1 << 20] {
        let context = Test::default().context(1, memory);
        let mut held = UndecidedRows::default();
        for place in 0..5 {
            held.add(place, numbers([place as i64, 7])?, &context)?;
        }
        let mut seen = Vec::new();
        held.release(|place, batch| {
            seen.push((place, values(&batch)));
            Ok(())
        })?;
        seen.sort_by_key(|(place, _)| *place);
        let places: Vec<usize> = seen.iter().map(|(place, _)| *place).collect();
        assert_eq!(places, [0, 1, 2, 3, 4], "{memory}");
        assert!(seen.iter().all(|(place, rows)| rows[0] == Value::integer(*place as i128)));
        assert_eq!(context.memory.used_bytes(), 0);
    }
    Ok(())
}

#[test]
fn a_partition_that_loses_all_its_rows_goes() -> Result<()> {
    let (mut transaction, table) = with_table()?;
    let context = Test::default().context(1, 1 << 20);
    for _ in 0..2 {
        let writer = RowsWriter::new(&table, &[], false, &context, &transaction)?;
        writer.write(0, numbers([1, 2, 3])?)?;
        transaction.append(table.id(), writer.finish()?.partitions)?;
    }
    let catalog = transaction.catalog();
    let snapshot = &catalog.object_or_err(table.id()).map(|_| catalog.table(table.id()))?;
    let snapshot = &snapshot.ok_or_else(|| Error::internal("no table"))?.snapshot;
    let mut rows = Rows::default();
    let first_of_second = 1 << 32;
    for locator in [0, 1, 2, first_of_second, 1] {
        rows.insert(RowLocator(locator));
    }
    assert_eq!(rows.len(), 4);
    let delta = rows.into_delta(snapshot, &BTreeSet::new())?;
    assert_eq!((delta.removed.len(), delta.deleted.len()), (1, 1));
    let after = snapshot.apply(&delta)?;
    assert_eq!((after.partitions()?.len(), after.rows()?), (1, 2));
    assert!(Rows::default().into_delta(snapshot, &BTreeSet::new())?.is_empty());
    Ok(())
}
