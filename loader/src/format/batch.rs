//! Rows of a file, with what is needed to say where each came from.

use firn_column::Batch;
use firn_types::ErrorCode;

use crate::row_error::RowError;

/// Some rows of a file.
pub struct FileBatch {
    /// The good rows.
    pub batch: Batch,
    /// The bad rows that came among them, in the file's order.
    pub errors: Vec<RowError>,
    /// Rows parsed for this batch, good and bad.
    pub rows_parsed: u64,
    origin: Box<dyn RowOrigin>,
}

/// Where the rows of a batch stand in their file.
pub trait RowOrigin: Send + Sync {
    /// The number in the file, from 1, of a row of the batch.
    fn row_number(&self, row: usize) -> u64;

    /// The error of a row of the batch that turned out bad after it was read.
    fn reject(
        &self,
        row: usize,
        field: Option<usize>,
        code: ErrorCode,
        message: String,
    ) -> RowError;
}

impl FileBatch {
    /// A batch and its origin.
    pub fn new(
        batch: Batch,
        errors: Vec<RowError>,
        rows_parsed: u64,
        origin: impl RowOrigin + 'static,
    ) -> FileBatch {
        FileBatch { batch, errors, rows_parsed, origin: Box::new(origin) }
    }

    /// The number in the file, from 1, of a good row: METADATA$FILE_ROW_NUMBER.
    pub fn row_number(&self, row: usize) -> u64 {
        self.origin.row_number(row)
    }

    /// The error of a good row that turned out bad later: a NULL where none may be, a conversion in a
    /// SELECT. `field` is the position in the record (from 0) of the field to reason.
    pub fn reject(
        &self,
        row: usize,
        field: Option<usize>,
        code: ErrorCode,
        message: impl Into<String>,
    ) -> RowError {
        self.origin.reject(row, field, code, message.into())
    }
}
