//! Columns of equal length: what one operator hands to the next.

use arrow::array::{BooleanArray, UInt32Array};
use arrow::compute::FilterBuilder;
use firn_types::{Error, Result};

use crate::Column;

/// Columns of equal length. A batch without columns still has a number of rows.
#[derive(Clone, Debug)]
pub struct Batch {
    columns: Vec<Column>,
    rows: usize,
}

impl Batch {
    /// A batch of these columns, each of `rows` rows.
    pub fn new(columns: Vec<Column>, rows: usize) -> Batch {
        debug_assert!(columns.iter().all(|column| column.len() == rows), "columns of {rows} rows");
        Batch { columns, rows }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column at a position.
    pub fn column(&self, position: usize) -> &Column {
        &self.columns[position]
    }

    /// The columns, given away.
    pub fn into_columns(self) -> Vec<Column> {
        self.columns
    }

    /// Rows `offset..offset + len`.
    pub fn slice(&self, offset: usize, len: usize) -> Batch {
        let columns = self.columns.iter().map(|column| column.slice(offset, len)).collect();
        Batch::new(columns, len)
    }

    /// The rows at `indices`, in that order.
    pub fn take(&self, indices: &UInt32Array) -> Batch {
        let columns = self.columns.iter().map(|column| column.take(indices)).collect();
        Batch::new(columns, indices.len())
    }

    /// The rows for which `keep` is TRUE.
    pub fn filter(&self, keep: &BooleanArray) -> Batch {
        let plan = FilterBuilder::new(keep);
        // Where the rows are is worked out once for all columns.
        let plan = if self.columns.len() > 1 { plan.optimize().build() } else { plan.build() };
        let columns = self.columns.iter().map(|column| column.filtered(&plan)).collect();
        Batch::new(columns, plan.count())
    }

    /// The columns at `positions`.
    pub fn project(&self, positions: &[usize]) -> Batch {
        let columns = positions.iter().map(|&position| self.columns[position].clone()).collect();
        Batch::new(columns, self.rows)
    }

    /// All rows of all batches, which have the same columns.
    ///
    /// # Errors
    /// An internal error when the columns differ, or there is no batch.
    pub fn concat(batches: &[Batch]) -> Result<Batch> {
        let first = batches.first().ok_or_else(|| Error::internal("concat of no batch"))?;
        let rows = batches.iter().map(Batch::rows).sum();
        let columns = (0..first.columns.len()).map(|position| {
            let parts: Vec<&Column> = batches.iter().map(|batch| batch.column(position)).collect();
            Column::concat(&parts)
        });
        Ok(Batch::new(columns.collect::<Result<_>>()?, rows))
    }

    /// About how many bytes of memory the batch holds.
    pub fn memory_bytes(&self) -> usize {
        self.columns.iter().map(Column::memory_bytes).sum()
    }
}
