//! DYNAMIC_TABLE_REFRESH_HISTORY: what refreshes have done.

use firn_storage::format::v1::RefreshRun;
use firn_types::{Result, Value};

use super::super::IntrospectionContext;
use super::super::listing::{Listing, text, time, variant};
use super::{Arguments, add_missing, history_start};

pub(super) const COLUMNS: &str = "NAME, SCHEMA_NAME, DATABASE_NAME, STATE, STATE_CODE, STATE_MESSAGE, QUERY_ID, \
     DATA_TIMESTAMP:time, REFRESH_START_TIME:time, REFRESH_END_TIME:time, COMPLETION_TARGET:time, \
     QUALIFIED_NAME, LAST_COMPLETED_DEPENDENCY:variant, STATISTICS:variant, REFRESH_ACTION, REFRESH_TRIGGER, \
     TARGET_LAG_SEC:number, GRAPH_HISTORY_VALID_FROM:time";

pub(super) const PARAMETERS: &[&str] =
    &["DATA_TIMESTAMP_START", "DATA_TIMESTAMP_END", "RESULT_LIMIT", "NAME", "ERROR_ONLY"];

pub(super) fn rows(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let limit = arguments.limit()?;
    let in_range = arguments.range("DATA_TIMESTAMP_START", "DATA_TIMESTAMP_END")?;
    let errors_only = arguments.boolean("ERROR_ONLY")?.unwrap_or(false);
    let name = match arguments.text("NAME")? {
        Some(name) => Some(context.path(name, "DESCRIBE")?),
        None => None,
    };
    let wants = |run: &RefreshRun| {
        let object = context.catalog.object(firn_types::ObjectId(run.table));
        in_range(run.data_nanos)
            && (!errors_only || run.error.is_some())
            && object.is_some_and(|object| context.catalog.sees(object))
            && name.as_ref().is_none_or(|path| {
                run.name == [path.database.clone(), path.schema.clone(), path.name.clone()]
            })
    };
    let since = history_start(context);
    let mut runs = context.shared.tasks.refreshes.newest_first();
    runs.retain(|run| run.ended_nanos >= since && wants(run));
    let written = context.shared.archive.refreshes(since, limit, wants)?;
    add_missing(&mut runs, written, |run| run.ended_nanos);
    runs.sort_by_key(|run| std::cmp::Reverse(run.ended_nanos));
    for run in runs.iter().take(limit) {
        add(listing, run)?;
    }
    Ok(())
}

fn add(listing: &mut Listing, run: &RefreshRun) -> Result<()> {
    let [database, schema, name] = &run.name;
    let statistics = serde_json::json!({
        "numInsertedRows": run.rows[0],
        "numDeletedRows": run.rows[1],
    });
    let (code, message) = match &run.error {
        Some((code, message)) => (text(format!("{code:06}")), text(message.as_str())),
        None => (text("SUCCESS"), Value::Null),
    };
    listing.add(&[
        ("NAME", text(name.as_str())),
        ("SCHEMA_NAME", text(schema.as_str())),
        ("DATABASE_NAME", text(database.as_str())),
        ("STATE", text(if run.error.is_some() { "FAILED" } else { "SUCCEEDED" })),
        ("STATE_CODE", code),
        ("STATE_MESSAGE", message),
        ("QUERY_ID", text(run.query_id.as_str())),
        ("DATA_TIMESTAMP", time(run.data_nanos)),
        ("REFRESH_START_TIME", time(run.started_nanos)),
        ("REFRESH_END_TIME", time(run.ended_nanos)),
        ("QUALIFIED_NAME", text(run.name.join("."))),
        ("STATISTICS", variant(&statistics)?),
        ("REFRESH_ACTION", text(run.action.as_str())),
        ("REFRESH_TRIGGER", text(run.reason.as_str())),
    ]);
    Ok(())
}
