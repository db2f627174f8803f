//! System functions about streams, pipes, tasks, and the task that runs.

use std::sync::Arc;

use firn_account::catalog::{Action, Object};
use firn_types::{Error, ErrorCode, Result};

use super::{IntrospectionContext, kind};
use crate::task::TaskContext;

/// The functions.
pub(super) const NAMES: [&str; 10] = [
    "SYSTEM$CURRENT_USER_TASK_NAME",
    "SYSTEM$GET_PREDECESSOR_RETURN_VALUE",
    "SYSTEM$GET_TASK_GRAPH_CONFIG",
    "SYSTEM$PIPE_FORCE_RESUME",
    "SYSTEM$PIPE_STATUS",
    "SYSTEM$SET_RETURN_VALUE",
    "SYSTEM$STREAM_GET_TABLE_TIMESTAMP",
    "SYSTEM$STREAM_HAS_DATA",
    "SYSTEM$TASK_DEPENDENTS_ENABLE",
    "SYSTEM$TASK_RUNTIME_INFO",
];

/// Those about the task that runs.
const OF_TASK: [&str; 5] = [
    "SYSTEM$CURRENT_USER_TASK_NAME",
    "SYSTEM$GET_PREDECESSOR_RETURN_VALUE",
    "SYSTEM$GET_TASK_GRAPH_CONFIG",
    "SYSTEM$SET_RETURN_VALUE",
    "SYSTEM$TASK_RUNTIME_INFO",
];

/// The answer of one of [`NAMES`].
///
/// # Errors
/// Outside of a task, and for what a task is not asked.
pub(super) fn answer(
    context: &IntrospectionContext,
    name: &str,
    arguments: &[Option<String>],
) -> Result<Option<String>> {
    match (name, arguments) {
        ("SYSTEM$STREAM_HAS_DATA", [Some(stream)]) => {
            return kind::has_data(context, stream).map(|has| Some(has.to_string()));
        }
        ("SYSTEM$STREAM_GET_TABLE_TIMESTAMP", [Some(stream)]) => {
            return kind::offset_nanos(context, stream).map(|nanos| Some(nanos.to_string()));
        }
        ("SYSTEM$PIPE_STATUS", [Some(pipe)]) => {
            return kind::pipe_status(context, pipe).map(Some);
        }
        // The second argument says that whoever owns it now knows what it does.
        ("SYSTEM$PIPE_FORCE_RESUME", [Some(pipe), ..]) => {
            return kind::resume_pipe(context, pipe).map(Some);
        }
        ("SYSTEM$TASK_DEPENDENTS_ENABLE", [Some(task)]) => {
            let root = context.task(task)?;
            context.catalog.authorize(Action::Operate, &Object::Task(Arc::clone(&root)))?;
            crate::task::enable_dependents(&context.shared, &root)?;
            return Ok(Some("Statement executed successfully.".to_string()));
        }
        _ => {}
    }
    if !OF_TASK.contains(&name) {
        let text = format!("not enough arguments for function [{name}]");
        return Err(Error::new(ErrorCode::NotEnoughArguments, text));
    }
    let Some(task) = &context.task else {
        // What runs outside of a task has no name.
        if name == "SYSTEM$CURRENT_USER_TASK_NAME" {
            return Ok(None);
        }
        let text = format!("Function {name} must be called from within a task.");
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    };
    let first = arguments.first().and_then(Option::as_deref);
    match name {
        "SYSTEM$CURRENT_USER_TASK_NAME" => Ok(Some(task.full_name.clone())),
        "SYSTEM$GET_PREDECESSOR_RETURN_VALUE" => returned(task, first),
        "SYSTEM$GET_TASK_GRAPH_CONFIG" => config(task, first),
        "SYSTEM$SET_RETURN_VALUE" => {
            *task.value.lock() = first.map(str::to_string);
            Ok(Some("Return value set".to_string()))
        }
        _ => runtime_info(task, first),
    }
}

/// What a task before this one has returned: the only one, or the named one.
fn returned(task: &TaskContext, name: Option<&str>) -> Result<Option<String>> {
    let found = match name {
        Some(name) => task.returned.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)),
        None if task.returned.len() > 1 => {
            let text = "The name of a predecessor is required, since the task has several.";
            return Err(Error::new(ErrorCode::NotEnoughArguments, text));
        }
        None => task.returned.first(),
    };
    match found {
        Some((_, value)) => Ok(value.clone()),
        None => {
            let text = "The task has no such predecessor.";
            Err(Error::new(ErrorCode::InvalidParameterValue, text))
        }
    }
}

/// The graph's configuration, or what is at a path of it.
fn config(task: &TaskContext, path: Option<&str>) -> Result<Option<String>> {
    let Some(config) = &task.config else { return Ok(None) };
    let Some(path) = path else { return Ok(Some(config.clone())) };
    let unreadable = |_| Error::internal("a configuration that is no JSON");
    let mut value: serde_json::Value = serde_json::from_str(config).map_err(unreadable)?;
    for part in path.split('.') {
        value = match value {
            serde_json::Value::Object(mut members) => match members.remove(part) {
                Some(member) => member,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
    }
    Ok(match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}

fn runtime_info(task: &TaskContext, fact: Option<&str>) -> Result<Option<String>> {
    let moment = |nanos: i64| {
        chrono::DateTime::from_timestamp_nanos(nanos).format("%Y-%m-%d %H:%M:%S%.3f").to_string()
    };
    match fact {
        Some("CURRENT_TASK_NAME") => Ok(Some(task.name.clone())),
        Some("CURRENT_ROOT_TASK_NAME") => Ok(Some(task.root_name.clone())),
        Some("CURRENT_TASK_GRAPH_ORIGINAL_SCHEDULED_TIMESTAMP" | "SCHEDULED_TIMESTAMP") => {
            Ok(Some(moment(task.scheduled_nanos)))
        }
        other => {
            let text = format!(
                "invalid value [{}] for function SYSTEM$TASK_RUNTIME_INFO",
                other.unwrap_or("NULL")
            );
            Err(Error::new(ErrorCode::InvalidParameterValue, text))
        }
    }
}
