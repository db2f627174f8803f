//! Whether what one transaction wants can still be done after others committed.
//!
//! Appends merge with everything. Deleting rows merges as long as the same rows are still there and still
//! live; what follows from all the table's rows (what MERGE inserts because it missed it, what INSERT
//! OVERWRITE puts in place of what it read) merges with no other change of them. A change of an object's
//! definition merges with no other change of the same definition. Whatever merges is simply performed again
//! on the newest catalog.

use std::collections::HashMap;
use std::sync::Arc;

use firn_storage::{Partition, Snapshot, SnapshotDelta};
use firn_types::{ObjectId, PartitionId, Result};

use super::operation::Operation;
use crate::catalog::{ACCOUNT, Catalog, CatalogChange, CreateMode, Object, Table};
use crate::catalog::{LoadRecord, LoadStatus, PENDING};

/// The object over which two transactions fell out, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub(crate) object: ObjectId,
    pub(crate) kind: ConflictKind,
}

/// What two transactions both did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConflictKind {
    /// They changed the same rows.
    Rows,
    /// They changed the same definition, or one changed what the other rested on.
    Definition,
    /// They loaded the same file.
    Load,
}

/// What keeps `mine`, made on top of `base`, from being performed on `theirs`; none when nothing does.
///
/// # Errors
/// When a list of micro-partitions cannot be read that tells it.
pub(crate) fn conflict(
    base: &Catalog,
    mine: &[Operation],
    theirs: &Catalog,
) -> Result<Option<Conflict>> {
    let mut fresh_rows = Vec::new();
    for operation in mine {
        let found = match operation {
            Operation::Catalog(CatalogChange::Refreshed { view, reflects }) => {
                refresh_conflict(base, mine, (*view, *reflects), theirs)
            }
            Operation::Catalog(
                CatalogChange::TaskProgressed { task, .. }
                | CatalogChange::TaskEnded { root: task, .. },
            ) => task_conflict(base, *task, theirs),
            Operation::Catalog(CatalogChange::AlertProgressed { alert, .. }) => {
                alert_conflict(base, *alert, theirs)
            }
            Operation::Catalog(
                CatalogChange::PipeQueued { pipe: id, .. }
                | CatalogChange::FilesRegistered { table: id, .. }
                | CatalogChange::DirectoryRefreshed { stage: id, .. },
            ) => {
                let gone = base.is_live(*id) && !theirs.is_live(*id);
                gone.then_some(Conflict { object: *id, kind: ConflictKind::Definition })
            }
            Operation::Catalog(change) => definition_conflict(base, change, theirs),
            Operation::Rows { table, delta } => {
                let found = rows_conflict(base, *table, delta, theirs)?
                    .or_else(|| row_id_conflict(base, *table, delta, &mut fresh_rows, theirs));
                found.map(|kind| Conflict { object: *table, kind })
            }
            Operation::Loads { table, records } => loads_conflict(base, *table, records, theirs)?,
            Operation::Reserve { .. } => None,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn definition_conflict(
    base: &Catalog,
    change: &CatalogChange,
    theirs: &Catalog,
) -> Option<Conflict> {
    let conflict = |object| Some(Conflict { object, kind: ConflictKind::Definition });
    if let CatalogChange::Create { object, mode } = change {
        let parent = object.header().parent;
        let lives = parent == ACCOUNT || theirs.is_live(parent) || base.object(parent).is_none();
        if !lives {
            return conflict(parent);
        }
        let old = |catalog: &Catalog| {
            let old = catalog.find(object.namespace(), parent, object.name())?.as_table()?;
            Some((old.id(), old.data_version))
        };
        let rewritten = old(base).filter(|_| *mode == CreateMode::Rewrite);
        let changed = rewritten.filter(|then| old(theirs) != Some(*then));
        return changed.map(|(object, _)| Conflict { object, kind: ConflictKind::Rows });
    }
    let changed = |id: &ObjectId| {
        let Some(then) = base.object(*id) else { return false };
        theirs.object(*id).is_none_or(|now| now.header().version != then.header().version)
    };
    change.touches().into_iter().find(changed).and_then(conflict)
}

/// Two that loaded the same file, or one whose pipe is gone.
fn loads_conflict(
    base: &Catalog,
    id: ObjectId,
    records: &[Arc<LoadRecord>],
    theirs: &Catalog,
) -> Result<Option<Conflict>> {
    let loaded = |catalog: &Catalog, record: &LoadRecord| match catalog.object(id) {
        Some(Object::Table(table)) => Ok(table.loads.read()?.is_loaded(&record.path, &record.etag)),
        Some(Object::Pipe(pipe)) => pipe.has_taken(&record.path),
        _ => Ok(false),
    };
    let was_pipe = base.object(id).is_some_and(|object| object.as_pipe().is_some());
    if was_pipe && !theirs.is_live(id) {
        return Ok(Some(Conflict { object: id, kind: ConflictKind::Definition }));
    }
    for record in records.iter().filter(|record| record.status != LoadStatus::Failed) {
        if loaded(theirs, record)? && !loaded(base, record)? {
            return Ok(Some(Conflict { object: id, kind: ConflictKind::Load }));
        }
    }
    Ok(None)
}

/// A view's rows are made of its last rows and of the base table.
fn refresh_conflict(
    base: &Catalog,
    mine: &[Operation],
    (view, reflects): (ObjectId, u64),
    theirs: &Catalog,
) -> Option<Conflict> {
    let reflected =
        |catalog: &Catalog| catalog.materialized_view(view).map(|view| view.state.reflects);
    let same_rows = reflected(base) == reflected(theirs);
    let created = |operation: &Operation| match operation {
        Operation::Catalog(CatalogChange::Create { object, .. }) if object.id() == view => {
            object.as_materialized_view().map(|view| view.base_table)
        }
        _ => None,
    };
    let base_table = match base.materialized_view(view) {
        Some(view) => view.base_table,
        None => mine.iter().find_map(created)?,
    };
    let data_version =
        |catalog: &Catalog| catalog.table(base_table).map(|table| table.data_version);
    let same_base = reflects != PENDING || data_version(base) == data_version(theirs);
    let kind = ConflictKind::Rows;
    (!same_rows || !same_base).then_some(Conflict { object: view, kind })
}

/// Two processes that run the same task, or a request that comes while one does.
fn task_conflict(base: &Catalog, task: ObjectId, theirs: &Catalog) -> Option<Conflict> {
    let progress = |catalog: &Catalog| Some(catalog.object(task)?.as_task()?.progress.clone());
    let kind = ConflictKind::Definition;
    (progress(base) != progress(theirs)).then_some(Conflict { object: task, kind })
}

/// Two processes that run the same alert, or a request that comes while one does.
fn alert_conflict(base: &Catalog, alert: ObjectId, theirs: &Catalog) -> Option<Conflict> {
    let progress = |catalog: &Catalog| Some(catalog.object(alert)?.as_alert()?.progress.clone());
    let kind = ConflictKind::Definition;
    (progress(base) != progress(theirs)).then_some(Conflict { object: alert, kind })
}

fn rows_conflict(
    base: &Catalog,
    id: ObjectId,
    delta: &SnapshotDelta,
    theirs: &Catalog,
) -> Result<Option<ConflictKind>> {
    // What this transaction made itself nobody else has changed.
    let Some(then) = base.object(id) else { return Ok(None) };
    let Some(now) = theirs.object(id) else { return Ok(Some(ConflictKind::Definition)) };
    if then.header().dropped_nanos != now.header().dropped_nanos {
        return Ok(Some(ConflictKind::Definition));
    }
    if let (Object::Table(then), Object::Table(now)) = (then, now) {
        if !delta.added.is_empty() && !takes_rows_of(now, then) {
            return Ok(Some(ConflictKind::Definition));
        }
        if delta.depends_on_rows && now.data_version != then.data_version {
            return Ok(Some(ConflictKind::Rows));
        }
    }
    if delta.removed.is_empty() && delta.deleted.is_empty() {
        return Ok(None);
    }
    let (Some(then), Some(now)) = (rows_of(base, id), rows_of(theirs, id)) else { return Ok(None) };
    let (then, now) = (touched_in(then, delta)?, touched_in(now, delta)?);
    // A rewrite leaves out what was deleted meanwhile.
    let removed = delta.removed.iter().any(|partition| {
        then.get(partition).is_some_and(|then| {
            now.get(partition).is_none_or(|now| !delta.rewritten && now.deleted != then.deleted)
        })
    });
    let deleted = delta.deleted.iter().any(|(partition, rows)| {
        let still_there =
            |now: &Partition| now.deleted.as_ref().is_none_or(|deleted| deleted.is_disjoint(rows));
        then.contains_key(partition) && !now.get(partition).is_some_and(|now| still_there(now))
    });
    Ok((removed || deleted).then_some(ConflictKind::Rows))
}

/// The micro-partitions of a snapshot that a change touches.
fn touched_in<'s>(
    snapshot: &'s Snapshot,
    delta: &SnapshotDelta,
) -> Result<HashMap<&'s PartitionId, &'s Arc<Partition>>> {
    let touched = |partition: &&Arc<Partition>| {
        delta.removed.contains(&partition.id) || delta.deleted.contains_key(&partition.id)
    };
    let partitions = snapshot.partitions()?.iter().filter(touched);
    Ok(partitions.map(|partition| (&partition.id, partition)).collect())
}

/// Rows that this transaction added and then rewrote carry ids that are only right if nobody else added
/// rows meanwhile.
fn row_id_conflict(
    base: &Catalog,
    id: ObjectId,
    delta: &SnapshotDelta,
    fresh_rows: &mut Vec<ObjectId>,
    theirs: &Catalog,
) -> Option<ConflictKind> {
    let stored = delta.added.iter().any(|partition| partition.stored_row_ids);
    let conflicts = stored
        && fresh_rows.contains(&id)
        && rows_of(base, id)?.next_row_id() != rows_of(theirs, id)?.next_row_id();
    if delta.added.iter().any(|partition| !partition.stored_row_ids) {
        fresh_rows.push(id);
    }
    conflicts.then_some(ConflictKind::Rows)
}

/// Whether rows written for one definition fit another: columns may only have been added, and so that
/// older rows have a value.
fn takes_rows_of(now: &Table, then: &Table) -> bool {
    if now.definition_version == then.definition_version {
        return true;
    }
    let kept = then.columns.iter().all(|old| {
        let new = now.field(old.field_id);
        new.is_some_and(|new| new.sql_type == old.sql_type && (new.nullable || !old.nullable))
    });
    let added = now.columns.iter().filter(|column| then.field(column.field_id).is_none());
    let harmless =
        |column: &crate::catalog::TableColumn| column.nullable || column.initial_default.is_some();
    kept && added.into_iter().all(harmless)
}

fn rows_of(catalog: &Catalog, id: ObjectId) -> Option<&Snapshot> {
    catalog.rows_of(id).ok().map(|rows| rows.as_ref())
}
