//! A micro-partition as a snapshot sees it.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use firn_types::{ColumnPath, Error, ErrorCode, FieldId, PartitionId, Result, SqlType};
use roaring::RoaringBitmap;

use crate::ObjectAccess;
use crate::partition::{FooterSeal, ResidentRows};
use crate::shredding::FieldPaths;
use crate::statistics::ColumnStatistics;

/// A micro-partition as a snapshot sees it: rows that never change, and which of them are deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct Partition {
    /// Its unique name.
    pub id: PartitionId,
    /// Its file, from the account's root.
    pub path: String,
    /// Where its rows are.
    pub location: Location,
    /// Rows in the file, deleted ones too.
    pub rows: u64,
    /// Bytes of the file, or of memory.
    pub bytes: u64,
    /// What the file's footer must be; none of rows in memory, and of files from before there were seals.
    pub seal: Option<FooterSeal>,
    /// The row id of the first row; later rows count on. Given at commit; of no meaning when
    /// `stored_row_ids`.
    pub first_row_id: i64,
    /// Whether the file has a column of row ids, because its rows were rewritten.
    pub stored_row_ids: bool,
    /// Positions of deleted rows in the file.
    pub deleted: Option<Arc<RoaringBitmap>>,
    /// What is known of each stored column and sub-column, in their order. Rows in memory tell it when they are
    /// asked: [`Partition::column`].
    pub columns: Arc<[ColumnStatistics]>,
    /// What stands at the paths of the semi-structured columns, in the order of these; not of files that were written
    /// before that was told. Rows in memory tell it when they are asked: [`Partition::field_paths`].
    pub paths: Arc<[Arc<FieldPaths>]>,
}

/// Where a micro-partition's rows are.
#[derive(Clone, Debug)]
pub enum Location {
    /// In its file.
    File,
    /// In the commit, which has the file's bytes until the next checkpoint writes it: a small INSERT is
    /// one durable write.
    Commit(Arc<Embedded>),
    /// In memory, as long as anybody refers to them; there is no file. Only a session's own tables have
    /// such rows.
    Memory(Arc<ResidentRows>),
}

/// A file that rides inside a commit.
#[derive(Debug)]
pub struct Embedded {
    bytes: Bytes,
    /// Whether this process has written the file.
    written: AtomicBool,
}

impl Embedded {
    /// The bytes of a file.
    pub fn new(bytes: Bytes) -> Embedded {
        Embedded { bytes, written: AtomicBool::new(false) }
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Writes the file under its own name, unless this process has done so.
    ///
    /// # Errors
    /// `Storage` when it cannot be written.
    pub fn write(&self, access: &ObjectAccess, path: &str) -> Result<()> {
        if !self.written.load(Ordering::SeqCst) {
            access.put_if_absent(path, self.bytes.clone())?;
            self.written.store(true, Ordering::SeqCst);
        }
        Ok(())
    }
}

impl PartialEq for Location {
    fn eq(&self, other: &Location) -> bool {
        match (self, other) {
            (Location::File, Location::File) => true,
            (Location::Commit(left), Location::Commit(right)) => left.bytes == right.bytes,
            (Location::Memory(left), Location::Memory(right)) => Arc::ptr_eq(left, right),
            _ => false,
        }
    }
}

impl Partition {
    /// Rows that are not deleted.
    pub fn live_rows(&self) -> u64 {
        self.rows - self.deleted.as_ref().map_or(0, |deleted| deleted.len())
    }

    /// Ranges of bytes of the file.
    pub(crate) fn read(&self, access: &ObjectAccess, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let Location::Commit(inside) = &self.location else {
            return access.get_ranges(&self.path, ranges);
        };
        let part = |range: &Range<u64>| {
            let (start, end) = (range.start as usize, range.end as usize);
            let cut = || Error::new(ErrorCode::CorruptFile, format!("'{}' is cut off", self.path));
            if start <= end && end <= inside.bytes.len() {
                Ok(inside.bytes.slice(start..end))
            } else {
                Err(cut())
            }
        };
        ranges.iter().map(part).collect()
    }

    /// What is known of a column; none for one that the file does not have. Deleted rows still count.
    pub fn column(&self, column: &ColumnPath) -> Option<&ColumnStatistics> {
        if let Location::Memory(rows) = &self.location {
            return rows.statistics(column);
        }
        let at = self.columns.binary_search_by(|known| known.column.cmp(column)).ok()?;
        self.columns.get(at)
    }

    /// What stands at the paths of a semi-structured column; none where that is not known.
    pub fn field_paths(&self, field: FieldId) -> Option<Arc<FieldPaths>> {
        if let Location::Memory(rows) = &self.location {
            return Some(rows.field_paths(field));
        }
        match self.paths.iter().find(|paths| paths.field == field) {
            Some(paths) => Some(Arc::clone(paths)),
            // A column that is younger than the file has nothing there.
            None if self.column(&field.into()).is_none() => Some(Arc::new(FieldPaths::none(field))),
            None => None,
        }
    }

    /// The type of the values at a path, where they are of one; none of a whole column.
    pub fn path_type(&self, column: &ColumnPath) -> Option<SqlType> {
        let path = column.path.as_ref()?;
        self.field_paths(column.field)?.at(path)?.path_type.sql_type()
    }

    /// The columns and sub-columns that are stored.
    pub(super) fn stored_columns(&self) -> Vec<ColumnPath> {
        match &self.location {
            Location::Memory(rows) => rows.fields().map(ColumnPath::from).collect(),
            _ => self.columns.iter().map(|known| known.column.clone()).collect(),
        }
    }

    /// Bytes that are read for a column in the file or in memory; 0 for one that is not there.
    pub fn column_bytes(&self, column: &ColumnPath) -> u64 {
        match &self.location {
            Location::Memory(rows) => rows.column_bytes(column.field),
            _ => {
                let whole = || self.column(&column.field.into());
                self.column(column).or_else(whole).map_or(0, |known| known.bytes)
            }
        }
    }

    /// The partition with more rows deleted; none when no row is left.
    pub(super) fn without(self: &Arc<Self>, more: &RoaringBitmap) -> Option<Arc<Partition>> {
        let deleted = match &self.deleted {
            Some(deleted) => deleted.as_ref() | more,
            None => more.clone(),
        };
        if deleted.len() >= self.rows {
            return None;
        }
        let mut partition = Partition::clone(self);
        partition.deleted = Some(Arc::new(deleted));
        Some(Arc::new(partition))
    }
}
