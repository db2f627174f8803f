//! Between what is worked with and what is persisted, by hand.

mod change;
mod object;
mod principal;
mod value;

pub(super) use change::{change_from, change_to, grant_from, grant_to};
pub(super) use object::{object_from, object_to};
pub(super) use principal::Names;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use firn_storage::format::{FORMAT, from_bytes, to_bytes, v1};
use firn_storage::{Home, ObjectAccess, Partition, Snapshot, path};
use firn_types::{Error, ErrorCode, ObjectId, PartitionId, Result};

use value::{partition_from, partition_to};

/// Micro-partitions from which a list is put into a file of its own.
const LIST_INSIDE_MAX: usize = 64;

/// What checkpoints have already written.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Long lists, by table.
    lists: HashMap<ObjectId, (Arc<Snapshot>, v1::PartitionList)>,
    /// Micro-partitions that rode inside a commit.
    files: HashSet<PartitionId>,
}

/// Writes and reads the lists that files of the log point to.
#[derive(Debug)]
pub(super) struct Lists<'a> {
    pub(super) access: &'a ObjectAccess,
    /// What a checkpoint need not write again; none for commits.
    pub(super) written: Option<RefCell<&'a mut Written>>,
}

impl Lists<'_> {
    /// A list of micro-partitions; a long one is written to a file first.
    pub(super) fn list_to<'p>(
        &self,
        table: ObjectId,
        partitions: impl ExactSizeIterator<Item = &'p Partition>,
    ) -> Result<v1::PartitionList> {
        let long = partitions.len() > LIST_INSIDE_MAX;
        let partitions: Vec<v1::Partition> =
            partitions.map(|partition| self.partition_to(partition)).collect::<Result<_>>()?;
        if !long {
            return Ok(v1::PartitionList { manifest: None, inside: partitions });
        }
        let name = format!("{}/{}", path::table_meta(table), uuid::Uuid::new_v4());
        let manifest = v1::Manifest { format: FORMAT, partitions };
        self.access.put(&name, to_bytes(&manifest)?)?;
        Ok(v1::PartitionList { manifest: Some(name), inside: Vec::new() })
    }

    /// A micro-partition; a checkpoint writes the file of one that rode inside a commit.
    fn partition_to(&self, partition: &Partition) -> Result<v1::Partition> {
        let mut persisted = partition_to(partition)?;
        if let (Some(written), Home::Commit(bytes)) = (&self.written, &partition.home) {
            if !written.borrow().files.contains(&partition.id) {
                self.access.put_if_absent(&partition.path, bytes.clone())?;
                written.borrow_mut().files.insert(partition.id.clone());
            }
            persisted.inside = None;
        }
        Ok(persisted)
    }

    /// The micro-partitions of a list.
    pub(super) fn list_from(&self, list: &v1::PartitionList) -> Result<Vec<Partition>> {
        let mut partitions = Vec::new();
        if let Some(name) = &list.manifest {
            let manifest: v1::Manifest = from_bytes(name, &self.access.get(name)?)?;
            partitions.reserve(manifest.partitions.len() + list.inside.len());
            for partition in &manifest.partitions {
                partitions.push(partition_from(partition)?);
            }
        }
        for partition in &list.inside {
            partitions.push(partition_from(partition)?);
        }
        Ok(partitions)
    }

    pub(super) fn snapshot_to(
        &self,
        table: ObjectId,
        rows: &Arc<Snapshot>,
    ) -> Result<v1::Snapshot> {
        let known = self.written.as_ref().and_then(|written| {
            let written = written.borrow();
            let (snapshot, list) = written.lists.get(&table)?;
            Arc::ptr_eq(snapshot, rows).then(|| list.clone())
        });
        let partitions = match known {
            Some(list) => list,
            None => self.list_to(table, rows.partitions().iter().map(Arc::as_ref))?,
        };
        if let Some(written) = &self.written
            && partitions.manifest.is_some()
        {
            written.borrow_mut().lists.insert(table, (Arc::clone(rows), partitions.clone()));
        }
        Ok(v1::Snapshot { partitions, next_row_id: rows.next_row_id() })
    }

    pub(super) fn snapshot_from(&self, rows: &v1::Snapshot) -> Result<Snapshot> {
        let partitions = self.list_from(&rows.partitions)?.into_iter().map(Arc::new).collect();
        Ok(Snapshot::new(partitions, rows.next_row_id))
    }
}

/// Something persisted that means nothing.
fn corrupt(what: &str) -> Error {
    Error::new(ErrorCode::CorruptFile, format!("The account's log holds an unreadable {what}"))
}
