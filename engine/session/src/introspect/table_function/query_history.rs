//! QUERY_HISTORY and its kin: the statements of this process, the newest first.

use std::sync::atomic::Ordering;

use std::sync::Arc;

use firn_types::{Error, ErrorCode, Result};

use super::super::Described;
use super::super::listing::{Listing, boolean, number, optional, text, time};
use super::Arguments;
use crate::history::QueryRecord;

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

/// Rows unless RESULT_LIMIT says otherwise.
const LIMIT_DEFAULT: i128 = 100;
/// What RESULT_LIMIT may be.
const LIMITS: std::ops::RangeInclusive<i128> = 1..=10_000;
/// Nanoseconds of a millisecond.
const NANOS_PER_MILLISECOND: i64 = 1_000_000;

pub(super) fn of_all(
    described: &Described,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    list(described, arguments, listing, |_| true)
}

pub(super) fn of_session(
    described: &Described,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let session = arguments.number("SESSION_ID")?;
    let session = session.unwrap_or(i128::from(described.session_id));
    list(described, arguments, listing, |record| i128::from(record.session_id) == session)
}

pub(super) fn of_user(
    described: &Described,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let user = arguments.text("USER_NAME")?.unwrap_or(&described.user);
    list(described, arguments, listing, |record| record.user == user)
}

pub(super) fn of_warehouse(
    described: &Described,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let wanted = arguments.text("WAREHOUSE_NAME")?.or(described.warehouse.as_deref());
    list(described, arguments, listing, |record| record.current[2].as_deref() == wanted)
}

fn list(
    described: &Described,
    arguments: &Arguments,
    listing: &mut Listing,
    wants: impl Fn(&QueryRecord) -> bool,
) -> Result<()> {
    let limit = arguments.number("RESULT_LIMIT")?.unwrap_or(LIMIT_DEFAULT);
    if !LIMITS.contains(&limit) {
        let text = format!("invalid value [{limit}] for parameter 'RESULT_LIMIT'");
        return Err(Error::new(ErrorCode::InvalidParameterValue, text));
    }
    let start = arguments.time("END_TIME_RANGE_START")?;
    let end = arguments.time("END_TIME_RANGE_END")?;
    let ended_in_range = |record: &QueryRecord| {
        // What still runs ends now.
        let ended = i128::from(record.end.get().map_or(described.now_nanos, |end| end.nanos));
        start.is_none_or(|start| ended >= start) && end.is_none_or(|end| ended <= end)
    };
    let statements = described.shared.statements.newest_first();
    let wanted = statements
        .iter()
        .filter(|record| wants(record) && ended_in_range(record) && described.may_follow(record));
    for record in wanted.take(usize::try_from(limit).unwrap_or(usize::MAX)) {
        add(described, record, listing);
    }
    Ok(())
}

fn add(described: &Described, record: &Arc<QueryRecord>, listing: &mut Listing) {
    let [database, schema, warehouse, role] = &record.current;
    let found = warehouse.as_ref().and_then(|name| described.catalog.warehouse(name));
    let end = record.end.get();
    let error = end.and_then(|end| end.error.as_ref());
    let status = match (end, error) {
        (None, _) => "RUNNING",
        (Some(_), Some(_)) => "FAILED_WITH_ERROR",
        (Some(_), None) => "SUCCESS",
    };
    // A clock may be set back; a time is never negative.
    let milliseconds = |from: i64, to: i64| number((to - from).max(0) / NANOS_PER_MILLISECOND);
    let now = end.map_or(described.now_nanos, |end| end.nanos);
    let planned = record.planned_nanos.get().copied().unwrap_or(now);
    let mut cells = vec![
        ("QUERY_ID", text(record.query_id.as_str())),
        ("QUERY_TEXT", text(record.text.as_str())),
        ("DATABASE_NAME", optional(database.as_deref())),
        ("SCHEMA_NAME", optional(schema.as_deref())),
        ("QUERY_TYPE", text(record.query_type.get().copied().unwrap_or("UNKNOWN"))),
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
    let queued = record.queued_nanos.get().copied().unwrap_or(0);
    cells.push(("QUEUED_OVERLOAD_TIME", milliseconds(0, queued)));
    let blocked = record.blocked_nanos.load(Ordering::Relaxed);
    cells.push(("TRANSACTION_BLOCKED_TIME", number(blocked / 1_000_000)));
    // A statement never waits for a machine.
    cells.extend(["QUEUED_PROVISIONING_TIME", "QUEUED_REPAIR_TIME"].map(|name| (name, number(0))));
    if record.planned_nanos.get().is_some() {
        cells.push(("CLUSTER_NUMBER", number(1)));
    }
    listing.add(&cells);
}
