//! The rows after the first `skip`, at most `fetch` of them, in the order of the input.
//!
//! Workers take morsels in order, so the first rows are known as soon as the morsels up to some place
//! are at their end and hold enough; then the pipeline stops. So the answer does not depend on how many
//! threads there are.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use firn_column::Batch;
use firn_types::Result;

use crate::context::{QueryContext, lock};
use crate::operator::{Emit, Flow, Sink, SinkWorker, Source};
use crate::operators::morsel_batches::MorselBatches;

/// Which rows.
pub(crate) struct LimitBuffer {
    skip: u64,
    fetch: Option<u64>,
    state: Mutex<State>,
    batches: OnceLock<Vec<Batch>>,
}

#[derive(Default)]
struct State {
    morsels: MorselBatches,
    /// Morsels at their end that come after one that is not, with their rows.
    ended: HashMap<usize, u64>,
    /// All morsels before this one are at their end.
    prefix: usize,
    prefix_rows: u64,
}

impl LimitBuffer {
    pub(crate) fn new(skip: u64, fetch: Option<u64>) -> LimitBuffer {
        LimitBuffer { skip, fetch, state: Mutex::default(), batches: OnceLock::new() }
    }

    /// Rows that must be known before the answer is.
    fn enough(&self) -> u64 {
        self.fetch.map_or(u64::MAX, |fetch| self.skip.saturating_add(fetch))
    }
}

impl Sink for LimitBuffer {
    fn worker<'a>(&'a self, _: &'a QueryContext) -> Result<Box<dyn SinkWorker + 'a>> {
        Ok(Box::new(LimitWorker { shared: self, morsels: MorselBatches::default(), rows: 0 }))
    }

    fn finalize(&self, _: &QueryContext) -> Result<()> {
        let morsels = std::mem::take(&mut lock(&self.state).morsels);
        let _ = self.batches.set(cut(morsels.into_ordered(), self.skip, self.fetch));
        Ok(())
    }
}

/// Rows `skip..skip + fetch` of all batches.
pub(crate) fn cut(batches: Vec<Batch>, skip: u64, fetch: Option<u64>) -> Vec<Batch> {
    let (mut skip, mut fetch) = (skip, fetch.unwrap_or(u64::MAX));
    let mut kept = Vec::new();
    for batch in batches {
        let rows = batch.rows() as u64;
        let start = skip.min(rows);
        let len = (rows - start).min(fetch);
        skip -= start;
        fetch -= len;
        if len == rows {
            kept.push(batch);
        } else if len > 0 {
            kept.push(batch.slice(start as usize, len as usize));
        }
    }
    kept
}

struct LimitWorker<'a> {
    shared: &'a LimitBuffer,
    morsels: MorselBatches,
    /// Rows of the present morsel.
    rows: u64,
}

impl SinkWorker for LimitWorker<'_> {
    fn consume(&mut self, place: usize, batch: Batch) -> Result<Flow> {
        self.rows += batch.rows() as u64;
        self.morsels.push(place, batch);
        // More rows of this morsel can never be wanted.
        let enough = self.rows >= self.shared.enough();
        Ok(if enough && place == lock(&self.shared.state).prefix {
            Flow::Stop
        } else {
            Flow::Continue
        })
    }

    fn end_morsel(&mut self, place: usize) -> Result<Flow> {
        let mut state = lock(&self.shared.state);
        state.ended.insert(place, std::mem::take(&mut self.rows));
        loop {
            let prefix = state.prefix;
            let Some(rows) = state.ended.remove(&prefix) else { break };
            state.prefix += 1;
            state.prefix_rows += rows;
        }
        let enough = state.prefix_rows >= self.shared.enough();
        Ok(if enough { Flow::Stop } else { Flow::Continue })
    }

    fn combine(mut self: Box<Self>) -> Result<()> {
        lock(&self.shared.state).morsels.append(&mut self.morsels);
        Ok(())
    }
}

impl Source for LimitBuffer {
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
