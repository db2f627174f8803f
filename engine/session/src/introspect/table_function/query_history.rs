//! QUERY_HISTORY and its kin: the statements of this process, the newest first.

use std::collections::HashSet;

use firn_storage::format::v1::RanStatement;
use firn_types::Result;

use super::super::IntrospectionContext;
use super::super::listing::{Cell, Listing, boolean, number, optional, text, time};
use super::{Arguments, history_start};
use crate::archive::ran;

pub(super) const COLUMNS: &str = "QUERY_ID, QUERY_TEXT, DATABASE_NAME, SCHEMA_NAME, QUERY_TYPE, \
    SESSION_ID:number, USER_NAME, ROLE_NAME, WAREHOUSE_NAME, WAREHOUSE_SIZE, WAREHOUSE_TYPE, \
    CLUSTER_NUMBER:number, QUERY_TAG, EXECUTION_STATUS, ERROR_CODE, ERROR_MESSAGE, START_TIME:time, \
    END_TIME:time, TOTAL_ELAPSED_TIME:number, BYTES_SCANNED:number, ROWS_PRODUCED:number, \
    COMPILATION_TIME:number, EXECUTION_TIME:number, QUEUED_PROVISIONING_TIME:number, \
    QUEUED_REPAIR_TIME:number, QUEUED_OVERLOAD_TIME:number, TRANSACTION_BLOCKED_TIME:number, \
    IS_CLIENT_GENERATED_STATEMENT:boolean";

pub(super) const PARAMETERS: &[&str] =
    &["END_TIME_RANGE_START", "END_TIME_RANGE_END", "RESULT_LIMIT"];

pub(super) const BY_SESSION: &[&str] =
    &["SESSION_ID", "END_TIME_RANGE_START", "END_TIME_RANGE_END", "RESULT_LIMIT"];

pub(super) const BY_USER: &[&str] =
    &["USER_NAME", "END_TIME_RANGE_START", "END_TIME_RANGE_END", "RESULT_LIMIT"];

pub(super) const BY_WAREHOUSE: &[&str] =
    &["WAREHOUSE_NAME", "END_TIME_RANGE_START", "END_TIME_RANGE_END", "RESULT_LIMIT"];

/// Nanoseconds of a millisecond.
const NANOS_PER_MILLISECOND: i64 = 1_000_000;

pub(super) fn of_all(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    list(context, arguments, listing, |_| true)
}

pub(super) fn of_session(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let session = arguments.number("SESSION_ID")?;
    let session = session.unwrap_or(i128::from(context.session_id));
    list(context, arguments, listing, |record| i128::from(record.session_id) == session)
}

pub(super) fn of_user(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let user = arguments.text("USER_NAME")?.unwrap_or(&context.user);
    list(context, arguments, listing, |record| record.user == user)
}

pub(super) fn of_warehouse(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let wanted = arguments.text("WAREHOUSE_NAME")?.or(context.warehouse.as_deref());
    list(context, arguments, listing, |record| record.current[2].as_deref() == wanted)
}

fn list(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
    wants: impl Fn(&RanStatement) -> bool,
) -> Result<()> {
    let limit = arguments.limit()?;
    let in_range = arguments.range("END_TIME_RANGE_START", "END_TIME_RANGE_END")?;
    let ended_in_range = |ran: &RanStatement| {
        // What still runs ends now.
        in_range(ran.end.as_ref().map_or(context.now_nanos, |end| end.nanos))
    };
    let since_nanos = history_start(context);
    let wants = |ran: &RanStatement| wants(ran) && ended_in_range(ran);
    for ran in statements(context, since_nanos, limit, wants)? {
        listing.add(&cells(context, &ran));
    }
    Ok(())
}

/// The newest statements that the session may look at, since a time: those of this process, and those that others
/// have written.
pub(in crate::introspect) fn statements(
    context: &IntrospectionContext,
    since_nanos: i64,
    limit: usize,
    wants: impl Fn(&RanStatement) -> bool,
) -> Result<Vec<RanStatement>> {
    let mut ids = HashSet::new();
    let mut found = Vec::new();
    for record in context.shared.statements.newest_first() {
        if found.len() < limit && context.may_follow(&record) {
            found.extend(Some(ran(&record)).filter(&wants));
        }
        // Whether it is wanted or not, it is not read again.
        ids.insert(record.query_id.clone());
    }
    let may_follow =
        |ran: &RanStatement| context.may_follow_one_of(&ran.user, ran.current[2].as_deref());
    found.extend(context.shared.archive.statements(since_nanos, limit, |ran| {
        !ids.contains(&ran.query_id) && wants(ran) && may_follow(ran)
    })?);
    // Those of one process are in the order in which they began.
    found.sort_by_key(|ran| std::cmp::Reverse(ran.start_nanos));
    found.truncate(limit);
    Ok(found)
}

/// The cells of a statement.
pub(in crate::introspect) fn cells(
    context: &IntrospectionContext,
    record: &RanStatement,
) -> Vec<Cell<'static>> {
    let [database, schema, warehouse, role] = &record.current;
    let found = warehouse.as_ref().and_then(|name| context.catalog.warehouse(name));
    let end = record.end.as_ref();
    let error = end.and_then(|end| end.error.as_ref());
    let status = match (end, error) {
        (None, _) => "RUNNING",
        (Some(_), Some(_)) => "FAILED_WITH_ERROR",
        (Some(_), None) => "SUCCESS",
    };
    // A clock may be set back; a time is never negative.
    let milliseconds = |from: i64, to: i64| number((to - from).max(0) / NANOS_PER_MILLISECOND);
    let now = end.map_or(context.now_nanos, |end| end.nanos);
    let planned = record.planned_nanos.unwrap_or(now);
    let mut cells = vec![
        ("QUERY_ID", text(record.query_id.as_str())),
        ("QUERY_TEXT", text(record.text.as_str())),
        ("DATABASE_NAME", optional(database.as_deref())),
        ("SCHEMA_NAME", optional(schema.as_deref())),
        ("QUERY_TYPE", text(record.query_type.as_str())),
        ("SESSION_ID", number(record.session_id)),
        ("USER_NAME", text(record.user.as_str())),
        ("ROLE_NAME", optional(role.as_deref())),
        ("WAREHOUSE_NAME", optional(warehouse.as_deref())),
        ("WAREHOUSE_SIZE", optional(found.map(|warehouse| warehouse.size.as_str()))),
        ("WAREHOUSE_TYPE", text("STANDARD")),
        ("QUERY_TAG", text(record.tag.as_str())),
        ("EXECUTION_STATUS", text(status)),
        ("ERROR_CODE", optional(error.map(|(code, _)| code.to_string()))),
        ("ERROR_MESSAGE", optional(error.map(|(_, message)| message.as_str()))),
        ("START_TIME", time(record.start_nanos)),
        ("END_TIME", time(end.map_or(0, |end| end.nanos))),
        ("TOTAL_ELAPSED_TIME", milliseconds(record.start_nanos, now)),
        ("BYTES_SCANNED", number(end.map_or(0, |end| end.bytes_read))),
        ("ROWS_PRODUCED", number(end.map_or(0, |end| end.rows))),
        ("COMPILATION_TIME", milliseconds(record.start_nanos, planned)),
        ("EXECUTION_TIME", milliseconds(planned, now)),
        ("IS_CLIENT_GENERATED_STATEMENT", boolean(false)),
    ];
    cells.push(("QUEUED_OVERLOAD_TIME", milliseconds(0, record.queued_nanos)));
    cells.push(("TRANSACTION_BLOCKED_TIME", number(record.blocked_nanos / 1_000_000)));
    // A statement never waits for a machine.
    cells.extend(["QUEUED_PROVISIONING_TIME", "QUEUED_REPAIR_TIME"].map(|name| (name, number(0))));
    if record.planned_nanos.is_some() {
        cells.push(("CLUSTER_NUMBER", number(1)));
    }
    cells
}
