//! All rows of a pipeline, for as many readers as there are: CTEs, small inputs.
//!
//! Order is kept as long as everything is in memory. What memory is not enough for goes to disk, where the
//! buffer may. A morsel of a reader is one batch, or one file.

use std::sync::{Mutex, OnceLock};

use firn_column::Batch;
use firn_types::Result;

use crate::context::{QueryContext, lock};
use crate::memory::{Reservation, bytes_of};
use crate::operator::{Emit, Flow, Sink, SinkWorker, Source};
use crate::operators::morsel_batches::MorselBatches;
use crate::spill::{SpillFile, SpillWriter};

/// Rows that are written once and read any number of times.
#[derive(Default)]
pub(crate) struct Buffer {
    collecting: Mutex<Collecting>,
    batches: OnceLock<Vec<Batch>>,
    files: OnceLock<Vec<SpillFile>>,
    may_spill: bool,
}

#[derive(Default)]
struct Collecting {
    morsels: MorselBatches,
    reservations: Vec<Reservation>,
    files: Vec<SpillFile>,
}

impl Buffer {
    /// A buffer that already holds its rows.
    pub(crate) fn of(batches: Vec<Batch>) -> Buffer {
        Buffer { batches: OnceLock::from(batches), ..Buffer::default() }
    }

    /// A buffer to write that may put rows on disk.
    pub(crate) fn spilling() -> Buffer {
        Buffer { may_spill: true, ..Buffer::default() }
    }

    fn files(&self) -> &[SpillFile] {
        self.files.get().map_or(&[], Vec::as_slice)
    }

    /// The rows in memory; none before the buffer was written.
    pub(crate) fn batches(&self) -> &[Batch] {
        self.batches.get().map_or(&[], Vec::as_slice)
    }
}

impl Sink for Buffer {
    fn worker<'a>(&'a self, context: &'a QueryContext) -> Result<Box<dyn SinkWorker + 'a>> {
        let memory = context.memory.reservation();
        let morsels = MorselBatches::default();
        Ok(Box::new(BufferWorker { shared: self, context, morsels, memory, file: None }))
    }

    fn finalize(&self, _: &QueryContext) -> Result<()> {
        let mut collecting = lock(&self.collecting);
        // A buffer is written by one pipeline, once.
        let _ = self.files.set(std::mem::take(&mut collecting.files));
        let _ = self.batches.set(std::mem::take(&mut collecting.morsels).into_ordered());
        Ok(())
    }
}

struct BufferWorker<'a> {
    shared: &'a Buffer,
    context: &'a QueryContext,
    morsels: MorselBatches,
    memory: Reservation,
    file: Option<SpillWriter>,
}

impl SinkWorker for BufferWorker<'_> {
    fn consume(&mut self, place: usize, batch: Batch) -> Result<Flow> {
        let bytes = bytes_of(&batch);
        if !self.shared.may_spill {
            self.memory.grow(bytes, "A result that is kept")?;
        } else if self.file.is_some() || !self.memory.try_grow(bytes) {
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(self.context.spill.create()?),
            };
            file.write(&batch)?;
            return Ok(Flow::Continue);
        }
        self.morsels.push(place, batch);
        Ok(Flow::Continue)
    }

    fn combine(mut self: Box<Self>) -> Result<()> {
        let file = self.file.map(SpillWriter::finish).transpose()?;
        let mut shared = lock(&self.shared.collecting);
        shared.files.extend(file);
        shared.morsels.append(&mut self.morsels);
        shared.reservations.push(self.memory);
        Ok(())
    }
}

/// Reads a buffer.
pub(crate) struct BufferSource {
    pub(crate) buffer: std::sync::Arc<Buffer>,
    /// Which columns.
    pub(crate) positions: Vec<usize>,
}

impl Source for BufferSource {
    fn open(&self, _: &QueryContext) -> Result<usize> {
        Ok(self.buffer.batches().len() + self.buffer.files().len())
    }

    fn read(&self, morsel: usize, _: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        let batches = self.buffer.batches();
        if let Some(batch) = batches.get(morsel) {
            return emit(batch.project(&self.positions));
        }
        let Some(file) = self.buffer.files().get(morsel - batches.len()) else {
            return Ok(Flow::Continue);
        };
        for batch in file.read()? {
            if emit(batch?.project(&self.positions))?.is_stop() {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }
}
