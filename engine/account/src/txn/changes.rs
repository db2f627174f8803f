//! What changed in a table between two versions: rows in, rows out.
//!
//! Materialized views and streams are made of this. Rows are told apart by their ids: a row that was
//! rewritten (updated, or moved by compaction) is among the deleted and, with the same id, among the
//! inserted ones.

use std::collections::HashMap;
use std::sync::Arc;

use firn_storage::{Partition, Partitions, Snapshot};
use firn_types::{PartitionId, Result};
use roaring::RoaringBitmap;

/// Some rows of one micro-partition.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedRows {
    /// The micro-partition.
    pub partition: Arc<Partition>,
    /// Positions in the file; none for all that the partition's own `deleted` leaves.
    pub rows: Option<RoaringBitmap>,
}

/// The difference between two versions of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Rows that the later version has and the earlier has not.
    pub inserted: Vec<ChangedRows>,
    /// Rows that the earlier version has and the later has not.
    pub deleted: Vec<ChangedRows>,
}

impl Changes {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.inserted.is_empty() && self.deleted.is_empty()
    }

    /// Whether rows were only added.
    pub fn is_append(&self) -> bool {
        self.deleted.is_empty() && self.inserted.iter().all(|rows| !rows.partition.stored_row_ids)
    }
}

/// Some rows as a version of a table of their own.
pub fn rows_alone(rows: &[ChangedRows]) -> Snapshot {
    let alone = |changed: &ChangedRows| match &changed.rows {
        None => Arc::clone(&changed.partition),
        Some(rows) => {
            let mut others = RoaringBitmap::new();
            others.insert_range(0..u32::try_from(changed.partition.rows).unwrap_or(u32::MAX));
            others -= rows;
            let mut partition = changed.partition.as_ref().clone();
            partition.deleted = Some(Arc::new(others));
            Arc::new(partition)
        }
    };
    Snapshot::new(rows.iter().map(alone).collect(), 0)
}

/// What must be taken out and put in to make `to` of `from`, two versions of one table in any order.
///
/// # Errors
/// When the list of one of them cannot be read.
pub fn changes(from: &Snapshot, to: &Snapshot) -> Result<Changes> {
    let (from, to) = (from.partitions()?, to.partitions()?);
    let earlier = by_id(from);
    let later = by_id(to);
    let mut changes = Changes::default();
    for partition in from.iter() {
        match later.get(&partition.id) {
            None => changes.deleted.push(whole(partition)),
            Some(now) => {
                let gone = less(now, partition);
                changes.deleted.extend(some(partition, gone));
                let back = less(partition, now);
                changes.inserted.extend(some(now, back));
            }
        }
    }
    let added = to.iter().filter(|partition| !earlier.contains_key(&partition.id));
    changes.inserted.extend(added.map(whole));
    Ok(changes)
}

fn by_id(partitions: &Partitions) -> HashMap<&PartitionId, &Arc<Partition>> {
    partitions.iter().map(|partition| (&partition.id, partition)).collect()
}

fn whole(partition: &Arc<Partition>) -> ChangedRows {
    ChangedRows { partition: Arc::clone(partition), rows: None }
}

fn some(partition: &Arc<Partition>, rows: RoaringBitmap) -> Option<ChangedRows> {
    let partition = Arc::clone(partition);
    (!rows.is_empty()).then_some(ChangedRows { partition, rows: Some(rows) })
}

/// Rows that are deleted in the one and not in the other state of a partition.
fn less(more: &Partition, fewer: &Partition) -> RoaringBitmap {
    match (more.deleted.as_deref(), fewer.deleted.as_deref()) {
        (None, _) => RoaringBitmap::new(),
        (Some(more), None) => more.clone(),
        (Some(more), Some(fewer)) => more - fewer,
    }
}
