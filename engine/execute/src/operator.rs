//! What a pipeline is made of: a source of morsels, transforms, and a sink.
//!
//! What all workers share and what each worker owns are two types: `Source`, `Transform` and `Sink` are
//! shared and never change behind a `&mut`; the worker types hold what one thread needs while it runs.
//! Batches are pushed: the one who has a batch calls the next one with it, while it is in cache.

use firn_column::Batch;
use firn_types::Result;

use crate::context::QueryContext;

/// What the caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Nothing more is wanted of this pipeline.
    Stop,
}

impl Flow {
    /// Whether nothing more is wanted.
    pub fn is_stop(self) -> bool {
        self == Flow::Stop
    }
}

/// Takes the next batch.
pub type Emit<'a> = dyn FnMut(Batch) -> Result<Flow> + 'a;

/// Where a pipeline's batches come from.
pub trait Source: Send + Sync {
    /// Prepares reading, once, when every pipeline that this one waits for has ended.
    /// Answers the number of morsels.
    ///
    /// # Errors
    /// When what is to be read cannot be opened.
    fn open(&self, context: &QueryContext) -> Result<usize>;

    /// Reads one morsel. Called for each once, by several workers at the same time.
    ///
    /// # Errors
    /// When reading or `emit` fails.
    fn read(&self, morsel: usize, context: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow>;
}

/// What makes batches of batches, one at a time.
pub trait Transform: Send + Sync {
    /// What one worker needs.
    ///
    /// # Errors
    /// When an expression cannot be prepared.
    fn worker<'a>(&'a self, context: &'a QueryContext) -> Result<Box<dyn TransformWorker + 'a>>;
}

/// One worker's part of a transform.
pub trait TransformWorker: Send {
    /// A new morsel begins, `place` within the pipeline.
    fn begin(&mut self, _place: usize) {}

    /// Takes a batch and gives any number of batches.
    ///
    /// # Errors
    /// When an expression or `emit` fails.
    fn process(&mut self, batch: Batch, emit: &mut Emit<'_>) -> Result<Flow>;

    /// Gives what was held back, at the end of every morsel, so that the order of rows is kept.
    ///
    /// # Errors
    /// As [`TransformWorker::process`].
    fn flush(&mut self, _emit: &mut Emit<'_>) -> Result<Flow> {
        Ok(Flow::Continue)
    }
}

/// Where a pipeline ends.
pub trait Sink: Send + Sync {
    /// What one worker needs.
    ///
    /// # Errors
    /// When an expression cannot be prepared.
    fn worker<'a>(&'a self, context: &'a QueryContext) -> Result<Box<dyn SinkWorker + 'a>>;

    /// Ends the pipeline, once, after every worker has combined; may use the pool.
    ///
    /// # Errors
    /// When what was collected cannot be finished.
    fn finalize(&self, _context: &QueryContext) -> Result<()> {
        Ok(())
    }
}

/// One worker's part of a sink.
pub trait SinkWorker: Send {
    /// Takes a batch that came from `morsel`. A worker's morsels ascend.
    ///
    /// # Errors
    /// When an expression fails, or memory and disk are used up.
    fn consume(&mut self, morsel: usize, batch: Batch) -> Result<Flow>;

    /// All batches of `morsel` have come. Called for every morsel, also for one without rows.
    ///
    /// # Errors
    /// As [`SinkWorker::consume`].
    fn end_morsel(&mut self, _morsel: usize) -> Result<Flow> {
        Ok(Flow::Continue)
    }

    /// Hands what was collected over to the shared state.
    ///
    /// # Errors
    /// As [`SinkWorker::consume`].
    fn combine(self: Box<Self>) -> Result<()>;
}
