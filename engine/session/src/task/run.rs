//! One run of a graph of tasks, from its beginning, or from where another process has left it, to its end.

use std::sync::Arc;

use firn_account::CatalogChange;
use firn_account::catalog::{
    GraphRun, Object, ObjectKind, ObjectPath, Task, TaskEnd, TaskProgress, TaskState,
};
use firn_query::bind::Binds;
use firn_storage::format::v1::TaskRun;
use firn_types::{Cancel, Error, ErrorCode, ObjectId, Result, Value};

use super::graph::{Graph, Next};
use super::home;
use super::keep::KeptClaim;
use super::{TaskContext, due_time, seen};
use crate::engine::Shared;
use crate::lifecycle::{AtCommit, StatementContext};
use crate::script::Script;
use crate::session_state::SessionHome;

/// How often a change of a task is tried that others have changed meanwhile.
const ATTEMPTS: usize = 16;
/// Failures in a row after which a task is suspended, unless it says otherwise.
const FAILURES_MAX: u32 = 10;
/// Milliseconds that a task may run, unless it says otherwise.
const TIMEOUT_MS: u64 = 3_600_000;

/// Runs the graph of a root task if something of it is due, and nobody else runs it; tells whether it did.
///
/// # Errors
/// `Storage` when the account cannot be read or written.
pub(super) fn run_graph(shared: &Arc<Shared>, root: ObjectId) -> Result<bool> {
    let job = format!("task-{root}");
    let Some(_claim) = KeptClaim::take(&shared.account, &job)? else { return Ok(false) };
    shared.account.refresh()?;
    let runner = Runner { shared, root };
    let Some(mut run) = runner.begin()? else { return Ok(false) };
    loop {
        let task = runner.task()?;
        let graph = runner.graph(&task);
        match graph.next(&run) {
            Next::Run(next) => run = runner.run_task(&task, &next, &run, &graph)?,
            Next::Skip(next) => run = runner.skip(&task, &next, &run)?,
            Next::Nothing => match runner.end(&task, run)? {
                Some(again) => run = again,
                None => return Ok(true),
            },
        }
    }
}

/// Whether a task's WHEN holds now, or it has none.
///
/// # Errors
/// When the condition cannot be computed.
pub(crate) fn condition_holds(shared: &Arc<Shared>, task: &Task) -> Result<bool> {
    let home = home_of(shared, task, TaskContext::default())?;
    holds(&home, task)
}

fn holds(home: &Arc<SessionHome>, task: &Task) -> Result<bool> {
    let Some(condition) = &task.condition else { return Ok(true) };
    let parsed = firn_parse::parse_expressions(condition)?;
    let [condition_expr] = parsed.as_slice() else {
        return Err(Error::internal("a task with several conditions"));
    };
    let mut context = StatementContext::described(home, condition);
    let text = condition.as_str().into();
    let value = Script::new(&mut context, Arc::clone(home), text).evaluated(condition_expr)?;
    Ok(match value.value {
        Value::Boolean(holds) => holds,
        Value::Text(text) => text.eq_ignore_ascii_case("true"),
        _ => false,
    })
}

/// The session that a task runs in: its owner's rights, its schema, its warehouse and parameters.
fn home_of(shared: &Arc<Shared>, task: &Task, context: TaskContext) -> Result<Arc<SessionHome>> {
    let mut state =
        home::state_of(shared, &task.header, task.warehouse.clone(), task.options.clone())?;
    let timeout = task.option("USER_TASK_TIMEOUT_MS").and_then(|ms| ms.parse().ok());
    let seconds = timeout.unwrap_or(TIMEOUT_MS).div_ceil(1_000);
    state.settings.set("STATEMENT_TIMEOUT_IN_SECONDS", &seconds.to_string())?;
    state.task = Some(Arc::new(context));
    Ok(Arc::new(SessionHome::new(state)))
}

/// The run of one graph.
struct Runner<'a> {
    shared: &'a Arc<Shared>,
    root: ObjectId,
}

impl Runner<'_> {
    fn task(&self) -> Result<Arc<Task>> {
        let catalog = self.shared.account.catalog();
        let task = catalog.object(self.root).and_then(Object::as_task).cloned();
        let task = task.filter(|_| catalog.is_live(self.root));
        task.ok_or_else(|| Error::new(ErrorCode::ObjectNotFound, "The task is gone."))
    }

    fn graph(&self, root: &Arc<Task>) -> Graph {
        Graph::of(&seen(&self.shared.account.catalog()), root)
    }

    fn now(&self) -> i64 {
        self.shared.account.clock().now_nanos()
    }

    /// The run to go on with, or a new one of what is due; none when nothing is.
    fn begin(&self) -> Result<Option<GraphRun>> {
        let now = self.now();
        let begin = |task: &Arc<Task>| -> Result<Option<(TaskProgress, GraphRun)>> {
            let mut progress = task.progress.clone();
            if let Some(run) = &progress.run {
                return Ok(Some((progress.clone(), run.clone())));
            }
            let new = |scheduled_nanos, reason: &str, config| GraphRun {
                scheduled_nanos,
                reason: reason.to_string(),
                attempt: 1,
                config,
                ended: Vec::new(),
            };
            let run = match progress.requested.take() {
                Some(request) if request.retry_last => {
                    let failed = progress.failed_run.take();
                    failed.map(|failed| self.graph(task).retried(failed))
                }
                Some(request) => Some(new(now, "EXECUTE TASK", request.config)),
                None if !task.started => None,
                None => due_time(self.shared, task, now).map(|due| {
                    progress.scheduled_nanos = due;
                    let reason = if task.schedule.is_some() { "SCHEDULE" } else { "TRIGGER" };
                    new(due, reason, None)
                }),
            };
            progress.run.clone_from(&run);
            Ok(run.map(|run| (progress, run)))
        };
        self.change(|task| {
            let Some((progress, run)) = begin(task)? else { return Ok((None, None)) };
            let change = (progress != task.progress)
                .then(|| CatalogChange::TaskProgressed { task: self.root, progress });
            Ok((change, Some(run)))
        })
    }

    /// Changes the root task; where others have changed it meanwhile, the change is made on what they left.
    fn change<T>(
        &self,
        change: impl Fn(&Arc<Task>) -> Result<(Option<CatalogChange>, T)>,
    ) -> Result<T> {
        let account = &self.shared.account;
        for _ in 0..ATTEMPTS {
            let (wanted, answer) = change(&self.task()?)?;
            let Some(wanted) = wanted else { return Ok(answer) };
            let mut transaction = account.begin(&self.space());
            transaction.apply(wanted)?;
            match transaction.commit_unnoted() {
                Ok(()) => return Ok(answer),
                Err(error) if error.code() == ErrorCode::LockTimeout => account.refresh()?,
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorCode::LockTimeout, "The task is changed by others all the time."))
    }

    fn space(&self) -> Arc<firn_account::SessionSpace> {
        firn_account::SessionSpace::new(self.shared.new_session_id())
    }

    fn run_task(
        &self,
        root: &Arc<Task>,
        task: &Arc<Task>,
        run: &GraphRun,
        graph: &Graph,
    ) -> Result<GraphRun> {
        let context = self.context_of(root, task, run, graph)?;
        let catalog = seen(&self.shared.account.catalog());
        let allowed = home::require_execute(&catalog, ObjectKind::Task, &task.header);
        let home = match allowed.and_then(|()| home_of(self.shared, task, context)) {
            Ok(home) => home,
            Err(error) => return self.failed(root, task, run, (None, None), &error),
        };
        match holds(&home, task) {
            Ok(true) => {}
            Ok(false) => return self.skip(root, task, run),
            Err(error) => return self.failed(root, task, run, (None, None), &error),
        }
        let end = TaskEnd { task: task.header.id, state: TaskState::Succeeded, value: None };
        let mark = CatalogChange::TaskEnded { root: self.root, end: end.clone() };
        let mark = Arc::new(AtCommit::new(move |_| mark.clone()));
        let mut statement =
            StatementContext::inner(&home, &task.body, Binds::default(), &Cancel::default());
        statement.at_commit = Some(Arc::clone(&mark));
        let (query_id, started) = (statement.query_id.0.clone(), self.now());
        let ran = statement.run_inside();
        let what = (Some(query_id), Some(started));
        if let Err(failure) = ran {
            let error = failure.raised();
            return self.failed(root, task, run, what, &error);
        }
        let state = home.state();
        let value = state.task.as_ref().and_then(|context| context.value.lock().clone());
        let end = TaskEnd { value, ..end };
        if !mark.is_done() {
            self.note(&end)?;
        }
        Ok(self.ended(root, task, run, end, what, None))
    }

    /// What the statement knows of its task.
    fn context_of(
        &self,
        root: &Arc<Task>,
        task: &Arc<Task>,
        run: &GraphRun,
        graph: &Graph,
    ) -> Result<TaskContext> {
        let path = self.shared.account.catalog().path_of(&task.header)?;
        let ObjectPath { database, schema, name } = &path;
        let before = graph.tasks().filter(|other| task.after.contains(&other.header.id));
        let returned = before.map(|other| {
            let end = run.ended.iter().find(|end| end.task == other.header.id);
            (other.header.name.clone(), end.and_then(|end| end.value.clone()))
        });
        Ok(TaskContext {
            full_name: format!("{database}.{schema}.{name}"),
            name: name.clone(),
            root_name: root.header.name.clone(),
            config: run.config.clone().or_else(|| root.config.clone()),
            returned: returned.collect(),
            scheduled_nanos: run.scheduled_nanos,
            value: Default::default(),
        })
    }

    fn skip(&self, root: &Arc<Task>, task: &Arc<Task>, run: &GraphRun) -> Result<GraphRun> {
        let end = TaskEnd { task: task.header.id, state: TaskState::Skipped, value: None };
        self.note(&end)?;
        let text = "Conditional expression for task evaluated to false.";
        let error = Error::new(ErrorCode::InvalidStatement, text);
        Ok(self.ended(root, task, run, end, (None, None), Some(&error)))
    }

    fn failed(
        &self,
        root: &Arc<Task>,
        task: &Arc<Task>,
        run: &GraphRun,
        what: (Option<String>, Option<i64>),
        error: &Error,
    ) -> Result<GraphRun> {
        let end = TaskEnd { task: task.header.id, state: TaskState::Failed, value: None };
        self.note(&end)?;
        Ok(self.ended(root, task, run, end, what, Some(error)))
    }

    /// Notes in the account that a task of the run has ended.
    fn note(&self, end: &TaskEnd) -> Result<()> {
        self.change(|_| {
            let change = CatalogChange::TaskEnded { root: self.root, end: end.clone() };
            Ok((Some(change), ()))
        })
    }

    /// The run with a task that has ended, which the history is told of.
    fn ended(
        &self,
        root: &Arc<Task>,
        task: &Arc<Task>,
        run: &GraphRun,
        end: TaskEnd,
        (query_id, started_nanos): (Option<String>, Option<i64>),
        error: Option<&Error>,
    ) -> GraphRun {
        let catalog = self.shared.account.catalog();
        let path = catalog.path_of(&task.header).ok();
        let (database, schema) = path.map(|path| (path.database, path.schema)).unwrap_or_default();
        let now = self.now();
        let ran = TaskRun {
            task: [task.header.id.0, self.root.0],
            name: [database, schema, task.header.name.clone()],
            owner: catalog.name_of(task.header.owner).to_string(),
            text: task.body.clone(),
            query_id,
            condition: task.condition.clone(),
            state: end.state.word().to_string(),
            error: error.map(|error| (error.code().number(), error.detail().to_string())),
            scheduled_nanos: run.scheduled_nanos,
            started_nanos,
            ended_nanos: now,
            value: end.value.clone(),
            reason: run.reason.clone(),
            attempt: run.attempt,
            config: run.config.clone().or_else(|| root.config.clone()),
        };
        if self.shared.archive.add_task(ran.clone(), now) {
            self.shared.maintenance().service().wake();
        }
        self.shared.tasks.runs.push(ran);
        let mut run = run.clone();
        run.ended.push(end);
        run
    }

    /// Ends the run; one that has failed is begun again as often as the root task says, and given back.
    fn end(&self, task: &Arc<Task>, run: GraphRun) -> Result<Option<GraphRun>> {
        let failed = run.ended.iter().any(|end| end.state == TaskState::Failed);
        let number = |name: &str| task.option(name).and_then(|value| value.parse::<u32>().ok());
        let retries = number("TASK_AUTO_RETRY_ATTEMPTS").unwrap_or(0);
        let again = failed && run.attempt <= retries;
        let next = again.then(|| self.graph(task).retried(run.clone()));
        self.change(|task| {
            let mut progress = task.progress.clone();
            progress.run.clone_from(&next);
            if !again {
                progress.failures = if failed { progress.failures.saturating_add(1) } else { 0 };
                progress.failed_run = failed.then(|| run.clone());
            }
            Ok((Some(CatalogChange::TaskProgressed { task: self.root, progress }), ()))
        })?;
        let most = number("SUSPEND_TASK_AFTER_NUM_FAILURES").unwrap_or(FAILURES_MAX);
        let suspends = !again && failed && most > 0 && self.task()?.progress.failures >= most;
        if suspends {
            self.change(|task| {
                let mut task = task.as_ref().clone();
                task.started = false;
                task.suspended_nanos = Some(self.now());
                task.suspended_reason = Some("SUSPENDED_DUE_TO_ERRORS".to_string());
                Ok((Some(CatalogChange::alter(task)), ()))
            })?;
        }
        Ok(next)
    }
}
