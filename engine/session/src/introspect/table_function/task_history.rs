//! TASK_HISTORY and its kin: runs of tasks that have ended, and those that come next.

use std::sync::Arc;

use firn_account::catalog::{Object, Task};
use firn_storage::format::v1::TaskRun;
use firn_types::{Error, ErrorCode, Result, Value};

use super::super::IntrospectionContext;
use super::super::listing::{Cell, Listing, number, optional, text, time};
use super::{Arguments, add_missing, history_start};
use crate::task::graph::Graph;
use crate::task::next_of;

pub(super) const COLUMNS: &str = "QUERY_ID, NAME, DATABASE_NAME, SCHEMA_NAME, QUERY_TEXT, CONDITION_TEXT, STATE, \
     ERROR_CODE, ERROR_MESSAGE, SCHEDULED_TIME:time, QUERY_START_TIME:time, NEXT_SCHEDULED_TIME:time, \
     COMPLETED_TIME:time, ROOT_TASK_ID, GRAPH_VERSION:number, RUN_ID:number, RETURN_VALUE, SCHEDULED_FROM, \
     ATTEMPT_NUMBER:number, CONFIG, QUERY_HASH, QUERY_HASH_VERSION:number, QUERY_PARAMETERIZED_HASH, \
     QUERY_PARAMETERIZED_HASH_VERSION:number, GRAPH_RUN_GROUP_ID:number, BACKFILL_INFO";

pub(super) const PARAMETERS: &[&str] = &[
    "SCHEDULED_TIME_RANGE_START",
    "SCHEDULED_TIME_RANGE_END",
    "RESULT_LIMIT",
    "TASK_NAME",
    "ERROR_ONLY",
    "ROOT_TASK_ID",
];

pub(super) const DEPENDENTS: &[&str] = &["TASK_NAME", "RECURSIVE"];

pub(super) const DEPENDENTS_COLUMNS: &str = "CREATED_ON:time, NAME, ID, DATABASE_NAME, SCHEMA_NAME, OWNER, COMMENT, WAREHOUSE, \
     SCHEDULE, PREDECESSORS:array, STATE, DEFINITION, CONDITION, ALLOW_OVERLAPPING_EXECUTION, ERROR_INTEGRATION, \
     LAST_COMMITTED_ON:time, LAST_SUSPENDED_ON:time";

/// Nanoseconds in a millisecond, which runs are counted in.
const NANOS_PER_MS: i64 = 1_000_000;

/// TASK_HISTORY.
pub(super) fn rows(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let limit = arguments.limit()?;
    let in_range = arguments.range("SCHEDULED_TIME_RANGE_START", "SCHEDULED_TIME_RANGE_END")?;
    let name = arguments.text("TASK_NAME")?.map(str::to_uppercase);
    let root = arguments.text("ROOT_TASK_ID")?;
    let errors_only = arguments.boolean("ERROR_ONLY")?.unwrap_or(false);
    let named = |task: &str| name.as_ref().is_none_or(|name| *name == task.to_uppercase());
    let mut left = limit;
    if !errors_only {
        for task in started(context) {
            let Some(next) = next_of(&task) else { continue };
            let wanted = in_range(next) && named(&task.header.name);
            if wanted && root.is_none_or(|root| root == task.header.id.to_string()) && left > 0 {
                left -= 1;
                listing.add(&planned(context, &task, next));
            }
        }
    }
    let since = history_start(context);
    let wants = |run: &TaskRun| {
        in_range(run.scheduled_nanos)
            && named(&run.name[2])
            && root.is_none_or(|root| root == run.task[1].to_string())
            && (!errors_only || run.state == "FAILED")
            && may_see(context, run)
    };
    for run in runs(context, since, limit, wants)?.into_iter().take(left) {
        listing.add(&cells(context, &run));
    }
    Ok(())
}

/// The newest runs since a time: of this process, and those that others have written.
fn runs(
    context: &IntrospectionContext,
    since_nanos: i64,
    limit: usize,
    wants: impl Fn(&TaskRun) -> bool,
) -> Result<Vec<TaskRun>> {
    let mut runs = context.shared.tasks.runs.newest_first();
    runs.retain(|run| run.ended_nanos >= since_nanos && wants(run));
    let written = context.shared.archive.tasks(since_nanos, limit, wants)?;
    add_missing(&mut runs, written, |run| run.ended_nanos);
    runs.sort_by_key(|run| std::cmp::Reverse((run.scheduled_nanos, run.ended_nanos)));
    Ok(runs)
}

/// Whether the session may see the runs of a task: those of tasks that it sees, and for who monitors all.
fn may_see(context: &IntrospectionContext, run: &TaskRun) -> bool {
    let catalog = &context.catalog;
    let task = catalog.object(firn_types::ObjectId(run.task[0]));
    catalog.holds_on_account("MONITOR EXECUTION") || task.is_some_and(|task| catalog.sees(task))
}

/// Root tasks that run by a schedule.
fn started(context: &IntrospectionContext) -> Vec<Arc<Task>> {
    let tasks = context.catalog.all().filter_map(Object::as_task);
    let live = |task: &&Arc<Task>| task.started && context.catalog.is_live(task.header.id);
    tasks.filter(live).cloned().collect()
}

fn planned<'a>(context: &IntrospectionContext, task: &Task, next: i64) -> Vec<Cell<'a>> {
    let path = context.catalog.path_of(&task.header).ok();
    let (database, schema) = path.map(|path| (path.database, path.schema)).unwrap_or_default();
    vec![
        ("NAME", text(task.header.name.as_str())),
        ("DATABASE_NAME", text(database)),
        ("SCHEMA_NAME", text(schema)),
        ("QUERY_TEXT", text(task.body.as_str())),
        ("CONDITION_TEXT", optional(task.condition.as_deref())),
        ("STATE", text("SCHEDULED")),
        ("SCHEDULED_TIME", time(next)),
        ("ROOT_TASK_ID", text(task.header.id.to_string())),
        ("GRAPH_VERSION", number(1)),
        ("SCHEDULED_FROM", text("SCHEDULE")),
        ("CONFIG", optional(task.config.as_deref())),
    ]
}

fn cells<'a>(context: &IntrospectionContext, run: &TaskRun) -> Vec<Cell<'a>> {
    let root = context.catalog.object(firn_types::ObjectId(run.task[1]));
    let root = root.and_then(Object::as_task).filter(|root| root.started);
    let is_root = run.task[0] == run.task[1];
    let next = root.filter(|_| is_root).and_then(|root| next_of(root));
    let [database, schema, name] = run.name.clone();
    let error = |at: usize| match &run.error {
        Some((code, message)) if at == 0 => text(format!("{code:06}")),
        Some((_, message)) => text(message.as_str()),
        None => Value::Null,
    };
    vec![
        ("QUERY_ID", optional(run.query_id.as_deref())),
        ("NAME", text(name)),
        ("DATABASE_NAME", text(database)),
        ("SCHEMA_NAME", text(schema)),
        ("QUERY_TEXT", text(run.text.as_str())),
        ("CONDITION_TEXT", optional(run.condition.as_deref())),
        ("STATE", text(run.state.as_str())),
        ("ERROR_CODE", error(0)),
        ("ERROR_MESSAGE", error(1)),
        ("SCHEDULED_TIME", time(run.scheduled_nanos)),
        ("QUERY_START_TIME", run.started_nanos.map_or(Value::Null, time)),
        ("NEXT_SCHEDULED_TIME", next.map_or(Value::Null, time)),
        ("COMPLETED_TIME", time(run.ended_nanos)),
        ("ROOT_TASK_ID", text(run.task[1].to_string())),
        ("GRAPH_VERSION", number(1)),
        ("RUN_ID", number(run.scheduled_nanos / NANOS_PER_MS)),
        ("RETURN_VALUE", optional(run.value.as_deref())),
        ("SCHEDULED_FROM", text(run.reason.as_str())),
        ("ATTEMPT_NUMBER", number(run.attempt)),
        ("CONFIG", optional(run.config.as_deref())),
        ("GRAPH_RUN_GROUP_ID", number(run.scheduled_nanos / NANOS_PER_MS)),
    ]
}

/// TASK_DEPENDENTS: a task, and those that run after it.
pub(super) fn dependents(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let missing = || Error::new(ErrorCode::NotEnoughArguments, "TASK_NAME is required");
    let name = arguments.text("TASK_NAME")?.ok_or_else(missing)?;
    let task = context.task(name)?;
    let recursive = arguments.boolean("RECURSIVE")?.unwrap_or(true);
    let catalog = context.catalog.as_engine();
    for other in Graph::of(&catalog, &task).tasks() {
        let direct = other.after.contains(&task.header.id)
            || other.finalizes == Some(task.header.id)
            || other.header.id == task.header.id;
        if !recursive && !direct {
            continue;
        }
        let header = &other.header;
        let path = catalog.path_of(header)?;
        let before = other.after.iter().map(|id| catalog.full_name(*id));
        let before: Vec<serde_json::Value> = before.map(Into::into).collect();
        listing.add(&[
            ("CREATED_ON", time(header.created_nanos)),
            ("NAME", text(header.name.as_str())),
            ("ID", text(header.id.to_string())),
            ("DATABASE_NAME", text(path.database)),
            ("SCHEMA_NAME", text(path.schema)),
            ("OWNER", text(catalog.name_of(header.owner))),
            ("COMMENT", text(header.comment.as_str())),
            ("WAREHOUSE", optional(other.warehouse.as_deref())),
            ("SCHEDULE", optional(other.schedule.as_deref())),
            ("PREDECESSORS", super::super::listing::variant(&before.into())?),
            ("STATE", text(if other.started { "started" } else { "suspended" })),
            ("DEFINITION", text(other.body.as_str())),
            ("CONDITION", optional(other.condition.as_deref())),
            ("ALLOW_OVERLAPPING_EXECUTION", text("false")),
            ("LAST_COMMITTED_ON", time(header.altered_nanos)),
            ("LAST_SUSPENDED_ON", other.suspended_nanos.map_or(Value::Null, time)),
        ]);
    }
    Ok(())
}
