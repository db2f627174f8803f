//! The rows in an order.
//!
//! Workers keep what comes. When memory is used up, a worker sorts what it has and writes it to disk as
//! a run. At the end everything in memory is sorted at once on all threads by keys that are integers or
//! bytes; with runs on disk, they are merged as they are read. Rows with equal keys keep the order in
//! which they came, as long as nothing was spilled.

mod bound;
mod merge;
mod order;
mod top_n;

use std::sync::{Mutex, OnceLock};

use arrow::array::UInt32Array;
use firn_column::row_key::KeyOrder;
use firn_column::{Batch, Column};
use firn_types::limits::BATCH_ROWS;
use firn_types::{Error, Result, SqlType};

use crate::context::{QueryContext, lock};
use crate::evaluate::Expressions;
use crate::memory::{Reservation, bytes_of};
use crate::operator::{Emit, Flow, Sink, SinkWorker, Source};
use crate::operators::morsel_batches::MorselBatches;
use crate::spill::SpillFile;

pub(crate) use bound::TopBound;
pub(crate) use merge::{few_runs, merge};
pub(crate) use order::{SortKeys, sorted_order};
pub(crate) use top_n::TopN;

/// What is sorted by what.
pub(crate) struct SortSpec {
    /// The input's columns that are kept.
    pub(crate) payload: Vec<usize>,
    /// Keys that are not columns of the payload; they are carried behind it.
    pub(crate) extra: Expressions,
    /// Where each key stands in what is carried.
    pub(crate) keys: Vec<usize>,
    pub(crate) types: Vec<SqlType>,
    pub(crate) orders: Vec<KeyOrder>,
}

impl SortSpec {
    /// The payload and the keys of a batch.
    fn carried(&self, batch: &Batch, context: &QueryContext) -> Result<Batch> {
        let extra = self.extra.evaluate(batch, context)?;
        let mut columns = batch.project(&self.payload).into_columns();
        columns.extend(extra);
        Ok(Batch::new(columns, batch.rows()))
    }

    fn key_columns(&self, carried: &Batch) -> Vec<Column> {
        self.keys.iter().map(|&position| carried.column(position).clone()).collect()
    }

    /// The payload of carried rows.
    fn payload_of(&self, carried: &Batch) -> Batch {
        let positions: Vec<usize> = (0..self.payload.len()).collect();
        carried.project(&positions)
    }

    /// The numbers of the rows in order, at least as many as are wanted.
    fn order(
        &self,
        carried: &Batch,
        wanted: usize,
        context: Option<&QueryContext>,
    ) -> Result<Vec<u32>> {
        let columns = self.key_columns(carried);
        sorted_order(self.keys_of(&columns), carried.rows(), wanted, context)
    }

    /// Sorts batches of what is carried in one thread and writes them to disk.
    pub(crate) fn write_run(&self, batches: &[Batch], context: &QueryContext) -> Result<SpillFile> {
        let all = Batch::concat(batches)?;
        let order = UInt32Array::from(self.order(&all, usize::MAX, None)?);
        let mut writer = context.spill.create()?;
        let mut start = 0;
        // Small batches, since a merge holds one of every run in memory.
        let rows_of_batch = (BATCH_ROWS / 8).max(1);
        while start < order.len() {
            let rows = (order.len() - start).min(rows_of_batch);
            writer.write(&all.take(&order.slice(start, rows)))?;
            start += rows;
        }
        writer.finish()
    }

    fn keys_of<'a>(&'a self, columns: &'a [Column]) -> SortKeys<'a> {
        SortKeys { columns, types: &self.types, orders: &self.orders }
    }
}

/// Sorts everything.
pub(crate) struct Sort {
    spec: SortSpec,
    collected: Mutex<Collected>,
    sorted: OnceLock<Sorted>,
}

#[derive(Default)]
struct Collected {
    morsels: MorselBatches,
    reservations: Vec<Reservation>,
    runs: Vec<SpillFile>,
}

enum Sorted {
    InMemory { payload: Batch, order: UInt32Array, _memory: Vec<Reservation> },
    Runs(Vec<SpillFile>),
}

/// Output batches of one morsel.
const MORSEL_ROWS: usize = 4 * BATCH_ROWS;

impl Sort {
    pub(crate) fn new(spec: SortSpec) -> Sort {
        Sort { spec, collected: Mutex::default(), sorted: OnceLock::new() }
    }
}

impl Sink for Sort {
    fn worker<'a>(&'a self, context: &'a QueryContext) -> Result<Box<dyn SinkWorker + 'a>> {
        let memory = context.memory.reservation();
        let morsels = MorselBatches::default();
        Ok(Box::new(SortWorker { shared: self, context, morsels, memory, runs: Vec::new() }))
    }

    fn finalize(&self, context: &QueryContext) -> Result<()> {
        let mut collected = std::mem::take(&mut *lock(&self.collected));
        let batches = collected.morsels.into_ordered();
        let sorted = if collected.runs.is_empty() {
            let (payload, order) = self.sort_in_memory(batches, context)?;
            Sorted::InMemory { payload, order, _memory: collected.reservations }
        } else {
            if !batches.is_empty() {
                collected.runs.push(self.spec.write_run(&batches, context)?);
            }
            drop(batches);
            drop(collected.reservations);
            Sorted::Runs(few_runs(collected.runs, &self.spec, context)?)
        };
        self.sorted.set(sorted).map_err(|_| Error::internal("sorted twice"))
    }
}

impl Sort {
    fn sort_in_memory(
        &self,
        batches: Vec<Batch>,
        context: &QueryContext,
    ) -> Result<(Batch, UInt32Array)> {
        if batches.is_empty() {
            return Ok((Batch::new(Vec::new(), 0), UInt32Array::from(Vec::<u32>::new())));
        }
        let all = Batch::concat(&batches)?;
        let order = self.spec.order(&all, usize::MAX, Some(context))?;
        Ok((self.spec.payload_of(&all), UInt32Array::from(order)))
    }
}

impl Source for Sort {
    fn open(&self, _: &QueryContext) -> Result<usize> {
        Ok(match self.sorted.get() {
            Some(Sorted::InMemory { order, .. }) => order.values().len().div_ceil(MORSEL_ROWS),
            Some(Sorted::Runs(_)) => 1,
            None => 0,
        })
    }

    fn read(&self, morsel: usize, context: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        match self.sorted.get() {
            Some(Sorted::InMemory { payload, order, .. }) => {
                let end = ((morsel + 1) * MORSEL_ROWS).min(order.values().len());
                let mut start = morsel * MORSEL_ROWS;
                while start < end {
                    let rows = (end - start).min(BATCH_ROWS);
                    if emit(payload.take(&order.slice(start, rows)))?.is_stop() {
                        return Ok(Flow::Stop);
                    }
                    start += rows;
                }
                Ok(Flow::Continue)
            }
            Some(Sorted::Runs(runs)) => {
                merge(runs, &self.spec, context, &mut |batch| emit(self.spec.payload_of(&batch)))
            }
            None => Ok(Flow::Continue),
        }
    }
}

struct SortWorker<'a> {
    shared: &'a Sort,
    context: &'a QueryContext,
    morsels: MorselBatches,
    memory: Reservation,
    runs: Vec<SpillFile>,
}

impl SortWorker<'_> {
    fn spill(&mut self) -> Result<()> {
        let batches = std::mem::take(&mut self.morsels).into_ordered();
        if !batches.is_empty() {
            self.runs.push(self.shared.spec.write_run(&batches, self.context)?);
        }
        self.memory.shrink(self.memory.bytes());
        Ok(())
    }
}

impl SinkWorker for SortWorker<'_> {
    fn consume(&mut self, place: usize, batch: Batch) -> Result<Flow> {
        let carried = self.shared.spec.carried(&batch, self.context)?;
        // Sorting copies what was collected, once.
        let bytes = 2 * bytes_of(&carried);
        if !self.memory.try_grow(bytes) {
            if self.memory.bytes() >= self.context.memory.working_set_bytes() {
                self.spill()?;
            }
            self.memory.force(bytes);
        }
        self.morsels.push(place, carried);
        Ok(Flow::Continue)
    }

    fn combine(mut self: Box<Self>) -> Result<()> {
        if !self.runs.is_empty() {
            self.spill()?;
        }
        let mut collected = lock(&self.shared.collected);
        collected.morsels.append(&mut self.morsels);
        collected.runs.append(&mut self.runs);
        collected.reservations.push(self.memory);
        Ok(())
    }
}
