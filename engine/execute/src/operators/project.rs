//! For each row the values of expressions. Order is kept.

use firn_column::Batch;
use firn_types::Result;

use crate::context::QueryContext;
use crate::evaluate::Expressions;
use crate::operator::{Emit, Flow, Transform, TransformWorker};

/// The expressions that become the columns.
pub(crate) struct ProjectTransform {
    pub(crate) items: Expressions,
}

impl Transform for ProjectTransform {
    fn worker<'a>(&'a self, context: &'a QueryContext) -> Result<Box<dyn TransformWorker + 'a>> {
        Ok(Box::new(ProjectWorker { items: &self.items, context }))
    }
}

struct ProjectWorker<'a> {
    items: &'a Expressions,
    context: &'a QueryContext,
}

impl TransformWorker for ProjectWorker<'_> {
    fn process(&mut self, batch: Batch, emit: &mut Emit<'_>) -> Result<Flow> {
        let columns = self.items.evaluate(&batch, self.context)?;
        emit(Batch::new(columns, batch.rows()))
    }
}

/// Picks columns by position.
pub(crate) struct PickTransform {
    pub(crate) positions: Vec<usize>,
}

impl Transform for PickTransform {
    fn worker<'a>(&'a self, _: &'a QueryContext) -> Result<Box<dyn TransformWorker + 'a>> {
        Ok(Box::new(PickWorker(&self.positions)))
    }
}

struct PickWorker<'a>(&'a [usize]);

impl TransformWorker for PickWorker<'_> {
    fn process(&mut self, batch: Batch, emit: &mut Emit<'_>) -> Result<Flow> {
        emit(batch.project(self.0))
    }
}
