//! Reading and writing the log.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use firn_storage::format::{from_bytes, hash, to_bytes, v1};
use firn_storage::{ObjectAccess, path};
use firn_types::{Error, ErrorCode, ObjectId, Result};

use super::convert::{Lists, Names, change_from, change_to};
use super::operation::Operation;
use super::rebase::Rewrite;
use crate::catalog::{Catalog, CatalogChange, CommitStamp};

/// Commits that are fetched at once from a bucket.
pub(crate) const READ_AHEAD: u64 = 16;
/// Commits that are held at once while the log is read from its beginning.
const FOLLOWED_AT_ONCE: u64 = 256;
/// The header of a commit: all but its changes.
#[derive(Clone, Debug)]
pub(crate) struct CommitHeader {
    pub(crate) version: u64,
    pub(crate) time_nanos: i64,
    pub(crate) statements: Vec<String>,
    /// What it changed; empty for headers that come from a checkpoint.
    pub(crate) changed: Vec<ObjectId>,
    /// What it wrote anew; none for headers that come from a checkpoint.
    pub(crate) rewrites: Option<Vec<Arc<Rewrite>>>,
}

/// A commit as it stands in the log.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) commit: v1::Commit,
    /// The hash of its object, by which the next commit refers to it.
    pub(crate) hash: Arc<str>,
}

/// The log of an account.
#[derive(Debug)]
pub(crate) struct Log {
    pub(super) access: ObjectAccess,
}

impl Log {
    pub(crate) fn new(access: ObjectAccess) -> Log {
        Log { access }
    }

    /// The persisted form of operations at this time; long lists of micro-partitions are written by this.
    pub(crate) fn changes_of(
        &self,
        operations: &[Operation],
        now_nanos: i64,
    ) -> Result<Vec<v1::Change>> {
        let lists = Lists::of_commit(&self.access, now_nanos);
        let created = operations.iter().filter_map(|operation| match operation {
            Operation::Catalog(CatalogChange::Create { object, .. }) => Some(object),
            _ => None,
        });
        let rows =
            created.clone().filter_map(|object| Some((object.id(), object.rows()?.as_ref())));
        lists.prepare(&rows.collect::<Vec<_>>())?;
        let loads = created.filter_map(|object| Some((object.id(), object.loads()?.as_ref())));
        lists.prepare_loads(&loads.collect::<Vec<_>>())?;
        operations.iter().map(|operation| change_to(operation, &lists)).collect()
    }

    /// The commit of a version; none when it does not exist.
    pub(crate) fn commit(&self, version: u64) -> Result<Option<Logged>> {
        let name = path::log_object(version);
        let bytes = match self.access.get(&name) {
            Ok(bytes) => bytes,
            Err(error) if error.code() == ErrorCode::FileNotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let commit: v1::Commit = from_bytes(&name, &bytes)?;
        if commit.version != version {
            return Err(damaged(&name, &format!("it holds the commit of {}", commit.version)));
        }
        Ok(Some(Logged { commit, hash: hash(&bytes).into() }))
    }

    /// The commits of a range of versions, none from the first on that does not exist. From a bucket, where
    /// each takes a round trip, some are fetched at once.
    pub(crate) fn commits(&self, versions: Range<u64>) -> Result<Vec<Logged>> {
        let mut commits = Vec::new();
        let mut next = versions.start;
        while next < versions.end {
            let together = if self.access.is_remote() { READ_AHEAD } else { 1 };
            let end = versions.end.min(next + together);
            for commit in self.fetch(next..end) {
                match commit? {
                    Some(commit) => commits.push(commit),
                    None => return Ok(commits),
                }
            }
            next = end;
        }
        Ok(commits)
    }

    /// The commits of some versions, all at once.
    fn fetch(&self, versions: Range<u64>) -> Vec<Result<Option<Logged>>> {
        if versions.end - versions.start == 1 {
            return vec![self.commit(versions.start)];
        }
        std::thread::scope(|scope| {
            let fetches: Vec<_> =
                versions.map(|version| scope.spawn(move || self.commit(version))).collect();
            let failed = |_| Err(Error::internal("a thread that reads the log failed"));
            fetches.into_iter().map(|fetch| fetch.join().unwrap_or_else(failed)).collect()
        })
    }

    /// Performs all commits behind a catalog's version, and gives each of them to `each`.
    ///
    /// # Errors
    /// `CorruptFile` for a commit that cannot be read, that does not follow on the one before, or that is
    /// missing although a later one is there.
    pub(crate) fn follow(
        &self,
        catalog: &mut Catalog,
        mut each: impl FnMut(&Catalog, CommitHeader),
    ) -> Result<()> {
        let known = path::log_object(catalog.version());
        let names = self.access.names_after(path::LOG, &known)?;
        // Commits are created in order: where one is, all before it were.
        let Some(newest) = names.iter().filter_map(|name| path::version_of(name)).max() else {
            return Ok(());
        };
        while catalog.version() < newest {
            let next = catalog.version() + 1;
            let commits = self.commits(next..newest.min(next + FOLLOWED_AT_ONCE) + 1)?;
            if commits.is_empty() {
                return Err(damaged(
                    &path::log_object(next),
                    &format!("it is missing, although '{}' is there", path::log_object(newest)),
                ));
            }
            for commit in commits {
                let header = self.perform(catalog, commit)?;
                each(catalog, header);
            }
        }
        Ok(())
    }

    /// Creates a commit unless its version is taken; gives the object's hash if it did.
    ///
    /// Neither an error nor "it exists" says that it did not: an answer may be lost, and a client that
    /// then asks again meets what it has written itself. The nonce in the object tells whose it is.
    ///
    /// # Errors
    /// `CorruptFile` when a later commit is there, so that this one would fill a hole; `Storage` when it
    /// cannot be told whether it was created.
    pub(crate) fn create(&self, commit: &v1::Commit) -> Result<Option<Arc<str>>> {
        let name = path::log_object(commit.version);
        let later = path::log_object(commit.version + 1);
        // A folder is asked for nothing; in a bucket the next reader sees that the chain is broken.
        if self.access.is_in_folder(&later) && self.commit(commit.version)?.is_none() {
            return Err(damaged(&name, &format!("it is missing, although '{later}' is there")));
        }
        let bytes = to_bytes(commit)?;
        let created = Some(hash(&bytes).into());
        let written = self.access.put_if_absent(&name, bytes);
        if matches!(written, Ok(true)) {
            return Ok(created);
        }
        match (self.commit(commit.version), written) {
            (Ok(Some(there)), _) => Ok(created.filter(|_| there.commit.nonce == commit.nonce)),
            (_, Err(error)) | (Err(error), Ok(_)) => Err(error),
            (Ok(None), Ok(_)) => Err(Error::new(
                ErrorCode::Storage,
                format!("'{name}' is said to exist, but cannot be found"),
            )),
        }
    }

    /// Performs a commit on the catalog of the version before.
    ///
    /// # Errors
    /// `CorruptFile` when it was not made on that version.
    pub(crate) fn perform(&self, catalog: &mut Catalog, logged: Logged) -> Result<CommitHeader> {
        check_link(catalog, &logged.commit)?;
        let Logged { commit, hash } = logged;
        let stamp = CommitStamp { version: commit.version, nanos: commit.time_nanos };
        let lists = Lists::of_commit(&self.access, commit.time_nanos);
        let (mut changed, mut rewrites) = (Vec::new(), Vec::new());
        for mut change in commit.changes {
            if !Names::Of(catalog).resolve(&mut change) {
                continue;
            }
            let operation = change_from(change, &lists)
                .and_then(|operation| catalog.perform(&operation, stamp).map(|()| operation))
                .map_err(|error| in_commit(error, commit.version))?;
            changed.extend(operation.changes());
            rewrites.extend(Rewrite::of(&operation));
        }
        catalog.set_commit(commit.version, Some(hash));
        Ok(CommitHeader {
            version: commit.version,
            time_nanos: commit.time_nanos,
            statements: commit.statements,
            changed,
            rewrites: Some(rewrites),
        })
    }

    /// The files of lists, of micro-partitions and of loads, that the newest version is made of when it is opened.
    pub(crate) fn live_lists(&self) -> Result<HashSet<String>> {
        let mut live = HashSet::new();
        let newest = self.checkpoints()?.pop();
        let checkpoint = newest.map(|version| self.checkpoint(version)).transpose()?;
        let base = checkpoint.as_ref().and_then(|checkpoint| checkpoint.base);
        let base = base.map(|version| self.checkpoint(version)).transpose()?;
        for object in checkpoint.iter().chain(&base).flat_map(|checkpoint| &checkpoint.objects) {
            live.extend(object.list_files().cloned());
        }
        let mut next = newest.unwrap_or(0) + 1;
        while let Some(logged) = self.commit(next)? {
            live.extend(logged.commit.changes.iter().flat_map(v1::Change::list_files).cloned());
            next += 1;
        }
        Ok(live)
    }
}

/// Checks that a commit was made on the version that it is to be performed on.
fn check_link(catalog: &Catalog, commit: &v1::Commit) -> Result<()> {
    // Before format 2 there is no chain, and of a checkpoint of then it is not known what it rests on.
    let (Some(before), 2..) = (catalog.commit_hash(), commit.format) else { return Ok(()) };
    if commit.previous.as_deref() == Some(before) {
        return Ok(());
    }
    let name = path::log_object(commit.version);
    let before = path::log_object(catalog.version());
    Err(damaged(
        &name,
        &format!("it does not follow on '{before}', of which there are two versions"),
    ))
}

/// A file of the log that is not what it should be.
pub(super) fn damaged(name: &str, what: &str) -> Error {
    Error::new(ErrorCode::CorruptFile, format!("File '{name}' cannot be read: {what}"))
}

/// An error of what a commit holds, with the file that holds it.
fn in_commit(error: Error, version: u64) -> Error {
    match error.code() {
        ErrorCode::Storage | ErrorCode::FileNotFound => error,
        _ => damaged(&path::log_object(version), error.detail()),
    }
}

impl From<v1::CommitHeader> for CommitHeader {
    fn from(header: v1::CommitHeader) -> CommitHeader {
        CommitHeader {
            version: header.version,
            time_nanos: header.time_nanos,
            statements: header.statements,
            changed: Vec::new(),
            rewrites: None,
        }
    }
}
