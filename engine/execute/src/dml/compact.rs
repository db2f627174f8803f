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
