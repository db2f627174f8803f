//! Each row with the rows that a table function makes of it. Order is kept.

use arrow::array::UInt32Array;
use firn_column::Batch;
use firn_functions::{Call, TableBinding};
use firn_types::limits::BATCH_ROWS;
use firn_types::{Result, SqlType};

use crate::context::QueryContext;
use crate::evaluate::Expressions;
use crate::operator::{Emit, Flow, Transform, TransformWorker};

/// Rows that are expanded at a time: each may become many.
const INPUT_ROWS: usize = 1024;

/// A table function over the columns of its input.
pub(crate) struct ExpandTransform {
    pub(crate) binding: TableBinding,
    pub(crate) arguments: Expressions,
    /// The input's columns that are wanted.
    pub(crate) input: Vec<usize>,
    /// The function's columns that are wanted.
    pub(crate) output: Vec<usize>,
}

impl Transform for ExpandTransform {
    fn worker<'a>(&'a self, context: &'a QueryContext) -> Result<Box<dyn TransformWorker + 'a>> {
        Ok(Box::new(ExpandWorker { shared: self, context }))
    }
}

struct ExpandWorker<'a> {
    shared: &'a ExpandTransform,
    context: &'a QueryContext,
}

impl ExpandWorker<'_> {
    fn expand(&self, batch: &Batch) -> Result<Batch> {
        let arguments = self.shared.arguments.evaluate(batch, self.context)?;
        let call = Call {
            rows: batch.rows(),
            returns: SqlType::Null,
            arguments: &self.shared.binding.arguments,
            context: &self.context.functions,
        };
        let (origins, columns) = (self.shared.binding.kernel)(&call, &arguments)?;
        let origins = UInt32Array::from(origins);
        let input = batch.project(&self.shared.input).take(&origins);
        let mut all = input.into_columns();
        all.extend(self.shared.output.iter().map(|&position| columns[position].clone()));
        Ok(Batch::new(all, origins.values().len()))
    }
}

impl TransformWorker for ExpandWorker<'_> {
    fn process(&mut self, batch: Batch, emit: &mut Emit<'_>) -> Result<Flow> {
        let mut start = 0;
        while start < batch.rows() {
            let rows = (batch.rows() - start).min(INPUT_ROWS);
            let expanded = self.expand(&batch.slice(start, rows))?;
            start += rows;
            if emit_in_batches(&expanded, emit)?.is_stop() {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }
}

/// Hands a large batch on in pieces of the usual size.
pub(crate) fn emit_in_batches(batch: &Batch, emit: &mut Emit<'_>) -> Result<Flow> {
    let mut start = 0;
    while start < batch.rows() {
        let rows = (batch.rows() - start).min(BATCH_ROWS);
        if emit(batch.slice(start, rows))?.is_stop() {
            return Ok(Flow::Stop);
        }
        start += rows;
    }
    Ok(Flow::Continue)
}
