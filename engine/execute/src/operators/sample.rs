//! A random part of the rows. The same seed over the same morsels gives the same part, whatever the
//! number of threads: a row's lot depends on its morsel and its place in it.

use std::sync::{Mutex, OnceLock};

use arrow::array::{BooleanArray, UInt32Array};
use firn_column::Batch;
use firn_types::Result;
use firn_types::limits::BATCH_ROWS;

use crate::context::{QueryContext, lock};
use crate::operator::{Emit, Flow, Sink, SinkWorker, Source, Transform, TransformWorker};
use crate::operators::filter::BatchCoalescer;

/// Draws a lot for each row of a morsel in turn.
struct Lots {
    seed: u64,
    state: u64,
}

impl Lots {
    fn new(seed: u64) -> Lots {
        Lots { seed, state: 0 }
    }

    fn begin(&mut self, place: usize) {
        self.state = vary_forms(self.seed ^ vary_forms(place as u64));
    }

    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        vary_forms(self.state)
    }
}

/// The finalizer of splitmix64.
fn vary_forms(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// Each row with a probability.
pub(crate) struct SamplePercent {
    pub(crate) percent: f64,
    pub(crate) seed: u64,
}

impl Transform for SamplePercent {
    fn worker<'a>(&'a self, _: &'a QueryContext) -> Result<Box<dyn TransformWorker + 'a>> {
        let fraction = (self.percent / 100.0).clamp(0.0, 1.0);
        // Of all lots this share is below the bound; a float's cast stops at the largest integer.
        let bound = (fraction * u64::MAX as f64) as u64;
        let all = fraction >= 1.0;
        let held = BatchCoalescer::default();
        Ok(Box::new(PercentWorker { bound, all, lots: Lots::new(self.seed), held }))
    }
}

struct PercentWorker {
    bound: u64,
    all: bool,
    lots: Lots,
    held: BatchCoalescer,
}

impl TransformWorker for PercentWorker {
    fn begin(&mut self, place: usize) {
        self.lots.begin(place);
    }

    fn process(&mut self, batch: Batch, emit: &mut Emit<'_>) -> Result<Flow> {
        if self.all {
            return emit(batch);
        }
        let keep: Vec<bool> = (0..batch.rows()).map(|_| self.lots.draw() < self.bound).collect();
        self.held.give(batch.filter(&BooleanArray::from(keep)), emit)
    }

    fn flush(&mut self, emit: &mut Emit<'_>) -> Result<Flow> {
        self.held.flush(emit)
    }
}

/// So many rows: those with the smallest lots.
pub(crate) struct SampleRows {
    rows: usize,
    seed: u64,
    drawn: Mutex<Drawn>,
    batches: OnceLock<Vec<Batch>>,
}

/// Rows with their lots.
#[derive(Default)]
struct Drawn {
    lots: Vec<u64>,
    batches: Vec<Batch>,
}

impl Drawn {
    /// Keeps the `rows` rows with the smallest lots.
    fn keep(&mut self, rows: usize) -> Result<()> {
        if self.lots.len() <= rows {
            return Ok(());
        }
        let mut order: Vec<u32> = (0..self.lots.len() as u32).collect();
        order.sort_unstable_by_key(|&row| self.lots[row as usize]);
        order.truncate(rows);
        order.sort_unstable();
        let all = Batch::concat(&self.batches)?;
        self.lots = order.iter().map(|&row| self.lots[row as usize]).collect();
        self.batches = vec![all.take(&UInt32Array::from(order))];
        Ok(())
    }
}

impl SampleRows {
    pub(crate) fn new(rows: usize, seed: u64) -> SampleRows {
        SampleRows { rows, seed, drawn: Mutex::default(), batches: OnceLock::new() }
    }
}

impl Sink for SampleRows {
    fn worker<'a>(&'a self, _: &'a QueryContext) -> Result<Box<dyn SinkWorker + 'a>> {
        let lots = Lots::new(self.seed);
        Ok(Box::new(RowsWorker { shared: self, lots, place: None, drawn: Drawn::default() }))
    }

    fn finalize(&self, _: &QueryContext) -> Result<()> {
        let mut drawn = std::mem::take(&mut *lock(&self.drawn));
        drawn.keep(self.rows)?;
        let _ = self.batches.set(drawn.batches);
        Ok(())
    }
}

struct RowsWorker<'a> {
    shared: &'a SampleRows,
    lots: Lots,
    place: Option<usize>,
    drawn: Drawn,
}

impl SinkWorker for RowsWorker<'_> {
    fn consume(&mut self, place: usize, batch: Batch) -> Result<Flow> {
        if self.place != Some(place) {
            self.place = Some(place);
            self.lots.begin(place);
        }
        self.drawn.lots.extend((0..batch.rows()).map(|_| self.lots.draw()));
        self.drawn.batches.push(batch);
        if self.drawn.lots.len() > 2 * self.shared.rows + 8 * BATCH_ROWS {
            self.drawn.keep(self.shared.rows)?;
        }
        Ok(Flow::Continue)
    }

    fn combine(self: Box<Self>) -> Result<()> {
        let RowsWorker { shared, mut drawn, .. } = *self;
        drawn.keep(shared.rows)?;
        let mut all = lock(&shared.drawn);
        all.lots.append(&mut drawn.lots);
        all.batches.append(&mut drawn.batches);
        Ok(())
    }
}

impl Source for SampleRows {
    fn open(&self, _: &QueryContext) -> Result<usize> {
        Ok(self.batches.get().map_or(0, Vec::len))
    }

    fn read(&self, morsel: usize, _: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        match self.batches.get().and_then(|batches| batches.get(morsel)) {
            Some(batch) => emit(batch.clone()),
            None => Ok(Flow::Continue),
        }
    }
}
