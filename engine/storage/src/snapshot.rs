//! One version of one table: its micro-partitions and which of their rows are deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use firn_types::{Error, ErrorCode, FieldId, PartitionId, Result};
use roaring::RoaringBitmap;

use crate::ObjectAccess;
use crate::partition::{FooterSeal, ResidentRows};
use crate::statistics::{ColumnStatistics, ColumnSummary};

/// A micro-partition as a snapshot sees it: rows that never change, and which of them are deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct Partition {
    /// Its unique name.
    pub id: PartitionId,
    /// Its file, from the account's root.
    pub path: String,
    /// Where its rows are.
    pub home: Home,
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
    /// What is known of each stored column, by field id. Rows in memory tell it when they are asked:
    /// [`Partition::column`].
    pub columns: Arc<[ColumnStatistics]>,
}

/// Where a micro-partition's rows are.
#[derive(Clone, Debug)]
pub enum Home {
    /// In its file.
    File,
    /// In the commit, which has the file's bytes until the next checkpoint writes it: a small INSERT is
    /// one durable write.
    Commit(Bytes),
    /// In memory, as long as anybody refers to them; there is no file. Only a session's own tables have
    /// such rows.
    Memory(Arc<ResidentRows>),
}

impl PartialEq for Home {
    fn eq(&self, other: &Home) -> bool {
        match (self, other) {
            (Home::File, Home::File) => true,
            (Home::Commit(left), Home::Commit(right)) => left == right,
            (Home::Memory(left), Home::Memory(right)) => Arc::ptr_eq(left, right),
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
        let Home::Commit(inside) = &self.home else { return access.get_ranges(&self.path, ranges) };
        let part = |range: &Range<u64>| {
            let (start, end) = (range.start as usize, range.end as usize);
            let cut = || Error::new(ErrorCode::CorruptFile, format!("'{}' is cut off", self.path));
            if start <= end && end <= inside.len() {
                Ok(inside.slice(start..end))
            } else {
                Err(cut())
            }
        };
        ranges.iter().map(part).collect()
    }

    /// What is known of a column; none for one that the file does not have. Deleted rows still count.
    pub fn column(&self, field: FieldId) -> Option<&ColumnStatistics> {
        if let Home::Memory(rows) = &self.home {
            return rows.statistics(field);
        }
        let at = self.columns.binary_search_by_key(&field, |column| column.field).ok()?;
        self.columns.get(at)
    }

    /// The columns that are stored.
    fn fields(&self) -> Vec<FieldId> {
        match &self.home {
            Home::Memory(rows) => rows.fields().collect(),
            _ => self.columns.iter().map(|column| column.field).collect(),
        }
    }

    /// Bytes of a column in the file or in memory; 0 for one that is not there.
    pub fn column_bytes(&self, field: FieldId) -> u64 {
        match &self.home {
            Home::Memory(rows) => rows.column_bytes(field),
            _ => self.column(field).map_or(0, |column| column.bytes),
        }
    }
}

/// One version of one table.
#[derive(Debug, Default)]
pub struct Snapshot {
    partitions: Vec<Arc<Partition>>,
    next_row_id: i64,
    summaries: OnceLock<BTreeMap<FieldId, OnceLock<ColumnSummary>>>,
}

/// What one transaction does to the rows of one table.
#[derive(Clone, Debug, Default)]
pub struct SnapshotDelta {
    /// New micro-partitions.
    pub added: Vec<Partition>,
    /// Micro-partitions that are gone with all their rows.
    pub removed: BTreeSet<PartitionId>,
    /// Positions of rows that are gone, for partitions that stay.
    pub deleted: BTreeMap<PartitionId, RoaringBitmap>,
    /// Whether everything that was there goes before `added` comes.
    pub truncated: bool,
    /// Whether the change follows from all the table's rows, so that it is wrong once others have changed
    /// any: rows that MERGE inserts because it missed them, rows that INSERT OVERWRITE made of those that
    /// it takes away. Only the way to the commit needs to know; it is not persisted.
    pub depends_on_rows: bool,
    /// Whether `added` holds the live rows of `removed` under their ids, and takes their place: the table
    /// stays as it is, only its files differ.
    pub rewritten: bool,
}

impl SnapshotDelta {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.keeps_rows()
    }

    /// Whether rows are only added.
    pub fn keeps_rows(&self) -> bool {
        self.removed.is_empty() && self.deleted.is_empty() && !self.truncated
    }
}

impl Snapshot {
    /// A table without rows.
    pub fn empty() -> Snapshot {
        Snapshot::default()
    }

    /// A table of these micro-partitions.
    pub fn new(partitions: Vec<Arc<Partition>>, next_row_id: i64) -> Snapshot {
        Snapshot { partitions, next_row_id, summaries: OnceLock::new() }
    }

    /// The micro-partitions, the oldest first.
    pub fn partitions(&self) -> &[Arc<Partition>] {
        &self.partitions
    }

    /// The row id that the next new row gets.
    pub fn next_row_id(&self) -> i64 {
        self.next_row_id
    }

    /// Rows that are not deleted.
    pub fn rows(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.live_rows()).sum()
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.bytes).sum()
    }

    /// The micro-partition of this name.
    pub fn partition(&self, id: &PartitionId) -> Option<&Arc<Partition>> {
        self.partitions.iter().find(|partition| partition.id == *id)
    }

    /// What is known of a column over the whole table; none when no file has it. Computed once, and only
    /// for columns that somebody asks about.
    pub fn column_summary(&self, field: FieldId) -> Option<&ColumnSummary> {
        let summaries = self.summaries.get_or_init(|| {
            let fields = self.partitions.iter().flat_map(|partition| partition.fields());
            fields.map(|field| (field, OnceLock::new())).collect()
        });
        Some(summaries.get(&field)?.get_or_init(|| {
            let mut summary = ColumnSummary::default();
            for partition in &self.partitions {
                if let Some(column) = partition.column(field) {
                    summary.add(column, partition);
                }
            }
            summary
        }))
    }

    /// The next version: new rows get the next row ids.
    ///
    /// # Errors
    /// An internal error when the delta names a partition that is not there.
    pub fn apply(&self, delta: &SnapshotDelta) -> Result<Snapshot> {
        let mut partitions = Vec::with_capacity(self.partitions.len() + delta.added.len());
        let mut met = 0;
        let mut place = None;
        if !delta.truncated {
            for partition in &self.partitions {
                if delta.removed.contains(&partition.id) {
                    met += 1;
                    place.get_or_insert(partitions.len());
                } else if let Some(deleted) = delta.deleted.get(&partition.id) {
                    met += 1;
                    partitions.extend(with_deleted(partition, deleted));
                } else {
                    partitions.push(Arc::clone(partition));
                }
            }
            if met != delta.removed.len() + delta.deleted.len() {
                return Err(Error::internal("a change of a micro-partition that is not there"));
            }
        }
        let place = place.filter(|_| delta.rewritten).unwrap_or(partitions.len());
        let after = partitions.split_off(place);
        let mut next_row_id = self.next_row_id;
        for added in &delta.added {
            let mut added = added.clone();
            if !added.stored_row_ids {
                added.first_row_id = next_row_id;
                next_row_id += i64::try_from(added.rows).unwrap_or(i64::MAX);
            }
            partitions.push(Arc::new(added));
        }
        partitions.extend(after);
        Ok(Snapshot::new(partitions, next_row_id))
    }
}

/// The partition with more rows deleted; none when no row is left.
fn with_deleted(partition: &Arc<Partition>, more: &RoaringBitmap) -> Option<Arc<Partition>> {
    let deleted = match &partition.deleted {
        Some(deleted) => deleted.as_ref() | more,
        None => more.clone(),
    };
    if deleted.len() >= partition.rows {
        return None;
    }
    let mut partition = Partition::clone(partition);
    partition.deleted = Some(Arc::new(deleted));
    Some(Arc::new(partition))
}
