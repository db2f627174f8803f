//! Cursors and the rows of RESULTSETs.

use std::sync::Arc;

use firn_column::Batch;
use firn_parse::ast::CursorSource;
use firn_types::{Field, Result, Value};

use crate::result::StatementResult;

/// A cursor: what it goes through, and when it is open, where it is.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    /// What it goes through.
    pub(crate) source: CursorSource,
    /// Its rows, while it is open.
    pub(crate) open: Option<Rows>,
}

/// A way through the rows of a result.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    /// The result.
    pub(crate) result: Arc<StatementResult>,
    fields: Arc<[Field]>,
    /// The batch that is being read, and the number of the next one.
    batch: Option<Batch>,
    next_batch: usize,
    row: usize,
}

impl Rows {
    /// A way from the first row on.
    pub(crate) fn of(result: Arc<StatementResult>) -> Rows {
        let fields = result.fields.clone().into();
        Rows { result, fields, batch: None, next_batch: 0, row: 0 }
    }

    /// The columns.
    pub(crate) fn fields(&self) -> &Arc<[Field]> {
        &self.fields
    }

    /// The next row's values; none after the last.
    ///
    /// # Errors
    /// `Storage` when rows on disk cannot be read.
    pub(crate) fn next_row(&mut self) -> Result<Option<Vec<Value>>> {
        loop {
            if let Some(batch) = &self.batch
                && self.row < batch.rows()
            {
                let row = self.row;
                self.row += 1;
                let value = |(position, field): (usize, &Field)| {
                    batch.column(position).value(row, field.sql_type)
                };
                return Ok(Some(self.fields.iter().enumerate().map(value).collect()));
            }
            let Some(batch) = self.result.batch(self.next_batch)? else { return Ok(None) };
            (self.batch, self.row) = (Some(batch), 0);
            self.next_batch += 1;
        }
    }
}
