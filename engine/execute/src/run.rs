//! The ways to run a plan.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use firn_column::Batch;
use firn_plan::Plan;
use firn_plan::describe::Description;
use firn_types::{ColumnId, Result};

use crate::context::{QueryContext, lock};
use crate::operator::{Flow, Sink, SinkWorker};
use crate::operators::morsel_batches::MorselBatches;
use crate::physical::Builder;
use crate::schedule;
use crate::spool::{Spool, SpoolStore};

/// Takes the rows of a plan on all worker threads at once, for statements that write rows.
pub trait BatchSink: Send + Sync {
    /// What one worker needs. A plan may ask for several in turn on one thread.
    ///
    /// # Errors
    /// When the worker cannot be set up.
    fn worker(&self) -> Result<Box<dyn BatchWorker + '_>>;
}

/// One worker's part of a [`BatchSink`].
pub trait BatchWorker: Send {
    /// Takes a batch; batches come in no order.
    ///
    /// # Errors
    /// When the rows cannot be taken; it ends the statement.
    fn consume(&mut self, batch: Batch) -> Result<Flow>;

    /// All batches of this worker have come.
    ///
    /// # Errors
    /// As [`BatchWorker::consume`].
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Runs a plan and returns its rows in order, with the columns `output`; a column may stand there twice.
///
/// # Errors
/// Whatever evaluating the plan's expressions and reading its tables may say; `Canceled`; `OutOfMemory`.
pub fn execute(plan: &Plan, output: &[ColumnId], context: &QueryContext) -> Result<Vec<Batch>> {
    let collect = Arc::new(Collect::default());
    run(plan, output, context, collect.clone())?;
    let morsels = std::mem::take(&mut *lock(&collect.morsels));
    Ok(morsels.into_ordered())
}

/// Runs a plan and hands its rows to `take` in order, as soon as they are known. `take` is called from
/// worker threads, never from two at once; [`Flow::Stop`] ends the statement early without an error.
///
/// # Errors
/// As [`execute`], and those of `take`.
pub fn execute_ordered(
    plan: &Plan,
    output: &[ColumnId],
    context: &QueryContext,
    take: &mut (dyn FnMut(Batch) -> Result<Flow> + Send),
) -> Result<()> {
    let store = SpoolStore::new(Arc::clone(&context.memory), context.spill.clone(), u64::MAX);
    let store = Arc::new(store);
    let state = InOrder { next: 0, waiting: BTreeMap::new(), store, flow: Flow::Continue, take };
    let state = Mutex::new(state);
    run(plan, output, context, Arc::new(OrderedSink { state: &state }))
}

/// Runs a plan into a sink that takes batches on all threads at once, in no order.
///
/// # Errors
/// As [`execute`], and those of the sink.
pub fn execute_into(
    plan: &Plan,
    output: &[ColumnId],
    context: &QueryContext,
    sink: &dyn BatchSink,
) -> Result<()> {
    run(plan, output, context, Arc::new(Unordered { sink }))
}

/// Runs a plan into a sink of any kind.
pub(crate) fn run<'s>(
    plan: &Plan,
    output: &[ColumnId],
    context: &QueryContext,
    sink: Arc<dyn Sink + 's>,
) -> Result<()> {
    let names = plan.column_names();
    let shown = output.iter().map(|id| names.get(id).cloned().unwrap_or_else(|| id.to_string()));
    let description = Description::of_result(shown);
    let id = context.profile.add(context.purpose.to_string(), description, None);
    let mut builder = Builder::below(context, id, names);
    let stream = builder.build_exactly(plan, output)?;
    builder.end_in(stream, sink, id);
    let answer = schedule::run(&builder.pipelines, context);
    if let Some(counters) = context.profile.counters(id) {
        counters.bytes_spilled.store(context.spill.bytes_written(), Ordering::Relaxed);
    }
    answer
}

/// Keeps everything.
#[derive(Default)]
struct Collect {
    morsels: Mutex<MorselBatches>,
}

impl Sink for Collect {
    fn worker<'a>(&'a self, _: &'a QueryContext) -> Result<Box<dyn SinkWorker + 'a>> {
        Ok(Box::new(CollectWorker { shared: self, morsels: MorselBatches::default() }))
    }
}

struct CollectWorker<'a> {
    shared: &'a Collect,
    morsels: MorselBatches,
}

impl SinkWorker for CollectWorker<'_> {
    fn consume(&mut self, place: usize, batch: Batch) -> Result<Flow> {
        self.morsels.push(place, batch);
        Ok(Flow::Continue)
    }

    fn combine(mut self: Box<Self>) -> Result<()> {
        lock(&self.shared.morsels).append(&mut self.morsels);
        Ok(())
    }
}

/// Hands batches on in the order of their morsels.
struct OrderedSink<'s, 't> {
    state: &'s Mutex<InOrder<'t>>,
}

struct InOrder<'t> {
    /// The first morsel that is not at its end.
    next: usize,
    /// Batches of later morsels, and whether the morsel is at its end.
    waiting: BTreeMap<usize, (Arc<Spool>, bool)>,
    /// Where those wait.
    store: Arc<SpoolStore>,
    flow: Flow,
    take: &'t mut (dyn FnMut(Batch) -> Result<Flow> + Send),
}

impl InOrder<'_> {
    /// What waits of a morsel.
    fn at(&mut self, place: usize) -> &mut (Arc<Spool>, bool) {
        let InOrder { waiting, store, .. } = self;
        waiting.entry(place).or_insert_with(|| (store.spool(), false))
    }

    fn give(&mut self, batch: Batch) -> Result<()> {
        if !self.flow.is_stop() {
            self.flow = (self.take)(batch)?;
        }
        Ok(())
    }

    /// Hands on what waits at the front.
    fn advance(&mut self) -> Result<()> {
        while let Some((waiting, ended)) = self.waiting.remove(&self.next) {
            for index in 0..waiting.batches() {
                if let Some(batch) = waiting.batch(index)? {
                    self.give(batch)?;
                }
            }
            if !ended {
                break;
            }
            self.next += 1;
        }
        Ok(())
    }
}

impl Sink for OrderedSink<'_, '_> {
    fn worker<'a>(&'a self, _: &'a QueryContext) -> Result<Box<dyn SinkWorker + 'a>> {
        Ok(Box::new(OrderedWorker { state: self.state }))
    }
}

struct OrderedWorker<'a, 't> {
    state: &'a Mutex<InOrder<'t>>,
}

impl SinkWorker for OrderedWorker<'_, '_> {
    fn consume(&mut self, place: usize, batch: Batch) -> Result<Flow> {
        let mut state = lock(self.state);
        if place == state.next {
            state.give(batch)?;
        } else {
            state.at(place).0.append(batch)?;
        }
        Ok(state.flow)
    }

    fn end_morsel(&mut self, place: usize) -> Result<Flow> {
        let mut state = lock(self.state);
        state.at(place).1 = true;
        state.advance()?;
        Ok(state.flow)
    }

    fn combine(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// Hands batches on as they come.
struct Unordered<'s> {
    sink: &'s dyn BatchSink,
}

impl Sink for Unordered<'_> {
    fn worker<'a>(&'a self, _: &'a QueryContext) -> Result<Box<dyn SinkWorker + 'a>> {
        Ok(Box::new(UnorderedWorker(self.sink.worker()?)))
    }
}

struct UnorderedWorker<'a>(Box<dyn BatchWorker + 'a>);

impl SinkWorker for UnorderedWorker<'_> {
    fn consume(&mut self, _: usize, batch: Batch) -> Result<Flow> {
        self.0.consume(batch)
    }

    fn combine(self: Box<Self>) -> Result<()> {
        self.0.finish()
    }
}
