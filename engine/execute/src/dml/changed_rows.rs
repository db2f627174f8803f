//! The new versions of changed rows: written under the ids of the old ones.

use std::sync::Arc;

use arrow::array::{BooleanArray, UInt32Array};
use firn_account::Transaction;
use firn_account::catalog::Table;
use firn_column::Batch;
use firn_expression::Expr;
use firn_storage::Partition;
use firn_types::Result;

use super::old_rows::{OldRows, id_column};
use super::touched::Address;
use super::writer::RowsWriter;
use crate::context::QueryContext;

/// Writes the new versions of rows, by many threads.
pub(super) struct ChangedRows<'c> {
    pub(super) old: OldRows<'c>,
    /// For rows that keep an id.
    kept: RowsWriter<'c>,
    /// For rows that have none yet, and for new ones.
    fresh: RowsWriter<'c>,
}

impl<'c> ChangedRows<'c> {
    pub(super) fn new(
        table: &Arc<Table>,
        cluster_keys: &[Expr],
        context: &'c QueryContext,
        transaction: &Transaction,
    ) -> Result<ChangedRows<'c>> {
        Ok(ChangedRows {
            old: OldRows::new(table, context, transaction),
            kept: RowsWriter::new(table, cluster_keys, true, context, transaction)?,
            fresh: RowsWriter::new(table, cluster_keys, false, context, transaction)?,
        })
    }

    /// Writes what the rows at these addresses become.
    pub(super) fn change(&self, place: usize, rows: &[Address], new: Batch) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let ids = self.old.ids(rows)?;
        let known: Vec<i64> = ids.iter().copied().flatten().collect();
        if known.len() == ids.len() {
            return self.kept.write(place, with_ids(new, &known));
        }
        let has_id: BooleanArray = ids.iter().map(|id| Some(id.is_some())).collect();
        self.kept.write(place, with_ids(new.filter(&has_id), &known))?;
        let fresh = (0u32..).zip(&ids).filter(|(_, id)| id.is_none()).map(|(row, _)| row);
        self.fresh.write(place, new.take(&UInt32Array::from_iter_values(fresh)))
    }

    /// Writes new rows.
    pub(super) fn insert(&self, place: usize, new: Batch) -> Result<()> {
        self.fresh.write(place, new)
    }

    /// All that was written.
    pub(super) fn finish(self) -> Result<Vec<Partition>> {
        let mut partitions = self.kept.finish()?.partitions;
        partitions.extend(self.fresh.finish()?.partitions);
        Ok(partitions)
    }
}

fn with_ids(rows: Batch, ids: &[i64]) -> Batch {
    let count = rows.rows();
    let mut columns = rows.into_columns();
    columns.push(id_column(ids));
    Batch::new(columns, count)
}
