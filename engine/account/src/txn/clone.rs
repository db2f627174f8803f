//! Zero-copy clones: a second pointer to the same files, of now or of the past.

use std::collections::HashMap;
use std::sync::Arc;

use firn_types::ObjectId;

use crate::catalog::{
    AlertProgress, ColumnDefault, DynamicState, Header, Namespace, Object, PENDING, PipeQueue,
    StageLocation, TaskProgress,
};

/// What of a schema is cloned.
pub const CLONED: [Namespace; 16] = [
    Namespace::Relation,
    Namespace::Sequence,
    Namespace::Stage,
    Namespace::FileFormat,
    Namespace::Function,
    Namespace::Procedure,
    Namespace::Task,
    Namespace::Pipe,
    Namespace::Alert,
    Namespace::Tag,
    Namespace::AggregationPolicy,
    Namespace::MaskingPolicy,
    Namespace::PasswordPolicy,
    Namespace::ProjectionPolicy,
    Namespace::RowAccessPolicy,
    Namespace::SessionPolicy,
];

fn is_internal_stage(object: &Object) -> bool {
    object.as_stage().is_some_and(|stage| stage.location == StageLocation::Internal)
}

impl Object {
    /// The same object under another header, as a clone begins: without load history, runs and temporary life.
    pub fn copied(&self, header: Header) -> Object {
        let mut copy = self.clone();
        *copy.header_mut() = header;
        if let Object::Table(table) = &mut copy {
            let table = Arc::make_mut(table);
            table.loads = Arc::default();
            table.clone_group.get_or_insert(self.id());
        }
        if let Object::Stage(stage) = &mut copy
            && let Some(directory) = &mut Arc::make_mut(stage).directory
        {
            *directory = Arc::new(directory.emptied());
        }
        if let Object::Pipe(pipe) = &mut copy {
            let pipe = Arc::make_mut(pipe);
            pipe.loads = Arc::default();
            pipe.queue = PipeQueue::default();
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
            Object::Alert(alert) => {
                let alert = Arc::make_mut(alert);
                alert.started = false;
                alert.progress = AlertProgress::default();
            }
            Object::Pipe(pipe) => {
                let pipe = Arc::make_mut(pipe);
                (pipe.paused, pipe.cloned) = (true, true);
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

    /// Whether it is cloned with its schema: files of internal stages are not, external tables, and what belongs to
    /// one session.
    pub fn is_cloned(&self) -> bool {
        let of_internal = self.as_pipe().is_some_and(|pipe| pipe.is_internal);
        let is_external = self.as_external_table().is_some();
        !self.is_temporary() && !is_internal_stage(self) && !of_internal && !is_external
    }
}
