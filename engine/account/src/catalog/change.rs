//! The alphabet of DDL, and how each letter changes a catalog.

use std::sync::Arc;

use firn_types::{Error, ErrorCode, ObjectId, Result};

use super::{
    AlertProgress, Catalog, DirectoryChange, FileRegistration, Grant, Object, ObjectKind, PENDING,
    QueuedFile, Task, TaskEnd, TaskProgress,
};

/// One step of DDL.
#[derive(Clone, Debug)]
pub enum CatalogChange {
    /// A new object. CREATE ... CLONE is this with the source's snapshot in it.
    Create {
        /// The object, with an id of its own (`Header::new`).
        object: Object,
        /// What happens when the name is taken.
        mode: CreateMode,
    },
    /// Another definition of the object with this id. Rows, load history, a sequence's counter, the name
    /// and the container stay as they are.
    Alter {
        /// The object with its new definition.
        object: Object,
    },
    /// Another name, perhaps in another container.
    Rename {
        /// Which object.
        id: ObjectId,
        /// The container from now on.
        parent: ObjectId,
        /// The name from now on.
        name: String,
    },
    /// Two objects exchange their names and containers.
    Swap {
        /// One.
        left: ObjectId,
        /// The other.
        right: ObjectId,
    },
    /// The object leaves its name and is kept for UNDROP.
    Drop {
        /// Which object.
        id: ObjectId,
    },
    /// A dropped object returns to its name.
    Undrop {
        /// Which object.
        id: ObjectId,
    },
    /// The object is forgotten: the retention time has passed.
    Purge {
        /// Which object.
        id: ObjectId,
    },
    /// A privilege is given.
    Grant(Grant),
    /// A privilege is taken back: the grants that are the same, whoever gave them.
    Revoke(Grant),
    /// A parameter of an object, or of the account, is set or unset.
    SetParameter {
        /// On what; [`ACCOUNT`](super::ACCOUNT) for the account.
        on: ObjectId,
        /// The name in upper case.
        name: String,
        /// The value; none to unset it.
        value: Option<String>,
    },
    /// A task has come further: everything about it that changes with its runs.
    TaskProgressed {
        /// The root task.
        task: ObjectId,
        /// How far.
        progress: TaskProgress,
    },
    /// A task has ended in the run of its graph.
    TaskEnded {
        /// The root task.
        root: ObjectId,
        /// How.
        end: TaskEnd,
    },
    /// An alert has come further.
    AlertProgressed {
        /// The alert.
        alert: ObjectId,
        /// How far.
        progress: AlertProgress,
    },
    /// The directory table of a stage is refreshed.
    DirectoryRefreshed {
        /// The stage.
        stage: ObjectId,
        /// What is different.
        change: DirectoryChange,
    },
    /// The files of an external table are others.
    FilesRegistered {
        /// The table.
        table: ObjectId,
        /// What is different.
        change: FileRegistration,
    },
    /// A pipe is asked to load files.
    PipeQueued {
        /// The pipe.
        pipe: ObjectId,
        /// The files.
        files: Vec<QueuedFile>,
    },
    /// A materialized view's rows now reflect this commit of its base table.
    Refreshed {
        /// The view.
        view: ObjectId,
        /// The commit, as in `Table::data_version`; [`PENDING`](crate::catalog::PENDING) for the commit that
        /// this change is part of.
        reflects: u64,
    },
}

/// What CREATE does when the name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateMode {
    /// It fails.
    New,
    /// It drops the old object, which can be undropped.
    Replace,
    /// As `Replace`, where the new table was made of the old one's rows: when others have changed those
    /// meanwhile it is a conflict.
    Rewrite,
}

impl CatalogChange {
    /// CREATE that fails when the name is taken.
    pub fn create(object: impl Into<Object>) -> CatalogChange {
        CatalogChange::Create { object: object.into(), mode: CreateMode::New }
    }

    /// CREATE OR REPLACE.
    pub fn replace(object: impl Into<Object>) -> CatalogChange {
        CatalogChange::Create { object: object.into(), mode: CreateMode::Replace }
    }

    /// Another definition.
    pub fn alter(object: impl Into<Object>) -> CatalogChange {
        CatalogChange::Alter { object: object.into() }
    }

    /// The objects whose definition the change touches, for finding conflicts; none for new ones.
    pub(crate) fn touches(&self) -> Vec<ObjectId> {
        match self {
            CatalogChange::Alter { object } => vec![object.id()],
            CatalogChange::Rename { id, .. }
            | CatalogChange::Drop { id }
            | CatalogChange::Undrop { id }
            | CatalogChange::Purge { id }
            | CatalogChange::TaskProgressed { task: id, .. }
            | CatalogChange::AlertProgressed { alert: id, .. }
            | CatalogChange::DirectoryRefreshed { stage: id, .. }
            | CatalogChange::FilesRegistered { table: id, .. }
            | CatalogChange::PipeQueued { pipe: id, .. }
            | CatalogChange::TaskEnded { root: id, .. }
            | CatalogChange::Refreshed { view: id, .. } => vec![*id],
            CatalogChange::Swap { left, right } => vec![*left, *right],
            _ => Vec::new(),
        }
    }
}

/// When a change happens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommitStamp {
    /// The commit; [`PENDING`](crate::catalog::PENDING) before it is committed.
    pub(crate) version: u64,
    /// Nanoseconds since 1970 UTC.
    pub(crate) nanos: i64,
}

impl Catalog {
    /// Applies one change.
    pub(crate) fn apply(&mut self, change: &CatalogChange, stamp: CommitStamp) -> Result<()> {
        match change {
            CatalogChange::Create { object, mode } => self.create(object, *mode, stamp),
            CatalogChange::Alter { object } => self.alter(object, stamp),
            CatalogChange::Rename { id, parent, name } => self.rename(*id, *parent, name, stamp),
            CatalogChange::Swap { left, right } => self.swap(*left, *right, stamp),
            CatalogChange::Drop { id } => self.drop_object(*id, stamp),
            CatalogChange::Undrop { id } => self.undrop(*id, stamp),
            CatalogChange::Purge { id } => {
                let temporary = self.object_or_err(*id)?.is_temporary();
                self.overlay_mut(temporary).remove(*id);
                self.forget_settings(*id);
                Ok(())
            }
            CatalogChange::TaskProgressed { task, progress } => {
                self.change_task(*task, |task| task.progress.clone_from(progress))
            }
            CatalogChange::TaskEnded { root, end } => self.change_task(*root, |task| {
                if let Some(run) = &mut task.progress.run {
                    run.ended.push(end.clone());
                }
            }),
            CatalogChange::AlertProgressed { alert, progress } => {
                self.progress_alert(*alert, progress)
            }
            CatalogChange::DirectoryRefreshed { stage, change } => {
                self.refresh_directory(*stage, change, stamp)
            }
            CatalogChange::FilesRegistered { table, change } => {
                self.register_files(*table, change, stamp)
            }
            CatalogChange::PipeQueued { pipe, files } => {
                let Object::Pipe(mut pipe) = self.object_or_err(*pipe)?.clone() else {
                    return Err(Error::internal("files for what is no pipe"));
                };
                Arc::make_mut(&mut pipe).enqueue(files);
                self.overlay_mut(false).overwrite(Object::Pipe(pipe));
                Ok(())
            }
            CatalogChange::Grant(grant) => {
                self.overlay_mut(false).grants_mut().insert(grant.clone());
                Ok(())
            }
            CatalogChange::Revoke(grant) => {
                self.overlay_mut(false).grants_mut().remove(grant);
                Ok(())
            }
            CatalogChange::SetParameter { on, name, value } => {
                let parameters = self.overlay_mut(false).parameters_mut();
                match value {
                    Some(value) => parameters.insert((*on, name.clone()), value.clone()),
                    None => parameters.remove(&(*on, name.clone())),
                };
                Ok(())
            }
            CatalogChange::Refreshed { view, reflects } => {
                let Object::MaterializedView(mut view) = self.object_or_err(*view)?.clone() else {
                    return Err(Error::internal("refresh of what is no materialized view"));
                };
                let state = &mut Arc::make_mut(&mut view).state;
                state.reflects = Some(match *reflects {
                    crate::catalog::PENDING => stamp.version,
                    version => version,
                });
                state.refreshed_nanos = stamp.nanos;
                self.overlay_mut(false).overwrite(Object::MaterializedView(view));
                Ok(())
            }
        }
    }

    fn create(&mut self, object: &Object, mode: CreateMode, stamp: CommitStamp) -> Result<()> {
        let header = object.header();
        let temporary = object.is_temporary();
        let overlay = self.overlay_mut(temporary);
        if let Some(old) = overlay.find(object.namespace(), header.parent, &header.name) {
            let old = old.id();
            match mode {
                CreateMode::New => return Err(already_exists(&header.name)),
                CreateMode::Replace | CreateMode::Rewrite => self.drop_object(old, stamp)?,
            }
        }
        let mut object = object.clone();
        stamp_versions(&mut object, stamp.version);
        self.overlay_mut(temporary).put(object);
        Ok(())
    }

    fn alter(&mut self, object: &Object, stamp: CommitStamp) -> Result<()> {
        let old = self.object_or_err(object.id())?.clone();
        let mut new = object.clone();
        match (&mut new, &old) {
            (Object::Table(new), Object::Table(old)) => {
                let new = Arc::make_mut(new);
                new.snapshot = Arc::clone(&old.snapshot);
                new.loads = Arc::clone(&old.loads);
                new.data_version = old.data_version;
                new.definition_version =
                    if new.columns == old.columns { old.definition_version } else { stamp.version };
            }
            (Object::MaterializedView(new), Object::MaterializedView(old)) => {
                let state = &mut Arc::make_mut(new).state;
                state.snapshot = Arc::clone(&old.state.snapshot);
                state.reflects = old.state.reflects;
                state.refreshed_nanos = old.state.refreshed_nanos;
            }
            (Object::Task(new), Object::Task(old)) => {
                Arc::make_mut(new).progress.clone_from(&old.progress);
            }
            (Object::Alert(new), Object::Alert(old)) => {
                Arc::make_mut(new).progress.clone_from(&old.progress);
            }
            (Object::Stage(new), Object::Stage(old)) => {
                if let (Some(new), Some(old)) = (&mut Arc::make_mut(new).directory, &old.directory)
                {
                    *new = Arc::new(old.with_settings_of(new));
                }
            }
            (Object::ExternalTable(new), Object::ExternalTable(old)) => {
                Arc::make_mut(new).with_files_of(old, stamp.version);
            }
            (Object::Pipe(new), Object::Pipe(old)) => {
                let new = Arc::make_mut(new);
                new.loads = Arc::clone(&old.loads);
                new.queue.clone_from(&old.queue);
            }
            (Object::Sequence(new), Object::Sequence(old)) => {
                Arc::make_mut(new).next_value = old.next_value;
            }
            _ => {}
        }
        let header = new.header_mut();
        header.parent = old.header().parent;
        header.name = old.header().name.clone();
        header.created_nanos = old.header().created_nanos;
        header.dropped_nanos = old.header().dropped_nanos;
        header.altered_nanos = stamp.nanos;
        header.version = stamp.version;
        self.overlay_mut(old.is_temporary()).put(new);
        Ok(())
    }

    fn refresh_directory(
        &mut self,
        stage: ObjectId,
        change: &DirectoryChange,
        stamp: CommitStamp,
    ) -> Result<()> {
        let Object::Stage(mut stage) = self.object_or_err(stage)?.clone() else {
            return Err(Error::internal("a directory table of what is no stage"));
        };
        let temporary = stage.temporary;
        if let Some(directory) = &mut Arc::make_mut(&mut stage).directory {
            Arc::make_mut(directory).change(change, stamp.nanos);
        }
        self.overlay_mut(temporary).overwrite(Object::Stage(stage));
        Ok(())
    }

    fn progress_alert(&mut self, alert: ObjectId, progress: &AlertProgress) -> Result<()> {
        let Object::Alert(mut alert) = self.object_or_err(alert)?.clone() else {
            return Err(Error::internal("a run of what is no alert"));
        };
        Arc::make_mut(&mut alert).progress.clone_from(progress);
        self.overlay_mut(false).overwrite(Object::Alert(alert));
        Ok(())
    }

    fn register_files(
        &mut self,
        table: ObjectId,
        change: &FileRegistration,
        stamp: CommitStamp,
    ) -> Result<()> {
        let Object::ExternalTable(mut table) = self.object_or_err(table)?.clone() else {
            return Err(Error::internal("files of what is no external table"));
        };
        Arc::make_mut(&mut table).register(change, stamp.version, stamp.nanos);
        self.overlay_mut(false).overwrite(Object::ExternalTable(table));
        Ok(())
    }

    /// Changes what is no part of a task's definition.
    fn change_task(&mut self, id: ObjectId, change: impl FnOnce(&mut Task)) -> Result<()> {
        let Object::Task(mut task) = self.object_or_err(id)?.clone() else {
            return Err(Error::internal("a run of what is no task"));
        };
        change(Arc::make_mut(&mut task));
        self.overlay_mut(false).overwrite(Object::Task(task));
        Ok(())
    }

    fn rename(
        &mut self,
        id: ObjectId,
        parent: ObjectId,
        name: &str,
        stamp: CommitStamp,
    ) -> Result<()> {
        let mut object = self.object_or_err(id)?.clone();
        let overlay = self.overlay_mut(object.is_temporary());
        if overlay.find(object.namespace(), parent, name).is_some_and(|other| other.id() != id) {
            return Err(already_exists(name));
        }
        overlay.remove(id);
        let header = object.header_mut();
        header.parent = parent;
        header.name = name.to_string();
        header.altered_nanos = stamp.nanos;
        header.version = stamp.version;
        overlay.put(object);
        Ok(())
    }

    fn swap(&mut self, left: ObjectId, right: ObjectId, stamp: CommitStamp) -> Result<()> {
        let mut left = self.object_or_err(left)?.clone();
        let mut right = self.object_or_err(right)?.clone();
        if left.is_temporary() != right.is_temporary() {
            return Err(Error::not_supported("SWAP WITH between a temporary and another table"));
        }
        let overlay = self.overlay_mut(left.is_temporary());
        overlay.remove(left.id());
        overlay.remove(right.id());
        let (a, b) = (left.header_mut(), right.header_mut());
        std::mem::swap(&mut a.name, &mut b.name);
        std::mem::swap(&mut a.parent, &mut b.parent);
        for header in [a, b] {
            header.altered_nanos = stamp.nanos;
            header.version = stamp.version;
        }
        overlay.put(left);
        overlay.put(right);
        Ok(())
    }

    fn drop_object(&mut self, id: ObjectId, stamp: CommitStamp) -> Result<()> {
        let mut object = self.object_or_err(id)?.clone();
        let overlay = self.overlay_mut(object.is_temporary());
        overlay.remove(id);
        if object.is_temporary() || !is_retained(object.kind()) {
            self.forget_settings(id);
            return Ok(());
        }
        let header = object.header_mut();
        header.dropped_nanos = Some(stamp.nanos);
        header.version = stamp.version;
        overlay.put(object);
        Ok(())
    }

    /// Forgets what was granted on an object that is gone for good, and to it, and its parameters.
    fn forget_settings(&mut self, id: ObjectId) {
        if self.account_overlay().grants().knows(id) {
            self.overlay_mut(false).grants_mut().forget(id);
        }
        if self.parameters(id).next().is_some() {
            self.overlay_mut(false).parameters_mut().retain(|(on, _), _| *on != id);
        }
    }

    fn undrop(&mut self, id: ObjectId, stamp: CommitStamp) -> Result<()> {
        let mut object = self.object_or_err(id)?.clone();
        let header = object.header();
        let overlay = self.overlay_mut(object.is_temporary());
        if overlay.find(object.namespace(), header.parent, &header.name).is_some() {
            return Err(already_exists(&header.name));
        }
        overlay.remove(id);
        let header = object.header_mut();
        header.dropped_nanos = None;
        header.version = stamp.version;
        overlay.put(object);
        Ok(())
    }
}

/// Marks a new object with the commit that makes it.
fn stamp_versions(object: &mut Object, version: u64) {
    object.header_mut().version = version;
    if let Object::Table(table) = object {
        let table = Arc::make_mut(table);
        table.data_version = version;
        table.definition_version = version;
    }
    if let Object::ExternalTable(table) = object {
        Arc::make_mut(table).stamp(version);
    }
    // A stream that is cloned with its table begins where the clone does.
    if let Object::Stream(stream) = object
        && stream.offset == PENDING
    {
        Arc::make_mut(stream).offset = version;
    }
}

/// Whether UNDROP can bring back such an object.
fn is_retained(kind: ObjectKind) -> bool {
    use ObjectKind::{Database, DynamicTable, Schema, Table, Tag};
    matches!(kind, Database | DynamicTable | Schema | Table | Tag)
}

fn already_exists(name: &str) -> Error {
    Error::new(ErrorCode::AlreadyExists, format!("Object '{name}' already exists."))
}
