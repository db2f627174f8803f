//! Vacuum: deleting what no version that can be opened reaches.
//!
//! A file that the newest version does not have may still be seen by time travel. When it was taken away is
//! written nowhere; a vacuum notes when it first found a file dead, and a later one deletes it when the
//! retention time of its table has passed since. So nothing of the log is replayed, and what a vacuum costs
//! depends on the files that there are, not on the commits that were made. A file that nobody refers to may
//! also belong to a writer that has not committed yet, or be read by a process that holds an old version: it
//! stays for a grace time after it was written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use firn_storage::format::{FORMAT, from_bytes, to_bytes, v1};
use firn_storage::{ObjectInfo, Snapshot, path};
use firn_types::{ErrorCode, ObjectId, Result};

use super::Operation;
use super::checkpoint::BASE_NANOS_MAX;
use super::convert::LIST_REFERRED_NANOS;
use crate::Account;
use crate::catalog::{ACCOUNT, Catalog, CatalogChange, Object};
use crate::commit::Rebase;

/// The log is kept at least so long, so that a process that slept finds what it missed.
const LOG_NANOS_MIN: i64 = 86_400_000_000_000;
/// Files of sessions are kept so long after they were written, since nobody knows who still lives.
const SESSION_NANOS: i64 = 7 * 86_400_000_000_000;

/// What a vacuum did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vacuumed {
    /// Objects that were forgotten.
    pub objects: usize,
    /// Files deleted, those of the log not counted.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files that are dead and wait for their time, by the id of the table whose folder they are in.
    pub dead: BTreeMap<ObjectId, DeadFiles>,
    /// Whether it came to its end.
    pub finished: bool,
}

impl Vacuumed {
    /// Files that are dead and wait for their time.
    pub fn dead_files(&self) -> usize {
        self.dead.values().map(|dead| dead.files).sum()
    }
}

/// Dead files of a table that are not deleted yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeadFiles {
    /// How many.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// When the first of them was found dead: nanoseconds since 1970 UTC.
    pub since_nanos: i64,
    /// When the last of them may be deleted: nanoseconds since 1970 UTC.
    pub until_nanos: i64,
}

/// What a vacuum remembers of the ones before.
#[derive(Debug, Default)]
struct Memory {
    /// When each dead file was first found to be so.
    dead: BTreeMap<String, i64>,
    /// The longest retention time that a table had which shares the files of another one's folder.
    shared: BTreeMap<u64, i64>,
    /// When the last vacuum came to its end.
    finished_nanos: i64,
}

impl Account {
    /// Forgets dropped objects whose retention time has passed, deletes files that no openable version
    /// reaches and that are older than `grace_nanos`, and the log before the oldest openable version. It
    /// stops, and a later one goes on, as soon as `go_on` says no.
    ///
    /// # Errors
    /// `Storage` when something cannot be read or deleted; what was done until then is no harm.
    pub fn vacuum(&self, grace_nanos: i64, go_on: &dyn Fn() -> bool) -> Result<Vacuumed> {
        self.refresh()?;
        let now = self.clock().now_nanos();
        let mut memory = self.memory()?;
        let mut vacuum = Vacuum {
            account: self,
            now,
            before: now.saturating_sub(grace_nanos),
            go_on,
            done: Vacuumed { objects: self.purge(now)?, ..Vacuumed::default() },
        };
        let outcome = vacuum.run(&mut memory);
        vacuum.done.finished = matches!(outcome, Ok(true));
        if vacuum.done.finished {
            memory.finished_nanos = now;
        }
        self.remember(&memory)?;
        outcome.map(|_| vacuum.done)
    }

    /// When the last vacuum of the account, by whichever process, came to its end: nanoseconds since 1970
    /// UTC; 0 when none did.
    ///
    /// # Errors
    /// `Storage` when that cannot be read.
    pub fn vacuumed_nanos(&self) -> Result<i64> {
        Ok(self.memory()?.finished_nanos)
    }

    fn memory(&self) -> Result<Memory> {
        let persisted: v1::Vacuum = match self.access().get(path::VACUUM) {
            Ok(bytes) => match from_bytes(path::VACUUM, &bytes) {
                Ok(persisted) => persisted,
                // It only makes files wait: what is damaged is begun again.
                Err(_) => return Ok(Memory::default()),
            },
            Err(error) if error.code() == ErrorCode::FileNotFound => return Ok(Memory::default()),
            Err(error) => return Err(error),
        };
        Ok(Memory {
            dead: persisted.dead.into_iter().collect(),
            shared: persisted.shared.into_iter().collect(),
            finished_nanos: persisted.finished_nanos,
        })
    }

    fn remember(&self, memory: &Memory) -> Result<()> {
        let persisted = v1::Vacuum {
            format: FORMAT,
            finished_nanos: memory.finished_nanos,
            dead: memory.dead.iter().map(|(file, nanos)| (file.clone(), *nanos)).collect(),
            shared: memory.shared.iter().map(|(table, nanos)| (*table, *nanos)).collect(),
        };
        self.access().put(path::VACUUM, to_bytes(&persisted)?)
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
        // Whoever undrops one of them meanwhile is right: the next vacuum looks again.
        let committed = self.commit_on(&base, &operations, &[], Rebase::ExactBaseRequired)?;
        Ok(committed.map_or(0, |_| ids.len()))
    }
}

/// One vacuum at work.
struct Vacuum<'a> {
    account: &'a Account,
    now: i64,
    /// Only files that were written before are deleted.
    before: i64,
    go_on: &'a dyn Fn() -> bool,
    done: Vacuumed,
}

impl Vacuum<'_> {
    /// Whether it came to its end.
    fn run(&mut self, memory: &mut Memory) -> Result<bool> {
        let access = self.account.access();
        // Listed first: what is committed meanwhile is in the catalog then.
        let data = access.list(path::DATA)?;
        let lists = access.list(path::META)?;
        self.account.refresh()?;
        let catalog = self.account.catalog();
        let oldest = self.oldest(&catalog);
        let live = live_files(&catalog, memory, self.now)?;
        let now = self.now;
        let needs = catalog.needed_by_streams(now);
        let until = |file: &ObjectInfo, dead: i64, memory: &Memory| {
            let table = path::table_of(&file.path).unwrap_or(0);
            let own = catalog.object(ObjectId(table));
            let own = own.map_or(0, |own| now - catalog.retained_since(own, now));
            let own = own.max(memory.shared.get(&table).copied().unwrap_or(0));
            // What went after a stream was last consumed is what it shows as deleted.
            let need = needs.get(&ObjectId(table)).filter(|need| need.since_nanos <= dead);
            dead.saturating_add(own).max(need.map_or(i64::MIN, |need| need.until_nanos))
        };
        if !self.sort_out(&data, &live, memory, &until)? {
            return Ok(false);
        }
        let live = self.account.log().live_lists()?;
        // Old checkpoints and commits refer to lists as long as they are kept, and processes that have not read
        // them yet do so for a while. A young one may come back.
        let kept = now - oldest;
        let until = |list: &ObjectInfo, dead: i64, _: &Memory| {
            let referred = list.modified_nanos.saturating_add(LIST_REFERRED_NANOS);
            dead.max(referred).saturating_add(kept)
        };
        if !self.sort_out(&lists, &live, memory, &until)? {
            return Ok(false);
        }
        let present: HashSet<&str> =
            data.iter().chain(&lists).map(|file| file.path.as_str()).collect();
        memory.dead.retain(|file, _| present.contains(file.as_str()));
        Ok(self.delete_temporary()? && self.trim_log(oldest)?)
    }

    /// The time before which nothing can be opened.
    fn oldest(&self, catalog: &Catalog) -> i64 {
        let tables = catalog.all().filter(|object| catalog.rows_of(object.id()).is_ok());
        let needs = catalog.needed_by_streams(self.now);
        let needed = needs.values().map(|need| need.since_nanos);
        let retained = tables.map(|table| catalog.retained_since(table, self.now));
        let oldest = retained.chain(needed).min();
        oldest.unwrap_or(self.now).min(self.now.saturating_sub(LOG_NANOS_MIN))
    }

    /// Notes which files are dead, and deletes those that are kept no longer: `until` says how long, from when
    /// a file was first found dead.
    fn sort_out(
        &mut self,
        files: &[ObjectInfo],
        live: &HashSet<String>,
        memory: &mut Memory,
        until: &dyn Fn(&ObjectInfo, i64, &Memory) -> i64,
    ) -> Result<bool> {
        for file in files {
            if live.contains(&file.path) {
                // It may have come back by a clone of the past.
                memory.dead.remove(&file.path);
                continue;
            }
            let since = *memory.dead.entry(file.path.clone()).or_insert(self.now);
            let young = file.modified_nanos.saturating_add(self.now - self.before);
            let kept = until(file, since, memory).max(young.saturating_add(1));
            if kept > self.now {
                self.retain(file, since, kept);
                continue;
            }
            if !(self.go_on)() {
                return Ok(false);
            }
            self.delete(file)?;
            memory.dead.remove(&file.path);
        }
        Ok((self.go_on)())
    }

    /// Notes a dead file that stays.
    fn retain(&mut self, file: &ObjectInfo, since_nanos: i64, until_nanos: i64) {
        let table = ObjectId(path::table_of(&file.path).unwrap_or(0));
        let first = DeadFiles { since_nanos, until_nanos, ..DeadFiles::default() };
        let dead = self.done.dead.entry(table).or_insert(first);
        dead.files += 1;
        dead.bytes += file.size;
        dead.since_nanos = dead.since_nanos.min(since_nanos);
        dead.until_nanos = dead.until_nanos.max(until_nanos);
    }

    fn delete(&mut self, file: &ObjectInfo) -> Result<()> {
        self.account.access().delete(&file.path)?;
        self.done.files += 1;
        self.done.bytes += file.size;
        Ok(())
    }

    /// Deletes what sessions left that did not end well.
    fn delete_temporary(&mut self) -> Result<bool> {
        let before = self.now.saturating_sub(SESSION_NANOS);
        for file in self.account.access().list(path::TEMPORARY)? {
            if file.modified_nanos >= before {
                continue;
            }
            if !(self.go_on)() {
                return Ok(false);
            }
            self.delete(&file)?;
        }
        Ok((self.go_on)())
    }

    /// Deletes commits and checkpoints before the oldest version that can be opened.
    fn trim_log(&self, oldest: i64) -> Result<bool> {
        let access = self.account.access();
        let checkpoints = access.list(path::CHECKPOINTS)?;
        // A checkpoint is written after its version was committed.
        let first = checkpoints.iter().rev().find(|file| file.modified_nanos < oldest);
        let Some(first) = first else { return Ok(true) };
        let Some(version) = path::version_of(&first.path) else { return Ok(true) };
        // What is about to be the beginning must be readable.
        self.account.log().open_checkpoint(version)?;
        let mut names: Vec<String> = access.names_after(path::LOG, path::LOG)?;
        names.retain(|name| path::version_of(name).is_some_and(|found| found <= version));
        // The oldest first: a hole would be taken for damage.
        names.sort_unstable();
        let unused = first.modified_nanos.saturating_sub(BASE_NANOS_MAX);
        let old = checkpoints.iter().filter(|file| file.modified_nanos < unused);
        for name in names.iter().chain(old.map(|file| &file.path)) {
            if !(self.go_on)() {
                return Ok(false);
            }
            access.delete(name)?;
        }
        Ok(true)
    }
}

/// The files of the newest version; notes which tables share files of others.
fn live_files(catalog: &Catalog, memory: &mut Memory, now: i64) -> Result<HashSet<String>> {
    let mut live = HashSet::new();
    let mut shared: HashMap<u64, i64> = HashMap::new();
    let rows: Vec<&Snapshot> = catalog.all().filter_map(Object::rows).map(Arc::as_ref).collect();
    Snapshot::read_all(&rows)?;
    let needs = catalog.needed_by_streams(now);
    for object in catalog.all() {
        let Some(rows) = object.rows() else { continue };
        for partition in rows.partitions()?.iter() {
            let folder = path::table_of(&partition.path).unwrap_or(0);
            if folder != object.id().0 {
                let need = needs.get(&object.id()).map_or(0, |need| need.until_nanos - now);
                let kept = need.max(now - catalog.retained_since(object, now));
                let longest = shared.entry(folder).or_insert(kept);
                *longest = kept.max(*longest);
            }
            live.insert(partition.path.clone());
        }
    }
    for (folder, kept) in shared {
        let longest = memory.shared.entry(folder).or_insert(kept);
        *longest = kept.max(*longest);
    }
    Ok(live)
}
