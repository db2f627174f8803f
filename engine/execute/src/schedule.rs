//! Runs pipelines: morsels from a shared counter, on the warehouse's threads.
//!
//! A phase with one morsel runs on the caller's thread. Between morsels every worker looks whether the
//! statement was canceled, whether another worker failed, and whether the sink has enough.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use firn_column::Batch;
use firn_types::{Error, Result};

use crate::context::QueryContext;
use crate::operator::{Flow, SinkWorker, TransformWorker};
use crate::pipeline::{Leg, Pipeline, Pipelines};
use crate::profile::{OperatorId, Stopwatch};

/// Runs all pipelines in order.
pub(crate) fn run(pipelines: &Pipelines<'_>, context: &QueryContext) -> Result<()> {
    pipelines.pipelines.iter().try_for_each(|pipeline| run_pipeline(pipeline, context))
}

fn run_pipeline(pipeline: &Pipeline<'_>, context: &QueryContext) -> Result<()> {
    let mut first_morsel = 0;
    let last_phase = pipeline.legs.iter().map(|leg| leg.phase).max().unwrap_or(0);
    for phase in 0..=last_phase {
        let legs = pipeline.legs.iter().filter(|leg| leg.phase == phase);
        let mut state = Phase::open(legs, pipeline, first_morsel, context)?;
        state.run(context)?;
        first_morsel += state.morsels;
        if *state.stop.get_mut() {
            break;
        }
    }
    let mut stopwatch = Stopwatch::start(&context.profile, pipeline.sink.id);
    let result = pipeline.sink.operator.finalize(context);
    stopwatch.switch(pipeline.sink.id);
    result
}

/// The legs that run at the same time, and what their workers share.
struct Phase<'a> {
    legs: Vec<OpenLeg<'a>>,
    pipeline: &'a Pipeline<'a>,
    /// The number of this phase's first morsel within the pipeline.
    first_morsel: usize,
    morsels: usize,
    next: AtomicUsize,
    stop: AtomicBool,
    error: Mutex<Option<Error>>,
}

struct OpenLeg<'a> {
    leg: &'a Leg,
    /// The phase's morsels before this leg's.
    start: usize,
    end: usize,
}

impl<'a> Phase<'a> {
    fn open(
        legs: impl Iterator<Item = &'a Leg>,
        pipeline: &'a Pipeline<'a>,
        first_morsel: usize,
        context: &QueryContext,
    ) -> Result<Phase<'a>> {
        let mut open = Vec::new();
        let mut morsels = 0;
        for leg in legs {
            let count = leg.source.operator.open(context)?;
            open.push(OpenLeg { leg, start: morsels, end: morsels + count });
            morsels += count;
        }
        Ok(Phase {
            legs: open,
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
        let serial = self.legs.iter().any(|leg| leg.leg.serial);
        let threads = if serial { 1 } else { context.threads() };
        let workers = threads.min(self.morsels);
        if workers <= 1 {
            return self.work(context);
        }
        context.pool.scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|_| self.work_and_tell(context));
            }
        });
        let error = self.error.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        error.take().map_or(Ok(()), Err)
    }

    fn work_and_tell(&self, context: &QueryContext) {
        if let Err(error) = self.work(context) {
            self.stop.store(true, Ordering::Release);
            let mut first = self.error.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            first.get_or_insert(error);
        }
    }

    /// One worker: takes morsels until there are none.
    fn work(&self, context: &QueryContext) -> Result<()> {
        let mut worker = Worker {
            sink: self.pipeline.sink.operator.worker(context)?,
            sink_id: self.pipeline.sink.id,
            transforms: Vec::new(),
            leg: usize::MAX,
            stopwatch: Stopwatch::start(&context.profile, self.pipeline.sink.id),
        };
        while !self.stop.load(Ordering::Acquire) {
            context.check()?;
            let morsel = self.next.fetch_add(1, Ordering::Relaxed);
            if morsel >= self.morsels {
                break;
            }
            let found = self.legs.iter().position(|leg| morsel < leg.end);
            let Some(leg) = found else { break };
            worker.enter_leg(leg, self.legs[leg].leg, context)?;
            let open = &self.legs[leg];
            if worker.run_morsel(open, morsel, self.first_morsel + morsel, context)?.is_stop() {
                self.stop.store(true, Ordering::Release);
            }
        }
        worker.stopwatch.switch(self.pipeline.sink.id);
        worker.sink.combine()
    }
}

/// What one thread owns while it works on a phase.
struct Worker<'a> {
    sink: Box<dyn SinkWorker + 'a>,
    sink_id: OperatorId,
    transforms: Vec<OpenTransform<'a>>,
    leg: usize,
    stopwatch: Stopwatch<'a>,
}

struct OpenTransform<'a> {
    worker: Box<dyn TransformWorker + 'a>,
    id: OperatorId,
}

impl<'a> Worker<'a> {
    fn enter_leg(&mut self, index: usize, leg: &'a Leg, context: &'a QueryContext) -> Result<()> {
        if self.leg == index {
            return Ok(());
        }
        let open = leg
            .transforms
            .iter()
            .map(|step| Ok(OpenTransform { worker: step.operator.worker(context)?, id: step.id }));
        self.transforms = open.collect::<Result<_>>()?;
        self.leg = index;
        Ok(())
    }

    fn run_morsel(
        &mut self,
        open: &OpenLeg<'_>,
        morsel: usize,
        place: usize,
        context: &QueryContext,
    ) -> Result<Flow> {
        let Worker { sink, sink_id, transforms, stopwatch, .. } = self;
        transforms.iter_mut().for_each(|transform| transform.worker.begin(place));
        let source_id = open.leg.source.id;
        let mut rest = Rest {
            transforms,
            sink: sink.as_mut(),
            sink_id: *sink_id,
            place,
            stopwatch,
            batch_rows_max: context.batch_rows_max,
        };
        rest.stopwatch.switch(source_id);
        let mut flow =
            open.leg.source.operator.read(morsel - open.start, context, &mut |batch| {
                rest.stopwatch.count_out(source_id, &batch);
                let flow = rest.push(batch);
                rest.stopwatch.switch(source_id);
                flow
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
    batch_rows_max: usize,
}

impl Rest<'_, '_> {
    fn push(&mut self, batch: Batch) -> Result<Flow> {
        if batch.rows() <= self.batch_rows_max {
            return self.push_whole(batch);
        }
        for start in (0..batch.rows()).step_by(self.batch_rows_max.max(1)) {
            let rows = self.batch_rows_max.max(1).min(batch.rows() - start);
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
            batch_rows_max: self.batch_rows_max,
        };
        first.worker.process(batch, &mut |batch| rest.push_from(id, batch))
    }

    fn push_from(&mut self, id: OperatorId, batch: Batch) -> Result<Flow> {
        self.stopwatch.count_out(id, &batch);
        let flow = self.push(batch);
        self.stopwatch.switch(id);
        flow
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
                batch_rows_max: self.batch_rows_max,
            };
            if current.worker.flush(&mut |batch| rest.push_from(id, batch))?.is_stop() {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }
}
