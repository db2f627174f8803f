//! New files for micro-partitions of which most rows change: the set columns anew, the others as they are.

use std::sync::Arc;

use firn_account::Transaction;
use firn_account::catalog::Table;
use firn_column::Batch;
use firn_column::kernels::take::{RowOf, gather};
use firn_expression::Expr;
use firn_storage::{
    Partition, PartitionReader, ReadColumn, Replacement, RowSelection, StoredColumn,
};
use firn_types::{ColumnId, Result};
use roaring::RoaringBitmap;

use super::old_rows::read_columns;
use super::pending::Pending;

/// Rows of a file below which it is not worth the while.
const ROWS_MIN: u64 = 1 << 14;
/// One row in so many of a file must change at least: what two statements do to different rows of a file
/// only goes together if neither replaces it.
const SHARE: u64 = 4;

/// How files get other columns.
pub(super) struct ReplaceColumns {
    folder: String,
    columns: Vec<StoredColumn>,
    /// Positions of the columns that are set.
    set: Vec<usize>,
    /// How the old values of those are read.
    read: Vec<ReadColumn>,
    /// Whether a set column decides where rows belong.
    moves_rows: bool,
}

impl ReplaceColumns {
    pub(super) fn new(
        table: &Arc<Table>,
        set: &[usize],
        cluster_keys: &[Expr],
        transaction: &Transaction,
    ) -> Result<ReplaceColumns> {
        let is_set = |column: ColumnId| set.contains(&(column.0 as usize));
        let read = read_columns(table).into_iter().enumerate();
        Ok(ReplaceColumns {
            folder: transaction.data_folder(table.id())?,
            columns: table.stored_columns(),
            set: set.to_vec(),
            read: read.filter(|(at, _)| set.contains(at)).map(|(_, column)| column).collect(),
            moves_rows: cluster_keys.iter().any(|key| key.columns_used().into_iter().any(is_set)),
        })
    }

    /// Whether a new file costs less than new rows beside the old file.
    pub(super) fn pays(&self, changed: &Pending, reader: &PartitionReader) -> bool {
        let rows = reader.partition().rows;
        // With all columns set there is nothing to copy.
        let some_stay = self.set.len() < self.columns.len();
        !self.moves_rows && some_stay && rows >= ROWS_MIN && changed.rows * SHARE >= rows
    }

    /// The file of a partition with the changed rows; none when its form does not allow it.
    pub(super) fn replace(
        &self,
        reader: &PartitionReader,
        changed: &Pending,
        deleted: Option<&RoaringBitmap>,
    ) -> Result<Option<Partition>> {
        let Some(replacement) = Replacement::new(reader, &self.columns, &self.set) else {
            return Ok(None);
        };
        let whole = match changed.rows == reader.partition().rows {
            true => changed.batches()?.1,
            false => self.with_others(reader, changed)?,
        };
        let mut partition = replacement.write(&self.folder, &whole)?;
        if let Some(deleted) = deleted {
            let before = partition.deleted.as_deref().cloned().unwrap_or_default();
            partition.deleted = Some(Arc::new(before | deleted));
        }
        Ok(Some(partition))
    }

    /// The set columns of all rows of the file: new values of the changed rows, else the old ones.
    fn with_others(&self, reader: &PartitionReader, changed: &Pending) -> Result<Vec<Batch>> {
        let (rows, new) = changed.in_order()?;
        let mut start = 0;
        let mut whole = Vec::with_capacity(reader.row_groups().len());
        for group in reader.row_groups() {
            let old = reader.read(group.index, &self.read, &RowSelection::All)?;
            let in_group = rows[start..].partition_point(|row| *row < group.rows.end);
            let mut order: Vec<RowOf> =
                (0..group.len() as u32).map(|row| RowOf { batch: 0, row }).collect();
            for (at, row) in (0..).zip(&rows[start..start + in_group]) {
                order[(row - group.rows.start) as usize] = RowOf { batch: 1, row: at };
            }
            whole.push(gather(&[old, new.slice(start, in_group)], &order)?);
            start += in_group;
        }
        Ok(whole)
    }
}
