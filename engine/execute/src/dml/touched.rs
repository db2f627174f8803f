//! Which rows of a table a statement changes, by their locators.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use firn_account::Transaction;
use firn_account::catalog::{Object, Table};
use firn_column::{Array, Column, PhysicalType};
use firn_plan::statement::StatementPlan;
use firn_storage::{Partition, Snapshot, SnapshotDelta};
use firn_types::{Error, Result};
use roaring::RoaringBitmap;

use crate::context::lock;
use crate::row_locator::RowLocator;

/// The locators of a batch's rows; none where the row has no match.
pub(super) fn locators(column: &Column) -> Vec<Option<RowLocator>> {
    match column.flat().widened(PhysicalType::I64) {
        Array::I64(array) => array.iter().map(|locator| locator.map(RowLocator)).collect(),
        other => vec![None; other.len()],
    }
}

/// A set of rows, filled by many threads.
#[derive(Debug, Default)]
pub(super) struct Touched {
    rows: Mutex<Rows>,
}

/// A set of rows, by partition.
#[derive(Debug, Default)]
pub(super) struct Rows(BTreeMap<u32, RoaringBitmap>);

impl Rows {
    /// Adds a row; false when it is there already.
    pub(super) fn insert(&mut self, locator: RowLocator) -> bool {
        self.0.entry(locator.partition()).or_default().insert(locator.row())
    }

    /// Adds rows of a partition unless one of them is there already; whether it did.
    fn insert_new(&mut self, partition: u32, rows: RoaringBitmap) -> bool {
        let present = self.0.entry(partition).or_default();
        let new = present.is_disjoint(&rows);
        if new {
            *present |= rows;
        }
        new
    }

    /// Whether a row is there.
    pub(super) fn contains(&self, locator: RowLocator) -> bool {
        self.0.get(&locator.partition()).is_some_and(|rows| rows.contains(locator.row()))
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> u64 {
        self.0.values().map(RoaringBitmap::len).sum()
    }

    /// Adds all rows of another set.
    pub(super) fn absorb(&mut self, other: Rows) {
        for (partition, rows) in other.0 {
            *self.0.entry(partition).or_default() |= rows;
        }
    }

    /// The rows of a partition.
    pub(super) fn of(&self, partition: u32) -> Option<&RoaringBitmap> {
        self.0.get(&partition)
    }

    /// What a snapshot's partitions lose: all their rows, as those at the positions `replaced` do, or some.
    ///
    /// # Errors
    /// An internal error for a locator that is none of the snapshot's.
    pub(super) fn into_delta(
        self,
        snapshot: &Snapshot,
        replaced: &BTreeSet<u32>,
    ) -> Result<SnapshotDelta> {
        let mut delta = SnapshotDelta::default();
        let partitions = snapshot.partitions()?;
        for (position, rows) in self.0 {
            let partition = partitions.get(position as usize);
            let partition =
                partition.ok_or_else(|| Error::internal("a locator beyond the snapshot"))?;
            if rows.len() >= partition.live_rows() || replaced.contains(&position) {
                delta.removed.insert(partition.id.clone());
            } else {
                delta.deleted.insert(partition.id.clone(), rows);
            }
        }
        Ok(delta)
    }
}

impl Touched {
    /// Adds rows, and tells for each whether it is new.
    pub(super) fn insert_all(&self, locators: &[Option<RowLocator>]) -> Vec<bool> {
        if let Some((partition, run)) = run_of(locators)
            && lock(&self.rows).insert_new(partition, run)
        {
            return vec![true; locators.len()];
        }
        let mut rows = lock(&self.rows);
        locators.iter().map(|locator| locator.is_some_and(|row| rows.insert(row))).collect()
    }

    /// The set, when all threads are done.
    pub(super) fn into_rows(self) -> Rows {
        self.rows.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The rows of a batch that stand in order in one partition, as those of a scan do: they are put into a set
/// without a look at each.
fn run_of(locators: &[Option<RowLocator>]) -> Option<(u32, RoaringBitmap)> {
    let partition = locators.first().copied().flatten()?.partition();
    let same = |locator: &Option<RowLocator>| locator.is_some_and(|a| a.partition() == partition);
    if !locators.iter().all(same) {
        return None;
    }
    let rows = locators.iter().flatten().map(|locator| locator.row());
    Some((partition, RoaringBitmap::from_sorted_iter(rows).ok()?))
}

/// Whether the rows that a statement reads and takes away are those that the transaction sees: locators
/// mean nothing in any other version, and INSERT OVERWRITE may only remove what it has read. A statement
/// for which that is not so must be planned again.
///
/// # Errors
/// When the list of a table's micro-partitions cannot be read.
pub fn is_current(plan: &StatementPlan, transaction: &Transaction) -> Result<bool> {
    let catalog = transaction.catalog();
    let current = |table: &Table| match catalog.object(table.id()).and_then(Object::rows) {
        Some(current) => same_partitions(current, &table.snapshot),
        None => Ok(false),
    };
    match plan {
        StatementPlan::Update(plan) => current(&plan.target.table),
        StatementPlan::Delete(plan) => current(&plan.target.table),
        StatementPlan::Merge(plan) => current(&plan.target.table),
        StatementPlan::Insert(plan) if plan.overwrite && plan.reads_target => {
            current(&plan.target.table)
        }
        StatementPlan::InsertMany(plan) if plan.overwrite => {
            let targets = plan.branches.iter().flat_map(|branch| &branch.into);
            for (target, _) in targets {
                if plan.read_targets.contains(&target.table.id()) && !current(&target.table)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(true),
    }
}

fn same_partitions(a: &Snapshot, b: &Snapshot) -> Result<bool> {
    if std::ptr::eq(a, b) {
        return Ok(true);
    }
    let same = |(a, b): (&Arc<Partition>, &Arc<Partition>)| {
        Arc::ptr_eq(a, b) || (a.id == b.id && a.deleted == b.deleted)
    };
    let (a, b) = (a.partitions()?, b.partitions()?);
    Ok(a.len() == b.len() && a.iter().zip(b.iter()).all(same))
}
