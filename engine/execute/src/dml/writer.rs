//! Rows to micro-partitions, from many threads into one table.
//!
//! Batches are gathered under their place in the source's order. Who fills the buffer up to a file's
//! size takes it, and sorts and encodes it while the others go on; so rows keep about the order in which
//! they came, a small statement writes one file, and memory stays bounded by a file per thread. No lock
//! is held while a file is encoded, since a thread that waits for the encoding of other columns may take
//! up another worker's task meanwhile.

use std::collections::BTreeMap;
use std::sync::Mutex;

use firn_account::Transaction;
use firn_account::catalog::Table;
use firn_column::Batch;
use firn_expression::Expr;
use firn_storage::{
    ObjectAccess, Partition, PartitionWriter, StoredColumn, WriterOptions, value_bytes,
};
use firn_types::Result;

use super::cluster::ClusterOrder;
use crate::context::{QueryContext, lock};
use crate::memory::Reservation;

/// Bytes of values that a file should have at least, even when memory is short.
const FILE_BYTES_MIN: usize = 8 << 20;

/// Writes the rows of one statement into one table.
pub(super) struct RowsWriter<'c> {
    context: &'c QueryContext,
    access: ObjectAccess,
    folder: String,
    columns: Vec<StoredColumn>,
    order: Option<ClusterOrder>,
    row_ids: bool,
    file_rows: usize,
    file_bytes: usize,
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
        let folder = transaction.data_folder(table.id())?;
        let order = ClusterOrder::new(cluster_keys, table.columns.len())?;
        RowsWriter::into_folder(
            folder,
            table.stored_columns(),
            order,
            row_ids,
            context,
            transaction,
        )
    }

    /// A writer of these columns into a folder.
    pub(super) fn into_folder(
        folder: String,
        columns: Vec<StoredColumn>,
        order: Option<ClusterOrder>,
        row_ids: bool,
        context: &'c QueryContext,
        transaction: &Transaction,
    ) -> Result<RowsWriter<'c>> {
        let targets = WriterOptions::default();
        Ok(RowsWriter {
            context,
            access: transaction.account().access().clone(),
            folder,
            columns,
            order,
            row_ids,
            file_rows: targets.target_rows,
            file_bytes: targets.target_bytes,
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
            let full = gathered.rows >= self.file_rows
                || gathered.bytes >= self.file_bytes
                || (short && gathered.bytes >= FILE_BYTES_MIN);
            full.then(|| gathered.take(self.context))
        };
        full.map_or(Ok(()), |gathered| self.write_file(gathered))
    }

    /// Writes what is left and tells what was written, in order.
    pub(super) fn finish(self) -> Result<Written> {
        let rest = lock(&self.gathered).take(self.context);
        self.write_file(rest)?;
        let Files { mut written, rows } = std::mem::take(&mut *lock(&self.files));
        written.sort_by_key(|(place, file, _)| (*place, *file));
        let partitions = written.into_iter().flat_map(|(.., partitions)| partitions).collect();
        Ok(Written { partitions, rows })
    }

    fn write_file(&self, gathered: Gathered) -> Result<()> {
        let Gathered { batches, rows, memory, next_file, .. } = gathered;
        let Some((&place, _)) = batches.first_key_value() else { return Ok(()) };
        self.context.check()?;
        let batches: Vec<Batch> = batches.into_values().flatten().collect();
        let batches = match &self.order {
            Some(order) => order.sort(batches, self.context)?,
            None => batches,
        };
        let options = WriterOptions {
            target_rows: usize::MAX,
            target_bytes: usize::MAX,
            row_ids: self.row_ids,
            ..WriterOptions::default()
        };
        let mut writer =
            PartitionWriter::new(self.access.clone(), &self.folder, &self.columns, options);
        let partitions = self.context.pool.install(|| {
            batches.iter().try_for_each(|batch| writer.write(batch))?;
            writer.finish()
        })?;
        drop(memory);
        let mut files = lock(&self.files);
        files.rows += rows as u64;
        files.written.push((place, next_file, partitions));
        Ok(())
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
