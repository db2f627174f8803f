//! Partitions in a part on disk that memory does not hold.
//!
//! The part is sorted on disk, so that its partitions come by one after another. Those that end in one batch are
//! answered together. One that outgrows memory is written down by itself, in its order, and answered segment by
//! segment (`running`) when it has ended, since only then it is known how many rows it has.

use firn_column::Batch;
use firn_types::Result;

use super::ranges::starts;
use super::running::Segments;
use super::{BYTES_FACTOR, Window};
use crate::context::QueryContext;
use crate::memory::{Reservation, bytes_of};
use crate::operator::{Emit, Flow};
use crate::operators::expand::emit_in_batches;
use crate::operators::sort::{SortSpec, few_runs};
use crate::spill::{SpillFile, SpillWriter};

/// Sorts the rows of files on disk.
pub(super) fn sorted_runs(
    files: &[SpillFile],
    order: &SortSpec,
    context: &QueryContext,
) -> Result<Vec<SpillFile>> {
    let mut memory = context.memory.reservation();
    let (mut batches, mut runs) = (Vec::new(), Vec::new());
    for file in files {
        for batch in file.read()? {
            context.check()?;
            let batch = batch?;
            let bytes = BYTES_FACTOR * bytes_of(&batch);
            if !memory.try_grow(bytes) {
                if memory.bytes() >= context.memory.working_set_bytes() {
                    runs.push(order.write_run(&std::mem::take(&mut batches), context)?);
                    memory.shrink(memory.bytes());
                }
                memory.force(bytes);
            }
            batches.push(batch);
        }
    }
    if !batches.is_empty() {
        runs.push(order.write_run(&batches, context)?);
    }
    drop(batches);
    few_runs(runs, order, context)
}

/// Answers rows that are added by partition, and within it in order.
pub(super) struct Partitions<'a> {
    window: &'a Window,
    context: &'a QueryContext,
    /// The rows of the partition that has not ended yet.
    waiting: Vec<Batch>,
    memory: Reservation,
    /// The same when memory does not hold them.
    on_disk: Option<SpillWriter>,
    /// The row that came last.
    last: Option<Batch>,
}

impl<'a> Partitions<'a> {
    pub(super) fn new(window: &'a Window, context: &'a QueryContext) -> Partitions<'a> {
        let memory = context.memory.reservation();
        Partitions { window, context, waiting: Vec::new(), memory, on_disk: None, last: None }
    }

    /// Adds rows; hands on those whose partitions have ended.
    pub(super) fn add(&mut self, batch: &Batch, emit: &mut Emit<'_>) -> Result<Flow> {
        self.context.check()?;
        let begin = self.begin(batch)?;
        self.last = Some(batch.slice(batch.rows() - 1, 1));
        let (Some(&first), Some(&last)) = (begin.first(), begin.last()) else {
            self.hold(batch.clone())?;
            return Ok(Flow::Continue);
        };
        let mut answered = 0;
        if self.on_disk.is_some() {
            self.hold(batch.slice(0, first))?;
            if self.end(emit)?.is_stop() {
                return Ok(Flow::Stop);
            }
            answered = first;
        }
        self.waiting.push(batch.slice(answered, last - answered));
        if self.end(emit)?.is_stop() {
            return Ok(Flow::Stop);
        }
        self.hold(batch.slice(last, batch.rows() - last))?;
        Ok(Flow::Continue)
    }

    /// Where partitions begin in a batch.
    fn begin(&self, batch: &Batch) -> Result<Vec<usize>> {
        let spec = &self.window.spec;
        let types = &spec.inputs.types()[..spec.partition_keys];
        let found = starts(spec.partition_of(batch), types, batch.rows())?;
        let mut begin: Vec<usize> = found.values().set_indices().collect();
        if let Some(last) = &self.last {
            let both = Batch::concat(&[last.clone(), batch.slice(0, 1)])?;
            if !starts(spec.partition_of(&both), types, 2)?.value(1) {
                begin.remove(0);
            }
        }
        Ok(begin)
    }

    /// Keeps rows of a partition that has not ended yet.
    fn hold(&mut self, batch: Batch) -> Result<()> {
        let (budget, held) = (&self.context.memory, self.memory.bytes());
        let bytes = BYTES_FACTOR * bytes_of(&batch);
        self.waiting.push(batch);
        if self.on_disk.is_none() && !self.memory.try_grow(bytes) {
            if held < budget.working_set_bytes() {
                self.memory.force(bytes);
            } else if self.window.spec.is_running() {
                self.on_disk = Some(self.context.spill.create()?);
                self.memory.shrink(held);
            } else if held + bytes <= budget.unspilled_bytes() {
                self.memory.force(bytes);
            } else {
                self.memory.grow(bytes, "A partition of a window")?;
            }
        }
        if let Some(file) = &mut self.on_disk {
            self.waiting.drain(..).try_for_each(|batch| file.write(&batch))?;
        }
        Ok(())
    }

    /// Answers the rows that are held: their partitions have ended.
    pub(super) fn end(&mut self, emit: &mut Emit<'_>) -> Result<Flow> {
        let Some(file) = self.on_disk.take() else {
            self.waiting.retain(|batch| batch.rows() > 0);
            let waiting = std::mem::take(&mut self.waiting);
            self.memory.shrink(self.memory.bytes());
            if waiting.is_empty() {
                return Ok(Flow::Continue);
            }
            let rows = Batch::concat(&waiting)?;
            return emit_in_batches(&self.window.answered(&rows, self.context)?, emit);
        };
        let partition = [file.finish()?];
        let mut segments = Segments::new(&self.window.spec, &partition, self.context)?;
        for batch in partition[0].read()? {
            if segments.add(batch?, emit)?.is_stop() {
                return Ok(Flow::Stop);
            }
        }
        segments.finish(emit)
    }
}
