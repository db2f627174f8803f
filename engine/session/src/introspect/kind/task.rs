//! What is told of tasks.

use firn_account::catalog::{Namespace, Object, Task};
use firn_types::{ObjectId, Result, Value};

use super::another;
use crate::introspect::ddl::{Writer, quoted};
use crate::introspect::listing::{Listing, optional, text, time, true_false};
use crate::introspect::show::ShowContext;

const TASKS: &str = "created_on:time, name, id, database_name, schema_name, owner, comment, \
                     warehouse, schedule, predecessors, state, definition, condition, \
                     allow_overlapping_execution, error_integration, last_committed_on:time, \
                     last_suspended_on:time, owner_role_type, config, budget, task_relations, \
                     last_suspended_reason, success_integration, scheduling_mode, \
                     target_completion_interval, execute_as_user";

/// SHOW TASKS.
pub(super) fn show(show: &ShowContext<'_>) -> Result<Listing> {
    let mut listing = show.listing(TASKS);
    for found in show.scoped_objects(Namespace::Task)? {
        let Object::Task(task) = &found.object else { continue };
        let header = &task.header;
        let engine = show.catalog.as_engine();
        let full = |id: &ObjectId| engine.full_name(*id);
        let before: Vec<String> = task.after.iter().map(full).collect();
        let cells = [
            ("created_on", time(header.created_nanos)),
            ("name", text(header.name.as_str())),
            ("kind", text("TASK")),
            ("id", text(header.id.to_string())),
            ("database_name", text(found.place.database())),
            ("schema_name", text(found.place.schema())),
            ("owner", show.owner(header)),
            ("comment", text(header.comment.as_str())),
            ("warehouse", optional(task.warehouse.as_deref())),
            ("schedule", optional(task.schedule.as_deref())),
            ("predecessors", text(json_list(&before))),
            ("state", text(if task.started { "started" } else { "suspended" })),
            ("definition", text(task.body.as_str())),
            ("condition", optional(task.condition.as_deref())),
            ("allow_overlapping_execution", true_false(false)),
            ("error_integration", text("null")),
            ("last_committed_on", time(header.altered_nanos)),
            ("last_suspended_on", task.suspended_nanos.map_or(Value::Null, time)),
            ("owner_role_type", text("ROLE")),
            ("config", optional(task.config.as_deref())),
            ("task_relations", text(relations(task, &before, &full))),
            ("last_suspended_reason", optional(task.suspended_reason.as_deref())),
        ];
        show.add(&mut listing, &header.name, &cells);
    }
    Ok(listing)
}

fn json_list(names: &[String]) -> String {
    serde_json::Value::from(names).to_string()
}

/// How a task stands to the others of its graph, as JSON.
fn relations(task: &Task, before: &[String], full: &dyn Fn(&ObjectId) -> String) -> String {
    let mut relations = serde_json::Map::new();
    relations.insert("Predecessors".to_string(), before.into());
    if let Some(root) = &task.finalizes {
        relations.insert("FinalizedRootTask".to_string(), full(root).into());
    }
    serde_json::Value::from(relations).to_string()
}

/// The statement that makes a task again.
pub(super) fn define(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let Object::Task(task) = object else { return Err(another()) };
    let engine = writer.context.catalog.as_engine();
    let mut statement = format!("create or replace task {}", writer.name(&task.header));
    let mut add = |line: String| {
        statement.push_str("\n\t");
        statement.push_str(&line);
    };
    if let Some(warehouse) = &task.warehouse {
        add(format!("warehouse={}", firn_types::Identifier::to_sql(warehouse)));
    }
    if let Some(schedule) = &task.schedule {
        add(format!("schedule={}", quoted(schedule)));
    }
    if let Some(config) = &task.config {
        add(format!("config={}", quoted(config)));
    }
    for (name, value) in &task.options {
        let bare = value.parse::<f64>().is_ok()
            || matches!(value.to_uppercase().as_str(), "TRUE" | "FALSE");
        add(format!("{name}={}", if bare { value.clone() } else { quoted(value) }));
    }
    if !task.header.comment.is_empty() {
        add(format!("COMMENT={}", quoted(&task.header.comment)));
    }
    let name = |id: &ObjectId| engine.object(*id).map(|other| writer.name(other.header()));
    if let Some(root) = task.finalizes.as_ref().and_then(name) {
        add(format!("finalize={root}"));
    }
    if !task.after.is_empty() {
        let before: Vec<String> = task.after.iter().filter_map(name).collect();
        add(format!("after {}", before.join(", ")));
    }
    if let Some(condition) = &task.condition {
        add(format!("when {condition}"));
    }
    add(format!("as {};", task.body));
    Ok(statement)
}
