//! Micro-partitions to batches.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{BooleanArray, UInt32Array};
use firn_column::{Batch, Column};
use firn_types::scan_predicate::ScanPredicate;
use firn_types::{Error, Result};

use super::ReadColumn;
use crate::{ColumnCache, ObjectAccess, Partition, Prune};

/// Some consecutive rows of a file whose columns are read as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowGroup {
    /// Its position in the file.
    pub index: usize,
    /// Its rows, as positions in the file.
    pub rows: Range<u32>,
}

/// Which rows of a row group to read; positions count from the row group's first row.
#[derive(Clone, Debug)]
pub enum RowSelection {
    /// All of them.
    All,
    /// Consecutive ones.
    Range(Range<u32>),
    /// These, in this order.
    List(UInt32Array),
    /// Those for which the array is TRUE; as long as the row group.
    Mask(BooleanArray),
}

/// An open micro-partition. Many threads may read at once.
#[derive(Debug)]
pub struct PartitionReader {
    access: ObjectAccess,
    partition: Arc<Partition>,
    cache: Arc<ColumnCache>,
    row_groups: Vec<RowGroup>,
}

impl PartitionReader {
    /// Opens a micro-partition; the footer comes from the cache where it is there.
    ///
    /// # Errors
    /// `Storage` when it cannot be read, `CorruptFile` when it is no micro-partition.
    pub fn open(
        access: &ObjectAccess,
        partition: &Arc<Partition>,
        cache: &Arc<ColumnCache>,
    ) -> Result<PartitionReader> {
        let _ = (access, partition, cache);
        Err(Error::not_supported("reading"))
    }

    /// The micro-partition.
    pub fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    /// The row groups in order.
    pub fn row_groups(&self) -> &[RowGroup] {
        &self.row_groups
    }

    /// Whether a row group can be skipped or taken whole.
    pub fn prune(&self, _row_group: usize, _predicate: &ScanPredicate) -> Prune {
        Prune::Read
    }

    /// The rows of a row group that are not deleted; `All` when none is.
    pub fn live_rows(&self, _row_group: usize) -> RowSelection {
        RowSelection::All
    }

    /// Reads columns of a row group; deleted rows are read too, unless the selection leaves them out.
    ///
    /// Text columns come as dictionaries where the file has them so, numbers as narrow as the file has
    /// them, columns that the file lacks as constants.
    ///
    /// # Errors
    /// `Storage` when it cannot be read, `CorruptFile` when its bytes are not what they should be.
    pub fn read(
        &self,
        row_group: usize,
        columns: &[ReadColumn],
        rows: &RowSelection,
    ) -> Result<Batch> {
        let _ = (row_group, columns, rows, &self.access, &self.cache);
        Err(Error::not_supported("reading"))
    }

    /// The row ids of rows of a row group, as 64-bit integers.
    ///
    /// # Errors
    /// As [`PartitionReader::read`].
    pub fn row_ids(&self, row_group: usize, rows: &RowSelection) -> Result<Column> {
        let _ = (row_group, rows);
        Err(Error::not_supported("reading"))
    }
}
