//! CREATE TASK, the forms of ALTER TASK that only tasks have, and EXECUTE TASK.

use std::sync::Arc;

use firn_account::CatalogChange;
use firn_account::catalog::{
    Action, Header, Namespace, Object, ObjectKind, Task, TaskProgress, TaskRequest, VisibleCatalog,
};
use firn_parse::ast::{CreateTask, ExecuteTask, Name, StatementOption, TaskChange};
use firn_service::Housekeeping;
use firn_types::{Error, ErrorCode, ObjectId, Result};

use super::kind::task;
use super::option_table::{self, Place};
use crate::find::{live, place};
use crate::lifecycle::StatementContext;
use crate::result::Rows;
use crate::task::Job;
use crate::task::graph::{GRAPH_TASKS_MAX, Graph, root_of};
use crate::task::home::require_execute;

/// Tasks that a task may run after, and that may run after it.
const NEIGHBOURS_MAX: usize = 100;

/// Creates a task, which runs when it is resumed.
///
/// # Errors
/// When an option is wrong, a task that it runs after does not exist, or the name is taken.
pub(super) fn create(running: &mut StatementContext, ast: &CreateTask) -> Result<Rows> {
    option_table::check(ObjectKind::Task, Place::Create, &ast.options)?;
    let path = running.path(&ast.name, "CREATE TASK")?;
    let schema = running.catalog().resolve_schema(&path)?;
    let header = running.header(schema, &path.name, &ast.options);
    let task = match &ast.clone {
        Some(clone) => {
            if clone.at.is_some() {
                return Err(Error::not_supported("CREATE TASK .. CLONE .. AT"));
            }
            let source = found(running, &clone.source)?;
            let progress = TaskProgress::default();
            Task { header, started: false, progress, ..source.as_ref().clone() }
        }
        None => new_task(running, ast, header)?,
    };
    check_graph(&running.catalog(), &task)?;
    running.create_object(task.into(), ast.mode)
}

fn new_task(running: &StatementContext, ast: &CreateTask, header: Header) -> Result<Task> {
    let after = ast.after.iter().map(|name| neighbour(running, &header, name));
    let mut new = Task {
        after: after.collect::<Result<_>>()?,
        body: ast.body.clone(),
        warehouse: None,
        schedule: None,
        finalizes: None,
        condition: ast.condition.clone(),
        config: None,
        options: Vec::new(),
        started: false,
        resumed_nanos: running.start_nanos,
        suspended_nanos: None,
        suspended_reason: None,
        progress: TaskProgress::default(),
        header,
    };
    task::set_options(running, &mut new, &ast.options)?;
    Ok(new)
}

/// The task that another one of the same schema names.
pub(super) fn neighbour(
    running: &StatementContext,
    header: &Header,
    name: &Name,
) -> Result<ObjectId> {
    let task = found(running, name)?;
    if task.header.parent != header.parent {
        let text = "All tasks in a task graph must be in the same schema.";
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(name.span()));
    }
    Ok(task.header.id)
}

fn found(running: &StatementContext, name: &Name) -> Result<Arc<Task>> {
    let place = place(running, ObjectKind::Task, name)?;
    let catalog = running.catalog();
    match live(&catalog, ObjectKind::Task, &place) {
        Some(Object::Task(task)) => Ok(task),
        _ => Err(catalog.not_found(ObjectKind::Task, place.parent, &place.name)),
    }
}

/// Refuses what is no graph, or too large.
///
/// # Errors
/// A task with both a schedule and others before it; one that runs after itself; too many of them.
pub(super) fn check_graph(catalog: &VisibleCatalog, task: &Task) -> Result<()> {
    let refuse = |text: &str| Err(Error::new(ErrorCode::InvalidStatement, text));
    let child = !task.after.is_empty() || task.finalizes.is_some();
    if child && task.schedule.is_some() {
        return refuse("Task cannot have both a schedule and predecessors.");
    }
    if !task.after.is_empty() && task.finalizes.is_some() {
        return refuse("A finalizer task cannot have predecessors.");
    }
    if child && task.config.is_some() {
        return refuse("Only the root task of a graph can have a CONFIG.");
    }
    let siblings = catalog.as_engine();
    let all = siblings.children(Namespace::Task, task.header.parent);
    let all = || all.iter().filter_map(|object| object.as_task());
    if task.after.len() > NEIGHBOURS_MAX {
        return refuse("A task cannot have more than 100 predecessors.");
    }
    for before in &task.after {
        let others = all().filter(|other| other.after.contains(before)).count();
        if others >= NEIGHBOURS_MAX {
            return refuse("A task cannot have more than 100 child tasks.");
        }
    }
    if let Some(root) = task.finalizes {
        let taken =
            all().any(|other| other.finalizes == Some(root) && other.header.id != task.header.id);
        if taken {
            return refuse("A task graph can have one finalizer task only.");
        }
    }
    // Whoever comes to it from one of those before it would go in a circle.
    let mut next = task.after.clone();
    let mut seen = Vec::new();
    while let Some(id) = next.pop() {
        if id == task.header.id {
            return refuse("A task graph must not have a circle.");
        }
        if seen.contains(&id) {
            continue;
        }
        seen.push(id);
        if seen.len() > GRAPH_TASKS_MAX {
            return refuse("A task graph cannot have more than 1000 tasks.");
        }
        next.extend(siblings.object(id).and_then(Object::as_task).map_or(&[][..], |t| &t.after));
    }
    Ok(())
}

/// ALTER TASK .. ADD AFTER, REMOVE AFTER, MODIFY AS, MODIFY WHEN, REMOVE WHEN.
///
/// # Errors
/// When a task does not exist, or the graph would be none.
pub(super) fn altered(
    running: &StatementContext,
    task: &Arc<Task>,
    change: &TaskChange,
) -> Result<Object> {
    let mut new = task.as_ref().clone();
    let named = |names: &[Name]| -> Result<Vec<ObjectId>> {
        names.iter().map(|name| neighbour(running, &task.header, name)).collect()
    };
    match change {
        TaskChange::AddAfter(names) => {
            let more = named(names)?;
            new.after.retain(|id| !more.contains(id));
            new.after.extend(more);
        }
        TaskChange::RemoveAfter(names) => {
            let less = named(names)?;
            new.after.retain(|id| !less.contains(id));
        }
        TaskChange::Body(body) => new.body.clone_from(body),
        TaskChange::Condition(condition) => new.condition.clone_from(condition),
    }
    refuse_running_graph(running, task)?;
    check_graph(&running.catalog(), &new)?;
    Ok(new.into())
}

/// Refuses to change a graph whose root task is started.
///
/// # Errors
/// When it is.
pub(super) fn refuse_running_graph(running: &StatementContext, task: &Arc<Task>) -> Result<()> {
    let catalog = running.catalog().as_engine();
    match root_of(&catalog, task) {
        Some(root) if root.started => {
            let text = format!(
                "Unable to update graph with root task {} since that root task is not suspended.",
                catalog.full_name(root.header.id)
            );
            Err(Error::new(ErrorCode::InvalidStatement, text))
        }
        _ => Ok(()),
    }
}

/// The task resumed or suspended; none when it is so already.
pub(super) fn set_started(
    running: &StatementContext,
    task: &Arc<Task>,
    started: bool,
) -> Result<Option<Object>> {
    if task.started == started {
        return Ok(None);
    }
    if started {
        require_execute(&running.catalog(), ObjectKind::Task, &task.header)?;
    }
    if started && !task.is_root() {
        refuse_running_graph(running, task)?;
    }
    if started && task.is_root() && task.schedule.is_none() && task.condition.is_none() {
        let catalog = running.catalog().as_engine();
        let graph = Graph::of(&catalog, task);
        if graph.tasks().count() == 1 {
            let text = format!(
                "Task {} cannot be resumed: it has neither a schedule nor a condition.",
                task.header.name
            );
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
    }
    let mut new = task.as_ref().clone();
    new.started = started;
    if started {
        new.resumed_nanos = running.start_nanos;
        new.suspended_reason = None;
    } else {
        new.suspended_nanos = Some(running.start_nanos);
        new.suspended_reason = Some("USER_SUSPENDED".to_string());
    }
    Ok(Some(new.into()))
}

/// Asks for a run of a graph, whether its root task is started or not.
///
/// # Errors
/// When there is no such task, it has others before it, or there is no failed run to go on with.
pub(super) fn execute(running: &mut StatementContext, ast: &ExecuteTask) -> Result<Rows> {
    let task = found(running, &ast.name)?;
    running.catalog().authorize(Action::Operate, &Object::Task(Arc::clone(&task)))?;
    require_execute(&running.catalog(), ObjectKind::Task, &task.header)?;
    if !task.is_root() {
        let text = format!("Cannot execute task {}: it is not a root task.", task.header.name);
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(ast.name.span()));
    }
    if ast.retry_last && task.progress.failed_run.is_none() {
        let text = format!(
            "Cannot perform retry: the last graph run of task {} did not fail.",
            task.header.name
        );
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(ast.name.span()));
    }
    task::check_config(ast.config.as_deref())?;
    let mut progress = task.progress.clone();
    progress.requested =
        Some(TaskRequest { retry_last: ast.retry_last, config: ast.config.clone() });
    let id = task.header.id;
    running.change(vec![CatalogChange::TaskProgressed { task: id, progress }])?;
    let shared = &running.session.shared;
    match shared.options.housekeeping {
        Housekeeping::Inline => _ = crate::task::run_now(shared, id)?,
        Housekeeping::Background => crate::task::spawn(shared, Job::Graph(id)),
    }
    let text = format!("Task {} is scheduled to run immediately.", task.header.name);
    Ok(Rows::status(text))
}

/// The root task that FINALIZE names.
///
/// # Errors
/// When it names none.
pub(super) fn finalized(
    running: &StatementContext,
    header: &Header,
    option: &StatementOption,
) -> Result<ObjectId> {
    let name = option.value.as_name().ok_or_else(|| super::kind::invalid(option))?;
    let id = neighbour(running, header, &Name::Plain(name))?;
    let catalog = running.catalog().as_engine();
    match catalog.object(id).and_then(Object::as_task) {
        Some(root) if root.is_root() => Ok(id),
        _ => {
            let text = "FINALIZE must name the root task of a graph.";
            Err(Error::new(ErrorCode::InvalidStatement, text).at(option.span))
        }
    }
}
