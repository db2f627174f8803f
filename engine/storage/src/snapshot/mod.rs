//! One version of one table: its micro-partitions and which of their rows are deleted.
//!
//! A snapshot that comes from a checkpoint knows where its list of micro-partitions is stored, and what has
//! changed since; it reads the list when somebody first asks for it. So opening an account reads no lists, and
//! one that is missing or damaged is an error of the statement that needs it.

pub mod compact;
mod list;
mod micro_partition;
mod partitions;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use firn_types::{ColumnPath, Error, FieldId, PartitionId, Result};
use roaring::RoaringBitmap;

pub use list::{ListFile, ListPart, Listed, StoredList};
pub use micro_partition::{Embedded, Location, Partition};
pub use partitions::{Chunk, Partitions};

use self::list::FILES_AT_ONCE;
use self::partitions::Builder;
use crate::parallel::map_at_once;
use crate::shredding::FieldPaths;
use crate::statistics::ColumnSummary;

/// Changes that a snapshot holds beside a list that nobody has read; with more of them it is read.
const CHANGES_MAX: usize = 256;

/// One version of one table.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The micro-partitions, once they are known.
    partitions: OnceLock<Partitions>,
    /// What they are made of; none where they were known from the beginning.
    unread: Option<Unread>,
    /// Where they can be told without the list.
    totals: Option<Totals>,
    next_row_id: i64,
    summaries: OnceLock<BTreeMap<ColumnPath, OnceLock<ColumnSummary>>>,
    paths: Mutex<BTreeMap<FieldId, Option<Arc<FieldPaths>>>>,
}

/// A stored list, and what has changed since it was written.
#[derive(Clone, Debug)]
struct Unread {
    list: Arc<StoredList>,
    /// Each with the row id that its first new row gets.
    changes: Vec<(Arc<SnapshotDelta>, i64)>,
}

/// What is told of a table without looking at its micro-partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows that are not deleted.
    pub rows: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// New micro-partitions that a list has which was not read yet.
#[derive(Debug)]
pub struct AddedList {
    /// The list.
    pub list: StoredList,
    /// What is in it.
    pub totals: Totals,
    /// How many rows of it get new row ids.
    pub new_rows: u64,
}

/// What one transaction does to the rows of one table.
#[derive(Clone, Debug, Default)]
pub struct SnapshotDelta {
    /// New micro-partitions.
    pub added: Vec<Partition>,
    /// Further new ones, before those, in a commit that was read.
    pub added_list: Option<Arc<AddedList>>,
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
        self.added.is_empty() && self.added_list.is_none() && self.keeps_rows()
    }

    /// Whether rows are only added.
    pub fn keeps_rows(&self) -> bool {
        self.removed.is_empty() && self.deleted.is_empty() && !self.truncated
    }

    /// What is added.
    fn totals(&self) -> Totals {
        let mut totals = self.added_list.as_ref().map_or(Totals::default(), |list| list.totals);
        for added in &self.added {
            totals.rows += added.live_rows();
            totals.bytes += added.bytes;
        }
        totals
    }

    /// How many rows get new row ids.
    fn new_rows(&self) -> i64 {
        let listed = self.added_list.as_ref().map_or(0, |list| list.new_rows);
        let new = self.added.iter().filter(|added| !added.stored_row_ids);
        i64::try_from(new.fold(listed, |rows, added| rows + added.rows)).unwrap_or(i64::MAX)
    }
}

impl Snapshot {
    /// A table without rows.
    pub fn empty() -> Snapshot {
        Snapshot::new(Vec::new(), 0)
    }

    /// A table of these micro-partitions.
    pub fn new(partitions: Vec<Arc<Partition>>, next_row_id: i64) -> Snapshot {
        Snapshot::of(partitions.into_iter().collect(), next_row_id)
    }

    /// A table of a list of micro-partitions that was not read yet, and what was noted of it.
    pub fn stored(list: StoredList, totals: Option<Totals>, next_row_id: i64) -> Snapshot {
        let unread = Some(Unread { list: Arc::new(list), changes: Vec::new() });
        Snapshot { unread, totals, next_row_id, ..Snapshot::default() }
    }

    fn of(partitions: Partitions, next_row_id: i64) -> Snapshot {
        let totals = Totals { rows: partitions.rows(), bytes: partitions.bytes() };
        Snapshot {
            partitions: OnceLock::from(partitions),
            totals: Some(totals),
            next_row_id,
            ..Snapshot::default()
        }
    }

    /// The micro-partitions, the oldest first; their list is read when this is first asked.
    ///
    /// # Errors
    /// `Storage` when the list cannot be read, `CorruptFile` when it is damaged or missing; both name its
    /// file.
    pub fn partitions(&self) -> Result<&Partitions> {
        self.read(FILES_AT_ONCE)
    }

    fn read(&self, at_once: usize) -> Result<&Partitions> {
        if let Some(partitions) = self.partitions.get() {
            return Ok(partitions);
        }
        let Some(unread) = &self.unread else {
            return Ok(self.partitions.get_or_init(Partitions::default));
        };
        let mut partitions = unread.list.partitions(at_once)?.clone();
        for (delta, first_row_id) in &unread.changes {
            partitions = changed(&partitions, delta, *first_row_id)?;
        }
        Ok(self.partitions.get_or_init(|| partitions))
    }

    /// Reads the lists of several snapshots that were not read yet, some at once.
    ///
    /// # Errors
    /// As [`Snapshot::partitions`], for the first one that cannot be read.
    pub fn read_all(snapshots: &[&Snapshot]) -> Result<()> {
        let unread: Vec<&&Snapshot> = snapshots.iter().filter(|one| !one.is_read()).collect();
        if unread.is_empty() {
            return Ok(());
        }
        let each = (FILES_AT_ONCE / unread.len()).max(1);
        map_at_once(&unread, FILES_AT_ONCE, |snapshot| snapshot.read(each).map(|_| ()))?;
        Ok(())
    }

    /// Whether the micro-partitions are known, so that asking for them reads nothing.
    pub fn is_read(&self) -> bool {
        self.partitions.get().is_some() || self.unread.is_none()
    }

    /// The list that was stored, where neither anybody has read it nor anything has changed since.
    pub fn unread_list(&self) -> Option<&StoredList> {
        let unread = self.unread.as_ref().filter(|unread| unread.changes.is_empty())?;
        (!self.is_read()).then_some(&unread.list)
    }

    /// The row id that the next new row gets.
    pub fn next_row_id(&self) -> i64 {
        self.next_row_id
    }

    /// Rows that are not deleted, and bytes of all files, as far as they are known without the list.
    pub fn known_totals(&self) -> Option<Totals> {
        self.totals.or_else(|| {
            let partitions = self.partitions.get()?;
            Some(Totals { rows: partitions.rows(), bytes: partitions.bytes() })
        })
    }

    /// Rows that are not deleted, and bytes of all files.
    ///
    /// # Errors
    /// As [`Snapshot::partitions`], where the list tells them.
    pub fn totals(&self) -> Result<Totals> {
        if let Some(totals) = self.known_totals() {
            return Ok(totals);
        }
        let partitions = self.partitions()?;
        Ok(Totals { rows: partitions.rows(), bytes: partitions.bytes() })
    }

    /// Rows that are not deleted.
    ///
    /// # Errors
    /// As [`Snapshot::totals`].
    pub fn rows(&self) -> Result<u64> {
        self.totals().map(|totals| totals.rows)
    }

    /// The micro-partition of this name.
    ///
    /// # Errors
    /// As [`Snapshot::partitions`].
    pub fn partition(&self, id: &PartitionId) -> Result<Option<&Arc<Partition>>> {
        Ok(self.partitions()?.iter().find(|partition| partition.id == *id))
    }

    /// What is known of a column over the whole table; none when no file has it, and none when the list of
    /// files cannot be read, which is for those to tell who need the rows. Computed once, and only for
    /// columns that somebody asks about. Of a path, what is known where it is stored as a sub-column.
    pub fn column_summary(&self, column: &ColumnPath) -> Option<&ColumnSummary> {
        let partitions = self.partitions().ok()?;
        let summaries = self.summaries.get_or_init(|| {
            partitions.columns().map(|column| (column.clone(), OnceLock::new())).collect()
        });
        Some(summaries.get(column)?.get_or_init(|| partitions.summary(column)))
    }

    /// What stands at the paths of a semi-structured column in all of its rows; none where that is not known of every
    /// micro-partition, and where the list of them cannot be read. Computed once.
    pub fn field_paths(&self, field: FieldId) -> Option<Arc<FieldPaths>> {
        let partitions = self.partitions().ok()?;
        let mut known = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(field).or_insert_with(|| partitions.field_paths(field).map(Arc::new)).clone()
    }

    /// The next version: new rows get the next row ids.
    ///
    /// # Errors
    /// An internal error when the delta names a partition that is not there; where the list was not read
    /// yet, that comes when it is.
    pub fn apply(&self, delta: &SnapshotDelta) -> Result<Snapshot> {
        let next_row_id = self.next_row_id.saturating_add(delta.new_rows());
        let base = self.base_for(delta);
        if let (Some(known), None) = (base.known(), &delta.added_list) {
            return Ok(Snapshot::of(changed(known, delta, self.next_row_id)?, next_row_id));
        }
        let mut unread = base;
        unread.changes.push((Arc::new(delta.clone()), self.next_row_id));
        let before = if delta.truncated { Some(Totals::default()) } else { self.known_totals() };
        let keeps_rows = delta.truncated || delta.keeps_rows();
        let totals = before.filter(|_| keeps_rows).map(|before| before.with(delta.totals()));
        Ok(Snapshot { unread: Some(unread), totals, next_row_id, ..Snapshot::default() })
    }

    /// What a change is made on.
    fn base_for(&self, delta: &SnapshotDelta) -> Unread {
        let known = |partitions: Partitions| Unread {
            list: Arc::new(StoredList::of(partitions)),
            changes: Vec::new(),
        };
        let unread = self.unread.as_ref().filter(|_| !self.is_read());
        match unread {
            _ if delta.truncated => known(Partitions::default()),
            None => known(self.partitions.get().cloned().unwrap_or_default()),
            // What cannot be read now is the error of whoever needs it.
            Some(unread) if unread.changes.len() >= CHANGES_MAX => match self.partitions() {
                Ok(partitions) => known(partitions.clone()),
                Err(_) => unread.clone(),
            },
            Some(unread) => unread.clone(),
        }
    }
}

impl Unread {
    fn known(&self) -> Option<&Partitions> {
        self.list.known().filter(|_| self.changes.is_empty())
    }
}

impl Totals {
    fn with(self, more: Totals) -> Totals {
        Totals { rows: self.rows + more.rows, bytes: self.bytes + more.bytes }
    }
}

/// The micro-partitions after a change; new rows get row ids from `first_row_id` on.
fn changed(
    partitions: &Partitions,
    delta: &SnapshotDelta,
    first_row_id: i64,
) -> Result<Partitions> {
    let listed = match &delta.added_list {
        Some(added) => added.list.partitions(FILES_AT_ONCE)?.clone(),
        None => Partitions::default(),
    };
    let mut next_row_id = first_row_id;
    let mut added = listed.iter().map(Arc::as_ref).chain(&delta.added).map(|added| {
        let mut added = added.clone();
        if !added.stored_row_ids {
            added.first_row_id = next_row_id;
            next_row_id += i64::try_from(added.rows).unwrap_or(i64::MAX);
        }
        Arc::new(added)
    });
    let mut builder = Builder::default();
    let touched = |partition: &Arc<Partition>| {
        delta.removed.contains(&partition.id) || delta.deleted.contains_key(&partition.id)
    };
    let keeps_rows = delta.removed.is_empty() && delta.deleted.is_empty();
    let mut met = 0;
    for chunk in partitions.chunks().iter().filter(|_| !delta.truncated) {
        if keeps_rows || !chunk.partitions().iter().any(touched) {
            builder.push_chunk(chunk);
            continue;
        }
        for partition in chunk.partitions() {
            if delta.removed.contains(&partition.id) {
                met += 1;
                if delta.rewritten {
                    added.by_ref().for_each(|added| builder.push(added));
                }
            } else if let Some(deleted) = delta.deleted.get(&partition.id) {
                met += 1;
                partition.without(deleted).into_iter().for_each(|less| builder.push(less));
            } else {
                builder.push(Arc::clone(partition));
            }
        }
    }
    if !delta.truncated && met != delta.removed.len() + delta.deleted.len() {
        return Err(Error::internal("a change of a micro-partition that is not there"));
    }
    added.for_each(|added| builder.push(added));
    Ok(builder.finish())
}
