//! Rewriting micro-partitions: the same rows, under their ids, in fewer or better files.

use std::sync::Arc;

use firn_account::Transaction;
use firn_account::catalog::Table;
use firn_column::Batch;
use firn_expression::Expr;
use firn_storage::{ColumnCache, Partition, PartitionReader, SnapshotDelta};
use firn_types::Result;

use super::old_rows::read_columns;
use super::writer::{RowsWriter, SERIAL_ROWS_MAX};
use crate::context::QueryContext;

/// Rewrites neighboring micro-partitions of a table together, in the order of its cluster keys, which are
/// expressions over columns whose ids are the table's positions. Deleted rows are left out; the others
/// keep their ids.
///
/// # Errors
/// `Storage`, `CorruptFile`.
pub fn compact(
    table: &Arc<Table>,
    partitions: &[Arc<Partition>],
    cluster_keys: &[Expr],
    context: &QueryContext,
    transaction: &mut Transaction,
) -> Result<()> {
    let writer = RowsWriter::new(table, cluster_keys, true, context, transaction)?;
    // What is read once and then gone has no place in the warehouse's cache.
    let cache = ColumnCache::new(0);
    let access = &context.stored()?.access;
    let columns = read_columns(table);
    let open = |partition| PartitionReader::open(access, partition, &cache);
    let readers: Vec<PartitionReader> = partitions.iter().map(open).collect::<Result<_>>()?;
    let groups_of = |reader| PartitionReader::row_groups(reader).iter().map(move |g| (reader, g));
    let groups: Vec<_> = readers.iter().flat_map(groups_of).collect();
    let rewrite = |place: usize| {
        let (reader, group) = groups[place];
        let live = reader.live_rows(group.index);
        let rows = reader.read(group.index, &columns, &live)?;
        let ids = reader.row_ids(group.index, &live)?;
        let count = rows.rows();
        let mut columns = rows.into_columns();
        columns.push(ids);
        writer.write(place, Batch::new(columns, count))
    };
    match partitions.iter().map(|partition| partition.rows).sum::<u64>() {
        0..=SERIAL_ROWS_MAX => (0..groups.len()).try_for_each(rewrite)?,
        _ => context.for_each(groups.len(), rewrite)?,
    }
    let added = writer.finish()?.partitions;
    let removed = partitions.iter().map(|partition| partition.id.clone()).collect();
    let delta = SnapshotDelta { added, removed, rewritten: true, ..SnapshotDelta::default() };
    transaction.change(table.id(), delta)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use firn_account::catalog::{Header, SYSADMIN, TableColumn};
    use firn_account::{Account, CatalogChange, SessionSpace};
    use firn_column::Column;
    use firn_storage::ObjectAccess;
    use firn_types::clock::Clock;
    use firn_types::{Error, ErrorCode, ObjectId, QueryId, SqlType, Value};

    use super::*;
    use crate::context::Storage;
    use crate::testing::Test;

    /// A table in three files of four rows: 0 to 11.
    struct World {
        account: Account,
        table: ObjectId,
        context: QueryContext,
    }

    impl World {
        fn new() -> Result<World> {
            let access = ObjectAccess::memory();
            let account = Account::open(access.clone(), Clock::fixed(1))?;
            let mut context = Test::default().context(1, 1 << 30);
            context.storage = Some(Storage { access, cache: ColumnCache::new(1 << 20) });
            let column = TableColumn::new("A", SqlType::INTEGER);
            let table = Table::new(Header::new(ObjectId(2), "T", SYSADMIN, 1), vec![column]);
            let world = World { account, table: table.id(), context };
            let mut transaction = world.begin();
            transaction.apply(CatalogChange::create(table))?;
            transaction.commit(&QueryId("create".to_string()))?;
            for first in [0, 4, 8] {
                let mut transaction = world.begin();
                let table = world.table(&transaction)?;
                let writer = RowsWriter::new(&table, &[], false, &world.context, &transaction)?;
                let values: Vec<Value> = (first..first + 4).map(Value::integer).collect();
                let column = Column::from_values(SqlType::INTEGER, &values)?;
                writer.write(0, Batch::new(vec![column], 4))?;
                transaction.append(world.table, writer.finish()?.partitions)?;
                transaction.commit(&QueryId("insert".to_string()))?;
            }
            Ok(world)
        }

        fn begin(&self) -> Transaction {
            self.account.begin(&SessionSpace::new(1))
        }

        fn table(&self, transaction: &Transaction) -> Result<Arc<Table>> {
            let table = transaction.catalog().table(self.table).cloned();
            table.ok_or_else(|| Error::internal("no table"))
        }

        /// A transaction that writes the first so many files anew.
        fn rewrite(&self, files: usize) -> Result<Transaction> {
            let mut transaction = self.begin();
            let table = self.table(&transaction)?;
            let run: Vec<_> = table.snapshot.partitions()?.iter().take(files).cloned().collect();
            compact(&table, &run, &[], &self.context, &mut transaction)?;
            Ok(transaction)
        }

        /// A transaction that deletes rows of a file.
        fn delete(&self, file: usize, rows: &[u32]) -> Result<Transaction> {
            let mut transaction = self.begin();
            let table = self.table(&transaction)?;
            let file = table.snapshot.partitions()?.get(file).map(|file| file.id.clone());
            let file = file.ok_or_else(|| Error::internal("no such file"))?;
            match rows.len() {
                4 => transaction.replace_partitions(self.table, &[file], Vec::new())?,
                _ => transaction.delete_rows(self.table, &file, rows.iter().collect())?,
            }
            Ok(transaction)
        }

        /// The rows by their ids, and the number of files.
        fn rows(&self) -> Result<(BTreeMap<i64, i64>, usize)> {
            let transaction = self.begin();
            let table = self.table(&transaction)?;
            let partitions = table.snapshot.partitions()?;
            let mut rows = BTreeMap::new();
            let storage = self.context.stored()?;
            for partition in partitions.iter() {
                let reader = PartitionReader::open(&storage.access, partition, &storage.cache)?;
                let live = reader.live_rows(0);
                let (ids, batch) =
                    (reader.row_ids(0, &live)?, reader.read(0, &read_columns(&table), &live)?);
                let (ids, values) = (ids.flat(), batch.column(0).flat());
                for row in 0..ids.len() {
                    rows.insert(ids.integer(row) as i64, values.integer(row) as i64);
                }
            }
            Ok((rows, partitions.len()))
        }

        fn check(&self, gone: &[i64], files: usize) -> Result<()> {
            let rows = (0..12).filter(|row| !gone.contains(row)).map(|row| (row, row));
            assert_eq!(self.rows()?, (rows.collect(), files));
            Ok(())
        }
    }

    fn commit(transaction: Transaction) -> Result<()> {
        transaction.commit(&QueryId("test".to_string())).map(|_| ())
    }

    #[test]
    fn what_was_deleted_meanwhile_stays_deleted() -> Result<()> {
        let world = World::new()?;
        let rewrite = world.rewrite(3)?;
        commit(world.delete(0, &[1, 2])?)?;
        commit(world.delete(2, &[3])?)?;
        rewrite.commit_unnoted()?;
        world.check(&[1, 2, 11], 1)
    }

    #[test]
    fn a_file_that_others_took_away_makes_the_rewrite_fail_and_nothing_else() -> Result<()> {
        let world = World::new()?;
        let rewrite = world.rewrite(2)?;
        commit(world.delete(1, &[0, 1, 2, 3])?)?;
        let error = rewrite.commit_unnoted().expect_err("a file is gone");
        assert_eq!(error.code(), ErrorCode::LockTimeout);
        world.check(&[4, 5, 6, 7], 2)
    }

    #[test]
    fn deletes_are_found_again_after_several_rewrites() -> Result<()> {
        let world = World::new()?;
        let (some, all) = (world.delete(0, &[0, 3])?, world.delete(1, &[0, 1, 2, 3])?);
        world.rewrite(2)?.commit_unnoted()?;
        commit(world.delete(0, &[1])?)?;
        world.rewrite(2)?.commit_unnoted()?;
        world.check(&[1], 1)?;
        commit(some)?;
        commit(all)?;
        world.check(&[0, 1, 3, 4, 5, 6, 7], 1)
    }

    #[test]
    fn the_same_row_in_an_old_and_a_new_file_is_a_conflict() -> Result<()> {
        let world = World::new()?;
        let (one, all) = (world.delete(0, &[0, 3])?, world.delete(0, &[0, 1, 2, 3])?);
        world.rewrite(3)?.commit_unnoted()?;
        commit(world.delete(0, &[3])?)?;
        for lost in [one, all] {
            let error = commit(lost).expect_err("row 3 is gone");
            assert_eq!(error.code(), ErrorCode::LockTimeout);
        }
        world.check(&[3], 1)
    }

    #[test]
    fn an_open_transaction_goes_on_in_the_new_files() -> Result<()> {
        let world = World::new()?;
        let mut open = world.delete(0, &[0])?;
        world.rewrite(3)?.commit_unnoted()?;
        open.refresh_read_version()?;
        let table = world.table(&open)?;
        assert_eq!((table.snapshot.partitions()?.len(), table.snapshot.rows()?), (1, 11));
        let file = table.snapshot.partitions()?.get(0).map(|file| file.id.clone());
        let file = file.ok_or_else(|| Error::internal("no file"))?;
        open.delete_rows(world.table, &file, [5].into())?;
        world.rewrite(1)?.commit_unnoted()?;
        commit(open)?;
        world.check(&[0, 5], 1)
    }

    #[test]
    fn whoever_rewrites_the_same_files_second_gives_way() -> Result<()> {
        let world = World::new()?;
        let (first, second) = (world.rewrite(3)?, world.rewrite(2)?);
        first.commit_unnoted()?;
        assert_eq!(second.commit_unnoted().err().map(|e| e.code()), Some(ErrorCode::LockTimeout));
        world.check(&[], 1)
    }

    #[test]
    fn another_process_finds_its_rows_again() -> Result<()> {
        let world = World::new()?;
        let other = Account::open(world.account.access().clone(), Clock::fixed(1))?;
        let other = World {
            account: other,
            table: world.table,
            context: Test::default().context(1, 1 << 30),
        };
        let open = other.delete(2, &[0, 1])?;
        world.rewrite(3)?.commit_unnoted()?;
        commit(open)?;
        world.account.refresh()?;
        world.check(&[8, 9], 1)
    }
}
