//! Runs pipelines: morsels from a shared counter, on the warehouse's threads.
//!
//! A phase with one morsel runs on the caller's thread. Between morsels every worker looks whether another
//! worker failed, whether the sink has enough, and whether others wait for its thread; with every batch it
//! looks whether the statement was canceled.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use firn_column::Batch;
use firn_types::{Error, Result};

use crate::context::{QueryContext, lock};
use crate::operator::{Flow, SinkWorker, TransformWorker};
use crate::pipeline::{Branch, Pipeline, Pipelines};
use crate::profile::{OperatorId, Stopwatch};
use crate::worker_pool::{Slice, Turn};

/// Runs all pipelines in order.
pub(crate) fn run(pipelines: &Pipelines<'_>, context: &QueryContext) -> Result<()> {
    pipelines.pipelines.iter().try_for_each(|pipeline| run_pipeline(pipeline, context))
}

fn run_pipeline(pipeline: &Pipeline<'_>, context: &QueryContext) -> Result<()> {
    let mut first_morsel = 0;
    let last_phase = pipeline.branches.iter().map(|branch| branch.phase).max().unwrap_or(0);
    for phase in 0..=last_phase {
        let branches = pipeline.branches.iter().filter(|branch| branch.phase == phase);
        let mut state = Phase::open(branches, pipeline, first_morsel, context)?;
        state.run(context)?;
        first_morsel += state.morsels;
        if *state.stop.get_mut() {
            break;
        }
    }
    let mut stopwatch = Stopwatch::start(&context.profile, pipeline.sink.id);
    let result = pipeline.sink.operator.finalize(context);
    stopwatch.switch(pipeline.sink.id);
    result.map_err(|error| context.profile.error_of(pipeline.sink.id, error))
}

/// The branches that run at the same time, and what their workers share.
struct Phase<'a> {
    branches: Vec<OpenLeg<'a>>,
    pipeline: &'a Pipeline<'a>,
    /// The number of this phase's first morsel within the pipeline.
    first_morsel: usize,
    morsels: usize,
    next: AtomicUsize,
    stop: AtomicBool,
    error: Mutex<Option<Error>>,
}

struct OpenLeg<'a> {
    branch: &'a Branch,
    /// The phase's morsels before this branch's.
    start: usize,
    end: usize,
}

impl<'a> Phase<'a> {
    fn open(
        branches: impl Iterator<Item = &'a Branch>,
        pipeline: &'a Pipeline<'a>,
        first_morsel: usize,
        context: &QueryContext,
    ) -> Result<Phase<'a>> {
        let mut open = Vec::new();
        let mut morsels = 0;
        for branch in branches {
            let count = branch.source.operator.open(context)?;
            open.push(OpenLeg { branch, start: morsels, end: morsels + count });
            morsels += count;
        }
        Ok(Phase {
            branches: open,
            pipeline,
            first_morsel,
            morsels,
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            error: Mutex::new(None),
        })
    }

    fn run(&mut self, context: &QueryContext) -> Result<()> {
        if self.morsels == 0 {
            return Ok(());
        }
        let serial = self.branches.iter().any(|branch| branch.branch.serial);
        let threads = if serial { 1 } else { context.threads() };
        let workers = threads.min(self.morsels);
        if workers <= 1 {
            let mut worker = self.worker(context)?;
            while self.next_morsel(&mut worker, context)? {}
            return worker.sink.combine();
        }
        context.pool.take_turns(
            workers,
            |worker, slice| self.turn(worker, slice, context),
            || self.stop.store(true, Ordering::Release),
        );
        let error = self.error.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        error.take().map_or(Ok(()), Err)
    }

    /// One worker's turn; a worker is made when its first turn comes.
    fn turn<'w>(
        &'w self,
        worker: Option<Worker<'w>>,
        slice: &Slice<'_>,
        context: &'w QueryContext,
    ) -> Turn<Worker<'w>> {
        match self.try_turn(worker, slice, context) {
            Ok(turn) => turn,
            Err(error) => {
                self.stop.store(true, Ordering::Release);
                lock(&self.error).get_or_insert(error);
                Turn::Done
            }
        }
    }

    fn try_turn<'w>(
        &'w self,
        worker: Option<Worker<'w>>,
        slice: &Slice<'_>,
        context: &'w QueryContext,
    ) -> Result<Turn<Worker<'w>>> {
        let mut worker = match worker {
            Some(mut worker) => {
                worker.stopwatch.wake();
                worker
            }
            None => self.worker(context)?,
        };
        while self.next_morsel(&mut worker, context)? {
            if slice.is_over() {
                worker.stopwatch.rest();
                return Ok(Turn::Over(worker));
            }
        }
        worker.stopwatch.switch(self.pipeline.sink.id);
        worker.sink.combine()?;
        Ok(Turn::Done)
    }

    fn worker<'w>(&'w self, context: &'w QueryContext) -> Result<Worker<'w>> {
        Ok(Worker {
            sink: self.pipeline.sink.operator.worker(context)?,
            sink_id: self.pipeline.sink.id,
            transforms: Vec::new(),
            branch: usize::MAX,
            stopwatch: Stopwatch::start(&context.profile, self.pipeline.sink.id),
        })
    }

    /// Works on the next morsel; false when there is none, or no more are wanted.
    fn next_morsel<'w>(
        &'w self,
        worker: &mut Worker<'w>,
        context: &'w QueryContext,
    ) -> Result<bool> {
        if self.stop.load(Ordering::Acquire) {
            return Ok(false);
        }
        context.check()?;
        let morsel = self.next.fetch_add(1, Ordering::Relaxed);
        if morsel >= self.morsels {
            return Ok(false);
        }
        let branch = self.branches.partition_point(|branch| branch.end <= morsel);
        if branch == self.branches.len() {
            return Ok(false);
        }
        worker.enter_leg(branch, self.branches[branch].branch, context)?;
        let open = &self.branches[branch];
        let flow = worker.run_morsel(open, morsel, self.first_morsel + morsel, context);
        let flow =
            flow.map_err(|error| context.profile.error_of(worker.stopwatch.current(), error))?;
        if flow.is_stop() {
            self.stop.store(true, Ordering::Release);
        }
        Ok(true)
    }
}

/// What one thread owns while it works on a phase.
struct Worker<'a> {
    sink: Box<dyn SinkWorker + 'a>,
    sink_id: OperatorId,
    transforms: Vec<OpenTransform<'a>>,
    branch: usize,
    stopwatch: Stopwatch<'a>,
}

struct OpenTransform<'a> {
    worker: Box<dyn TransformWorker + 'a>,
    id: OperatorId,
}

impl<'a> Worker<'a> {
    fn enter_leg(
        &mut self,
        index: usize,
        branch: &'a Branch,
        context: &'a QueryContext,
    ) -> Result<()> {
        if self.branch == index {
            return Ok(());
        }
        let open = branch
            .transforms
            .iter()
            .map(|step| Ok(OpenTransform { worker: step.operator.worker(context)?, id: step.id }));
        self.transforms = open.collect::<Result<_>>()?;
        self.branch = index;
        Ok(())
    }

    fn run_morsel(
        &mut self,
        open: &OpenLeg<'_>,
        morsel: usize,
        place: usize,
        context: &'a QueryContext,
    ) -> Result<Flow> {
        let Worker { sink, sink_id, transforms, stopwatch, .. } = self;
        transforms.iter_mut().for_each(|transform| transform.worker.begin(place));
        let source_id = open.branch.source.id;
        let mut rest =
            Rest { transforms, sink: sink.as_mut(), sink_id: *sink_id, place, stopwatch, context };
        rest.stopwatch.switch(source_id);
        let mut flow =
            open.branch.source.operator.read(morsel - open.start, context, &mut |batch| {
                rest.stopwatch.count_out(source_id, &batch);
                // After an error the clock stays with the operator that it is of.
                let flow = rest.push(batch)?;
                rest.stopwatch.switch(source_id);
                Ok(flow)
            })?;
        if !flow.is_stop() {
            flow = rest.flush()?;
        }
        rest.stopwatch.switch(rest.sink_id);
        let end = rest.sink.end_morsel(place)?;
        rest.stopwatch.publish_if_due();
        Ok(if flow.is_stop() { flow } else { end })
    }
}

/// What follows an operator: the transforms after it and the sink.
struct Rest<'r, 'a> {
    transforms: &'r mut [OpenTransform<'a>],
    sink: &'r mut (dyn SinkWorker + 'a),
    sink_id: OperatorId,
    /// The number of the morsel within the pipeline.
    place: usize,
    stopwatch: &'r mut Stopwatch<'a>,
    context: &'a QueryContext,
}

impl Rest<'_, '_> {
    fn push(&mut self, batch: Batch) -> Result<Flow> {
        self.context.check()?;
        let rows_max = self.context.batch_rows_max.max(1);
        if batch.rows() <= rows_max {
            return self.push_whole(batch);
        }
        for start in (0..batch.rows()).step_by(rows_max) {
            let rows = rows_max.min(batch.rows() - start);
            let flow = self.push_whole(batch.slice(start, rows))?;
            if flow.is_stop() {
                return Ok(flow);
            }
        }
        Ok(Flow::Continue)
    }

    fn push_whole(&mut self, batch: Batch) -> Result<Flow> {
        if batch.rows() == 0 {
            return Ok(Flow::Continue);
        }
        let Some((first, transforms)) = self.transforms.split_first_mut() else {
            self.stopwatch.switch(self.sink_id);
            self.stopwatch.count_in(self.sink_id, &batch);
            return self.sink.consume(self.place, batch);
        };
        let id = first.id;
        self.stopwatch.switch(id);
        self.stopwatch.count_in(id, &batch);
        let mut rest = Rest {
            transforms,
            sink: &mut *self.sink,
            sink_id: self.sink_id,
            place: self.place,
            stopwatch: &mut *self.stopwatch,
            context: self.context,
        };
        first.worker.process(batch, &mut |batch| rest.push_from(id, batch))
    }

    fn push_from(&mut self, id: OperatorId, batch: Batch) -> Result<Flow> {
        self.stopwatch.count_out(id, &batch);
        let flow = self.push(batch)?;
        self.stopwatch.switch(id);
        Ok(flow)
    }

    /// Lets every transform give what it held back, in order.
    fn flush(&mut self) -> Result<Flow> {
        for index in 0..self.transforms.len() {
            let (before, transforms) = self.transforms.split_at_mut(index + 1);
            let Some(current) = before.last_mut() else { break };
            let id = current.id;
            self.stopwatch.switch(id);
            let mut rest = Rest {
                transforms,
                sink: &mut *self.sink,
                sink_id: self.sink_id,
                place: self.place,
                stopwatch: &mut *self.stopwatch,
                context: self.context,
            };
            if current.worker.flush(&mut |batch| rest.push_from(id, batch))?.is_stop() {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }
}
