//! The micro-partitions of a snapshot in order, as a persistent list.
//!
//! They stand in chunks. What changes some of them makes those chunks anew and shares all others with the
//! version before, together with what is known of the chunks: their rows, what their columns hold, what
//! there is to compact, and the files that list them. So a commit, a checkpoint and the statistics of a table after a commit cost as much
//! as what has changed, not as much as the table has partitions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use firn_types::{ColumnPath, FieldId};

use super::compact::Walk;
use super::{Listed, Partition};
use crate::shredding::FieldPaths;
use crate::statistics::ColumnSummary;

/// Micro-partitions of a chunk at most. A smaller one than half of that is put together with a neighbor when
/// one of the two changes.
const CHUNK_MAX: usize = 512;

/// Micro-partitions in order. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Partitions {
    chunks: Arc<[Arc<Chunk>]>,
    /// The position of each chunk's first partition.
    starts: Arc<[usize]>,
    len: usize,
}

/// Neighboring micro-partitions.
#[derive(Debug, Default)]
pub struct Chunk {
    partitions: Vec<Arc<Partition>>,
    summaries: OnceLock<BTreeMap<ColumnPath, OnceLock<ColumnSummary>>>,
    paths: Mutex<BTreeMap<FieldId, Option<Arc<FieldPaths>>>>,
    rows: u64,
    bytes: u64,
    /// The file that lists them, once there is one.
    listed: Mutex<Option<Listed>>,
    /// How it was last walked for what to compact.
    last_walk: Mutex<Option<Walk>>,
}

impl Chunk {
    fn new(partitions: Vec<Arc<Partition>>) -> Chunk {
        Chunk {
            rows: partitions.iter().map(|partition| partition.live_rows()).sum(),
            bytes: partitions.iter().map(|partition| partition.bytes).sum(),
            partitions,
            ..Chunk::default()
        }
    }

    /// Its micro-partitions.
    pub fn partitions(&self) -> &[Arc<Partition>] {
        &self.partitions
    }

    /// The file that lists exactly these, where one is known.
    pub fn listed(&self) -> Option<Listed> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes the file that lists exactly these.
    pub fn set_listed(&self, listed: Listed) {
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some(listed);
    }

    /// How it was last walked for what to compact.
    pub(super) fn last_walk(&self) -> &Mutex<Option<Walk>> {
        &self.last_walk
    }

    /// What is known of each column, computed once and only if somebody asks.
    fn summaries(&self) -> &BTreeMap<ColumnPath, OnceLock<ColumnSummary>> {
        self.summaries.get_or_init(|| {
            let columns = self.partitions.iter().flat_map(|partition| partition.stored_columns());
            columns.map(|column| (column, OnceLock::new())).collect()
        })
    }

    /// What stands at the paths of a column in all of its rows; none where some partition does not tell. Computed
    /// once, and only if somebody asks.
    fn field_paths(&self, field: FieldId) -> Option<Arc<FieldPaths>> {
        let mut known = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        let all = || {
            let paths = self.partitions.iter().map(|partition| partition.field_paths(field));
            merged(field, paths)
        };
        known.entry(field).or_insert_with(all).clone()
    }

    fn summary(&self, column: &ColumnPath) -> Option<&ColumnSummary> {
        Some(self.summaries().get(column)?.get_or_init(|| {
            let mut summary = ColumnSummary::default();
            for partition in &self.partitions {
                if let Some(column) = partition.column(column) {
                    summary.add(column, partition);
                }
            }
            summary
        }))
    }
}

impl Partitions {
    fn of_chunks(chunks: Vec<Arc<Chunk>>) -> Partitions {
        let mut len = 0;
        let starts = chunks.iter().map(|chunk| {
            let start = len;
            len += chunk.partitions.len();
            start
        });
        let starts = starts.collect();
        Partitions { chunks: chunks.into(), starts, len }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The one at a position.
    pub fn get(&self, position: usize) -> Option<&Arc<Partition>> {
        let at = self.starts.partition_point(|start| *start <= position).checked_sub(1)?;
        self.chunks.get(at)?.partitions.get(position - self.starts[at])
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Partition>> {
        self.chunks.iter().flat_map(|chunk| chunk.partitions.iter())
    }

    /// The chunks in order.
    pub fn chunks(&self) -> &[Arc<Chunk>] {
        &self.chunks
    }

    /// Rows that are not deleted.
    pub(super) fn rows(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.rows).sum()
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.bytes).sum()
    }

    /// The columns that are stored in any of them.
    pub(super) fn columns(&self) -> impl Iterator<Item = &ColumnPath> {
        self.chunks.iter().flat_map(|chunk| chunk.summaries().keys())
    }

    /// What is known of a column over all of them.
    pub(super) fn summary(&self, column: &ColumnPath) -> ColumnSummary {
        let mut summary = ColumnSummary::default();
        let parts = self.chunks.iter().filter_map(|chunk| chunk.summary(column));
        parts.for_each(|part| summary.merge(part));
        summary
    }

    /// What stands at the paths of a column in all of its rows; none where some partition does not tell.
    pub(super) fn field_paths(&self, field: FieldId) -> Option<FieldPaths> {
        let all = merged(field, self.chunks.iter().map(|chunk| chunk.field_paths(field)))?;
        Some(Arc::unwrap_or_clone(all))
    }

    /// Whether both are the very same.
    pub(super) fn is_same(&self, other: &Partitions) -> bool {
        Arc::ptr_eq(&self.chunks, &other.chunks)
    }
}

impl PartialEq for Partitions {
    fn eq(&self, other: &Partitions) -> bool {
        self.is_same(other) || (self.len == other.len && self.iter().eq(other.iter()))
    }
}

impl FromIterator<Arc<Partition>> for Partitions {
    fn from_iter<I: IntoIterator<Item = Arc<Partition>>>(partitions: I) -> Partitions {
        let mut builder = Builder::default();
        partitions.into_iter().for_each(|partition| builder.push(partition));
        builder.finish()
    }
}

/// What stands at the paths of a column in the rows of all; none where one of them does not tell.
fn merged(
    field: FieldId,
    mut parts: impl Iterator<Item = Option<Arc<FieldPaths>>>,
) -> Option<Arc<FieldPaths>> {
    let first = match parts.next() {
        None => return Some(Arc::new(FieldPaths::none(field))),
        Some(first) => first?,
    };
    parts.try_fold(first, |all, part| {
        let part = part?;
        // Neighbors mostly have the same paths, and those of one list share them.
        match Arc::ptr_eq(&all, &part) || *all == *part {
            true => Some(all),
            false => Some(Arc::new(all.and(&part))),
        }
    })
}

/// Puts micro-partitions and whole chunks one after the other.
#[derive(Debug, Default)]
pub(super) struct Builder {
    chunks: Vec<Arc<Chunk>>,
    /// What the next chunk will have.
    open: Vec<Arc<Partition>>,
    /// The chunk that has exactly these, where there is one.
    whole: Option<Arc<Chunk>>,
}

impl Builder {
    /// Adds a micro-partition.
    pub(super) fn push(&mut self, partition: Arc<Partition>) {
        self.whole = None;
        self.open.push(partition);
        if self.open.len() == CHUNK_MAX {
            self.close();
        }
    }

    /// Adds the micro-partitions of a chunk, which is shared unless it is a small one.
    pub(super) fn push_chunk(&mut self, chunk: &Arc<Chunk>) {
        if chunk.partitions.len() >= CHUNK_MAX / 2 {
            self.close();
            self.chunks.push(Arc::clone(chunk));
            return;
        }
        let whole = self.open.is_empty().then(|| Arc::clone(chunk));
        chunk.partitions.iter().for_each(|partition| self.push(Arc::clone(partition)));
        self.whole = whole;
    }

    /// Adds the micro-partitions of a chunk as they are listed in a file.
    pub(super) fn push_listed(&mut self, listed: &Listed, partitions: Vec<Arc<Partition>>) {
        self.close();
        if !partitions.is_empty() {
            let chunk = Chunk::new(partitions);
            chunk.set_listed(listed.clone());
            self.chunks.push(Arc::new(chunk));
        }
    }

    fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        match self.whole.take() {
            Some(chunk) => self.chunks.push(chunk),
            None if open.is_empty() => {}
            None => self.chunks.push(Arc::new(Chunk::new(open))),
        }
    }

    /// All that was added.
    pub(super) fn finish(mut self) -> Partitions {
        self.close();
        Partitions::of_chunks(self.chunks)
    }
}
