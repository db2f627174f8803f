//! Rows to micro-partitions, from many threads into one table.
//!
//! Batches are gathered under their place in the source's order. Who fills the buffer up to a file's
//! size takes it, and encodes it while the others go on; so rows keep about the order in which they came,
//! a small statement writes one file, and memory stays bounded by a file per thread. No lock is held while
//! a file is encoded, since a thread that waits for the encoding of other columns may take up another
//! worker's task meanwhile.
//!
//! The rows of a session's own tables stay in memory as they are, where the cache has room for them.
//!
//! With a cluster key, rows are gathered as long as memory allows, sorted together, and cut into files that
//! do not overlap: only what one statement writes beyond its share of the memory may overlap the rest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use firn_account::Transaction;
use firn_account::catalog::Table;
use firn_column::Batch;
use firn_expression::Expr;
use firn_storage::{
    ColumnCache, ObjectAccess, Partition, PartitionWriter, StoredColumn, WriterOptions, value_bytes,
};
use firn_types::Result;

use super::cluster::{ClusterOrder, Ordered};
use crate::context::{QueryContext, lock};
use crate::memory::Reservation;

/// Bytes of values that a file should have at least, even when memory is short.
pub(super) const FILE_BYTES_MIN: usize = 8 << 20;

/// Rows up to which a file is encoded on the caller's thread: to wake others costs more.
pub(super) const SERIAL_ROWS_MAX: u64 = 4_096;

/// The part of a file's rows that are gathered to stay in memory. They are packed anew, so that less memory
/// waits for that and is used again sooner; of fewer rows, compaction would find the partitions small.
const HELD_SHARE: usize = 4;
/// The part of the warehouse's memory up to which rows are gathered to be sorted together: others are
/// gathered while they are written.
const SORTED_SHARE: usize = 4;
/// Rows that are sorted together at most: places in what is gathered have 32 bits.
const SORTED_ROWS_MAX: usize = 1 << 30;

/// Writes the rows of one statement into one table.
pub(super) struct RowsWriter<'c> {
    context: &'c QueryContext,
    access: ObjectAccess,
    folder: String,
    columns: Vec<StoredColumn>,
    order: Option<ClusterOrder>,
    /// Where the rows of a session's own table stay, as far as there is room.
    memory: Option<Arc<ColumnCache>>,
    /// Sizes of a file.
    targets: WriterOptions,
    /// Rows and bytes that are gathered before they are written.
    gathered_rows_max: usize,
    gathered_bytes_max: usize,
    gathered: Mutex<Gathered>,
    files: Mutex<Files>,
}

/// Rows that wait for a file of their own.
struct Gathered {
    batches: BTreeMap<usize, Vec<Batch>>,
    rows: usize,
    bytes: usize,
    memory: Reservation,
    /// The number of the next file.
    next_file: usize,
}

/// What was written, each with the place of its first row and its number.
#[derive(Default)]
struct Files {
    written: Vec<(usize, usize, Vec<Partition>)>,
    rows: u64,
}

/// What a writer wrote.
#[derive(Default)]
pub(super) struct Written {
    pub(super) partitions: Vec<Partition>,
    pub(super) rows: u64,
}

impl<'c> RowsWriter<'c> {
    /// A writer into a table, in the order of its cluster keys: expressions over columns whose ids are
    /// the table's positions. With `row_ids`, the last column of each batch holds the rows' ids.
    pub(super) fn new(
        table: &Table,
        cluster_keys: &[Expr],
        row_ids: bool,
        context: &'c QueryContext,
        transaction: &Transaction,
    ) -> Result<RowsWriter<'c>> {
        let order = ClusterOrder::new(cluster_keys, table.columns.len())?;
        let memory = match &context.storage {
            Some(storage) if table.is_temporary() => Some(Arc::clone(&storage.cache)),
            _ => None,
        };
        let target_rows = context.partition_rows;
        let targets = WriterOptions { row_ids, target_rows, ..WriterOptions::default() };
        let share = context.memory.limit_bytes() / SORTED_SHARE;
        let (gathered_rows_max, gathered_bytes_max) = match order {
            Some(_) => (SORTED_ROWS_MAX, share.max(targets.target_bytes)),
            None if memory.is_some() => (targets.target_rows / HELD_SHARE, targets.target_bytes),
            None => (targets.target_rows, targets.target_bytes),
        };
        Ok(RowsWriter {
            context,
            access: transaction.account().access().clone(),
            folder: transaction.data_folder(table.id())?,
            columns: table.stored_columns(),
            order,
            memory,
            targets,
            gathered_rows_max,
            gathered_bytes_max,
            gathered: Mutex::new(Gathered::new(context)),
            files: Mutex::default(),
        })
    }

    /// Adds rows, `place` being where they stand in the source's order. May be called by many threads.
    pub(super) fn write(&self, place: usize, batch: Batch) -> Result<()> {
        if batch.rows() == 0 {
            return Ok(());
        }
        let full = {
            let mut gathered = lock(&self.gathered);
            let short = gathered.add(place, batch);
            let full = gathered.rows >= self.gathered_rows_max
                || gathered.bytes >= self.gathered_bytes_max
                || (short && gathered.bytes >= FILE_BYTES_MIN);
            full.then(|| gathered.take(self.context))
        };
        full.map_or(Ok(()), |gathered| self.write_files(gathered))
    }

    /// Writes what is left and tells what was written, in order.
    pub(super) fn finish(self) -> Result<Written> {
        let rest = lock(&self.gathered).take(self.context);
        self.write_files(rest)?;
        let Files { mut written, rows } = std::mem::take(&mut *lock(&self.files));
        written.sort_by_key(|(place, file, _)| (*place, *file));
        let partitions = written.into_iter().flat_map(|(.., partitions)| partitions).collect();
        Ok(Written { partitions, rows })
    }

    fn write_files(&self, gathered: Gathered) -> Result<()> {
        let Gathered { batches, rows, bytes, memory, next_file } = gathered;
        let Some((&place, _)) = batches.first_key_value() else { return Ok(()) };
        self.context.check()?;
        let batches: Vec<Batch> = batches.into_values().flatten().collect();
        let (ordered, count) = match &self.order {
            Some(order) => (order.sort(batches, self.context)?, self.files_of(rows, bytes)),
            None => (Ordered::unsorted(batches), 1),
        };
        let written = self.context.map(count, |file| {
            let cut = |file: usize| (rows as u128 * file as u128 / count as u128) as usize;
            self.write_file(&ordered, (cut(file), cut(file + 1)))
        })?;
        drop((ordered, memory));
        let mut files = lock(&self.files);
        files.rows += rows as u64;
        files.written.push((place, next_file, written.into_iter().flatten().collect()));
        Ok(())
    }

    /// How many files of about the same size it takes.
    fn files_of(&self, rows: usize, bytes: usize) -> usize {
        let by_rows = rows.div_ceil(self.targets.target_rows);
        by_rows.max(bytes.div_ceil(self.targets.target_bytes)).max(1)
    }

    fn write_file(&self, ordered: &Ordered, range: (usize, usize)) -> Result<Vec<Partition>> {
        let parallel = (range.1 - range.0) as u64 > SERIAL_ROWS_MAX;
        let options = WriterOptions {
            target_rows: usize::MAX,
            target_bytes: usize::MAX,
            parallel,
            ..self.targets.clone()
        };
        let (access, columns) = (self.access.clone(), &self.columns);
        let mut writer = PartitionWriter::new(access, &self.folder, columns, options);
        if let Some(cache) = &self.memory {
            writer = writer.in_memory(cache);
        }
        let write = || {
            ordered.give(range, &mut |batch| writer.write(batch))?;
            writer.finish()
        };
        if parallel { self.context.pool.install(write) } else { write() }
    }
}

impl Gathered {
    fn new(context: &QueryContext) -> Gathered {
        Gathered {
            batches: BTreeMap::new(),
            rows: 0,
            bytes: 0,
            memory: context.memory.reservation(),
            next_file: 0,
        }
    }

    /// Adds rows; true when the memory for them was not there.
    fn add(&mut self, place: usize, batch: Batch) -> bool {
        let bytes = value_bytes(&batch);
        self.rows += batch.rows();
        self.bytes += bytes;
        self.batches.entry(place).or_default().push(batch);
        let short = !self.memory.try_grow(bytes);
        if short {
            self.memory.force(bytes);
        }
        short
    }

    fn take(&mut self, context: &QueryContext) -> Gathered {
        let next = Gathered { next_file: self.next_file + 1, ..Gathered::new(context) };
        std::mem::replace(self, next)
    }
}
