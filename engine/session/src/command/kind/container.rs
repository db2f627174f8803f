//! Databases and schemas.

use firn_account::catalog::{Database, Header, Object, ObjectKind, Schema};
use firn_parse::ast::{CreateObject, StatementOption, TableLifetime};
use firn_types::Result;

use super::{KindHandler, changed, set_comment};
use crate::command::definition::{retention_days, text_option};
use crate::command::option_table::{
    COLLATION, COMMENT, CREATE, EXTENSION, NEVER, OptionDefinition, RETENTION, Takes, done, missing,
};
use crate::lifecycle::StatementContext;

const OPTIONS: &[OptionDefinition] = &[
    COMMENT,
    RETENTION,
    EXTENSION,
    COLLATION,
    missing("CATALOG", NEVER),
    missing("EXTERNAL_VOLUME", NEVER),
    missing("LOG_LEVEL", NEVER),
    missing("REPLACE_INVALID_CHARACTERS", NEVER),
    missing("STORAGE_SERIALIZATION_POLICY", NEVER),
    missing("SUSPEND_TASK_AFTER_NUM_FAILURES", NEVER),
    missing("TASK_AUTO_RETRY_ATTEMPTS", NEVER),
    missing("TRACE_LEVEL", NEVER),
    missing("USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE", NEVER),
    missing("USER_TASK_TIMEOUT_MS", NEVER),
    done("WITH_MANAGED_ACCESS", Takes::Boolean, CREATE),
];

/// What is done with databases.
pub(super) const DATABASE: KindHandler = KindHandler {
    kind: ObjectKind::Database,
    options: OPTIONS,
    create: Some(database),
    set: Some(set),
    unset: Some(unset),
};

/// What is done with schemas.
pub(super) const SCHEMA: KindHandler =
    KindHandler { kind: ObjectKind::Schema, create: Some(schema), ..DATABASE };

/// The days of time travel among some options.
fn days(options: &[StatementOption]) -> Result<Option<u32>> {
    let days = options.iter().find(|option| option.name == "DATA_RETENTION_TIME_IN_DAYS");
    days.map(retention_days).transpose()
}

fn database(_: &StatementContext, ast: &CreateObject, header: Header) -> Result<Object> {
    let transient = ast.lifetime == TableLifetime::Transient;
    let retention_days = days(&ast.options)?;
    Ok(Database { transient, retention_days, ..Database::new(header) }.into())
}

fn schema(_: &StatementContext, ast: &CreateObject, header: Header) -> Result<Object> {
    let transient = ast.lifetime == TableLifetime::Transient;
    let retention_days = days(&ast.options)?;
    let managed_access = text_option(&ast.options, "WITH_MANAGED_ACCESS").is_some();
    Ok(Schema { transient, retention_days, managed_access, ..Schema::new(header) }.into())
}

fn set(_: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let days = days(options)?;
    match object {
        Object::Database(database) => changed(database, |database| {
            set_comment(&mut database.header, options);
            database.retention_days = days.or(database.retention_days);
            Ok(())
        }),
        Object::Schema(schema) => changed(schema, |schema| {
            set_comment(&mut schema.header, options);
            schema.retention_days = days.or(schema.retention_days);
            Ok(())
        }),
        _ => Err(super::another()),
    }
}

fn unset(object: &Object, has: &dyn Fn(&str) -> bool) -> Result<Object> {
    let (comment, retention) = (has("COMMENT"), has("DATA_RETENTION_TIME_IN_DAYS"));
    let object = if comment { object.with_comment("") } else { object.clone() };
    match &object {
        Object::Database(database) if retention => changed(database, |database| {
            database.retention_days = None;
            Ok(())
        }),
        Object::Schema(schema) if retention => changed(schema, |schema| {
            schema.retention_days = None;
            Ok(())
        }),
        _ => Ok(object),
    }
}
