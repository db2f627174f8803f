//! The new versions of changed rows, under the ids of the old ones.
//!
//! A statement gives new values of the columns that it sets, and the locators of their rows. They wait,
//! by micro-partition, until it is known how many rows of it change. If most do, only the set columns are
//! encoded, and the file's other columns are copied as they are; else the other values of the changed
//! rows are read and whole new rows are written, beside which the old ones are deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use arrow::array::{BooleanArray, UInt32Array};
use firn_account::Transaction;
use firn_account::catalog::Table;
use firn_column::{Batch, Column};
use firn_expression::Expr;
use firn_storage::{
    Partition, PartitionReader, ReadColumn, RowSelection, SnapshotDelta, value_bytes,
};
use firn_types::Result;
use roaring::RoaringBitmap;

use super::old_rows::{OldRows, id_column, read_columns};
use super::pending::Pending;
use super::replace::ReplaceColumns;
use super::touched::Rows;
use super::writer::{FILE_BYTES_MIN, RowsWriter, SERIAL_ROWS_MAX};
use crate::context::{QueryContext, lock};
use crate::memory::Reservation;
use crate::row_locator::RowLocator;

/// Writes the new versions of rows, by many threads.
pub(super) struct ChangedRows<'c> {
    pub(super) old: OldRows<'c>,
    table: Arc<Table>,
    context: &'c QueryContext,
    /// Positions of the columns that are set.
    set: Vec<usize>,
    /// How the other columns are read.
    others: Vec<ReadColumn>,
    waiting: Mutex<Waiting>,
    replace: ReplaceColumns,
    /// For rows that keep an id.
    kept: RowsWriter<'c>,
    /// For rows that have none yet, and for new ones.
    fresh: RowsWriter<'c>,
    /// The micro-partitions that took the place of others, by their positions.
    replaced: Mutex<BTreeMap<u32, Partition>>,
}

/// Changed rows that are not written yet.
struct Waiting {
    partitions: BTreeMap<u32, Pending>,
    bytes: usize,
    memory: Reservation,
    /// Partitions of which some changed rows had to be written early.
    begun: BTreeSet<u32>,
}

impl<'c> ChangedRows<'c> {
    /// Rows of `table` that get new values in the columns at `set`.
    pub(super) fn new(
        table: &Arc<Table>,
        set: &[usize],
        cluster_keys: &[Expr],
        context: &'c QueryContext,
        transaction: &Transaction,
    ) -> Result<ChangedRows<'c>> {
        let columns = read_columns(table).into_iter().enumerate();
        let others = columns.filter(|(at, _)| !set.contains(at)).map(|(_, column)| column);
        Ok(ChangedRows {
            old: OldRows::new(table, context, transaction),
            table: Arc::clone(table),
            context,
            set: set.to_vec(),
            others: others.collect(),
            waiting: Mutex::new(Waiting {
                partitions: BTreeMap::new(),
                bytes: 0,
                memory: context.memory.reservation(),
                begun: BTreeSet::new(),
            }),
            replace: ReplaceColumns::new(table, set, cluster_keys, transaction)?,
            kept: RowsWriter::new(table, cluster_keys, true, context, transaction)?,
            fresh: RowsWriter::new(table, cluster_keys, false, context, transaction)?,
            replaced: Mutex::default(),
        })
    }

    /// Takes what the set columns of the rows at these locators become. An locator may come only once.
    pub(super) fn change(&self, rows: &[RowLocator], new: Batch) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        if rows.is_sorted() {
            return self.change_sorted(rows, &new);
        }
        let mut order: Vec<u32> = (0..).take(rows.len()).collect();
        order.sort_unstable_by_key(|at| rows[*at as usize]);
        let sorted: Vec<RowLocator> = order.iter().map(|at| rows[*at as usize]).collect();
        self.change_sorted(&sorted, &new.take(&UInt32Array::from(order)))
    }

    fn change_sorted(&self, rows: &[RowLocator], new: &Batch) -> Result<()> {
        let mut start = 0;
        for run in rows.chunk_by(|a, b| a.partition() == b.partition()) {
            let partition = run[0].partition();
            let piece = new.slice(start, run.len());
            start += run.len();
            let rows = run.iter().map(|row| row.row()).collect();
            let live = self.old.partition(partition)?.live_rows();
            let ready = lock(&self.waiting).add(partition, rows, piece, live);
            if let Some((partition, pending, whole)) = ready {
                self.apply(partition, pending, whole, None)?;
            }
        }
        Ok(())
    }

    /// Writes new rows.
    pub(super) fn insert(&self, place: usize, new: Batch) -> Result<()> {
        self.fresh.write(place, new)
    }

    /// Writes what is left and tells what the statement does to the table: which rows got new values, which
    /// it deletes, and what it inserts.
    pub(super) fn finish(self, changed: Rows, deleted: Rows) -> Result<SnapshotDelta> {
        let (rest, begun) = {
            let mut waiting = lock(&self.waiting);
            (std::mem::take(&mut waiting.partitions), std::mem::take(&mut waiting.begun))
        };
        let rows: u64 = rest.values().map(|pending| pending.rows).sum();
        let rest: Vec<(u32, Mutex<Option<Pending>>)> =
            rest.into_iter().map(|(at, pending)| (at, Mutex::new(Some(pending)))).collect();
        let apply = |at: usize| {
            let (partition, pending) = &rest[at];
            let Some(pending) = lock(pending).take() else { return Ok(()) };
            let whole = !begun.contains(partition);
            self.apply(*partition, pending, whole, deleted.of(*partition))
        };
        match rows {
            0..=SERIAL_ROWS_MAX => (0..rest.len()).try_for_each(apply)?,
            _ => self.context.for_each(rest.len(), apply)?,
        }
        let replaced = std::mem::take(&mut *lock(&self.replaced));
        let mut gone = changed;
        gone.absorb(deleted);
        let (positions, files): (BTreeSet<u32>, Vec<Partition>) = replaced.into_iter().unzip();
        let mut delta = gone.into_delta(&self.table.snapshot, &positions)?;
        delta.added = files;
        delta.added.extend(self.kept.finish()?.partitions);
        delta.added.extend(self.fresh.finish()?.partitions);
        Ok(delta)
    }

    /// Writes changed rows of a partition; `whole` when no others of it change.
    fn apply(
        &self,
        partition: u32,
        pending: Pending,
        whole: bool,
        deleted: Option<&RoaringBitmap>,
    ) -> Result<()> {
        let reader = self.old.reader(partition)?;
        let known = self.old.has_ids(partition)?;
        if whole && known && self.replace.pays(&pending, &reader) {
            let put = || self.replace.replace(&reader, &pending, deleted);
            if let Some(new) = self.context.pool.install(put)? {
                lock(&self.replaced).insert(partition, new);
                return Ok(());
            }
        }
        let (rows, new) = pending.in_order()?;
        let mut start = 0;
        for group in reader.row_groups() {
            let in_group = rows[start..].partition_point(|row| *row < group.rows.end);
            if in_group == 0 {
                continue;
            }
            let run = &rows[start..start + in_group];
            let new = new.slice(start, in_group);
            start += in_group;
            let list = UInt32Array::from_iter_values(run.iter().map(|row| row - group.rows.start));
            let selection = RowSelection::List(list);
            let others = self.read_others(&reader, group.index, &selection)?;
            let place = ((partition as usize) << 16) + group.index;
            let run: Vec<RowLocator> =
                run.iter().map(|row| RowLocator::of(partition, *row)).collect();
            self.write(place, &run, self.whole_rows(new, others))?;
        }
        Ok(())
    }

    /// The columns that are not set, of some rows of a row group: of many rows read on all threads.
    fn read_others(
        &self,
        reader: &PartitionReader,
        row_group: usize,
        rows: &RowSelection,
    ) -> Result<Vec<Column>> {
        let parts = match rows {
            RowSelection::List(rows) if rows.len() as u64 > SERIAL_ROWS_MAX => {
                self.context.threads()
            }
            _ => 1,
        };
        let part_columns = self.others.len().div_ceil(parts).max(1);
        let parts: Vec<&[ReadColumn]> = self.others.chunks(part_columns).collect();
        let read = |at: usize| reader.read(row_group, parts[at], rows).map(Batch::into_columns);
        Ok(self.context.map(parts.len(), read)?.into_iter().flatten().collect())
    }

    /// The set columns and the others in the table's order.
    fn whole_rows(&self, new: Batch, others: Vec<Column>) -> Batch {
        let rows = new.rows();
        let (mut new, mut others) = (new.into_columns().into_iter(), others.into_iter());
        let columns = (0..self.table.columns.len())
            .filter_map(|at| if self.set.contains(&at) { new.next() } else { others.next() });
        Batch::new(columns.collect(), rows)
    }

    /// Writes what the rows at these locators become.
    fn write(&self, place: usize, rows: &[RowLocator], new: Batch) -> Result<()> {
        let ids = self.old.ids(rows)?;
        let known: Vec<i64> = ids.iter().copied().flatten().collect();
        if known.len() == ids.len() {
            return self.kept.write(place, with_ids(new, &known));
        }
        let has_id: BooleanArray = ids.iter().map(|id| Some(id.is_some())).collect();
        self.kept.write(place, with_ids(new.filter(&has_id), &known))?;
        let fresh = (0u32..).zip(&ids).filter(|(_, id)| id.is_none()).map(|(row, _)| row);
        self.fresh.write(place, new.take(&UInt32Array::from_iter_values(fresh)))
    }
}

impl Waiting {
    /// Adds rows in order of a partition that has `live` rows. Gives rows that are to be written now, with
    /// their partition and whether they are all of it that change: those of a partition that changes as a
    /// whole, or the most when memory is short.
    fn add(
        &mut self,
        partition: u32,
        rows: Vec<u32>,
        new: Batch,
        live: u64,
    ) -> Option<(u32, Pending, bool)> {
        let bytes = value_bytes(&new) + rows.len() * size_of::<u32>();
        self.bytes += bytes;
        let short = !self.memory.try_grow(bytes);
        if short {
            self.memory.force(bytes);
        }
        let pending = self.partitions.entry(partition).or_default();
        pending.add(rows, new, bytes);
        if pending.rows >= live {
            return Some((partition, self.take(partition)?, true));
        }
        if short && self.bytes >= FILE_BYTES_MIN {
            let most = self.partitions.iter().max_by_key(|(_, pending)| pending.bytes);
            let most = *most?.0;
            self.begun.insert(most);
            return Some((most, self.take(most)?, false));
        }
        None
    }

    fn take(&mut self, partition: u32) -> Option<Pending> {
        let pending = self.partitions.remove(&partition)?;
        self.bytes -= pending.bytes;
        self.memory.shrink(pending.bytes);
        Some(pending)
    }
}

fn with_ids(rows: Batch, ids: &[i64]) -> Batch {
    let count = rows.rows();
    let mut columns = rows.into_columns();
    columns.push(id_column(ids));
    Batch::new(columns, count)
}
