//! Functions that tell of the account, of roles and of the statement.

use firn_account::catalog::{ACCOUNTADMIN, Object};
use firn_types::{Error, ErrorCode, Result};

use super::{IntrospectionContext, clustering, ddl, pipeline_function, references, stage_function};
use crate::history::{Outcome, QueryRecord};
use crate::roles;

/// The roles in use beside the current one, as JSON.
fn secondary_roles(context: &IntrospectionContext) -> String {
    let catalog = &context.catalog;
    let mut others = roles::granted_to_user(catalog, &context.user);
    others.retain(|role| *role != context.role && context.secondary_roles);
    let value = if context.secondary_roles { "ALL" } else { "" };
    let names = roles::names(catalog, &others).join(",");
    format!("{{\"roles\":\"{names}\",\"value\":\"{value}\"}}")
}

/// The answer of a system function.
///
/// # Errors
/// `not_supported` for functions that firn does not have; when what is asked about does not exist.
pub(crate) fn answer(
    context: &IntrospectionContext,
    name: &str,
    arguments: &[Option<String>],
) -> Result<Option<String>> {
    if let Some(answer) = of_roles(context, name, arguments) {
        return Ok(Some(answer));
    }
    match (name, arguments) {
        // Every other function answers NULL for NULL.
        (_, arguments) if arguments.contains(&None) => Ok(None),
        ("GET_DDL", [Some(kind), Some(name), rest @ ..]) => {
            let qualified = match rest {
                [] => false,
                [Some(flag), ..] => flag.eq_ignore_ascii_case("true"),
                _ => false,
            };
            ddl::get(context, kind, name, qualified).map(Some)
        }
        ("SYSTEM$CLUSTERING_INFORMATION", [Some(table), rest @ ..]) => {
            clustering::information(context, table, first(rest)).map(Some)
        }
        ("SYSTEM$CLUSTERING_DEPTH", [Some(table), rest @ ..]) => {
            clustering::depth(context, table, first(rest)).map(|depth| Some(depth.to_string()))
        }
        (name, arguments) if stage_function::NAMES.contains(&name) => {
            stage_function::answer(context, name, arguments)
        }
        (name, arguments) if pipeline_function::NAMES.contains(&name) => {
            pipeline_function::answer(context, name, arguments)
        }
        ("SYSTEM$VACUUM", []) => vacuum(context).map(Some),
        ("SYSTEM$GET_RESULTSET_STATUS", [Some(id)]) => status(context, id).map(Some),
        ("SYSTEM$CANCEL_QUERY", [Some(id)]) => cancel(context, id).map(Some),
        ("SYSTEM$CANCEL_ALL_QUERIES", [Some(session)]) => Ok(Some(cancel_all(context, session))),
        ("GET_DDL" | "SYSTEM$CLUSTERING_INFORMATION" | "SYSTEM$CLUSTERING_DEPTH", _) => {
            let text = format!("not enough arguments for function [{name}]");
            Err(Error::new(ErrorCode::NotEnoughArguments, text))
        }
        _ if name.starts_with("SYSTEM$GET_TAG") => references::answer(context, name, arguments),
        _ => Err(Error::not_supported(name)),
    }
}

/// What functions about roles answer; none for others.
fn of_roles(
    context: &IntrospectionContext,
    name: &str,
    arguments: &[Option<String>],
) -> Option<String> {
    let catalog = &context.catalog;
    Some(match (name, arguments) {
        ("IS_ROLE_IN_SESSION", [Some(wanted)]) => {
            let held = roles::names(catalog, catalog.rights().roles());
            held.iter().any(|held| held.eq_ignore_ascii_case(wanted)).to_string()
        }
        ("IS_DATABASE_ROLE_IN_SESSION", [Some(wanted)]) => {
            let mut held = catalog.rights().roles().iter().filter_map(|id| catalog.object(*id));
            let is_wanted = |role: &Object| {
                let database = catalog.object(role.header().parent).map(Object::name);
                role.as_database_role().is_some()
                    && role.name().eq_ignore_ascii_case(wanted)
                    && database == context.current.database.as_deref()
            };
            held.any(is_wanted).to_string()
        }
        ("CURRENT_AVAILABLE_ROLES", _) => {
            let names = roles::names(catalog, &roles::available(catalog, &context.user));
            let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
            format!("[ {} ]", names.join(", "))
        }
        ("CURRENT_SECONDARY_ROLES", _) => secondary_roles(context),
        _ => return None,
    })
}

/// Ends the statements of a session of the process, but the one that asks.
fn cancel_all(context: &IntrospectionContext, session: &str) -> String {
    let may_cancel =
        |record: &QueryRecord| record.query_id != context.query_id && context.may_follow(record);
    let statements = &context.shared.statements;
    let canceled = session.parse().map_or(0, |id| statements.cancel_session(id, may_cancel));
    format!("{canceled} cancelled.")
}

/// How far the statement of a RESULTSET is; a block gives its id for the RESULTSET's name.
fn status(context: &IntrospectionContext, id: &str) -> Result<String> {
    let record = context.statement(id)?;
    let canceled = ErrorCode::Canceled.number();
    let status = match record.end.get() {
        None if record.cancel.is_canceled() => "ABORTING",
        None => "RUNNING",
        Some(Outcome { error: None, .. }) => "SUCCESS",
        Some(Outcome { error: Some((number, _)), .. }) if *number == canceled => "ABORTED",
        Some(_) => "FAILED_WITH_ERROR",
    };
    Ok(status.to_string())
}

/// Ends a statement of any session of the process, if it runs.
fn cancel(context: &IntrospectionContext, id: &str) -> Result<String> {
    let record = context.statement(id)?;
    if record.end.get().is_some() {
        return Ok("Identified SQL statement is not currently executing.".to_string());
    }
    record.cancel.cancel();
    Ok(format!("query [{id}] terminated."))
}

/// Deletes what nobody can reach any more, and tells what was done and what has to wait, as JSON.
fn vacuum(context: &IntrospectionContext) -> Result<String> {
    if !context.catalog.rights().includes(ACCOUNTADMIN) {
        let text =
            "Insufficient privileges to operate on account: SYSTEM$VACUUM is ACCOUNTADMIN's.";
        return Err(Error::new(ErrorCode::InsufficientPrivileges, text));
    }
    let cancel = &context.monitor.cancel;
    let done = context.shared.maintenance().vacuum_now(&|| cancel.check().is_ok())?;
    cancel.check()?;
    let Some(done) = done else {
        return Ok(serde_json::json!({ "state": "another process is at it" }).to_string());
    };
    let moment = |nanos: i64| chrono::DateTime::from_timestamp_nanos(nanos).to_rfc3339();
    let held = done.dead.iter().map(|(table, held)| {
        let name = context.catalog.object(*table).map(|_| context.catalog.full_name(*table));
        serde_json::json!({
            "table": name.unwrap_or_else(|| format!("a table that is gone ({table})")),
            "files": held.files,
            "bytes": held.bytes,
            "since": moment(held.since_nanos),
            "until": moment(held.until_nanos),
        })
    });
    let held: Vec<serde_json::Value> = held.collect();
    let report = serde_json::json!({
        "state": if done.finished { "finished" } else { "stopped" },
        "deletedFiles": done.files,
        "deletedBytes": done.bytes,
        "forgottenObjects": done.objects,
        "held": held,
    });
    Ok(report.to_string())
}

fn first(arguments: &[Option<String>]) -> Option<&str> {
    arguments.first().and_then(Option::as_deref)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::{Cell, Engine, EngineOptions, Session, SessionOptions};

    fn text(session: &mut Session, sql: &str) -> Option<String> {
        let cells = session.execute(sql).ok()?.cells().ok()?;
        match cells.first()?.first()? {
            Cell::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    #[test]
    fn a_session_ends_the_statement_of_another() -> firn_types::Result<()> {
        let engine = Engine::open(":memory:", EngineOptions::default())?;
        let mut other = engine.session(SessionOptions::default())?;
        let mut own = engine.session(SessionOptions::default())?;
        let ended = std::thread::spawn(move || other.execute("SELECT SYSTEM$WAIT(60)").err());
        let running = "SELECT query_id FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY()) \
                       WHERE execution_status = 'RUNNING' AND query_text LIKE '%WAIT(60)'";
        let mut id = None;
        for _ in 0..500 {
            id = text(&mut own, running);
            if id.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let id = id.unwrap_or_default();
        let cancel = format!("SELECT SYSTEM$CANCEL_QUERY('{id}')");
        assert_eq!(text(&mut own, &cancel), Some(format!("query [{id}] terminated.")));
        let failure = ended.join().ok().flatten().map(|failure| failure.message);
        assert!(failure.is_some_and(|text| text.contains("SQL execution canceled")));
        let late = "Identified SQL statement is not currently executing.";
        assert_eq!(text(&mut own, &cancel).as_deref(), Some(late));
        Ok(())
    }
}
