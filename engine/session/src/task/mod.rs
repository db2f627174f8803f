//! Tasks that run by themselves: which are due, and the threads that run them.
//!
//! Who runs a graph of tasks has a claim on it, so that of several processes one does. What has ended of a run is
//! in the account: the mark of a statement that writes is part of its own commit. So a process that takes over
//! from one that was killed goes on where that one has come to, and runs no such statement twice.

pub(crate) mod graph;
pub(crate) mod home;
pub(crate) mod keep;
mod looks;
mod pool;
mod run;
pub(crate) mod schedule;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use firn_account::catalog::{Object, Rights, Task, VisibleCatalog};
use firn_account::{Catalog, CatalogChange, SessionSpace};
use firn_storage::format::v1::{AlertRun, RefreshRun, TaskRun};
use firn_types::{Error, ErrorCode, ObjectId, Result};
use parking_lot::Mutex;

use crate::alert;
use crate::directory;
use crate::dynamic_table;
use crate::engine::Shared;
use crate::external;
use crate::pipe;
use looks::Looks;
use pool::Pool;
use schedule::Schedule;

pub(crate) use pool::spawn;
pub(crate) use run::condition_holds;

/// How often tasks are looked for that are due.
const TICK: Duration = Duration::from_millis(500);
/// Runs of tasks that are remembered beside the history's files.
const RUNS_MAX: usize = 10_000;
/// Nanoseconds between two runs of a task that a stream triggers, at least.
const TRIGGER_INTERVAL: i64 = 30_000_000_000;

/// What a statement knows of the task that it is the body of.
#[derive(Debug, Default)]
pub(crate) struct TaskContext {
    /// Database, schema and name, with dots between them.
    pub(crate) full_name: String,
    /// The name alone.
    pub(crate) name: String,
    /// The root task's name.
    pub(crate) root_name: String,
    /// The configuration of the graph's run.
    pub(crate) config: Option<String>,
    /// What the tasks before it have returned, by their names.
    pub(crate) returned: Vec<(String, Option<String>)>,
    /// For when the run was due: nanoseconds since 1970 UTC.
    pub(crate) scheduled_nanos: i64,
    /// What it returns itself.
    pub(crate) value: Mutex<Option<String>>,
}

/// The tasks of an engine.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    /// Runs that have ended in this process.
    pub(crate) runs: Recent<TaskRun>,
    /// Refreshes of dynamic tables in this process.
    pub(crate) refreshes: Recent<RefreshRun>,
    /// Runs of alerts that have ended in this process.
    pub(crate) alerts: Recent<AlertRun>,
    /// When pipes and directory tables look for files again.
    pub(crate) looks: Looks,
    pool: Pool,
    /// Whether the process is to run no more of them.
    stopping: AtomicBool,
}

/// The last so many of what has ended.
#[derive(Debug)]
pub(crate) struct Recent<T>(Mutex<VecDeque<T>>);

impl<T> Default for Recent<T> {
    fn default() -> Recent<T> {
        Recent(Mutex::default())
    }
}

impl<T: Clone> Recent<T> {
    /// Adds one, and forgets the oldest where there are too many.
    pub(crate) fn push(&self, one: T) {
        let mut all = self.0.lock();
        if all.len() == RUNS_MAX {
            all.pop_front();
        }
        all.push_back(one);
    }

    /// All of them, the newest first.
    pub(crate) fn newest_first(&self) -> Vec<T> {
        self.0.lock().iter().rev().cloned().collect()
    }
}

/// What runs on a thread of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// The graph of a root task.
    Graph(ObjectId),
    /// The dynamic tables that are due, one after the other: they read each other.
    Refreshes,
    /// An alert.
    Alert(ObjectId),
    /// A directory table that follows its files.
    Directory(ObjectId),
    /// An external table that follows its files.
    External(ObjectId),
    /// A pipe that has files to load, or looks for some.
    Pipe(ObjectId),
}

impl Job {
    /// Runs it, if nobody else does; tells how many graphs, tables, alerts or loads that were.
    ///
    /// # Errors
    /// `Storage` when the account cannot be read or written.
    fn run(self, shared: &Arc<Shared>) -> Result<usize> {
        match self {
            Job::Graph(root) => run::run_graph(shared, root).map(usize::from),
            Job::Refreshes => dynamic_table::run_due(shared),
            Job::Alert(id) => alert::run(shared, id).map(usize::from),
            Job::Directory(id) => directory::run(shared, id).map(usize::from),
            Job::External(id) => external::run(shared, id).map(usize::from),
            Job::Pipe(id) => pipe::run(shared, id),
        }
    }
}

impl Tasks {
    /// Waits for the runs that have begun in this process, and those that wait behind them.
    pub(crate) fn finish(&self) {
        self.pool.finish();
    }

    /// Whether no more of them are to begin.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Ends the thread that looks for due tasks, and waits for what runs.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.finish();
    }
}

/// Runs a graph now, if nobody else does.
///
/// # Errors
/// `Storage` when the account cannot be read or written.
pub(crate) fn run_now(shared: &Arc<Shared>, root: ObjectId) -> Result<bool> {
    run::run_graph(shared, root)
}

/// What is due now; of pipes all, or those whose time to look has come.
fn due(shared: &Arc<Shared>, all: bool) -> Vec<Job> {
    let now = shared.account.clock().now_nanos();
    let catalog = seen(&shared.account.catalog());
    let due = roots(&catalog).filter(|root| is_due(shared, root, now));
    let mut jobs: Vec<Job> = due.map(|root| Job::Graph(root.header.id)).collect();
    if dynamic_table::due(&catalog, now).next().is_some() {
        jobs.push(Job::Refreshes);
    }
    jobs.extend(alert::due(&catalog, now).into_iter().map(Job::Alert));
    jobs.extend(directory::due(shared, &catalog, all).into_iter().map(Job::Directory));
    jobs.extend(external::due(shared, &catalog, all).into_iter().map(Job::External));
    jobs.extend(pipe::due(shared, &catalog, all).into_iter().map(Job::Pipe));
    jobs
}

/// Runs all that is due, one after the other; tells how many graphs, tables, alerts and loads.
///
/// # Errors
/// `Storage` when the account cannot be read or written, which ends it; any other keeps nothing else from running.
pub(crate) fn run_due(shared: &Arc<Shared>) -> Result<usize> {
    shared.account.refresh()?;
    let (mut count, mut failed) = (0, None);
    for job in due(shared, true) {
        match (job, job.run(shared)) {
            (_, Ok(done)) => count += done,
            // What files are out of reach a pipe tells by its status.
            (Job::Pipe(_) | Job::Directory(_) | Job::External(_), Err(_)) => {}
            (_, Err(error)) if error.code() == ErrorCode::Storage => return Err(error),
            (_, Err(error)) if of_others(&error) => {}
            (_, Err(error)) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(count), Err)
}

/// Whether an error says that others have dropped or changed what was to be run.
fn of_others(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::ObjectNotFound | ErrorCode::LockTimeout)
}

/// Looks for due tasks from now on, until the engine is stopped.
pub(crate) fn start(shared: &Arc<Shared>) {
    let engine = Arc::downgrade(shared);
    let work = move || {
        while let Some(shared) = engine.upgrade() {
            if shared.tasks.is_stopping() {
                return;
            }
            // A store that does not answer now may do so at the next look.
            _ = shared.account.refresh();
            // What runs now looks itself whether there is more to do.
            let due = due(&shared, false).into_iter();
            due.filter(|job| !shared.tasks.pool.runs(*job)).for_each(|job| spawn(&shared, job));
            drop(shared);
            std::thread::sleep(TICK);
        }
    };
    // Without a thread nothing runs by itself, as in a process that was not asked to.
    _ = std::thread::Builder::new().name("firn-tasks".to_string()).spawn(work);
}

/// Resumes a task and all that run after it.
///
/// # Errors
/// `LockTimeout` when others change them meanwhile; `Storage`.
pub(crate) fn enable_dependents(shared: &Arc<Shared>, root: &Arc<Task>) -> Result<()> {
    let account = &shared.account;
    let mut transaction = account.begin(&SessionSpace::new(shared.new_session_id()));
    let graph = graph::Graph::of(&seen(&transaction.catalog()), root);
    for task in graph.tasks().filter(|task| !task.started) {
        let mut task = task.as_ref().clone();
        task.started = true;
        task.resumed_nanos = account.clock().now_nanos();
        task.suspended_reason = None;
        transaction.apply(CatalogChange::alter(task))?;
    }
    transaction.commit_unnoted()
}

/// When the next task is due by its schedule: nanoseconds since 1970 UTC.
pub(crate) fn next_nanos(catalog: &VisibleCatalog) -> Option<i64> {
    roots(catalog).filter(|root| root.started).filter_map(|root| next_of(root)).min()
}

/// When a task is due next by its schedule: nanoseconds since 1970 UTC.
pub(crate) fn next_of(task: &Task) -> Option<i64> {
    let schedule = Schedule::parse(task.schedule.as_deref()?).ok()?;
    schedule.next(counted_from(task))
}

/// From when on a task's schedule counts.
fn counted_from(task: &Task) -> i64 {
    task.resumed_nanos.max(task.progress.scheduled_nanos)
}

/// A version of the account with nothing hidden.
pub(crate) fn seen(catalog: &Catalog) -> VisibleCatalog {
    VisibleCatalog::new(catalog.clone(), Arc::new(Rights::of_engine()))
}

fn roots(catalog: &VisibleCatalog) -> impl Iterator<Item = &Arc<Task>> {
    let live = |task: &&Arc<Task>| catalog.is_live(task.header.id) && task.is_root();
    catalog.all().filter_map(Object::as_task).filter(live)
}

/// Whether a graph has something to do.
fn is_due(shared: &Arc<Shared>, root: &Arc<Task>, now_nanos: i64) -> bool {
    let progress = &root.progress;
    progress.run.is_some()
        || progress.requested.is_some()
        || root.started && due_time(shared, root, now_nanos).is_some()
}

/// The time for which a started task is due: that of its schedule, or now when a stream triggers it.
fn due_time(shared: &Arc<Shared>, root: &Arc<Task>, now_nanos: i64) -> Option<i64> {
    match &root.schedule {
        Some(text) => Schedule::parse(text).ok()?.last_due(counted_from(root), now_nanos),
        None => {
            let rested =
                now_nanos.saturating_sub(root.progress.scheduled_nanos) >= TRIGGER_INTERVAL;
            let triggered = root.condition.is_some()
                && rested
                && condition_holds(shared, root).unwrap_or(false);
            triggered.then_some(now_nanos)
        }
    }
}
