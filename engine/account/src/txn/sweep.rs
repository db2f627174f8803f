//! Deleting what no openable version reaches.
//!
//! Openable is what a table's retention time allows; dropped objects are forgotten after theirs. A file
//! that nobody refers to may belong to a writer that has not committed yet, or be read by a process that
//! holds an old version: it stays for a grace time after it was written.

use std::collections::HashSet;

use firn_storage::format::v1;
use firn_storage::{Partition, path};
use firn_types::{ObjectId, Result};

use super::convert::{Lists, change_from};
use super::log::Log;
use super::{Operation, TimePoint};
use crate::Account;
use crate::account::Rebase;
use crate::catalog::{ACCOUNT, Catalog, CatalogChange, Moment, Object};

/// The log is kept at least so long, so that a process that slept finds what it missed.
const LOG_NANOS_MIN: i64 = 86_400_000_000_000;
/// Files of sessions are kept so long after they were written, since nobody knows who still lives.
const SESSION_NANOS: i64 = 7 * 86_400_000_000_000;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Objects that were forgotten.
    pub objects: usize,
    /// Files deleted.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Account {
    /// Forgets dropped objects and deletes files that no openable version reaches and that are older than
    /// `grace_nanos`.
    ///
    /// # Errors
    /// `Storage` when something cannot be read or deleted; what was done until then is no harm.
    pub fn sweep(&self, grace_nanos: i64) -> Result<Swept> {
        self.refresh()?;
        let now = self.clock().now_nanos();
        let mut swept = Swept { objects: self.purge(now)?, ..Swept::default() };
        let newest = self.catalog();
        let tables = newest.all().filter(|object| newest.rows_of(object.id()).is_ok());
        let oldest = tables.map(|table| newest.retained_since(table, now)).min().unwrap_or(now);
        let oldest = oldest.min(now.saturating_sub(LOG_NANOS_MIN));
        let kept = self.kept(&newest, oldest, now)?;
        let folders = [
            (path::DATA, now.saturating_sub(grace_nanos)),
            (path::META, now.saturating_sub(grace_nanos)),
            (path::TEMPORARY, now.saturating_sub(SESSION_NANOS)),
        ];
        for (folder, before) in folders {
            for file in self.access().list(folder)? {
                if file.modified_nanos < before && !kept.files.contains(&file.path) {
                    self.access().delete(&file.path)?;
                    swept.files += 1;
                    swept.bytes += file.size;
                }
            }
        }
        let before = now.saturating_sub(grace_nanos.max(LOG_NANOS_MIN));
        for (folder, first_kept) in
            [(path::LOG, kept.checkpoint + 1), (path::CHECKPOINTS, kept.checkpoint)]
        {
            for file in self.access().list(folder)? {
                let old = path::version_of(&file.path).is_some_and(|v| v < first_kept);
                if old && file.modified_nanos < before {
                    self.access().delete(&file.path)?;
                }
            }
        }
        Ok(swept)
    }

    /// Forgets dropped objects whose retention time has passed, with all that lived in them.
    fn purge(&self, now_nanos: i64) -> Result<usize> {
        let base = self.catalog();
        let expired = |object: &Object| {
            let dropped = object.header().dropped_nanos;
            dropped.is_some_and(|dropped| dropped < base.retained_since(object, now_nanos))
        };
        let gone = |object: &Object| {
            let mut next = Some(object);
            while let Some(object) = next {
                if expired(object) {
                    return true;
                }
                next = base.object(object.header().parent);
            }
            // What belonged to an object that is not there any more: a replaced table's sequence.
            object.header().parent != ACCOUNT && base.object(object.header().parent).is_none()
        };
        let ids: Vec<ObjectId> = base.all().filter(|object| gone(object)).map(Object::id).collect();
        let operations: Vec<Operation> =
            ids.iter().map(|id| Operation::Catalog(CatalogChange::Purge { id: *id })).collect();
        if operations.is_empty() {
            return Ok(0);
        }
        // Whoever undrops one of them meanwhile is right: the next sweep looks again.
        let committed = self.commit_on(&base, &operations, &[], Rebase::Never)?;
        Ok(committed.map_or(0, |_| ids.len()))
    }

    /// The files that openable versions reach.
    fn kept(&self, newest: &Catalog, oldest_nanos: i64, now_nanos: i64) -> Result<Kept> {
        let first = self.version_at(&TimePoint::At(oldest_nanos))?.unwrap_or(0);
        let log = Log::new(self.access().clone());
        let checkpoints = log.checkpoints()?;
        let from = checkpoints.iter().rev().find(|version| **version <= first).copied();
        let oldest = from.unwrap_or(0);
        let mut kept = Kept { checkpoint: oldest, files: HashSet::new() };
        for version in checkpoints.iter().filter(|version| **version >= oldest) {
            let checkpoint = log.checkpoint(*version)?;
            checkpoint.objects.iter().for_each(|object| kept.add_lists_of(object));
        }
        newest.all().for_each(|object| kept.add_rows(newest, object.id()));
        let mut catalog = match from {
            Some(version) => log.catalog_of(log.checkpoint(version)?)?,
            None => Catalog::new(0, Default::default(), Default::default()),
        };
        for version in oldest + 1..=newest.version() {
            let Some(logged) = log.commit(version)? else { continue };
            let commit = logged.commit;
            commit.changes.iter().for_each(|change| kept.add_lists(change));
            self.follow(&mut catalog, commit, &mut kept, now_nanos)?;
        }
        Ok(kept)
    }

    /// Performs a commit, and keeps the files that it takes away when they can still be seen.
    fn follow(
        &self,
        catalog: &mut Catalog,
        commit: v1::Commit,
        kept: &mut Kept,
        now_nanos: i64,
    ) -> Result<()> {
        let moment = Moment { version: commit.version, nanos: commit.time_nanos };
        let lists = Lists { access: self.access(), written: None };
        for change in commit.changes {
            let operation = change_from(change, &lists)?;
            if let Operation::Rows { table, delta } = &operation
                && !delta.keeps_rows()
                && let Some(object) = catalog.object(*table)
                && commit.time_nanos >= catalog.retained_since(object, now_nanos)
            {
                kept.add_rows(catalog, *table);
            }
            catalog.perform(&operation, moment)?;
        }
        Ok(())
    }
}

/// What a sweep leaves alone.
struct Kept {
    /// The checkpoint that the oldest openable version is made from.
    checkpoint: u64,
    files: HashSet<String>,
}

impl Kept {
    fn add_rows(&mut self, catalog: &Catalog, table: ObjectId) {
        let Ok(rows) = catalog.rows_of(table) else { return };
        let path = |partition: &Partition| partition.path.clone();
        self.files.extend(rows.partitions().iter().map(|partition| path(partition)));
    }

    fn add_lists(&mut self, change: &v1::Change) {
        match change {
            v1::Change::Rows { added, .. } => self.files.extend(added.manifest.clone()),
            v1::Change::Create { object, .. } => self.add_lists_of(object),
            _ => {}
        }
    }

    fn add_lists_of(&mut self, object: &v1::Object) {
        match object {
            v1::Object::Table(table) => {
                self.files.extend(table.snapshot.partitions.manifest.clone());
            }
            v1::Object::MaterializedView(view) => {
                self.files.extend(view.snapshot.partitions.manifest.clone());
            }
            _ => {}
        }
    }
}
