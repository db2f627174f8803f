//! Zero-copy clones: a second pointer to the same files, of now or of the past.

use std::collections::HashMap;
use std::sync::Arc;

use firn_types::{Error, ErrorCode, ObjectId, Result};

use super::{TimePoint, Transaction};
use crate::catalog::{
    Catalog, CatalogChange, ColumnDefault, CreateMode, DynamicState, Header, Namespace, Object,
    PENDING, StageLocation, TableKind, TaskProgress, fresh_id,
};

/// What of a schema is cloned.
pub const CLONED: [Namespace; 14] = [
    Namespace::Relation,
    Namespace::Sequence,
    Namespace::Stage,
    Namespace::FileFormat,
    Namespace::Function,
    Namespace::Procedure,
    Namespace::Task,
    Namespace::Tag,
    Namespace::AggregationPolicy,
    Namespace::MaskingPolicy,
    Namespace::PasswordPolicy,
    Namespace::ProjectionPolicy,
    Namespace::RowAccessPolicy,
    Namespace::SessionPolicy,
];

/// What a clone is to be.
#[derive(Clone, Debug)]
pub struct CloneTarget {
    /// The clone's own header: id, name, container, owner.
    pub header: Header,
    /// What happens when the name is taken.
    pub mode: CreateMode,
    /// The kind of a cloned table; none for the source's.
    pub kind: Option<TableKind>,
}

impl Transaction {
    /// Clones a table, schema, database, stage, sequence or file format, as it is or was. A table's rows
    /// come with it, its load history does not; a container's objects come with it, but not its internal
    /// stages. Returns the clone's id.
    ///
    /// # Errors
    /// `TimeTravelUnavailable` and `StatementNotFound` for a past that cannot be seen, `AlreadyExists`,
    /// `InvalidStatement` for a temporary or transient table that is to become permanent.
    pub fn clone_object(
        &mut self,
        source: ObjectId,
        point: Option<&TimePoint>,
        target: CloneTarget,
    ) -> Result<ObjectId> {
        let from = match point {
            Some(point) => self.account().catalog_at(point)?,
            None => self.catalog(),
        };
        let Some(object) = from.object(source).cloned() else {
            let now = self.catalog();
            let name = now.object(source).map_or("", Object::name);
            return Err(Error::new(
                ErrorCode::TimeTravelUnavailable,
                format!(
                    "Time travel data is not available for object {name}. The requested time is \
                     either beyond the allowed time travel period or before the object creation \
                     time."
                ),
            ));
        };
        let id = target.header.id;
        let ids = HashMap::from([(source, id)]);
        let mut cloning = Cloning { from: &from, point, root: source, ids };
        cloning.clone_one(self, &object, target)?;
        Ok(id)
    }
}

/// One CLONE statement at work.
struct Cloning<'a> {
    from: &'a Catalog,
    point: Option<&'a TimePoint>,
    /// What is cloned with all that is in it.
    root: ObjectId,
    /// The clone of each object that was cloned so far.
    ids: HashMap<ObjectId, ObjectId>,
}

impl Cloning<'_> {
    fn clone_one(
        &mut self,
        transaction: &mut Transaction,
        source: &Object,
        target: CloneTarget,
    ) -> Result<()> {
        let mut object = source.clone();
        let (id, mode) = (target.header.id, target.mode);
        let now_nanos = target.header.created_nanos;
        if let Object::Table(_) = source {
            self.prepare_table(transaction, &mut object, target.kind)?;
        }
        object.follow_clones(&self.ids);
        let old = object.header();
        let comment = old.comment.clone();
        let attachments = old.attachments.clone().map_ids(|used| self.clone_of(used));
        *object.header_mut() = Header { comment, attachments, ..target.header };
        transaction.apply(CatalogChange::Create { object, mode })?;
        self.clone_children(transaction, source.id(), id, now_nanos)
    }

    /// The clone of a tag or policy that is cloned along; another one itself.
    fn clone_of(&mut self, used: ObjectId) -> ObjectId {
        let mut container = self.from.object(used).map(|object| object.header().parent);
        while let Some(id) = container {
            if id == self.root {
                return *self.ids.entry(used).or_insert_with(fresh_id);
            }
            container = self.from.object(id).map(|object| object.header().parent);
        }
        used
    }

    /// Rows, kind, and columns that count by sequences of their own.
    fn prepare_table(
        &mut self,
        transaction: &Transaction,
        object: &mut Object,
        kind: Option<TableKind>,
    ) -> Result<()> {
        let Object::Table(table) = object else { return Ok(()) };
        let table = Arc::make_mut(table);
        let kind = kind.unwrap_or(table.kind);
        if kind == TableKind::Permanent && table.kind != TableKind::Permanent {
            return Err(Error::new(
                ErrorCode::InvalidStatement,
                "Temp table cannot be cloned to a permanent table; clone to a transient table \
                 instead.",
            ));
        }
        if table.is_temporary() && !matches!(kind, TableKind::Temporary { .. }) {
            return Err(Error::not_supported("CLONE of a temporary table to another kind"));
        }
        if let Some(point) = self.point {
            table.snapshot = transaction.snapshot_at(table.id(), point)?;
        }
        table.kind = kind;
        table.loads = Arc::default();
        table.recluster_suspended = !table.cluster_by.is_empty();
        for column in &mut table.columns {
            if let Some(ColumnDefault::Identity { sequence, .. }) = &mut column.default {
                *sequence = *self.ids.entry(*sequence).or_insert_with(fresh_id);
            }
        }
        Ok(())
    }

    fn clone_children(
        &mut self,
        transaction: &mut Transaction,
        source: ObjectId,
        parent: ObjectId,
        now_nanos: i64,
    ) -> Result<()> {
        let mut children: Vec<Object> =
            self.from.children(Namespace::Schema, source).into_iter().cloned().collect();
        for namespace in CLONED {
            children.extend(self.from.children(namespace, source).into_iter().cloned());
        }
        children.retain(Object::is_cloned);
        // What others refer to comes first, and tasks know the ids of those that are still to come.
        children.sort_by_key(|child| match child {
            Object::MaterializedView(_) => 1,
            Object::Stream(_) => 2,
            _ => 0,
        });
        for child in &children {
            self.ids.entry(child.id()).or_insert_with(fresh_id);
        }
        for child in children {
            let id = *self.ids.entry(child.id()).or_insert_with(fresh_id);
            let old = child.header();
            let header = Header { id, ..Header::new(parent, &old.name, old.owner, now_nanos) };
            let target = CloneTarget { header, mode: CreateMode::New, kind: None };
            self.clone_one(transaction, &child, target)?;
        }
        Ok(())
    }
}

fn is_internal_stage(object: &Object) -> bool {
    object.as_stage().is_some_and(|stage| stage.location == StageLocation::Internal)
}

impl Object {
    /// The same object under another header, as a clone begins: without load history, runs and temporary life.
    pub fn copied(&self, header: Header) -> Object {
        let mut copy = self.clone();
        *copy.header_mut() = header;
        if let Object::Table(table) = &mut copy {
            Arc::make_mut(table).loads = Arc::default();
        }
        copy
    }

    /// Lets what refers to other objects refer to their clones; `ids` has the clone of each.
    pub fn follow_clones(&mut self, ids: &HashMap<ObjectId, ObjectId>) {
        let clone_of = |id: &mut ObjectId| *id = ids.get(id).copied().unwrap_or(*id);
        match self {
            Object::Table(table) => {
                let table = Arc::make_mut(table);
                for column in &mut table.columns {
                    if let Some(ColumnDefault::Identity { sequence, .. }) = &mut column.default {
                        clone_of(sequence);
                    }
                }
                if let Some(dynamic) = &mut table.dynamic {
                    let dynamic = Arc::make_mut(dynamic);
                    dynamic.suspended = true;
                    // What its own tables hold is not what it was computed of.
                    dynamic.state = dynamic
                        .state
                        .take()
                        .map(|state| DynamicState { read: Vec::new(), ..state });
                    dynamic.tables.iter_mut().for_each(clone_of);
                }
            }
            Object::MaterializedView(view) => {
                let view = Arc::make_mut(view);
                clone_of(&mut view.base_table);
                // It is filled anew from the cloned base table.
                view.state.reflects = None;
                view.state.snapshot = Arc::default();
            }
            Object::Stream(stream) => {
                let stream = Arc::make_mut(stream);
                // What a clone of the table has not changed, its stream does not show.
                if ids.contains_key(&stream.source) {
                    stream.offset = PENDING;
                }
                clone_of(&mut stream.source);
                stream.tables.iter_mut().for_each(clone_of);
            }
            Object::Task(task) => {
                let task = Arc::make_mut(task);
                task.started = false;
                task.progress = TaskProgress::default();
                task.after.iter_mut().chain(&mut task.finalizes).for_each(clone_of);
            }
            _ => {}
        }
    }

    /// Whether it is cloned with its schema: files of internal stages are not, and what belongs to one session.
    pub fn is_cloned(&self) -> bool {
        !self.is_temporary() && !is_internal_stage(self)
    }
}
