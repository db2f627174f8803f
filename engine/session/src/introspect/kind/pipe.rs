//! What is told of pipes.

use std::sync::Arc;

use firn_account::CatalogChange;
use firn_account::SessionSpace;
use firn_account::catalog::{Action, Namespace, Object, ObjectKind, Pipe, Place};
use firn_types::{Result, Value};
use serde_json::json;

use super::another;
use crate::introspect::IntrospectionContext;
use crate::introspect::ddl::{Writer, quoted};
use crate::introspect::listing::{Listing, optional, text, time};
use crate::introspect::show::ShowContext;

const PIPES: &str = "created_on:time, name, database_name, schema_name, definition, owner, \
                     notification_channel, comment, integration, pattern, error_integration, \
                     owner_role_type, invalid_reason, kind";

/// SHOW PIPES.
pub(super) fn show(show: &ShowContext<'_>) -> Result<Listing> {
    let mut listing = show.listing(PIPES);
    for found in show.scoped_objects(Namespace::Pipe)? {
        let Object::Pipe(pipe) = &found.object else { continue };
        let header = &pipe.header;
        let cells = [
            ("created_on", time(header.created_nanos)),
            ("name", text(header.name.as_str())),
            ("database_name", text(found.place.database())),
            ("schema_name", text(found.place.schema())),
            ("definition", text(pipe.definition.as_str())),
            ("owner", show.owner(header)),
            ("notification_channel", Value::Null),
            ("comment", text(header.comment.as_str())),
            ("integration", optional(pipe.option("INTEGRATION"))),
            ("pattern", optional(pipe.pattern.as_deref())),
            ("error_integration", optional(pipe.option("ERROR_INTEGRATION"))),
            ("owner_role_type", text("ROLE")),
            ("invalid_reason", Value::Null),
            ("kind", text("STAGE")),
        ];
        show.add(&mut listing, &header.name, &cells);
    }
    Ok(listing)
}

/// The statement that makes a pipe again.
pub(super) fn define(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let Object::Pipe(pipe) = object else { return Err(another()) };
    let mut statement = format!(
        "create or replace pipe {} auto_ingest={}",
        writer.name(&pipe.header),
        pipe.auto_ingest
    );
    for (name, value) in &pipe.options {
        let name = name.to_lowercase();
        statement.push_str(&format!(" {name}={}", firn_types::Identifier::to_sql(value)));
    }
    if !pipe.header.comment.is_empty() {
        statement.push_str(&format!(" comment={}", quoted(&pipe.header.comment)));
    }
    Ok(format!("{statement} as {};", pipe.definition))
}

/// The pipe that a text names.
///
/// # Errors
/// When there is none.
pub(crate) fn named(context: &IntrospectionContext, name: &str) -> Result<Arc<Pipe>> {
    let Place { parent, name } = context.place(ObjectKind::Pipe, name, "DESCRIBE")?;
    let found = context.catalog.find(Namespace::Pipe, parent, &name).and_then(Object::as_pipe);
    found.cloned().ok_or_else(|| context.catalog.not_found(ObjectKind::Pipe, parent, &name))
}

/// SYSTEM$PIPE_STATUS: how a pipe fares, as JSON.
///
/// # Errors
/// When there is no such pipe.
pub(crate) fn status(context: &IntrospectionContext, name: &str) -> Result<String> {
    let pipe = named(context, name)?;
    let fault = match pipe.paused {
        true => None,
        false => crate::pipe::fault(&context.shared, &pipe),
    };
    let state = match &fault {
        Some((word, _)) => word,
        None if pipe.paused && pipe.cloned && pipe.auto_ingest => "STOPPED_CLONED",
        None if pipe.paused => "PAUSED",
        None => "RUNNING",
    };
    let mut status = json!({ "executionState": state, "pendingFileCount": pipe.queue.len() });
    let oldest = pipe.queue.files().min_by_key(|file| file.received_nanos);
    if let Some(file) = oldest {
        status["oldestFileTimestamp"] = moment(file.received_nanos).into();
        status["oldestPendingFilePath"] = file.path.into();
    }
    let loaded = pipe.loads.read()?.records().filter(|record| record.rows_loaded > 0);
    if let Some(last) = loaded.max_by_key(|record| record.loaded_nanos) {
        status["lastIngestedTimestamp"] = moment(last.loaded_nanos).into();
        status["lastIngestedFilePath"] = last.path.as_str().into();
    }
    if let Some((_, error)) = fault {
        status["error"] = error.into();
    }
    Ok(status.to_string())
}

fn moment(nanos: i64) -> String {
    chrono::DateTime::from_timestamp_nanos(nanos).format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// SYSTEM$PIPE_FORCE_RESUME: lets a pipe load again, whatever stopped it.
///
/// # Errors
/// When there is no such pipe, or the role in use may not operate it.
pub(crate) fn resume(context: &IntrospectionContext, name: &str) -> Result<String> {
    let pipe = named(context, name)?;
    context.catalog.authorize(Action::Operate, &Object::Pipe(Arc::clone(&pipe)))?;
    let shared = &context.shared;
    let mut transaction = shared.account.begin(&SessionSpace::new(shared.new_session_id()));
    let (id, waits) = (pipe.header.id, !pipe.queue.is_empty());
    let mut pipe = pipe.as_ref().clone();
    (pipe.paused, pipe.cloned) = (false, false);
    transaction.apply(CatalogChange::alter(pipe))?;
    transaction.commit_unnoted()?;
    if waits {
        crate::pipe::wake(shared, id);
    }
    Ok("Statement executed successfully.".to_string())
}
