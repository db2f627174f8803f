//! The rows that a statement writes, batch by batch, on all threads.

use std::collections::HashMap;
use std::sync::Arc;

use firn_column::Batch;
use firn_plan::Plan;
use firn_types::{ColumnId, Error, Result};

use crate::context::QueryContext;
use crate::operator::{Flow, Sink, SinkWorker};
use crate::run::run;

/// Takes a batch and the place in the source's order that it has: the number of its morsel.
pub(super) type TakeBatch<'t> = dyn Fn(usize, Batch) -> Result<()> + Send + Sync + 't;

/// Which column of the source's batches stands where.
pub(super) type Layout = HashMap<ColumnId, usize>;

/// The layout of the batches that [`for_each_batch`] gives.
pub(super) fn layout_of(source: &Plan) -> Layout {
    let columns = source.columns().into_iter().enumerate();
    columns.map(|(position, column)| (column.id, position)).collect()
}

/// Where a column stands in the batches that [`for_each_batch`] gives.
pub(super) fn position_of(source: &Plan, column: ColumnId) -> Result<usize> {
    let position = source.columns().iter().position(|found| found.id == column);
    position.ok_or_else(|| Error::internal(format!("column {column} is not given below")))
}

/// Runs a plan and calls `take` with each batch of all its columns, on several threads at once.
pub(super) fn for_each_batch(
    source: &Plan,
    context: &QueryContext,
    take: &TakeBatch<'_>,
) -> Result<()> {
    let output: Vec<ColumnId> = source.columns().iter().map(|column| column.id).collect();
    run(source, &output, context, Arc::new(Each { take }))
}

struct Each<'t> {
    take: &'t TakeBatch<'t>,
}

impl Sink for Each<'_> {
    fn worker<'a>(&'a self, _: &'a QueryContext) -> Result<Box<dyn SinkWorker + 'a>> {
        Ok(Box::new(EachWorker { take: self.take }))
    }
}

struct EachWorker<'t> {
    take: &'t TakeBatch<'t>,
}

impl SinkWorker for EachWorker<'_> {
    fn consume(&mut self, place: usize, batch: Batch) -> Result<Flow> {
        (self.take)(place, batch)?;
        Ok(Flow::Continue)
    }

    fn combine(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
