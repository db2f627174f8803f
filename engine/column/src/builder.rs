//! Growing a column value by value: for small results such as SHOW, literals and defaults.

use firn_types::{Result, SqlType, Value};

use crate::{Batch, Column};

/// Columns that grow by rows of values.
#[derive(Clone, Debug)]
pub struct RowsBuilder {
    types: Vec<SqlType>,
    columns: Vec<Vec<Value>>,
    rows: usize,
}

impl RowsBuilder {
    /// No rows yet, of columns of these types.
    pub fn new(types: Vec<SqlType>) -> RowsBuilder {
        let columns = vec![Vec::new(); types.len()];
        RowsBuilder { types, columns, rows: 0 }
    }

    /// Adds a row: one value for each column, of its type or NULL. Missing ones are NULL.
    pub fn push(&mut self, row: impl IntoIterator<Item = Value>) {
        let mut row = row.into_iter();
        for column in &mut self.columns {
            column.push(row.next().unwrap_or(Value::Null));
        }
        self.rows += 1;
    }

    /// The number of rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows as a batch.
    ///
    /// # Errors
    /// An internal error when a value is not of its column's type.
    pub fn finish(self) -> Result<Batch> {
        let columns = self.types.iter().zip(&self.columns);
        let columns = columns.map(|(&sql_type, values)| Column::from_values(sql_type, values));
        Ok(Batch::new(columns.collect::<Result<_>>()?, self.rows))
    }
}
