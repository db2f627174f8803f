//! Committing: from what a transaction wants to the next object of the log.

use std::sync::Arc;

use firn_storage::Partition;
use firn_storage::format::{FORMAT, v1};
use firn_types::{Error, ErrorCode, QueryId, Result};

use crate::account::{Account, STALE_NANOS, lock};
use crate::catalog::{Catalog, CommitStamp};
use crate::txn::{
    CommitHeader, Conflict, ConflictKind, Operation, Rebased, Rewrite, RowIds, rebase,
};

/// How often a commit that lost the race for its number tries the next one.
const COMMIT_ATTEMPTS_MAX: usize = 1000;
/// Whether a commit may be made on a newer version than the one that it was thought for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rebase {
    /// It may, unless something conflicts.
    UnlessConflict,
    /// It may not: what it does depends on everything.
    ExactBaseRequired,
}

/// What came of one attempt to commit.
enum Attempt {
    Done(Catalog),
    /// The base is not the newest version, as it would have to be.
    Refused,
    /// The ids of these micro-partitions' rows have to be read first.
    Needs(Vec<Arc<Partition>>),
    /// Another process was faster.
    Late,
}

impl Account {
    /// Makes operations on top of `base` durable and visible; returns the catalog that has them.
    pub(crate) fn commit(
        &self,
        base: &Catalog,
        operations: &[Operation],
        statements: &[QueryId],
    ) -> Result<Catalog> {
        self.commit_on(base, operations, statements, Rebase::UnlessConflict)?.ok_or_else(|| {
            Error::new(
                ErrorCode::LockTimeout,
                "The account is changed by too many processes at once. Run the statement again.",
            )
        })
    }

    /// As [`Account::commit`]; none when others were faster every time.
    pub(crate) fn commit_on(
        &self,
        base: &Catalog,
        operations: &[Operation],
        statements: &[QueryId],
        rebase: Rebase,
    ) -> Result<Option<Catalog>> {
        let mut commit = v1::Commit {
            format: FORMAT,
            version: 0,
            time_nanos: 0,
            statements: statements.iter().map(|id| id.0.clone()).collect(),
            nonce: uuid::Uuid::new_v4().to_string(),
            previous: None,
            changes: self.changes_of(operations)?,
        };
        let mut ids = RowIds::default();
        for _ in 0..COMMIT_ATTEMPTS_MAX {
            self.refresh_if_stale()?;
            match self.try_commit((base, operations), &ids, rebase, &mut commit)? {
                Attempt::Done(catalog) => return Ok(Some(catalog)),
                Attempt::Refused => return Ok(None),
                Attempt::Needs(partitions) => ids.read(&self.shared.access, &partitions)?,
                Attempt::Late => self.refresh()?,
            }
        }
        Ok(None)
    }

    /// Makes operations on top of a base the next commit, while no other one of this process is made.
    fn try_commit(
        &self,
        (base, operations): (&Catalog, &[Operation]),
        ids: &RowIds,
        rebase: Rebase,
        commit: &mut v1::Commit,
    ) -> Result<Attempt> {
        let _turn = lock(&self.shared.turn);
        let mut next = self.catalog();
        if rebase == Rebase::ExactBaseRequired && next.version() != base.version() {
            return Ok(Attempt::Refused);
        }
        let moved = match self.rebase_on(base, operations, &next, ids)? {
            Rebased::Fit(moved) => moved,
            Rebased::Needs(partitions) => return Ok(Attempt::Needs(partitions)),
            Rebased::Conflict(conflict) => return Err(self.lost(base, &next, conflict)),
        };
        if let Some(moved) = &moved {
            commit.changes = self.changes_of(moved)?;
        }
        let operations = moved.as_deref().unwrap_or(operations);
        let stamp = self.next_stamp(next.version());
        commit.version = stamp.version;
        commit.time_nanos = stamp.nanos;
        commit.previous = self.hash_of(&next)?;
        for operation in operations {
            next.perform(operation, stamp)?;
        }
        let Some(hash) = self.shared.log.create(commit)? else { return Ok(Attempt::Late) };
        next.set_commit(stamp.version, Some(hash));
        self.install(&next, header_of(commit, operations));
        Ok(Attempt::Done(next))
    }

    fn changes_of(&self, operations: &[Operation]) -> Result<Vec<v1::Change>> {
        self.shared.log.changes_of(operations, self.shared.clock.now_nanos())
    }

    /// Looks at the log when that was long ago: a version that seems free may have been used and deleted.
    fn refresh_if_stale(&self) -> Result<()> {
        let nanos = lock(&self.shared.looking).nanos;
        match self.shared.clock.now_nanos().saturating_sub(nanos) > STALE_NANOS {
            true => self.refresh(),
            false => Ok(()),
        }
    }

    /// The hash of the commit that made a version.
    fn hash_of(&self, catalog: &Catalog) -> Result<Option<String>> {
        if let Some(hash) = catalog.commit_hash() {
            return Ok(Some(hash.to_string()));
        }
        // A checkpoint of format 1 does not tell; its commit may be gone.
        let commit = self.shared.log.commit(catalog.version())?;
        Ok(commit.map(|commit| commit.hash.to_string()))
    }

    /// The newest catalog, when the operations can be performed on it, and what they are there where files have
    /// changed under them.
    pub(crate) fn rebased(
        &self,
        base: &Catalog,
        operations: &[Operation],
    ) -> Result<(Catalog, Option<Vec<Operation>>)> {
        let mut ids = RowIds::default();
        loop {
            let newest = self.catalog();
            match self.rebase_on(base, operations, &newest, &ids)? {
                Rebased::Fit(moved) => return Ok((newest, moved)),
                Rebased::Needs(partitions) => ids.read(&self.shared.access, &partitions)?,
                Rebased::Conflict(conflict) => return Err(self.lost(base, &newest, conflict)),
            }
        }
    }

    fn rebase_on(
        &self,
        base: &Catalog,
        operations: &[Operation],
        newest: &Catalog,
        ids: &RowIds,
    ) -> Result<Rebased> {
        if newest.version() == base.version() {
            return Ok(Rebased::Fit(None));
        }
        // Where it is not known what was rewritten, rows of files that are gone are taken for changed ones.
        let rewrites = lock(&self.shared.timeline).rewrites_after(base.version());
        rebase(base, operations, newest, &rewrites.unwrap_or_default(), ids)
    }

    fn next_stamp(&self, version: u64) -> CommitStamp {
        let last = lock(&self.shared.timeline).last_nanos();
        CommitStamp { version: version + 1, nanos: self.shared.clock.now_nanos().max(last) }
    }

    fn lost(&self, base: &Catalog, newest: &Catalog, conflict: Conflict) -> Error {
        let object = newest.object(conflict.object).or_else(|| base.object(conflict.object));
        let word = object.map_or("Object", |object| object.kind().title());
        let catalog = if newest.object(conflict.object).is_some() { newest } else { base };
        let name = catalog.full_name(conflict.object);
        let what = match conflict.kind {
            ConflictKind::Rows => "the same rows were changed",
            ConflictKind::Definition => "it was altered or dropped",
            ConflictKind::Load => "the same file was loaded",
        };
        let winner = match lock(&self.shared.timeline).changed_by(conflict.object, base.version()) {
            Some(statement) => format!("statement '{statement}'"),
            None => "another statement".to_string(),
        };
        Error::new(
            ErrorCode::LockTimeout,
            format!("{word} '{name}' was changed by {winner}, which committed first: {what}."),
        )
    }
}

/// What is noted of a commit.
fn header_of(commit: &v1::Commit, operations: &[Operation]) -> CommitHeader {
    CommitHeader {
        version: commit.version,
        time_nanos: commit.time_nanos,
        statements: commit.statements.clone(),
        changed: operations.iter().flat_map(Operation::changes).collect(),
        rewrites: Some(operations.iter().filter_map(Rewrite::of).collect()),
    }
}
