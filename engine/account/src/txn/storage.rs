//! What the files of tables hold, of whom, and what for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use firn_storage::{Snapshot, path};
use firn_types::{ObjectId, Result};

use super::TimePoint;
use crate::Account;
use crate::catalog::{Catalog, Object};

/// Bytes of a table's own files. A file belongs to the table that it was written for, whoever else refers to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldBytes {
    /// Of files that have rows of the table.
    pub active: u64,
    /// Of those that only time travel or UNDROP reaches, or that wait for a vacuum.
    pub time_travel: u64,
    /// Of those that the table itself does not reach any more, but another one that was cloned from it.
    pub for_clones: u64,
}

impl HeldBytes {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.active + self.time_travel + self.for_clones
    }
}

/// A file of a table's folder.
#[derive(Debug)]
struct Held {
    owner: ObjectId,
    bytes: u64,
    /// None of one that is still in its commit.
    written_nanos: Option<i64>,
    of_owner: bool,
    of_others: bool,
}

impl Account {
    /// What is held of each table that `catalog` has, dropped ones too, and of those that are forgotten while clones
    /// have their files. What small commits held and a later one took away before a checkpoint is in the log only, and
    /// not counted.
    ///
    /// # Errors
    /// `Storage` when files cannot be listed, or a list of micro-partitions cannot be read.
    pub fn held_bytes(&self, catalog: &Catalog) -> Result<BTreeMap<ObjectId, HeldBytes>> {
        let mut held: BTreeMap<ObjectId, HeldBytes> = BTreeMap::new();
        let mut files = self.files_of_tables()?;
        let objects: Vec<&Object> =
            catalog.all().filter(|object| object.rows().is_some()).collect();
        let rows: Vec<&Snapshot> =
            objects.iter().filter_map(|object| object.rows()).map(Arc::as_ref).collect();
        Snapshot::read_all(&rows)?;
        for (object, rows) in objects.iter().zip(rows) {
            let own = held.entry(object.id()).or_default();
            for partition in rows.partitions()?.iter() {
                let Some(owner) = path::table_of(&partition.path).map(ObjectId) else {
                    // A session's own rows.
                    own.active += partition.bytes;
                    continue;
                };
                let file = files.entry(partition.path.clone()).or_insert(Held {
                    owner,
                    bytes: partition.bytes,
                    written_nanos: None,
                    of_owner: false,
                    of_others: false,
                });
                // Of a file that is encrypted more is listed.
                file.bytes = partition.bytes;
                file.of_owner |= owner == object.id();
                file.of_others |= owner != object.id();
            }
        }
        let mut of_clones: BTreeMap<ObjectId, Vec<(&str, &Held)>> = BTreeMap::new();
        for (name, file) in &files {
            let held = held.entry(file.owner).or_default();
            if file.of_owner && catalog.is_live(file.owner) {
                held.active += file.bytes;
            } else if file.of_owner || !file.of_others {
                held.time_travel += file.bytes;
            } else {
                of_clones.entry(file.owner).or_default().push((name, file));
            }
        }
        for (owner, files) in of_clones {
            let past = self.past(catalog, owner)?;
            let held = held.entry(owner).or_default();
            for (name, file) in files {
                match past.as_ref().is_some_and(|past| past.reaches(name, file)) {
                    true => held.time_travel += file.bytes,
                    false => held.for_clones += file.bytes,
                }
            }
        }
        Ok(held)
    }

    /// The files in the folders of tables, none of them known to be anybody's.
    fn files_of_tables(&self) -> Result<HashMap<String, Held>> {
        let files = self.access().list(path::DATA)?.into_iter().filter_map(|file| {
            let owner = ObjectId(path::table_of(&file.path)?);
            let written_nanos = Some(file.modified_nanos);
            let held =
                Held { owner, bytes: file.size, written_nanos, of_owner: false, of_others: false };
            Some((file.path, held))
        });
        Ok(files.collect())
    }

    /// What time travel reaches of a table; none where nothing is kept.
    fn past(&self, catalog: &Catalog, table: ObjectId) -> Result<Option<Past>> {
        let now = self.clock().now_nanos();
        let object = catalog.object(table);
        let since_nanos = object.map_or(now, |object| catalog.retained_since(object, now));
        if since_nanos >= now {
            return Ok(None);
        }
        let version = self.version_at(&TimePoint::At(since_nanos))?;
        let then = version.map(|version| self.past_catalog(version)).transpose()?;
        let mut first = HashSet::new();
        if let Some(rows) = then.as_ref().and_then(|then| then.object(table)?.rows()) {
            first.extend(rows.partitions()?.iter().map(|partition| partition.path.clone()));
        }
        Ok(Some(Past { since_nanos, first }))
    }
}

/// What time travel reaches of a table: what it had at the beginning of its retention time, and what came since.
struct Past {
    since_nanos: i64,
    first: HashSet<String>,
}

impl Past {
    fn reaches(&self, name: &str, file: &Held) -> bool {
        let is_new = file.written_nanos.is_none_or(|written| written >= self.since_nanos);
        is_new || self.first.contains(name)
    }
}
