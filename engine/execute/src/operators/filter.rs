//! The rows for which every condition is TRUE. Order is kept.
//!
//! What passes of several batches is put together until it is worth handing on: operators further down
//! work batch by batch, and a few rows cost them almost as much as many.

use firn_column::{Batch, Selection};
use firn_types::Result;
use firn_types::limits::BATCH_ROWS;

use crate::context::QueryContext;
use crate::evaluate::Conditions;
use crate::operator::{Emit, Flow, Transform, TransformWorker};

/// Fewer rows than this wait for more.
const WORTH_HANDING_ON: usize = BATCH_ROWS / 8;

/// Conditions, and which columns are still wanted after them.
pub(crate) struct FilterTransform {
    pub(crate) conditions: Conditions,
    pub(crate) output: Vec<usize>,
}

impl Transform for FilterTransform {
    fn worker<'a>(&'a self, context: &'a QueryContext) -> Result<Box<dyn TransformWorker + 'a>> {
        Ok(Box::new(FilterWorker { shared: self, context, held: BatchCoalescer::default() }))
    }
}

struct FilterWorker<'a> {
    shared: &'a FilterTransform,
    context: &'a QueryContext,
    held: BatchCoalescer,
}

impl TransformWorker for FilterWorker<'_> {
    fn process(&mut self, batch: Batch, emit: &mut Emit<'_>) -> Result<Flow> {
        let selected = self.shared.conditions.select(&batch, self.context)?;
        if let Selection::None = selected {
            return Ok(Flow::Continue);
        }
        self.held.give(batch.project(&self.shared.output).select(&selected), emit)
    }

    fn flush(&mut self, emit: &mut Emit<'_>) -> Result<Flow> {
        self.held.flush(emit)
    }
}

/// Holds small batches back until they are worth handing on together.
#[derive(Default)]
pub(crate) struct BatchCoalescer {
    held: Vec<Batch>,
    rows: usize,
}

impl BatchCoalescer {
    pub(crate) fn give(&mut self, batch: Batch, emit: &mut Emit<'_>) -> Result<Flow> {
        if batch.rows() == 0 {
            return Ok(Flow::Continue);
        }
        if self.held.is_empty() && batch.rows() >= WORTH_HANDING_ON {
            return emit(batch);
        }
        self.rows += batch.rows();
        self.held.push(batch);
        if self.rows >= WORTH_HANDING_ON { self.flush(emit) } else { Ok(Flow::Continue) }
    }

    pub(crate) fn flush(&mut self, emit: &mut Emit<'_>) -> Result<Flow> {
        if self.held.is_empty() {
            return Ok(Flow::Continue);
        }
        let batch = Batch::concat(&self.held)?;
        self.held.clear();
        self.rows = 0;
        emit(batch)
    }
}
