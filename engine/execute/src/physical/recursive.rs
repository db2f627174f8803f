//! A query that reads its own last result until there is none.
//!
//! Every round builds the physical plan of the step again, over the rows of the round before. All rows
//! are kept in memory.

use std::sync::{Arc, OnceLock};

use firn_column::Batch;
use firn_plan::{Plan, RecursiveCte};
use firn_types::{Error, ErrorCode, Result};

use super::{Builder, Ctes};
use crate::context::QueryContext;
use crate::memory::{Reservation, bytes_of};
use crate::operator::{Emit, Flow, Source};
use crate::operators::buffer::Buffer;
use crate::profile::OperatorId;
use crate::schedule;

/// The rows of all rounds.
pub(crate) struct RecursiveSource {
    node: RecursiveCte,
    ctes: Ctes,
    id: OperatorId,
    rows: OnceLock<(Vec<Batch>, Reservation)>,
}

impl RecursiveSource {
    pub(crate) fn new(node: RecursiveCte, ctes: Ctes, id: OperatorId) -> RecursiveSource {
        RecursiveSource { node, ctes, id, rows: OnceLock::new() }
    }

    fn round(&self, plan: &Plan, ctes: &Ctes, context: &QueryContext) -> Result<Vec<Batch>> {
        let columns: Vec<_> = plan.columns().iter().map(|column| column.id).collect();
        let mut builder = Builder::inside(context, ctes.clone(), self.id);
        let stream = builder.build_exactly(plan, &columns)?;
        let buffer = Arc::new(Buffer::default());
        builder.end_in(stream, buffer.clone(), self.id);
        schedule::run(&builder.pipelines, context)?;
        Ok(buffer.batches().to_vec())
    }
}

fn too_large(rounds: u64) -> Error {
    let text = format!(
        "The recursive query still gives rows after {rounds} rounds, and they no longer fit into the warehouse's \
         memory."
    );
    Error::new(ErrorCode::OutOfMemory, text)
}

impl Source for RecursiveSource {
    fn open(&self, context: &QueryContext) -> Result<usize> {
        let mut ctes = self.ctes.clone();
        let mut memory = context.memory.reservation();
        let mut all = Vec::new();
        let mut last = self.round(&self.node.anchor, &ctes, context)?;
        let mut rounds = 0_u64;
        while !last.is_empty() {
            context.check()?;
            let bytes = last.iter().map(bytes_of).sum();
            if !memory.try_grow(bytes) {
                return Err(too_large(rounds));
            }
            all.extend(last.iter().cloned());
            ctes.insert(self.node.cte, Arc::new(Buffer::of(last)));
            last = self.round(&self.node.step, &ctes, context).map_err(|error| {
                // What does not fit beside the rows of all rounds.
                if error.code() == ErrorCode::OutOfMemory { too_large(rounds) } else { error }
            })?;
            rounds += 1;
        }
        let count = all.len();
        self.rows.set((all, memory)).map_err(|_| Error::internal("a loop opened twice"))?;
        Ok(count)
    }

    fn read(&self, morsel: usize, _: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        match self.rows.get().and_then(|(batches, _)| batches.get(morsel)) {
            Some(batch) => emit(batch.clone()),
            None => Ok(Flow::Continue),
        }
    }
}
