//! The first rows of an order, without sorting the others.
//!
//! A worker keeps candidates and now and then cuts them down to the wanted number; the key of the last
//! one is a bound that later rows must stay below. Workers share the least bound.

use std::sync::{Arc, Mutex, OnceLock};

use arrow::array::UInt32Array;
use firn_column::Batch;
use firn_column::row_key::{KeyEncoder, RowKeys};
use firn_types::Result;
use firn_types::limits::BATCH_ROWS;

use super::{SortSpec, TopBound};
use crate::context::{QueryContext, lock};
use crate::memory::{Reservation, bytes_of};
use crate::operator::{Emit, Flow, Sink, SinkWorker, Source};
use crate::operators::morsel_batches::MorselBatches;

/// Candidates beyond twice the wanted number that are worth sorting.
const CUT_ROWS: usize = BATCH_ROWS / 8;

/// Keeps the first `limit` rows.
pub(crate) struct TopN {
    spec: SortSpec,
    limit: usize,
    encoder: KeyEncoder,
    bound: Arc<TopBound>,
    candidates: Mutex<MorselBatches>,
    rows: OnceLock<Vec<Batch>>,
}

impl TopN {
    pub(crate) fn new(spec: SortSpec, limit: usize, bound: Arc<TopBound>) -> TopN {
        let encoder = KeyEncoder::new(&spec.types, &spec.orders);
        TopN { spec, limit, encoder, bound, candidates: Mutex::default(), rows: OnceLock::new() }
    }

    /// The first `limit` rows of batches, in order, with all that is carried.
    fn cut(&self, batches: &[Batch]) -> Result<Batch> {
        let all = Batch::concat(batches)?;
        let mut order = self.spec.order(&all, self.limit, None)?;
        order.truncate(self.limit);
        Ok(all.take(&UInt32Array::from(order)))
    }
}

impl Sink for TopN {
    fn worker<'a>(&'a self, context: &'a QueryContext) -> Result<Box<dyn SinkWorker + 'a>> {
        Ok(Box::new(TopNWorker {
            shared: self,
            context,
            morsels: MorselBatches::default(),
            rows: 0,
            keys: RowKeys::default(),
            memory: context.memory.reservation(),
        }))
    }

    fn finalize(&self, _: &QueryContext) -> Result<()> {
        let batches = std::mem::take(&mut *lock(&self.candidates)).into_ordered();
        let rows = if batches.is_empty() {
            Vec::new()
        } else {
            vec![self.spec.payload_of(&self.cut(&batches)?)]
        };
        let _ = self.rows.set(rows);
        Ok(())
    }
}

impl Source for TopN {
    fn open(&self, _: &QueryContext) -> Result<usize> {
        let rows = self.rows.get().into_iter().flatten().map(Batch::rows).sum::<usize>();
        Ok(rows.div_ceil(BATCH_ROWS))
    }

    fn read(&self, morsel: usize, _: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        let Some(batch) = self.rows.get().and_then(|rows| rows.first()) else {
            return Ok(Flow::Continue);
        };
        let start = morsel * BATCH_ROWS;
        emit(batch.slice(start, (batch.rows() - start).min(BATCH_ROWS)))
    }
}

struct TopNWorker<'a> {
    shared: &'a TopN,
    context: &'a QueryContext,
    morsels: MorselBatches,
    rows: usize,
    keys: RowKeys,
    memory: Reservation,
}

impl TopNWorker<'_> {
    /// The rows of a batch that stay below the bound.
    fn below_bound(&self, carried: Batch) -> Result<Batch> {
        let (shared, rows) = (self.shared, carried.rows());
        let columns = shared.spec.key_columns(&carried);
        let keys = shared.spec.keys_of(&columns);
        match shared.bound.before(keys, &shared.encoder, rows)? {
            Some(before) if before.len() < rows => Ok(carried.take(&before)),
            _ => Ok(carried),
        }
    }

    fn cut(&mut self, place: usize) -> Result<()> {
        let batches = std::mem::take(&mut self.morsels).into_ordered();
        let first = self.shared.cut(&batches)?;
        if first.rows() == self.shared.limit {
            let last = first.slice(first.rows() - 1, 1);
            self.keys.clear();
            let columns = self.shared.spec.key_columns(&last);
            self.shared.encoder.encode(&columns, 1, &mut self.keys)?;
            let types = &self.shared.spec.types;
            let values = columns.iter().zip(types).map(|(column, of)| column.value(0, *of));
            self.shared.bound.lower_to(self.keys.key(0), values.collect());
        }
        self.rows = first.rows();
        self.memory.shrink(self.memory.bytes());
        self.memory.force(bytes_of(&first));
        self.morsels.push(place, first);
        Ok(())
    }
}

impl SinkWorker for TopNWorker<'_> {
    fn consume(&mut self, place: usize, batch: Batch) -> Result<Flow> {
        if self.shared.limit == 0 {
            return Ok(Flow::Stop);
        }
        let carried = self.shared.spec.carried(&batch, self.context)?;
        let carried = self.below_bound(carried)?;
        if carried.rows() == 0 {
            return Ok(Flow::Continue);
        }
        self.rows += carried.rows();
        self.memory.force(bytes_of(&carried));
        self.morsels.push(place, carried);
        // The sooner there is a bound, the less is read.
        let (limit, bound) = (self.shared.limit, &self.shared.bound);
        if self.rows >= 2 * limit + CUT_ROWS || (self.rows >= limit && !bound.is_known()) {
            self.cut(place)?;
        }
        Ok(Flow::Continue)
    }

    fn combine(mut self: Box<Self>) -> Result<()> {
        lock(&self.shared.candidates).append(&mut self.morsels);
        Ok(())
    }
}
