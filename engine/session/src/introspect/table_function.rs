//! Table functions that the session answers: QUERY_HISTORY.

use firn_types::{Field, Result, Value};

use super::Described;
use super::listing::{Listing, fields as parsed, number, optional, text, time};
use crate::result::Rows;
use crate::session::Session;

const QUERY_HISTORY: &str = "QUERY_ID, QUERY_TEXT, DATABASE_NAME, SCHEMA_NAME, SESSION_ID:number, \
    USER_NAME, ROLE_NAME, WAREHOUSE_NAME, EXECUTION_STATUS, ERROR_CODE, ERROR_MESSAGE, \
    START_TIME:time, END_TIME:time, TOTAL_ELAPSED_TIME:number, ROWS_PRODUCED:number";

/// Nanoseconds of a millisecond.
const NANOS_PER_MILLISECOND: i64 = 1_000_000;

/// The columns of a table function; none when there is no such function.
///
/// # Errors
/// When the arguments do not fit.
pub(crate) fn fields(
    _session: &Session,
    name: &str,
    _arguments: &[(String, Value)],
) -> Result<Option<Vec<Field>>> {
    Ok(is_query_history(name).then(|| parsed(QUERY_HISTORY)))
}

fn is_query_history(name: &str) -> bool {
    matches!(name, "QUERY_HISTORY" | "QUERY_HISTORY_BY_SESSION" | "QUERY_HISTORY_BY_USER")
}

/// The rows of a table function: the session's own statements, the newest first.
///
/// # Errors
/// When there is no such function.
pub(crate) fn rows(
    described: &Described,
    name: &str,
    arguments: &[(String, Value)],
) -> Result<Rows> {
    if !is_query_history(name) {
        return Err(firn_types::Error::not_supported(name));
    }
    let limit = arguments.iter().find_map(|(name, value)| match (name.as_str(), value) {
        ("RESULT_LIMIT", Value::Number(limit)) => usize::try_from(limit.unscaled).ok(),
        _ => None,
    });
    let mut listing = Listing::nulls(QUERY_HISTORY);
    for ran in described.statements.iter().rev().take(limit.unwrap_or(100)) {
        let [database, schema, warehouse, role] = &ran.current;
        let failed = ran.error.as_ref();
        listing.add(&[
            ("QUERY_ID", text(ran.query_id.as_str())),
            ("QUERY_TEXT", text(ran.text.as_str())),
            ("DATABASE_NAME", optional(database.as_deref())),
            ("SCHEMA_NAME", optional(schema.as_deref())),
            ("SESSION_ID", number(described.session_id)),
            ("USER_NAME", text(described.user.as_str())),
            ("ROLE_NAME", optional(role.as_deref())),
            ("WAREHOUSE_NAME", optional(warehouse.as_deref())),
            (
                "EXECUTION_STATUS",
                text(if failed.is_some() { "FAILED_WITH_ERROR" } else { "SUCCESS" }),
            ),
            ("ERROR_CODE", optional(failed.map(|(code, _)| code.to_string()))),
            ("ERROR_MESSAGE", optional(failed.map(|(_, message)| message.as_str()))),
            ("START_TIME", time(ran.start_nanos)),
            ("END_TIME", time(ran.start_nanos + ran.elapsed_nanos)),
            ("TOTAL_ELAPSED_TIME", number(ran.elapsed_nanos / NANOS_PER_MILLISECOND)),
            ("ROWS_PRODUCED", number(ran.rows)),
        ]);
    }
    Ok(listing.rows())
}
