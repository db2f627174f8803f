//! Every row with answers from the rows around it: calls of one PARTITION BY and one ORDER BY.
//!
//! All rows are collected and sorted by partition and order. A morsel of the output is a number of whole
//! partitions; their frames and answers are computed when they are read, on all threads. When memory is
//! used up, the rows are partitioned on disk by the hash of their partition, and each part is
//! sorted and answered by itself, on disk (`partitions`) if it is too large. Without PARTITION BY the rows are
//! sorted on disk, and answered as they come by (`running`), as are those of one large partition; where a call
//! needs all of them at once, they have to fit into memory.

mod answer;
mod frames;
mod mean;
mod partitions;
pub(super) mod ranges;
mod running;
mod top;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

use arrow::array::UInt32Array;
use firn_column::row_key::KeyOrder;
use firn_column::{Batch, Column};
use firn_plan::Frame;
use firn_types::{Error, Result, SqlType};

use crate::context::{QueryContext, lock};
use crate::evaluate::Expressions;
use crate::memory::{Reservation, bytes_of};
use crate::operator::{Emit, Flow, Sink, SinkWorker, Source};
use crate::operators::expand::emit_in_batches;
use crate::operators::hash_partition::{SpilledRows, files_by_part};
use crate::operators::morsel_batches::MorselBatches;
use crate::operators::sort::{SortKeys, SortSpec, few_runs, merge, sorted_order};
use crate::spill::SpillFile;

pub(crate) use answer::CallTarget;
use partitions::{Partitions, sorted_runs};
pub(crate) use running::Running;
use running::Segments;
pub(crate) use top::Top;
use top::TopRows;

/// What is computed over which windows.
pub(crate) struct WindowSpec {
    /// The input's columns that are kept.
    pub(crate) payload: Vec<usize>,
    /// The keys of partition and order, then all arguments; carried behind the payload.
    pub(crate) inputs: Expressions,
    /// How many keys PARTITION BY has.
    pub(crate) partition_keys: usize,
    /// How each key of ORDER BY sorts.
    pub(crate) orders: Vec<KeyOrder>,
    pub(crate) calls: Vec<WindowCallSpec>,
    /// When only some of the first rows of each partition are wanted.
    pub(crate) top: Option<Top>,
}

/// One call.
pub(crate) struct WindowCallSpec {
    pub(crate) target: CallTarget,
    /// Positions among the inputs.
    pub(crate) arguments: std::ops::Range<usize>,
    pub(crate) returns: SqlType,
    pub(crate) frame: Frame,
    pub(crate) ignore_nulls: bool,
    /// How it is answered when not all rows are in memory; none where that cannot be.
    pub(crate) running: Option<Running>,
}

impl WindowSpec {
    fn carried(&self, batch: &Batch, context: &QueryContext) -> Result<Batch> {
        let inputs = self.inputs.evaluate(batch, context)?;
        let mut columns = batch.project(&self.payload).into_columns();
        columns.extend(inputs);
        Ok(Batch::new(columns, batch.rows()))
    }

    fn inputs_of<'b>(&self, carried: &'b Batch) -> &'b [Column] {
        &carried.columns()[self.payload.len()..]
    }

    fn partition_of<'b>(&self, carried: &'b Batch) -> &'b [Column] {
        &self.inputs_of(carried)[..self.partition_keys]
    }

    /// Types and orders of all keys, the partition's first.
    fn keys(&self) -> (&[SqlType], Vec<KeyOrder>) {
        let count = self.partition_keys + self.orders.len();
        let mut orders = vec![KeyOrder::default(); self.partition_keys];
        orders.extend(&self.orders);
        (&self.inputs.types()[..count], orders)
    }

    /// The keys of ORDER BY, and their types.
    fn order_of<'b>(&self, carried: &'b Batch) -> (&'b [Column], &[SqlType]) {
        let keys = self.partition_keys..self.partition_keys + self.orders.len();
        (&self.inputs_of(carried)[keys.clone()], &self.inputs.types()[keys])
    }

    /// Whether no call needs all rows of a partition at once.
    fn is_running(&self) -> bool {
        self.calls.iter().all(|call| call.running.is_some())
    }

    /// How rows are sorted on disk.
    fn on_disk(&self) -> SortSpec {
        let (types, orders) = self.keys();
        let first = self.payload.len();
        SortSpec {
            payload: Vec::new(),
            extra: Expressions::default(),
            keys: (first..first + types.len()).collect(),
            types: types.to_vec(),
            orders,
        }
    }

    /// The rows sorted by partition and order.
    fn sorted(&self, carried: Batch, context: Option<&QueryContext>) -> Result<Batch> {
        let (types, orders) = self.keys();
        if types.is_empty() {
            return Ok(carried);
        }
        let columns = &self.inputs_of(&carried)[..types.len()];
        let keys = SortKeys { columns, types, orders: &orders };
        let order = sorted_order(keys, carried.rows(), usize::MAX, context)?;
        let order = UInt32Array::from(order);
        match context {
            Some(context) => {
                let column = |position: usize| Ok(carried.column(position).take(&order));
                let columns = context.map(carried.columns().len(), column)?;
                Ok(Batch::new(columns, carried.rows()))
            }
            None => Ok(carried.take(&order)),
        }
    }
}

/// Computes windows.
pub(crate) struct Window {
    spec: WindowSpec,
    /// How rows are sorted on disk.
    on_disk: SortSpec,
    collected: Mutex<Collected>,
    spilling: AtomicBool,
    ready: OnceLock<Ready>,
}

#[derive(Default)]
struct Collected {
    morsels: MorselBatches,
    reservations: Vec<Reservation>,
    spilled: Vec<SpilledRows>,
    runs: Vec<SpillFile>,
}

enum Ready {
    /// Sorted rows, and where each morsel ends.
    InMemory { sorted: Batch, ends: Vec<usize>, _memory: Vec<Reservation> },
    /// The files of each part.
    OnDisk(Vec<Vec<SpillFile>>),
    /// The one partition, in sorted runs.
    Runs(Vec<SpillFile>),
}

/// Rows that a morsel has at least, if there are so many.
const MORSEL_ROWS: usize = 1 << 14;
/// How many times its own size a row takes: collected, put together, sorted.
const BYTES_FACTOR: usize = 3;

impl Window {
    pub(crate) fn new(spec: WindowSpec) -> Window {
        Window {
            on_disk: spec.on_disk(),
            spec,
            collected: Mutex::default(),
            spilling: AtomicBool::new(false),
            ready: OnceLock::new(),
        }
    }

    fn hash_partition(
        &self,
        to: &mut SpilledRows,
        batch: &Batch,
        context: &QueryContext,
    ) -> Result<()> {
        let types = &self.spec.inputs.types()[..self.spec.partition_keys];
        to.add(batch, self.spec.partition_of(batch), types, context)
    }

    fn in_memory(&self, batches: &[Batch], context: &QueryContext) -> Result<(Batch, Vec<usize>)> {
        if batches.is_empty() {
            return Ok((Batch::new(Vec::new(), 0), Vec::new()));
        }
        let sorted = self.spec.sorted(Batch::concat(batches)?, Some(context))?;
        let types = &self.spec.inputs.types()[..self.spec.partition_keys];
        let starts = ranges::starts(self.spec.partition_of(&sorted), types, sorted.rows())?;
        let mut ends = Vec::new();
        let mut last = 0;
        for start in starts.values().set_indices() {
            if start - last >= MORSEL_ROWS {
                ends.push(start);
                last = start;
            }
        }
        ends.push(sorted.rows());
        Ok((sorted, ends))
    }

    /// Sorted rows of whole partitions with the answers behind the payload.
    fn answered(&self, sorted: &Batch, context: &QueryContext) -> Result<Batch> {
        let payload: Vec<usize> = (0..self.spec.payload.len()).collect();
        let mut columns = sorted.project(&payload).into_columns();
        columns.extend(answer::answers(&self.spec, &self.spec.calls, sorted, context)?);
        Ok(Batch::new(columns, sorted.rows()))
    }
}

impl Window {
    fn read_runs(
        &self,
        runs: &[SpillFile],
        context: &QueryContext,
        emit: &mut Emit<'_>,
    ) -> Result<Flow> {
        let mut segments = Segments::new(&self.spec, runs, context)?;
        let flow = merge(runs, &self.on_disk, context, &mut |batch| segments.add(batch, emit))?;
        if flow.is_stop() { Ok(flow) } else { segments.finish(emit) }
    }

    /// Answers a part: in memory, if there is as much.
    fn read_part(
        &self,
        files: &[SpillFile],
        context: &QueryContext,
        emit: &mut Emit<'_>,
    ) -> Result<Flow> {
        if files.is_empty() {
            return Ok(Flow::Continue);
        }
        let bytes = BYTES_FACTOR * files.iter().map(SpillFile::bytes).sum::<usize>();
        let mut memory = context.memory.reservation();
        if bytes <= context.memory.working_set_bytes() {
            memory.force(bytes);
        } else if !memory.try_grow(bytes) {
            let runs = sorted_runs(files, &self.on_disk, context)?;
            let mut partitions = Partitions::new(self, context);
            let add = &mut |batch| partitions.add(&batch, emit);
            let flow = merge(&runs, &self.on_disk, context, add)?;
            return if flow.is_stop() { Ok(flow) } else { partitions.end(emit) };
        }
        let mut batches = Vec::new();
        for file in files {
            batches.extend(file.read_all()?);
        }
        let sorted = self.spec.sorted(Batch::concat(&batches)?, None)?;
        drop(batches);
        emit_in_batches(&self.answered(&sorted, context)?, emit)
    }
}

impl Sink for Window {
    fn worker<'a>(&'a self, context: &'a QueryContext) -> Result<Box<dyn SinkWorker + 'a>> {
        let memory = context.memory.reservation();
        let morsels = MorselBatches::default();
        let top = self.spec.top.map(|top| TopRows::new(&self.spec, top, context));
        let (spilled, runs) = (None, Vec::new());
        Ok(Box::new(WindowWorker { shared: self, context, top, morsels, memory, spilled, runs }))
    }

    fn finalize(&self, context: &QueryContext) -> Result<()> {
        let mut collected = std::mem::take(&mut *lock(&self.collected));
        let batches = collected.morsels.into_ordered();
        let ready = if self.spilling.load(Ordering::Relaxed) {
            let mut rest = SpilledRows::new();
            batches.iter().try_for_each(|batch| self.hash_partition(&mut rest, batch, context))?;
            rest.flush(context)?;
            collected.spilled.push(rest);
            Ready::OnDisk(files_by_part(collected.spilled)?)
        } else if !collected.runs.is_empty() {
            if !batches.is_empty() {
                collected.runs.push(self.on_disk.write_run(&batches, context)?);
            }
            drop(batches);
            Ready::Runs(few_runs(collected.runs, &self.on_disk, context)?)
        } else {
            let (sorted, ends) = self.in_memory(&batches, context)?;
            Ready::InMemory { sorted, ends, _memory: collected.reservations }
        };
        self.ready.set(ready).map_err(|_| Error::internal("windows finished twice"))
    }
}

impl Source for Window {
    fn open(&self, _: &QueryContext) -> Result<usize> {
        Ok(match self.ready.get() {
            Some(Ready::InMemory { ends, .. }) => ends.len(),
            Some(Ready::OnDisk(parts)) => parts.len(),
            Some(Ready::Runs(_)) => 1,
            None => 0,
        })
    }

    fn read(&self, morsel: usize, context: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        match self.ready.get() {
            Some(Ready::InMemory { sorted, ends, .. }) => {
                let start = if morsel == 0 { 0 } else { ends[morsel - 1] };
                let rows = sorted.slice(start, ends[morsel] - start);
                emit_in_batches(&self.answered(&rows, context)?, emit)
            }
            Some(Ready::OnDisk(parts)) => self.read_part(&parts[morsel], context, emit),
            Some(Ready::Runs(runs)) => self.read_runs(runs, context, emit),
            None => Ok(Flow::Continue),
        }
    }
}

struct WindowWorker<'a> {
    shared: &'a Window,
    context: &'a QueryContext,
    top: Option<TopRows<'a>>,
    morsels: MorselBatches,
    memory: Reservation,
    spilled: Option<SpilledRows>,
    runs: Vec<SpillFile>,
}

impl WindowWorker<'_> {
    fn spill(&mut self) -> Result<()> {
        let spilled = self.spilled.get_or_insert_with(SpilledRows::new);
        for batch in std::mem::take(&mut self.morsels).into_ordered() {
            self.shared.hash_partition(spilled, &batch, self.context)?;
        }
        self.memory.shrink(self.memory.bytes());
        Ok(())
    }

    /// Writes what has come as a sorted run.
    fn write_run(&mut self) -> Result<()> {
        let batches = std::mem::take(&mut self.morsels).into_ordered();
        if !batches.is_empty() {
            self.runs.push(self.shared.on_disk.write_run(&batches, self.context)?);
        }
        self.memory.shrink(self.memory.bytes());
        Ok(())
    }

    /// Makes room for rows, or for a run's first ones.
    fn reserve(&mut self, bytes: usize) -> Result<()> {
        let shared = self.shared;
        if shared.spilling.load(Ordering::Relaxed) || self.memory.try_grow(bytes) {
            return Ok(());
        }
        let enough = self.memory.bytes() >= self.context.memory.working_set_bytes();
        if !enough {
            self.memory.force(bytes);
        } else if shared.spec.partition_keys > 0 {
            shared.spilling.store(true, Ordering::Relaxed);
        } else if shared.spec.is_running() {
            self.write_run()?;
            self.memory.force(bytes);
        } else if self.memory.bytes() + bytes <= self.context.memory.unspilled_bytes() {
            // Such a call needs all rows at once.
            self.memory.force(bytes);
        } else {
            self.memory.grow(bytes, "A window without PARTITION BY")?;
        }
        Ok(())
    }
}

impl SinkWorker for WindowWorker<'_> {
    fn consume(&mut self, place: usize, batch: Batch) -> Result<Flow> {
        let mut carried = self.shared.spec.carried(&batch, self.context)?;
        if let Some(top) = &mut self.top {
            match top.filter(&carried)? {
                Some(first) => carried = first,
                None => self.top = None,
            }
        }
        if carried.rows() == 0 {
            return Ok(Flow::Continue);
        }
        self.reserve(BYTES_FACTOR * bytes_of(&carried))?;
        self.morsels.push(place, carried);
        if self.shared.spilling.load(Ordering::Relaxed) {
            self.spill()?;
        }
        Ok(Flow::Continue)
    }

    fn combine(mut self: Box<Self>) -> Result<()> {
        if let Some(spilled) = &mut self.spilled {
            spilled.flush(self.context)?;
        }
        if !self.runs.is_empty() {
            self.write_run()?;
        }
        let mut collected = lock(&self.shared.collected);
        collected.morsels.append(&mut self.morsels);
        collected.runs.append(&mut self.runs);
        collected.reservations.push(self.memory);
        collected.spilled.extend(self.spilled);
        Ok(())
    }
}
