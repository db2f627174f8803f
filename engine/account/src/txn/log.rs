//! Reading and writing the log: commits, checkpoints.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use firn_storage::format::{FORMAT, from_bytes, to_bytes, v1};
use firn_storage::{ObjectAccess, path};
use firn_types::{Error, ErrorCode, ObjectId, Result};

use super::convert::{
    Lists, Written, change_from, change_to, grant_from, grant_to, object_from, object_to,
};
use super::operation::Operation;
use crate::catalog::{Catalog, Layer, Moment};

/// Commits that are fetched at once from a bucket.
const READ_AHEAD: u64 = 16;
/// Commits between two checkpoints.
pub(crate) const CHECKPOINT_COMMITS: u64 = 64;

/// A commit without its changes.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) version: u64,
    pub(crate) time_nanos: i64,
    pub(crate) statements: Vec<String>,
    /// What it changed; empty for marks that come from a checkpoint.
    pub(crate) changed: Vec<ObjectId>,
}

/// The log of an account.
#[derive(Debug)]
pub(crate) struct Log {
    access: ObjectAccess,
    /// What checkpoints have written already.
    written: Mutex<Written>,
}

impl Log {
    pub(crate) fn new(access: ObjectAccess) -> Log {
        Log { access, written: Mutex::default() }
    }

    fn lists(&self) -> Lists<'_> {
        Lists { access: &self.access, written: None }
    }

    /// The persisted form of operations; long lists of micro-partitions are written by this.
    pub(crate) fn changes_of(&self, operations: &[Operation]) -> Result<Vec<v1::Change>> {
        let lists = self.lists();
        operations.iter().map(|operation| change_to(operation, &lists)).collect()
    }

    /// The commit of a version; none when it does not exist.
    pub(crate) fn commit(&self, version: u64) -> Result<Option<v1::Commit>> {
        let name = path::log_object(version);
        match self.access.get(&name) {
            Ok(bytes) => from_bytes(&name, &bytes).map(Some),
            Err(error) if error.code() == ErrorCode::FileNotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Some commits from a version on, none after the newest. From a bucket, where each takes a round
    /// trip, they are fetched several at once.
    pub(crate) fn commits(&self, from: u64) -> Result<Vec<v1::Commit>> {
        if !self.access.is_remote() {
            return Ok(self.commit(from)?.into_iter().collect());
        }
        let fetched: Vec<Result<Option<v1::Commit>>> = std::thread::scope(|scope| {
            let fetches: Vec<_> = (from..from + READ_AHEAD)
                .map(|version| scope.spawn(move || self.commit(version)))
                .collect();
            let failed = |_| Err(Error::internal("a thread that reads the log failed"));
            fetches.into_iter().map(|fetch| fetch.join().unwrap_or_else(failed)).collect()
        });
        let mut commits = Vec::new();
        for commit in fetched {
            match commit? {
                Some(commit) => commits.push(commit),
                None => break,
            }
        }
        Ok(commits)
    }

    /// Creates a commit unless its version is taken; tells whether it did.
    pub(crate) fn create(&self, commit: &v1::Commit) -> Result<bool> {
        let name = path::log_object(commit.version);
        match self.access.put_if_absent(&name, to_bytes(commit)?) {
            Ok(created) => Ok(created),
            // The store did not say whether it was written: look.
            Err(error) => match self.commit(commit.version) {
                Ok(Some(there)) => Ok(there.nonce == commit.nonce),
                _ => Err(error),
            },
        }
    }

    /// Performs a commit on the catalog of the version before.
    pub(crate) fn perform(&self, catalog: &mut Catalog, commit: v1::Commit) -> Result<Mark> {
        let moment = Moment { version: commit.version, nanos: commit.time_nanos };
        let lists = self.lists();
        let mut changed = Vec::new();
        for change in commit.changes {
            let operation = change_from(change, &lists)?;
            catalog.perform(&operation, moment)?;
            changed.extend(operation.changes());
        }
        catalog.set_version(commit.version);
        Ok(Mark {
            version: commit.version,
            time_nanos: commit.time_nanos,
            statements: commit.statements,
            changed,
        })
    }

    /// The versions of all checkpoints, the oldest first.
    pub(crate) fn checkpoints(&self) -> Result<Vec<u64>> {
        let found = self.access.list(path::CHECKPOINTS)?;
        Ok(found.iter().filter_map(|object| path::version_of(&object.path)).collect())
    }

    /// The persisted checkpoint of a version.
    pub(crate) fn checkpoint(&self, version: u64) -> Result<v1::Checkpoint> {
        let name = path::checkpoint(version);
        from_bytes(&name, &self.access.get(&name)?)
    }

    /// The catalog of a checkpoint.
    pub(crate) fn catalog_of(&self, checkpoint: v1::Checkpoint) -> Result<Catalog> {
        let lists = self.lists();
        let mut layer = Layer::default();
        let mut dropped = Vec::new();
        for object in checkpoint.objects {
            let object = object_from(object, &lists)?;
            match object.header().dropped_nanos {
                None => layer.put(object),
                Some(nanos) => dropped.push((nanos, object)),
            }
        }
        // The newest comes back first: the order of dropping must be kept.
        dropped.sort_by_key(|(nanos, object)| (*nanos, object.header().version));
        dropped.into_iter().for_each(|(_, object)| layer.put(object));
        layer.grants_mut().extend(checkpoint.grants.into_iter().map(grant_from));
        for parameter in checkpoint.parameters {
            if let Some(value) = parameter.value {
                let key = (ObjectId(parameter.on), parameter.name);
                layer.parameters_mut().insert(key, value);
            }
        }
        Ok(Catalog::new(checkpoint.version, Arc::new(layer), Arc::default()))
    }

    /// Writes a checkpoint of the catalog. `marks` are the commits since the `previous` one.
    pub(crate) fn write_checkpoint(
        &self,
        catalog: &Catalog,
        marks: &[Mark],
        previous: Option<u64>,
    ) -> Result<()> {
        let written = &mut *self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let lists = Lists { access: &self.access, written: Some(RefCell::new(written)) };
        let layer = catalog.account_layer();
        let objects = layer.all().map(|object| object_to(object, &lists, true));
        let checkpoint = v1::Checkpoint {
            format: FORMAT,
            version: catalog.version(),
            objects: objects.collect::<Result<_>>()?,
            grants: layer.grants().iter().map(grant_to).collect(),
            parameters: layer
                .parameters()
                .iter()
                .map(|((on, name), value)| v1::Parameter {
                    on: on.0,
                    name: name.clone(),
                    value: Some(value.clone()),
                })
                .collect(),
            marks: marks
                .iter()
                .map(|mark| v1::Mark {
                    version: mark.version,
                    time_nanos: mark.time_nanos,
                    statements: mark.statements.clone(),
                })
                .collect(),
            previous,
        };
        let name = path::checkpoint(catalog.version());
        self.access.put_if_absent(&name, to_bytes(&checkpoint)?).map(|_| ())
    }
}

impl From<v1::Mark> for Mark {
    fn from(mark: v1::Mark) -> Mark {
        Mark {
            version: mark.version,
            time_nanos: mark.time_nanos,
            statements: mark.statements,
            changed: Vec::new(),
        }
    }
}
