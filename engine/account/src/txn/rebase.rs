//! What one transaction wants, on top of what others have committed.
//!
//! Compaction and reclustering write rows anew under their ids, so that files which a transaction has read are
//! gone although no row has changed. Then what the transaction takes away is looked up in the new files by the
//! ids of the rows; and what others have taken away from the old files meanwhile is taken away from new ones.
//! So neither makes the other fail. Whether two transactions conflict beyond that says [`conflict`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use firn_storage::{
    ColumnCache, ObjectAccess, Partition, PartitionReader, RowSelection, Snapshot, SnapshotDelta,
};
use firn_types::{ObjectId, PartitionId, Result};
use roaring::RoaringBitmap;

use super::conflict::{Conflict, conflict};
use super::operation::Operation;
use crate::catalog::Catalog;

/// Rows of a table that were written anew as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rewrite {
    pub(crate) table: ObjectId,
    /// The micro-partitions that had them.
    removed: Vec<PartitionId>,
    /// Those that have them now.
    added: Vec<PartitionId>,
}

impl Rewrite {
    /// What an operation writes anew.
    pub(crate) fn of(operation: &Operation) -> Option<Arc<Rewrite>> {
        let Operation::Rows { table, delta } = operation else { return None };
        delta.rewritten.then(|| {
            Arc::new(Rewrite {
                table: *table,
                removed: delta.removed.iter().cloned().collect(),
                added: delta.added.iter().map(|partition| partition.id.clone()).collect(),
            })
        })
    }
}

/// What becomes of operations on a newer version.
pub(crate) enum Rebased {
    /// They can be performed: these instead, where files have changed under them.
    Fit(Option<Vec<Operation>>),
    /// They cannot.
    Conflict(Conflict),
    /// The ids of these micro-partitions' rows tell; they have to be read first.
    Needs(Vec<Arc<Partition>>),
}

/// The ids of rows of micro-partitions, which never change.
#[derive(Debug, Default)]
pub(crate) struct RowIds(HashMap<PartitionId, Vec<i64>>);

impl RowIds {
    /// Reads the ids of all rows of micro-partitions, deleted ones too.
    pub(crate) fn read(
        &mut self,
        access: &ObjectAccess,
        partitions: &[Arc<Partition>],
    ) -> Result<()> {
        for partition in partitions {
            let reader = PartitionReader::open(access, partition, &ColumnCache::new(0))?;
            let mut ids = Vec::with_capacity(partition.rows as usize);
            for group in reader.row_groups() {
                let column = reader.row_ids(group.index, &RowSelection::All)?;
                let array = column.flat();
                ids.extend((0..array.len()).map(|row| array.integer(row) as i64));
            }
            self.0.insert(partition.id.clone(), ids);
        }
        Ok(())
    }

    /// The id of each row, in the order of the file; none when that has to be read first.
    fn of(&self, partition: &Partition) -> Option<Ids<'_>> {
        match partition.stored_row_ids {
            true => self.0.get(&partition.id).map(|ids| Ids::Stored(ids)),
            false => Some(Ids::From(partition.first_row_id)),
        }
    }
}

/// The ids of a micro-partition's rows.
enum Ids<'i> {
    From(i64),
    Stored(&'i [i64]),
}

impl Ids<'_> {
    fn of_rows(&self, rows: &RoaringBitmap) -> HashSet<i64> {
        let id = |row: u32| match self {
            Ids::From(first) => first + i64::from(row),
            Ids::Stored(ids) => ids.get(row as usize).copied().unwrap_or(-1),
        };
        rows.iter().map(id).collect()
    }

    /// The positions of rows with these ids that are not deleted.
    fn positions(&self, wanted: &HashSet<i64>, partition: &Partition) -> RoaringBitmap {
        let rows = u32::try_from(partition.rows).unwrap_or(u32::MAX);
        let id = |row: u32| match self {
            Ids::From(first) => first + i64::from(row),
            Ids::Stored(ids) => ids.get(row as usize).copied().unwrap_or(-1),
        };
        let is_live =
            |row: &u32| partition.deleted.as_ref().is_none_or(|rows| !rows.contains(*row));
        (0..rows).filter(|row| wanted.contains(&id(*row))).filter(is_live).collect()
    }
}

/// What becomes of operations that were made on `base`, on top of `theirs`. `rewrites` are those since, in
/// order.
///
/// # Errors
/// When a list of micro-partitions cannot be read that tells it.
pub(crate) fn rebase(
    base: &Catalog,
    mine: &[Operation],
    theirs: &Catalog,
    rewrites: &[Arc<Rewrite>],
    ids: &RowIds,
) -> Result<Rebased> {
    let mut work = Rebasing { rewrites, ids, needs: Vec::new(), gone: HashMap::new() };
    let mut moved: Option<Vec<Operation>> = None;
    for (at, operation) in mine.iter().enumerate() {
        let Operation::Rows { table, delta } = operation else { continue };
        let (Ok(then), Ok(now)) = (base.rows_of(*table), theirs.rows_of(*table)) else { continue };
        if delta.keeps_rows() || delta.truncated || Arc::ptr_eq(then, now) {
            continue;
        }
        let delta = match delta.rewritten {
            true => work.with_deleted(then, delta, now)?,
            false => work.moved(*table, then, delta, now)?,
        };
        if let Some(delta) = delta {
            let moved = moved.get_or_insert_with(|| mine.to_vec());
            moved[at] = Operation::Rows { table: *table, delta };
        }
    }
    if !work.needs.is_empty() {
        return Ok(Rebased::Needs(work.needs));
    }
    Ok(match conflict(base, moved.as_deref().unwrap_or(mine), theirs)? {
        Some(conflict) => Rebased::Conflict(conflict),
        None => Rebased::Fit(moved),
    })
}

/// Micro-partitions by their names.
type ByName<'s> = HashMap<&'s PartitionId, &'s Arc<Partition>>;

fn by_name(snapshot: &Snapshot) -> Result<ByName<'_>> {
    Ok(snapshot.partitions()?.iter().map(|partition| (&partition.id, partition)).collect())
}

struct Rebasing<'a> {
    rewrites: &'a [Arc<Rewrite>],
    ids: &'a RowIds,
    /// What has to be read first.
    needs: Vec<Arc<Partition>>,
    /// Rows that earlier operations of the transaction have taken away.
    gone: HashMap<PartitionId, RoaringBitmap>,
}

impl Rebasing<'_> {
    /// A change that takes rows away from files which were rewritten, as one of the new files; none when there
    /// are no such files, and when the rows are not there any more, which is a conflict.
    fn moved(
        &mut self,
        table: ObjectId,
        then: &Snapshot,
        delta: &SnapshotDelta,
        now: &Snapshot,
    ) -> Result<Option<SnapshotDelta>> {
        let now = by_name(now)?;
        let touched = delta.removed.iter().chain(delta.deleted.keys());
        let lost: HashSet<&PartitionId> = touched.filter(|id| !now.contains_key(id)).collect();
        if lost.is_empty() {
            return Ok(None);
        }
        let mut moved = delta.clone();
        let mut found: BTreeMap<PartitionId, RoaringBitmap> = BTreeMap::new();
        for old in then.partitions()?.iter().filter(|old| lost.contains(&old.id)) {
            let gone = self.gone.entry(old.id.clone()).or_default();
            let rows = match delta.deleted.get(&old.id) {
                Some(rows) => rows - &*gone,
                None => live(old) - &*gone,
            };
            *gone |= &rows;
            let Some(wanted) = self.ids_of(old).map(|ids| ids.of_rows(&rows)) else { continue };
            let mut missing = wanted.len() as u64;
            for new in self.successors(table, &old.id).iter().filter_map(|id| now.get(id)) {
                let Some(ids) = self.ids_of(new) else { continue };
                let positions = ids.positions(&wanted, new);
                missing = missing.saturating_sub(positions.len());
                if !positions.is_empty() {
                    *found.entry(new.id.clone()).or_default() |= positions;
                }
            }
            if missing > 0 {
                // Unless some ids have to be read, somebody else has changed the rows.
                continue;
            }
            moved.removed.remove(&old.id);
            moved.deleted.remove(&old.id);
        }
        moved.deleted.extend(found);
        Ok(Some(moved))
    }

    /// A rewrite without the rows that others have taken away meanwhile from the files that it has read; none
    /// when there are no such rows.
    fn with_deleted(
        &mut self,
        then: &Snapshot,
        delta: &SnapshotDelta,
        now: &Snapshot,
    ) -> Result<Option<SnapshotDelta>> {
        let now = by_name(now)?;
        let mut wanted = HashSet::new();
        for old in then.partitions()?.iter().filter(|old| delta.removed.contains(&old.id)) {
            let Some(now) = now.get(&old.id) else { continue };
            let more = live(old) - live(now);
            if !more.is_empty()
                && let Some(ids) = self.ids_of(old)
            {
                wanted.extend(ids.of_rows(&more));
            }
        }
        if wanted.is_empty() {
            return Ok(None);
        }
        let mut less = delta.clone();
        for added in &mut less.added {
            let partition = Arc::new(added.clone());
            let Some(ids) = self.ids_of(&partition) else { continue };
            let positions = ids.positions(&wanted, added);
            if !positions.is_empty() {
                let deleted =
                    added.deleted.take().map_or(positions.clone(), |old| &*old | &positions);
                added.deleted = Some(Arc::new(deleted));
            }
        }
        less.added.retain(|added| added.live_rows() > 0);
        Ok(Some(less))
    }

    /// Where rows of a micro-partition may be that was rewritten, perhaps more than once.
    fn successors(&self, table: ObjectId, old: &PartitionId) -> HashSet<PartitionId> {
        let mut places = HashSet::from([old.clone()]);
        for rewrite in self.rewrites.iter().filter(|rewrite| rewrite.table == table) {
            if rewrite.removed.iter().any(|removed| places.contains(removed)) {
                places.extend(rewrite.added.iter().cloned());
            }
        }
        places
    }

    /// The ids of a micro-partition's rows; none, and it is noted, when they have to be read.
    fn ids_of(&mut self, partition: &Arc<Partition>) -> Option<Ids<'_>> {
        let ids = self.ids.of(partition);
        if ids.is_none() && !self.needs.iter().any(|other| other.id == partition.id) {
            self.needs.push(Arc::clone(partition));
        }
        ids
    }
}

/// The rows of a micro-partition that are not deleted.
fn live(partition: &Partition) -> RoaringBitmap {
    let mut rows = RoaringBitmap::new();
    rows.insert_range(0..u32::try_from(partition.rows).unwrap_or(u32::MAX));
    match &partition.deleted {
        Some(deleted) => rows - deleted.as_ref(),
        None => rows,
    }
}
