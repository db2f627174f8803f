//! What a commit consists of, and how each part changes a catalog.

use std::sync::Arc;

use firn_storage::{Snapshot, SnapshotDelta};
use firn_types::{Error, ObjectId, Result};

use crate::catalog::{Catalog, CatalogChange, CommitStamp, LoadRecord, Object};

/// One part of a commit. Performing the parts of all commits in order gives the newest catalog.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// DDL.
    Catalog(CatalogChange),
    /// Rows of a table or a materialized view come and go.
    Rows { table: ObjectId, delta: SnapshotDelta },
    /// Files were loaded into a table, or by a pipe: who keeps the history of it.
    Loads { table: ObjectId, records: Vec<Arc<LoadRecord>> },
    /// The values of a sequence below `next` are given away.
    Reserve { sequence: ObjectId, next: i64 },
}

impl Operation {
    /// The objects that the operation changes, for telling who won a conflict.
    pub(crate) fn changes(&self) -> Vec<ObjectId> {
        match self {
            Operation::Catalog(CatalogChange::Create { object, .. }) => {
                vec![object.id(), object.header().parent]
            }
            Operation::Catalog(change) => change.touches(),
            Operation::Rows { table, .. } | Operation::Loads { table, .. } => vec![*table],
            Operation::Reserve { sequence, .. } => vec![*sequence],
        }
    }
}

impl Catalog {
    /// Performs one operation.
    pub(crate) fn perform(&mut self, operation: &Operation, stamp: CommitStamp) -> Result<()> {
        match operation {
            Operation::Catalog(change) => self.apply(change, stamp),
            Operation::Rows { table, delta } => self.change_rows(*table, delta, stamp),
            Operation::Loads { table, records } => self.add_loads(*table, records),
            Operation::Reserve { sequence, next } => self.reserve(*sequence, *next),
        }
    }

    /// The rows of a table or of a materialized view's hidden table.
    pub(crate) fn rows_of(&self, id: ObjectId) -> Result<&Arc<Snapshot>> {
        let object = self.object_or_err(id)?;
        let none = || Error::internal(format!("a {} has no rows", object.kind().title()));
        object.rows().ok_or_else(none)
    }

    fn change_rows(
        &mut self,
        id: ObjectId,
        delta: &SnapshotDelta,
        stamp: CommitStamp,
    ) -> Result<()> {
        let snapshot = Arc::new(self.rows_of(id)?.apply(delta)?);
        let mut object = self.object_or_err(id)?.clone();
        let temporary = object.is_temporary();
        match &mut object {
            Object::Table(table) => {
                let table = Arc::make_mut(table);
                table.snapshot = snapshot;
                if !delta.rewritten {
                    table.data_version = stamp.version;
                }
                if delta.truncated {
                    table.loads = Arc::default();
                }
            }
            Object::MaterializedView(view) => Arc::make_mut(view).state.snapshot = snapshot,
            _ => {}
        }
        self.overlay_mut(temporary).overwrite(object);
        Ok(())
    }

    fn add_loads(&mut self, id: ObjectId, records: &[Arc<LoadRecord>]) -> Result<()> {
        let mut object = self.object_or_err(id)?.clone();
        match &mut object {
            Object::Table(table) => {
                Arc::make_mut(&mut Arc::make_mut(table).loads).add(records);
            }
            Object::Pipe(pipe) => Arc::make_mut(pipe).add_loads(records),
            _ => return Err(Error::internal("files loaded into what is no table")),
        }
        let temporary = object.is_temporary();
        self.overlay_mut(temporary).overwrite(object);
        Ok(())
    }

    fn reserve(&mut self, id: ObjectId, next: i64) -> Result<()> {
        let Object::Sequence(mut sequence) = self.object_or_err(id)?.clone() else {
            return Err(Error::internal("values of what is no sequence"));
        };
        Arc::make_mut(&mut sequence).next_value = next;
        let temporary = sequence.temporary;
        self.overlay_mut(temporary).overwrite(Object::Sequence(sequence));
        Ok(())
    }
}
