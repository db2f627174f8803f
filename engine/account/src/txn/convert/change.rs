//! Changes and grants.

use std::collections::BTreeMap;
use std::sync::Arc;

use firn_storage::SnapshotDelta;
use firn_storage::format::v1;
use firn_types::{ObjectId, PartitionId, Result};

use super::loads::{load_from, load_to};
use super::object::{object_from, object_to};
use super::principal::{principal_from, principal_to};
use super::value::{rows_from, rows_to};
use super::{Lists, alert, directory, external, pipe, task};
use crate::catalog::{CatalogChange, CreateMode, Grant, GrantTarget, Grantee};
use crate::txn::operation::Operation;

/// An operation as it is persisted.
pub(in crate::txn) fn change_to(operation: &Operation, lists: &Lists<'_>) -> Result<v1::Change> {
    Ok(match operation {
        Operation::Catalog(change) => catalog_change_to(change, lists)?,
        Operation::Rows { table, delta } => v1::Change::Rows {
            table: table.0,
            added: lists.added_to(*table, delta)?,
            removed: delta.removed.iter().map(|id| id.0.clone()).collect(),
            deleted: delta.deleted.iter().map(|(id, rows)| (id.0.clone(), rows_to(rows))).collect(),
            truncated: delta.truncated,
            rewritten: delta.rewritten,
        },
        Operation::Loads { table, records } => v1::Change::Loads {
            table: table.0,
            records: records.iter().map(|record| load_to(record)).collect(),
        },
        Operation::Reserve { sequence, next } => {
            v1::Change::Reserve { sequence: sequence.0, next: *next }
        }
    })
}

fn catalog_change_to(change: &CatalogChange, lists: &Lists<'_>) -> Result<v1::Change> {
    Ok(match change {
        CatalogChange::Create { object, mode } => v1::Change::Create {
            object: Box::new(object_to(object, lists, true)?),
            replace: *mode != CreateMode::New,
        },
        CatalogChange::Alter { object } => {
            v1::Change::Alter { object: Box::new(object_to(object, lists, false)?) }
        }
        CatalogChange::Rename { id, parent, name } => {
            v1::Change::Rename { id: id.0, parent: parent.0, name: name.clone() }
        }
        CatalogChange::Swap { left, right } => v1::Change::Swap { left: left.0, right: right.0 },
        CatalogChange::Drop { id } => v1::Change::Drop { id: id.0 },
        CatalogChange::Undrop { id } => v1::Change::Undrop { id: id.0 },
        CatalogChange::Purge { id } => v1::Change::Purge { id: id.0 },
        CatalogChange::Grant(grant) => v1::Change::Grant(grant_to(grant)),
        CatalogChange::Revoke(grant) => v1::Change::Revoke(grant_to(grant)),
        CatalogChange::SetParameter { on, name, value } => v1::Change::Parameter(v1::Parameter {
            on: on.0,
            name: name.clone(),
            value: value.clone(),
        }),
        CatalogChange::TaskProgressed { task, progress } => v1::Change::TaskProgressed {
            task: task.0,
            progress: Box::new(task::progress_to(progress)),
        },
        CatalogChange::TaskEnded { root, end } => {
            v1::Change::TaskEnded { root: root.0, end: task::end_to(end) }
        }
        CatalogChange::AlertProgressed { alert, progress } => {
            v1::Change::AlertProgressed { alert: alert.0, progress: alert::progress_to(progress) }
        }
        CatalogChange::DirectoryRefreshed { stage, change } => {
            v1::Change::DirectoryRefreshed { stage: stage.0, change: directory::change_to(change) }
        }
        CatalogChange::FilesRegistered { table, change } => {
            v1::Change::FilesRegistered { table: table.0, change: external::change_to(change) }
        }
        CatalogChange::PipeQueued { pipe, files } => v1::Change::PipeQueued {
            pipe: pipe.0,
            files: files.iter().map(pipe::queued_to).collect(),
        },
        CatalogChange::Refreshed { view, reflects } => {
            v1::Change::Refreshed { view: view.0, reflects: *reflects }
        }
    })
}

/// The operation of its persisted form.
pub(in crate::txn) fn change_from(change: v1::Change, lists: &Lists<'_>) -> Result<Operation> {
    let catalog_change = match change {
        v1::Change::Create { object, replace } => CatalogChange::Create {
            object: object_from(*object, lists)?,
            mode: if replace { CreateMode::Replace } else { CreateMode::New },
        },
        v1::Change::Alter { object } => {
            CatalogChange::Alter { object: object_from(*object, lists)? }
        }
        v1::Change::Rename { id, parent, name } => {
            CatalogChange::Rename { id: ObjectId(id), parent: ObjectId(parent), name }
        }
        v1::Change::Swap { left, right } => {
            CatalogChange::Swap { left: ObjectId(left), right: ObjectId(right) }
        }
        v1::Change::Drop { id } => CatalogChange::Drop { id: ObjectId(id) },
        v1::Change::Undrop { id } => CatalogChange::Undrop { id: ObjectId(id) },
        v1::Change::Purge { id } => CatalogChange::Purge { id: ObjectId(id) },
        v1::Change::Grant(grant) => CatalogChange::Grant(grant_from(grant)),
        v1::Change::Revoke(grant) => CatalogChange::Revoke(grant_from(grant)),
        v1::Change::Parameter(parameter) => CatalogChange::SetParameter {
            on: ObjectId(parameter.on),
            name: parameter.name,
            value: parameter.value,
        },
        v1::Change::TaskProgressed { task, progress } => CatalogChange::TaskProgressed {
            task: ObjectId(task),
            progress: task::progress_from(*progress)?,
        },
        v1::Change::TaskEnded { root, end } => {
            CatalogChange::TaskEnded { root: ObjectId(root), end: task::end_from(end)? }
        }
        v1::Change::AlertProgressed { alert, progress } => CatalogChange::AlertProgressed {
            alert: ObjectId(alert),
            progress: alert::progress_from(&progress),
        },
        v1::Change::DirectoryRefreshed { stage, change } => CatalogChange::DirectoryRefreshed {
            stage: ObjectId(stage),
            change: directory::change_from(change),
        },
        v1::Change::FilesRegistered { table, change } => external::registered(table, change),
        v1::Change::PipeQueued { pipe, files } => CatalogChange::PipeQueued {
            pipe: ObjectId(pipe),
            files: files.into_iter().map(pipe::queued_from).collect(),
        },
        v1::Change::Refreshed { view, reflects } => {
            CatalogChange::Refreshed { view: ObjectId(view), reflects }
        }
        v1::Change::Rows { table, added, removed, deleted, truncated, rewritten } => {
            let rows =
                deleted.into_iter().map(|(id, bits)| Ok((PartitionId(id), rows_from(&bits)?)));
            let rows = rows.collect::<Result<BTreeMap<_, _>>>()?;
            let (added, added_list) = lists.added_from(&added)?;
            let delta = SnapshotDelta {
                added,
                added_list,
                removed: removed.into_iter().map(PartitionId).collect(),
                deleted: rows,
                truncated,
                depends_on_rows: false,
                rewritten,
            };
            return Ok(Operation::Rows { table: ObjectId(table), delta });
        }
        v1::Change::Loads { table, records } => return loads_from(table, records),
        v1::Change::Reserve { sequence, next } => {
            return Ok(Operation::Reserve { sequence: ObjectId(sequence), next });
        }
    };
    Ok(Operation::Catalog(catalog_change))
}

fn loads_from(table: u64, records: Vec<v1::LoadRecord>) -> Result<Operation> {
    let records = records.into_iter().map(|record| load_from(record).map(Arc::new));
    Ok(Operation::Loads { table: ObjectId(table), records: records.collect::<Result<_>>()? })
}

/// A grant as it is persisted.
pub(in crate::txn) fn grant_to(grant: &Grant) -> v1::Grant {
    v1::Grant {
        privilege: grant.privilege.clone(),
        target: match &grant.target {
            GrantTarget::Account => v1::Target::Account,
            GrantTarget::Object(id) => v1::Target::Object(id.0),
            GrantTarget::Future { container, kind } => {
                v1::Target::Future(kind.clone(), container.0)
            }
        },
        grantee: match grant.grantee {
            Grantee::Role(id) => v1::Grantee::Role(principal_to(id)),
            Grantee::User(id) => v1::Grantee::User(principal_to(id)),
        },
        grant_option: grant.grant_option,
        granted_by: principal_to(grant.granted_by),
        created_nanos: grant.created_nanos,
    }
}

/// The grant of its persisted form.
pub(in crate::txn) fn grant_from(grant: v1::Grant) -> Grant {
    Grant {
        privilege: grant.privilege,
        target: match grant.target {
            v1::Target::Account => GrantTarget::Account,
            v1::Target::Object(id) => GrantTarget::Object(ObjectId(id)),
            v1::Target::Future(kind, container) => {
                GrantTarget::Future { container: ObjectId(container), kind }
            }
        },
        grantee: match grant.grantee {
            v1::Grantee::Role(role) => Grantee::Role(principal_from(&role)),
            v1::Grantee::User(user) => Grantee::User(principal_from(&user)),
        },
        grant_option: grant.grant_option,
        granted_by: principal_from(&grant.granted_by),
        created_nanos: grant.created_nanos,
    }
}
