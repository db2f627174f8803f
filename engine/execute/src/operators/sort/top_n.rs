//! The first rows of an order, without sorting the others.
//!
//! A worker keeps candidates and now and then cuts them down to the wanted number; the key of the last
//! one is a bound that later rows must stay below. Workers share the least bound.

use std::sync::{Mutex, OnceLock};

use arrow::array::{BooleanArray, UInt32Array};
use firn_column::Batch;
use firn_column::row_key::{KeyEncoder, RowKeys};
use firn_types::Result;
use firn_types::limits::BATCH_ROWS;

use super::SortSpec;
use crate::context::{QueryContext, lock};
use crate::memory::{Reservation, bytes_of};
use crate::operator::{Emit, Flow, Sink, SinkWorker, Source};
use crate::operators::places::Placed;

/// Keeps the first `limit` rows.
pub(crate) struct TopN {
    spec: SortSpec,
    limit: usize,
    encoder: KeyEncoder,
    /// Rows with this key or a greater one are not among the first.
    bound: Mutex<Option<Vec<u8>>>,
    candidates: Mutex<Placed>,
    rows: OnceLock<Vec<Batch>>,
}

impl TopN {
    pub(crate) fn new(spec: SortSpec, limit: usize) -> TopN {
        let encoder = KeyEncoder::new(&spec.types, &spec.orders);
        TopN {
            spec,
            limit,
            encoder,
            bound: Mutex::default(),
            candidates: Mutex::default(),
            rows: OnceLock::new(),
        }
    }

    /// The first `limit` rows of batches, in order, with all that is carried.
    fn cut(&self, batches: &[Batch]) -> Result<Batch> {
        let all = Batch::concat(batches)?;
        let mut order = self.spec.order(&all, None)?;
        order.truncate(self.limit);
        Ok(all.take(&UInt32Array::from(order)))
    }

    /// Makes `key` the bound, unless there is a lesser one.
    fn lower_bound_to(&self, key: &[u8]) {
        let mut bound = lock(&self.bound);
        if bound.as_deref().is_none_or(|bound| key < bound) {
            *bound = Some(key.to_vec());
        }
    }
}

impl Sink for TopN {
    fn worker<'a>(&'a self, context: &'a QueryContext) -> Result<Box<dyn SinkWorker + 'a>> {
        Ok(Box::new(TopNWorker {
            shared: self,
            context,
            placed: Placed::default(),
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
    placed: Placed,
    rows: usize,
    keys: RowKeys,
    memory: Reservation,
}

impl TopNWorker<'_> {
    /// The rows of a batch that stay below the bound.
    fn below_bound(&mut self, carried: Batch) -> Result<Batch> {
        let Some(bound) = lock(&self.shared.bound).clone() else { return Ok(carried) };
        self.keys.clear();
        let columns = self.shared.spec.key_columns(&carried);
        self.shared.encoder.encode(&columns, carried.rows(), &mut self.keys)?;
        let keep = (0..carried.rows()).map(|row| Some(self.keys.key(row) < bound.as_slice()));
        Ok(carried.filter(&BooleanArray::from_iter(keep)))
    }

    fn cut(&mut self, place: usize) -> Result<()> {
        let batches = std::mem::take(&mut self.placed).into_ordered();
        let first = self.shared.cut(&batches)?;
        if first.rows() == self.shared.limit {
            let last = first.slice(first.rows() - 1, 1);
            self.keys.clear();
            let columns = self.shared.spec.key_columns(&last);
            self.shared.encoder.encode(&columns, 1, &mut self.keys)?;
            self.shared.lower_bound_to(self.keys.key(0));
        }
        self.rows = first.rows();
        self.memory.shrink(self.memory.bytes());
        self.memory.force(bytes_of(&first));
        self.placed.push(place, first);
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
        self.placed.push(place, carried);
        if self.rows >= 2 * self.shared.limit + BATCH_ROWS {
            self.cut(place)?;
        }
        Ok(Flow::Continue)
    }

    fn combine(mut self: Box<Self>) -> Result<()> {
        lock(&self.shared.candidates).append(&mut self.placed);
        Ok(())
    }
}
