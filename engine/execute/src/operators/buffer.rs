//! All rows of a pipeline in memory, for as many readers as there are: CTEs, small inputs.
//!
//! Order is kept. A morsel of a reader is one batch.

use std::sync::{Mutex, OnceLock};

use firn_column::Batch;
use firn_types::Result;

use crate::context::{QueryContext, lock};
use crate::memory::{Reservation, bytes_of};
use crate::operator::{Emit, Flow, Sink, SinkWorker, Source};
use crate::operators::places::Placed;

/// Rows that are written once and read any number of times.
#[derive(Default)]
pub(crate) struct Buffer {
    collecting: Mutex<Collecting>,
    batches: OnceLock<Vec<Batch>>,
}

#[derive(Default)]
struct Collecting {
    placed: Placed,
    reservations: Vec<Reservation>,
}

impl Buffer {
    /// A buffer that already holds its rows.
    pub(crate) fn of(batches: Vec<Batch>) -> Buffer {
        Buffer { collecting: Mutex::default(), batches: OnceLock::from(batches) }
    }

    /// The rows; none before the buffer was written.
    pub(crate) fn batches(&self) -> &[Batch] {
        self.batches.get().map_or(&[], Vec::as_slice)
    }
}

impl Sink for Buffer {
    fn worker<'a>(&'a self, context: &'a QueryContext) -> Result<Box<dyn SinkWorker + 'a>> {
        let memory = context.memory.reservation();
        Ok(Box::new(BufferWorker { shared: self, placed: Placed::default(), memory }))
    }

    fn finalize(&self, _: &QueryContext) -> Result<()> {
        let placed = std::mem::take(&mut lock(&self.collecting).placed);
        // A buffer is written by one pipeline, once.
        let _ = self.batches.set(placed.into_ordered());
        Ok(())
    }
}

struct BufferWorker<'a> {
    shared: &'a Buffer,
    placed: Placed,
    memory: Reservation,
}

impl SinkWorker for BufferWorker<'_> {
    fn consume(&mut self, place: usize, batch: Batch) -> Result<Flow> {
        self.memory.grow(bytes_of(&batch), "A result that is kept")?;
        self.placed.push(place, batch);
        Ok(Flow::Continue)
    }

    fn combine(mut self: Box<Self>) -> Result<()> {
        let mut shared = lock(&self.shared.collecting);
        shared.placed.append(&mut self.placed);
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
        Ok(self.buffer.batches().len())
    }

    fn read(&self, morsel: usize, _: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        emit(self.buffer.batches()[morsel].project(&self.positions))
    }
}
