//! Lists of micro-partitions: in place when they are short, in files otherwise.
//!
//! Each chunk of a long list has a file of its own, which later checkpoints refer to as long as the chunk is
//! the same. A file is referred to anew only while it is young, so that a vacuum can tell when nobody will any
//! more: see [`LIST_REUSE_NANOS`].

use std::sync::Arc;

use firn_storage::format::{FORMAT, from_bytes, to_bytes, v1};
use firn_storage::parallel::map_at_once;
use firn_storage::snapshot::{AddedList, Chunk, ListFile, ListPart, Listed, StoredList};
use firn_storage::{
    FieldPaths, Location, ObjectAccess, Partition, Snapshot, SnapshotDelta, Totals, path,
};
use firn_types::{Error, ErrorCode, ObjectId, Result};

use super::value::{partition_from, partition_to};
use crate::txn::checkpoint::BASE_NANOS_MAX;

/// What is known of columns of micro-partitions that stands in place at most; more is put into a file.
const STATISTICS_INSIDE_MAX: usize = 64;
/// Paths that take as much room as what is known of a column.
const PATHS_OF_A_COLUMN: usize = 8;
/// Micro-partitions in one file of a list at most.
const FILE_MAX: usize = 512;
/// Files that are written at once.
pub(super) const FILES_AT_ONCE: usize = 16;

/// A file of a list is referred to anew for so long after it was written; then it is written again.
const LIST_REUSE_NANOS: i64 = BASE_NANOS_MAX / 2;
/// A checkpoint that counts may refer to a file of a list that is so old: it was young when the checkpoint,
/// or the full one that it rests on, was written.
pub(in crate::txn) const LIST_REFERRED_NANOS: i64 = LIST_REUSE_NANOS + BASE_NANOS_MAX;

/// Writes and reads the lists that files of the log point to.
#[derive(Clone, Copy, Debug)]
pub(in crate::txn) struct Lists<'a> {
    pub(super) access: &'a ObjectAccess,
    /// Whether a checkpoint is written: it also writes the files that ride in commits.
    is_checkpoint: bool,
    /// The time: nanoseconds since 1970 UTC.
    pub(super) now_nanos: i64,
}

/// A file that must be there before a list refers to it.
enum Missing<'p> {
    Chunk(ObjectId, &'p Chunk),
    Embedded(&'p Partition),
}

impl<'a> Lists<'a> {
    /// The lists of a commit.
    pub(in crate::txn) fn of_commit(access: &'a ObjectAccess, now_nanos: i64) -> Lists<'a> {
        Lists { access, is_checkpoint: false, now_nanos }
    }

    /// The lists of a checkpoint.
    pub(in crate::txn) fn of_checkpoint(access: &'a ObjectAccess, now_nanos: i64) -> Lists<'a> {
        Lists { access, is_checkpoint: true, now_nanos }
    }

    /// Writes all files that the lists of these tables will refer to, some at once, after it has read the
    /// lists that are to be written again.
    ///
    /// # Errors
    /// `Storage` when one cannot be written, and those of [`Snapshot::partitions`].
    pub(in crate::txn) fn prepare(&self, tables: &[(ObjectId, &Snapshot)]) -> Result<()> {
        let stays = |rows: &Snapshot| rows.unread_list().is_some_and(|list| self.is_young(list));
        let read = tables.iter().filter(|(_, rows)| !stays(rows));
        let read: Vec<(ObjectId, &Snapshot)> = read.copied().collect();
        Snapshot::read_all(&read.iter().map(|(_, rows)| *rows).collect::<Vec<_>>())?;
        let (mut embedded, mut chunks) = (Vec::new(), Vec::new());
        for (table, rows) in read {
            for chunk in rows.partitions()?.chunks() {
                let is_long = is_long(chunk.partitions().iter().map(Arc::as_ref));
                if is_long && self.young(chunk).is_none() {
                    chunks.push(Missing::Chunk(table, chunk));
                }
                if is_long || self.is_checkpoint {
                    embedded.extend(chunk.partitions().iter().map(|p| Missing::Embedded(p)));
                }
            }
        }
        map_at_once(&embedded, FILES_AT_ONCE, |missing| self.write(missing))?;
        map_at_once(&chunks, FILES_AT_ONCE, |missing| self.write(missing))?;
        Ok(())
    }

    fn write(&self, missing: &Missing<'_>) -> Result<()> {
        match missing {
            Missing::Embedded(partition) => match &partition.location {
                Location::Commit(embedded) => embedded.write(self.access, &partition.path),
                _ => Ok(()),
            },
            Missing::Chunk(table, chunk) => {
                let partitions = chunk.partitions().iter().map(|one| partition_to(one, false));
                chunk.set_listed(self.write_file(*table, partitions.collect::<Result<_>>()?)?);
                Ok(())
            }
        }
    }

    fn write_file(&self, table: ObjectId, partitions: Vec<v1::Partition>) -> Result<Listed> {
        let name = format!("{}/{}", path::table_meta(table), uuid::Uuid::new_v4());
        self.access.put(&name, to_bytes(&v1::Manifest { format: FORMAT, partitions })?)?;
        Ok(Listed { name: name.into(), written_nanos: self.now_nanos })
    }

    /// The list of what a commit adds; a long one is written to files first, unless it is one of files that
    /// were rewritten: who rebases on them has to know their names.
    pub(super) fn added_to(
        &self,
        table: ObjectId,
        delta: &SnapshotDelta,
    ) -> Result<v1::PartitionList> {
        let added = &delta.added;
        if delta.rewritten || !is_long(added.iter()) {
            let inside = added.iter().map(|one| partition_to(one, true)).collect::<Result<_>>()?;
            return Ok(v1::PartitionList { inside, ..v1::PartitionList::default() });
        }
        let files: Vec<&[Partition]> = added.chunks(FILE_MAX).collect();
        let parts = map_at_once(&files, FILES_AT_ONCE, |some| {
            let partitions =
                some.iter().map(|one| partition_to(one, true)).collect::<Result<_>>()?;
            self.write_file(table, partitions).map(file_part)
        })?;
        let totals = Totals {
            rows: added.iter().map(Partition::live_rows).sum(),
            bytes: added.iter().map(|partition| partition.bytes).sum(),
        };
        let new = added.iter().filter(|partition| !partition.stored_row_ids);
        let totals = totals_to(totals, new.map(|partition| partition.rows).sum());
        Ok(v1::PartitionList { parts, totals: Some(totals), ..v1::PartitionList::default() })
    }

    /// What a commit adds: partitions, and a list that is read when somebody asks for it.
    pub(super) fn added_from(
        &self,
        added: &v1::PartitionList,
    ) -> Result<(Vec<Partition>, Option<Arc<AddedList>>)> {
        let list = StoredList::new(self.parts_from(added)?);
        if let Some(totals) = &added.totals {
            let new_rows = totals.new_rows;
            let totals = Totals { rows: totals.rows, bytes: totals.bytes };
            return Ok((Vec::new(), Some(Arc::new(AddedList { list, totals, new_rows }))));
        }
        // Before format 3 it was not noted what a file has.
        let rows = Snapshot::stored(list, None, 0);
        Ok((rows.partitions()?.iter().map(|partition| partition.as_ref().clone()).collect(), None))
    }

    /// The persisted form of a table's rows; [`Lists::prepare`] has written the files.
    pub(super) fn snapshot_to(&self, rows: &Snapshot) -> Result<v1::Snapshot> {
        let mut parts = Vec::new();
        match rows.unread_list().filter(|list| self.is_young(list)) {
            Some(list) => {
                for part in list.parts() {
                    parts.push(match part {
                        ListPart::File(file) => file_part(file.listed().clone()),
                        ListPart::Here(partitions) => self.inside_part(partitions)?,
                    });
                }
            }
            None => {
                for chunk in rows.partitions()?.chunks() {
                    parts.push(match self.young(chunk) {
                        Some(listed) => file_part(listed),
                        None => self.inside_part(chunk.partitions())?,
                    });
                }
            }
        }
        let partitions = match parts.as_mut_slice() {
            [] => v1::PartitionList::default(),
            [v1::ListPart::Inside(inside)] => {
                v1::PartitionList { inside: std::mem::take(inside), ..Default::default() }
            }
            _ => {
                let totals = rows.known_totals().map(|totals| totals_to(totals, 0));
                v1::PartitionList { parts, totals, ..v1::PartitionList::default() }
            }
        };
        Ok(v1::Snapshot { partitions, next_row_id: rows.next_row_id() })
    }

    fn inside_part(&self, partitions: &[Arc<Partition>]) -> Result<v1::ListPart> {
        let persisted = partitions.iter().map(|one| partition_to(one, !self.is_checkpoint));
        persisted.collect::<Result<_>>().map(v1::ListPart::Inside)
    }

    pub(super) fn snapshot_from(&self, rows: &v1::Snapshot) -> Result<Snapshot> {
        let list = &rows.partitions;
        let parts = self.parts_from(list)?;
        if let [] | [ListPart::Here(_)] = parts.as_slice() {
            let here = parts.into_iter().map(|part| match part {
                ListPart::Here(partitions) => partitions,
                ListPart::File(_) => Vec::new(),
            });
            return Ok(Snapshot::new(here.flatten().collect(), rows.next_row_id));
        }
        let totals = list.totals.map(|totals| Totals { rows: totals.rows, bytes: totals.bytes });
        Ok(Snapshot::stored(StoredList::new(parts), totals, rows.next_row_id))
    }

    fn parts_from(&self, list: &v1::PartitionList) -> Result<Vec<ListPart>> {
        let file = |name: &String, written_nanos| {
            let listed = Listed { name: name.as_str().into(), written_nanos };
            ListPart::File(Arc::new(StoredFile { access: self.access.clone(), listed }))
        };
        let mut parts: Vec<ListPart> = list.manifest.iter().map(|name| file(name, 0)).collect();
        if !list.inside.is_empty() {
            parts.push(ListPart::Here(partitions_from(&list.inside)?));
        }
        for part in &list.parts {
            parts.push(match part {
                v1::ListPart::File(name, written_nanos) => file(name, *written_nanos),
                v1::ListPart::Inside(partitions) => ListPart::Here(partitions_from(partitions)?),
            });
        }
        Ok(parts)
    }

    /// The file of a chunk that may be referred to.
    fn young(&self, chunk: &Chunk) -> Option<Listed> {
        chunk.listed().filter(|listed| self.is_young_file(listed))
    }

    fn is_young(&self, list: &StoredList) -> bool {
        list.parts().iter().all(|part| match part {
            ListPart::File(file) => self.is_young_file(file.listed()),
            ListPart::Here(_) => true,
        })
    }

    pub(super) fn is_young_file(&self, listed: &Listed) -> bool {
        self.now_nanos.saturating_sub(listed.written_nanos) < LIST_REUSE_NANOS
    }
}

/// A file of a list that somebody may want to read.
#[derive(Debug)]
struct StoredFile {
    access: ObjectAccess,
    listed: Listed,
}

impl ListFile for StoredFile {
    fn listed(&self) -> &Listed {
        &self.listed
    }

    fn read(&self) -> Result<Vec<Arc<Partition>>> {
        let bytes = listed_bytes(&self.access, &self.listed)?;
        let manifest: v1::Manifest = from_bytes(&self.listed.name, bytes.as_ref())?;
        partitions_from(&manifest.partitions)
    }
}

/// The bytes of a file that a list refers to, which has to be there.
pub(super) fn listed_bytes(
    access: &ObjectAccess,
    listed: &Listed,
) -> Result<impl AsRef<[u8]> + use<>> {
    let name = &listed.name;
    access.get(name).map_err(|error| match error.code() {
        ErrorCode::FileNotFound => {
            let text = format!("File '{name}' cannot be read: it is missing");
            Error::new(ErrorCode::CorruptFile, text)
        }
        _ => error,
    })
}

fn partitions_from(partitions: &[v1::Partition]) -> Result<Vec<Arc<Partition>>> {
    let mut last: Arc<[Arc<FieldPaths>]> = Arc::default();
    let mut partition_of = |partition: &v1::Partition| {
        let mut partition = partition_from(partition)?;
        // Neighbors mostly have the same paths, which are in memory once then.
        match partition.paths == last {
            true => partition.paths = Arc::clone(&last),
            false => last = Arc::clone(&partition.paths),
        }
        Ok(Arc::new(partition))
    };
    partitions.iter().map(&mut partition_of).collect()
}

/// Whether so much is known of micro-partitions that their list belongs in a file.
fn is_long<'p>(partitions: impl Iterator<Item = &'p Partition>) -> bool {
    let paths = |partition: &Partition| {
        partition.paths.iter().map(|paths| paths.paths.len()).sum::<usize>()
    };
    let known =
        |partition: &Partition| 1 + partition.columns.len() + paths(partition) / PATHS_OF_A_COLUMN;
    partitions.map(known).sum::<usize>() > STATISTICS_INSIDE_MAX
}

fn file_part(listed: Listed) -> v1::ListPart {
    v1::ListPart::File(listed.name.to_string(), listed.written_nanos)
}

fn totals_to(totals: Totals, new_rows: u64) -> v1::ListTotals {
    v1::ListTotals { rows: totals.rows, bytes: totals.bytes, new_rows }
}
