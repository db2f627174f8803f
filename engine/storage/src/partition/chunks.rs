//! Columns of one row group as the cache holds them, from which batches are cut.

use arrow::array::UInt32Array;
use firn_column::{Batch, EncodedColumn, Selection};

/// Some columns of one row group. Widening waits until it is known which rows are wanted.
#[derive(Clone, Debug)]
pub struct Chunks {
    columns: Vec<EncodedColumn>,
    rows: usize,
}

impl Chunks {
    pub(super) fn new(columns: Vec<EncodedColumn>, rows: usize) -> Chunks {
        Chunks { columns, rows }
    }

    /// The number of rows: the row group's.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The most values that a dictionary among the columns has; 0 without one.
    pub fn dictionary_len(&self) -> usize {
        self.columns.iter().filter_map(EncodedColumn::dictionary_len).max().unwrap_or(0)
    }

    /// These columns, and others of the same row group after them.
    pub fn and(mut self, others: Chunks) -> Chunks {
        self.columns.extend(others.columns);
        self
    }

    /// The columns at `positions`.
    pub fn project(&self, positions: &[usize]) -> Chunks {
        let columns = positions.iter().map(|&position| self.columns[position].clone()).collect();
        Chunks { columns, rows: self.rows }
    }

    /// The column at `position`.
    pub fn column(&self, position: usize) -> &EncodedColumn {
        &self.columns[position]
    }

    /// Rows `offset..offset + len`.
    pub fn slice(&self, offset: usize, len: usize) -> Batch {
        let columns = self.columns.iter().map(|column| column.slice(offset, len)).collect();
        Batch::new(columns, len)
    }

    /// The given rows, each of which is there; ascending ones are fastest.
    pub fn take(&self, rows: &UInt32Array) -> Batch {
        let columns = self.columns.iter().map(|column| column.take(rows)).collect();
        Batch::new(columns, rows.len())
    }

    /// The wanted rows of those at `offset..offset + len`, from which the selection counts.
    pub fn select(&self, offset: usize, len: usize, selection: &Selection) -> Batch {
        match selection {
            Selection::Rows(rows) => self.take(&rows.unary(|row| row + offset as u32)),
            Selection::None => self.slice(offset, 0),
            selection => self.slice(offset, len).select(selection),
        }
    }
}
