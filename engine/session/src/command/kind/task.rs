//! Tasks.

use firn_account::catalog::{ACCOUNT, Namespace, Object, ObjectKind, Task};
use firn_parse::ast::StatementOption;
use firn_types::{Error, ErrorCode, Result};

use super::{KindHandler, another, changed, invalid, set_comment, set_pairs, value_text};
use crate::command::option_table::{
    COMMENT, EVERYWHERE, NEVER, OptionDefinition, Takes, done, missing, shown,
};
use crate::command::task::{check_graph, finalized, refuse_running_graph};
use crate::lifecycle::StatementContext;
use crate::task::schedule::Schedule;

const OPTIONS: &[OptionDefinition] = &[
    missing("ALLOW_OVERLAPPING_EXECUTION", "FALSE"),
    COMMENT,
    done("CONFIG", Takes::Text, EVERYWHERE),
    missing("ERROR_INTEGRATION", NEVER),
    done("FINALIZE", Takes::Name, EVERYWHERE),
    missing("LOG_LEVEL", NEVER),
    missing("OVERLAP_POLICY", "NO_OVERLAP"),
    done("SCHEDULE", Takes::Text, EVERYWHERE),
    missing("SERVERLESS_TASK_MAX_STATEMENT_SIZE", NEVER),
    missing("SERVERLESS_TASK_MIN_STATEMENT_SIZE", NEVER),
    missing("SUCCESS_INTEGRATION", NEVER),
    done("SUSPEND_TASK_AFTER_NUM_FAILURES", Takes::Number(0, i64::MAX), EVERYWHERE),
    missing("TARGET_COMPLETION_INTERVAL", NEVER),
    done("TASK_AUTO_RETRY_ATTEMPTS", Takes::Number(0, 30), EVERYWHERE),
    missing("USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS", "30"),
    shown("USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE", Takes::Name, EVERYWHERE),
    done("USER_TASK_TIMEOUT_MS", Takes::Number(0, 604_800_000), EVERYWHERE),
    done("WAREHOUSE", Takes::Name, EVERYWHERE),
];
/// Options that are no entries of `Task::options`.
const FIELDS: [&str; 5] = ["COMMENT", "CONFIG", "FINALIZE", "SCHEDULE", "WAREHOUSE"];
/// Parameters of sessions that a task's session cannot have.
const REFUSED: [&str; 2] = ["AUTOCOMMIT", "SEARCH_PATH"];

/// What is done with tasks; CREATE is in a file of its own.
pub(super) const HANDLER: KindHandler = KindHandler {
    kind: ObjectKind::Task,
    options: OPTIONS,
    create: None,
    set: Some(set),
    unset: Some(unset),
};

fn set(running: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::Task(task) = object else { return Err(another()) };
    refuse_running_graph(running, task)?;
    changed(task, |task| {
        set_comment(&mut task.header, options);
        set_options(running, task, options)?;
        check_graph(&running.catalog(), task)
    })
}

fn unset(object: &Object, has: &dyn Fn(&str) -> bool) -> Result<Object> {
    let Object::Task(task) = object else { return Err(another()) };
    changed(task, |task| {
        if has("COMMENT") {
            task.header.comment.clear();
        }
        if has("CONFIG") {
            task.config = None;
        }
        if has("FINALIZE") {
            task.finalizes = None;
        }
        if has("SCHEDULE") {
            task.schedule = None;
        }
        if has("WAREHOUSE") {
            task.warehouse = None;
        }
        task.options.retain(|(name, _)| !has(name));
        Ok(())
    })
}

/// Gives a task what some options say.
///
/// # Errors
/// When a value does not fit.
pub(in crate::command) fn set_options(
    running: &StatementContext,
    task: &mut Task,
    options: &[StatementOption],
) -> Result<()> {
    for option in options {
        let text = option.value.as_text().unwrap_or_default();
        match option.name.as_str() {
            "CONFIG" => {
                check_config(Some(&text))?;
                task.config = Some(text);
            }
            "FINALIZE" => task.finalizes = Some(finalized(running, &task.header, option)?),
            "SCHEDULE" => {
                Schedule::parse(&text).map_err(|error| error.at(option.span).without_span())?;
                task.schedule = Some(text);
            }
            "WAREHOUSE" => task.warehouse = Some(warehouse(running, option)?),
            name if REFUSED.contains(&name) => {
                let text = format!("Parameter {name} cannot be set on a task.");
                return Err(Error::new(ErrorCode::InvalidParameterValue, text).at(option.span));
            }
            name if !FIELDS.contains(&name) => {
                let pair = (name.to_string(), value_text(&option.value));
                set_pairs(&mut task.options, [pair]);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Refuses a configuration that is no JSON object.
///
/// # Errors
/// When it is none.
pub(in crate::command) fn check_config(config: Option<&str>) -> Result<()> {
    let Some(config) = config else { return Ok(()) };
    match serde_json::from_str::<serde_json::Value>(config) {
        Ok(serde_json::Value::Object(_)) => Ok(()),
        _ => {
            let text = "invalid value for parameter 'CONFIG': it takes a JSON object";
            Err(Error::new(ErrorCode::InvalidParameterValue, text))
        }
    }
}

/// The name of a warehouse that there is.
pub(super) fn warehouse(running: &StatementContext, option: &StatementOption) -> Result<String> {
    let name = option.value.as_name().ok_or_else(|| invalid(option))?.object().name.clone();
    let catalog = running.catalog();
    match catalog.find(Namespace::Warehouse, ACCOUNT, &name) {
        Some(_) => Ok(name),
        None => Err(catalog.not_found(ObjectKind::Warehouse, ACCOUNT, &name).at(option.span)),
    }
}
