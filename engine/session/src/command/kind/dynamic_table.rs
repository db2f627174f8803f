//! Dynamic tables.

use std::sync::Arc;

use firn_account::catalog::{Object, ObjectKind};
use firn_parse::ast::StatementOption;
use firn_types::{Error, Result};

use super::{KindHandler, another, changed};
use crate::command::dynamic_table::set_options;
use crate::command::option_table::{
    COMMENT, CREATE, EXTENSION, NEVER, OptionDefinition, RETENTION, SETTABLE, Takes, done, missing,
};
use crate::lifecycle::StatementContext;

const OPTIONS: &[OptionDefinition] = &[
    COMMENT,
    RETENTION,
    done("INITIALIZE", Takes::Word(&["ON_CREATE", "ON_SCHEDULE"]), CREATE),
    missing("INITIALIZATION_WAREHOUSE", NEVER),
    EXTENSION,
    done("REFRESH_MODE", Takes::Word(&["AUTO", "FULL", "INCREMENTAL"]), CREATE),
    done("TARGET_LAG", Takes::Anything, SETTABLE),
    done("WAREHOUSE", Takes::Name, SETTABLE),
];

/// What is done with dynamic tables; CREATE is in a file of its own.
pub(super) const HANDLER: KindHandler = KindHandler {
    kind: ObjectKind::DynamicTable,
    options: OPTIONS,
    create: None,
    set: Some(set),
    unset: Some(unset),
};

fn set(running: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::Table(table) = object else { return Err(another()) };
    changed(table, |table| {
        let dynamic = table.dynamic.clone();
        let mut dynamic = dynamic.map(Arc::unwrap_or_clone).ok_or_else(another)?;
        set_options(running, table, &mut dynamic, options)?;
        table.dynamic = Some(Arc::new(dynamic));
        Ok(())
    })
}

fn unset(object: &Object, has: &dyn Fn(&str) -> bool) -> Result<Object> {
    let Object::Table(table) = object else { return Err(another()) };
    changed(table, |table| {
        if has("COMMENT") {
            table.header.comment.clear();
        }
        if has("DATA_RETENTION_TIME_IN_DAYS") {
            table.retention_days = None;
        }
        Ok(())
    })
}

/// Suspends or resumes a dynamic table.
///
/// # Errors
/// For another table.
pub(in crate::command) fn suspended(
    running: &StatementContext,
    object: &Object,
    suspend: bool,
) -> Result<Option<Object>> {
    let Object::Table(table) = object else { return Err(another()) };
    let Some(dynamic) = &table.dynamic else {
        return Err(Error::not_supported("SUSPEND and RESUME here"));
    };
    if dynamic.suspended == suspend {
        return Ok(None);
    }
    let mut dynamic = dynamic.as_ref().clone();
    dynamic.suspended = suspend;
    if suspend {
        dynamic.suspended_nanos = Some(running.start_nanos);
    }
    changed(table, |table| {
        table.dynamic = Some(Arc::new(dynamic));
        Ok(())
    })
    .map(Some)
}
