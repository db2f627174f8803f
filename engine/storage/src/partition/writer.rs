//! Batches to micro-partitions.

use firn_column::Batch;
use firn_types::{Error, Result};

use super::StoredColumn;
use crate::{ObjectAccess, Partition};

/// How large micro-partitions become.
#[derive(Clone, Debug)]
pub struct WriterOptions {
    /// Rows at which a file is cut.
    pub target_rows: usize,
    /// Bytes in memory at which a file is cut.
    pub target_bytes: usize,
    /// Rows of a row group.
    pub row_group_rows: usize,
    /// Whether the last column of each batch is the rows' ids, for rewritten rows.
    pub row_ids: bool,
}

impl Default for WriterOptions {
    fn default() -> WriterOptions {
        WriterOptions {
            target_rows: 1 << 20,
            target_bytes: 128 << 20,
            row_group_rows: 1 << 17,
            row_ids: false,
        }
    }
}

/// Writes batches as micro-partitions: gathers rows up to the target size, then writes them as one file.
#[derive(Debug)]
pub struct PartitionWriter {
    access: ObjectAccess,
    folder: String,
    columns: Vec<StoredColumn>,
    options: WriterOptions,
}

impl PartitionWriter {
    /// A writer of files with these columns below `folder` (see [`crate::path`]).
    pub fn new(
        access: ObjectAccess,
        folder: impl Into<String>,
        columns: &[StoredColumn],
        options: WriterOptions,
    ) -> PartitionWriter {
        PartitionWriter { access, folder: folder.into(), columns: columns.to_vec(), options }
    }

    /// Adds rows; the batch has the writer's columns in order.
    ///
    /// # Errors
    /// `Storage` when a file cannot be written.
    pub fn write(&mut self, _batch: &Batch) -> Result<()> {
        Err(Error::not_supported("writing"))
    }

    /// Writes what is left and returns all partitions, durable and ready to commit.
    ///
    /// # Errors
    /// `Storage` when a file cannot be written.
    pub fn finish(self) -> Result<Vec<Partition>> {
        Err(Error::not_supported("writing"))
    }
}
