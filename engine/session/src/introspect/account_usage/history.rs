//! QUERY_HISTORY, LOGIN_HISTORY and COPY_HISTORY: a year of what has happened.

use std::collections::HashMap;

use firn_types::{ObjectId, Result};

use super::View;
use crate::introspect::IntrospectionContext;
use crate::introspect::listing::{Listing, number, text};
use crate::introspect::table_function::{
    alert_history, copy_history, login_history, pipe, query_history,
};

pub(super) const QUERY_HISTORY: &str = "QUERY_ID, QUERY_TEXT, DATABASE_ID:number, DATABASE_NAME, \
    SCHEMA_ID:number, SCHEMA_NAME, QUERY_TYPE, SESSION_ID:number, USER_NAME, ROLE_NAME, WAREHOUSE_ID:number, \
    WAREHOUSE_NAME, WAREHOUSE_SIZE, WAREHOUSE_TYPE, CLUSTER_NUMBER:number, QUERY_TAG, EXECUTION_STATUS, \
    ERROR_CODE, ERROR_MESSAGE, START_TIME:time, END_TIME:time, TOTAL_ELAPSED_TIME:number, \
    BYTES_SCANNED:number, ROWS_PRODUCED:number, COMPILATION_TIME:number, EXECUTION_TIME:number, \
    QUEUED_PROVISIONING_TIME:number, QUEUED_REPAIR_TIME:number, QUEUED_OVERLOAD_TIME:number, \
    TRANSACTION_BLOCKED_TIME:number, IS_CLIENT_GENERATED_STATEMENT:boolean";

pub(super) const LOGIN_HISTORY: &str = "EVENT_ID:number, EVENT_TIMESTAMP:time, EVENT_TYPE, USER_NAME, \
    CLIENT_IP, REPORTED_CLIENT_TYPE, REPORTED_CLIENT_VERSION, FIRST_AUTHENTICATION_FACTOR, \
    SECOND_AUTHENTICATION_FACTOR, IS_SUCCESS, ERROR_CODE:number, ERROR_MESSAGE, RELATED_EVENT_ID:number, \
    CONNECTION";

pub(super) const COPY_HISTORY: &str = "FILE_NAME, STAGE_LOCATION, LAST_LOAD_TIME:time, ROW_COUNT:number, \
    ROW_PARSED:number, FILE_SIZE:number, FIRST_ERROR_MESSAGE, FIRST_ERROR_LINE_NUMBER:number, \
    FIRST_ERROR_CHARACTER_POS:number, FIRST_ERROR_COLUMN_NAME, ERROR_COUNT:number, ERROR_LIMIT:number, STATUS, \
    TABLE_ID:number, TABLE_NAME, TABLE_SCHEMA_ID:number, TABLE_SCHEMA_NAME, TABLE_CATALOG_ID:number, \
    TABLE_CATALOG_NAME, PIPE_CATALOG_NAME, PIPE_SCHEMA_NAME, PIPE_NAME, PIPE_RECEIVED_TIME:time";

/// How long is looked back: 365 days.
pub(super) const SINCE_NANOS: i64 = 365 * 86_400_000_000_000;
/// Events that a view has at most, the newest.
pub(super) const EVENTS_MAX: usize = 100_000;

pub(super) fn statements(
    context: &IntrospectionContext,
    _: &View,
    listing: &mut Listing,
) -> Result<()> {
    let since = context.now_nanos.saturating_sub(SINCE_NANOS);
    // What still runs is not history yet.
    let ended = |ran: &firn_storage::format::v1::RanStatement| ran.end.is_some();
    for ran in query_history::statements(context, since, EVENTS_MAX, ended)? {
        let mut cells = query_history::cells(context, &ran);
        let failed = ran.end.as_ref().is_some_and(|end| end.error.is_some());
        let status = text(if failed { "FAIL" } else { "SUCCESS" });
        cells.retain(|(name, _)| *name != "EXECUTION_STATUS");
        cells.push(("EXECUTION_STATUS", status));
        listing.add(&cells);
    }
    Ok(())
}

pub(super) fn logins(
    context: &IntrospectionContext,
    _: &View,
    listing: &mut Listing,
) -> Result<()> {
    let since = context.now_nanos.saturating_sub(SINCE_NANOS);
    for event in login_history::logins(context, since, EVENTS_MAX, |_| true)? {
        listing.add(&login_history::cells(&event));
    }
    Ok(())
}

pub(super) fn alerts(
    context: &IntrospectionContext,
    _: &View,
    listing: &mut Listing,
) -> Result<()> {
    let since = context.now_nanos.saturating_sub(SINCE_NANOS);
    for run in alert_history::runs(context, since, EVENTS_MAX, |_| true)? {
        listing.add(&alert_history::cells(&run));
    }
    Ok(())
}

/// The loads of all tables; the account keeps them with the tables and pipes.
pub(super) fn copies(
    context: &IntrospectionContext,
    _: &View,
    listing: &mut Listing,
) -> Result<()> {
    let catalog = &context.catalog;
    let since = context.now_nanos.saturating_sub(SINCE_NANOS);
    let mut by_pipes: HashMap<ObjectId, Vec<copy_history::Load<'_>>> = HashMap::new();
    let engine = catalog.as_engine();
    for (record, pipe) in copy_history::by_pipes(&engine)? {
        if let Some(load) = record.by_pipe {
            by_pipes.entry(load.table).or_default().push((record, pipe));
        }
    }
    for object in catalog.all().filter(|object| catalog.is_live(object.id())) {
        let Some(table) = object.as_table().filter(|table| !table.is_temporary()) else {
            continue;
        };
        let schema = catalog.object(table.header.parent);
        let database = schema.and_then(|schema| catalog.object(schema.header().parent));
        let (Some(schema), Some(database)) = (schema, database) else { continue };
        let own = table.loads.read()?.records().map(|record| (record, None));
        let of_pipes = by_pipes.get(&table.header.id).into_iter().flatten().copied();
        let loads = own.chain(of_pipes).filter(|(record, _)| record.loaded_nanos >= since);
        for (record, pipe) in loads {
            let mut cells = copy_history::cells(context, record);
            cells.extend(copy_history::pipe_cells(context, record, pipe));
            cells.extend([
                ("TABLE_ID", number(table.header.id.0)),
                ("TABLE_NAME", text(table.header.name.as_str())),
                ("TABLE_SCHEMA_ID", number(schema.id().0)),
                ("TABLE_SCHEMA_NAME", text(schema.name())),
                ("TABLE_CATALOG_ID", number(database.id().0)),
                ("TABLE_CATALOG_NAME", text(database.name())),
            ]);
            listing.add(&cells);
        }
    }
    Ok(())
}

pub(super) const PIPE_USAGE_HISTORY: &str = "PIPE_ID:number, PIPE_NAME, START_TIME:time, END_TIME:time, \
    CREDITS_USED:number, BYTES_INSERTED:number, BYTES_BILLED:number, FILES_INSERTED:number";

/// What pipes have loaded, hour by hour.
pub(super) fn pipe_usage(
    context: &IntrospectionContext,
    _: &View,
    listing: &mut Listing,
) -> Result<()> {
    let since = context.now_nanos.saturating_sub(SINCE_NANOS);
    for of in pipe::pipes(context) {
        pipe::add_hours(context, of, &|nanos| nanos >= since, listing)?;
    }
    Ok(())
}
