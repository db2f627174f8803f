//! Tasks.

use firn_storage::format::v1;
use firn_types::{ObjectId, Result};

use super::corrupt;
use super::object::{header_from, header_to};
use crate::catalog::{GraphRun, Task, TaskEnd, TaskProgress, TaskRequest, TaskState};

const STATES: [TaskState; 3] = [TaskState::Succeeded, TaskState::Failed, TaskState::Skipped];

pub(super) fn task_to(task: &Task) -> v1::Task {
    let Task { header, after, finalizes, progress, .. } = task;
    v1::Task {
        header: header_to(header),
        body: task.body.clone(),
        warehouse: task.warehouse.clone(),
        schedule: task.schedule.clone(),
        after: after.iter().map(|id| id.0).collect(),
        finalizes: finalizes.map(|id| id.0),
        condition: task.condition.clone(),
        config: task.config.clone(),
        options: task.options.clone(),
        started: task.started,
        resumed_nanos: task.resumed_nanos,
        suspended_nanos: task.suspended_nanos,
        suspended_reason: task.suspended_reason.clone(),
        progress: progress_to(progress),
    }
}

pub(super) fn task_from(task: v1::Task) -> Result<Task> {
    Ok(Task {
        header: header_from(task.header),
        body: task.body,
        warehouse: task.warehouse,
        schedule: task.schedule,
        after: task.after.into_iter().map(ObjectId).collect(),
        finalizes: task.finalizes.map(ObjectId),
        condition: task.condition,
        config: task.config,
        options: task.options,
        started: task.started,
        resumed_nanos: task.resumed_nanos,
        suspended_nanos: task.suspended_nanos,
        suspended_reason: task.suspended_reason,
        progress: progress_from(task.progress)?,
    })
}

pub(super) fn progress_to(progress: &TaskProgress) -> v1::TaskProgress {
    let request = progress.requested.as_ref();
    v1::TaskProgress {
        scheduled_nanos: progress.scheduled_nanos,
        failures: progress.failures,
        requested: request.is_some(),
        retry_last: request.is_some_and(|request| request.retry_last),
        requested_config: request.and_then(|request| request.config.clone()),
        run: progress.run.as_ref().map(run_to),
        failed_run: progress.failed_run.as_ref().map(run_to),
    }
}

pub(super) fn progress_from(progress: v1::TaskProgress) -> Result<TaskProgress> {
    let request =
        TaskRequest { retry_last: progress.retry_last, config: progress.requested_config };
    Ok(TaskProgress {
        scheduled_nanos: progress.scheduled_nanos,
        failures: progress.failures,
        requested: progress.requested.then_some(request),
        run: progress.run.map(run_from).transpose()?,
        failed_run: progress.failed_run.map(run_from).transpose()?,
    })
}

/// A task's end as it is persisted.
type StoredEnd = (u64, String, Option<String>);

pub(super) fn end_to(end: &TaskEnd) -> StoredEnd {
    (end.task.0, end.state.word().to_lowercase(), end.value.clone())
}

pub(super) fn end_from((task, state, value): StoredEnd) -> Result<TaskEnd> {
    let known = STATES.into_iter().find(|known| known.word().eq_ignore_ascii_case(&state));
    let state = known.ok_or_else(|| corrupt("state of a task"))?;
    Ok(TaskEnd { task: ObjectId(task), state, value })
}

fn run_to(run: &GraphRun) -> v1::GraphRun {
    v1::GraphRun {
        scheduled_nanos: run.scheduled_nanos,
        reason: run.reason.clone(),
        attempt: run.attempt,
        config: run.config.clone(),
        ended: run.ended.iter().map(end_to).collect(),
    }
}

fn run_from(run: v1::GraphRun) -> Result<GraphRun> {
    Ok(GraphRun {
        scheduled_nanos: run.scheduled_nanos,
        reason: run.reason,
        attempt: run.attempt,
        config: run.config,
        ended: run.ended.into_iter().map(end_from).collect::<Result<_>>()?,
    })
}
