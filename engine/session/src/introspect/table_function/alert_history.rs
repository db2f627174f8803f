//! ALERT_HISTORY: runs of alerts that have ended, and those that come next.

use firn_account::catalog::Object;
use firn_storage::format::v1::AlertRun;
use firn_types::{ObjectId, Result, Value};

use super::super::IntrospectionContext;
use super::super::listing::{Cell, Listing, number, optional, text, time};
use super::{Arguments, add_missing, history_start};
use crate::alert::next_of;

pub(in crate::introspect) const COLUMNS: &str = "NAME, DATABASE_NAME, SCHEMA_NAME, ACTION, ACTION_QUERY_ID, CONDITION, \
     CONDITION_QUERY_ID, ERROR_CODE:number, ERROR_MESSAGE, STATE, SCHEDULED_TIME:time, COMPLETED_TIME:time";

pub(super) const PARAMETERS: &[&str] =
    &["SCHEDULED_TIME_RANGE_START", "SCHEDULED_TIME_RANGE_END", "RESULT_LIMIT", "ALERT_NAME"];

pub(super) fn rows(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let limit = arguments.limit()?;
    let in_range = arguments.range("SCHEDULED_TIME_RANGE_START", "SCHEDULED_TIME_RANGE_END")?;
    let name = arguments.text("ALERT_NAME")?.map(str::to_uppercase);
    let named = |alert: &str| name.as_ref().is_none_or(|name| *name == alert.to_uppercase());
    let catalog = &context.catalog;
    for alert in catalog.all().filter_map(Object::as_alert) {
        let next = next_of(alert).filter(|next| alert.started && in_range(*next));
        let Some(next) = next.filter(|_| catalog.is_live(alert.header.id)) else { continue };
        if !named(&alert.header.name) || listing.len() >= limit {
            continue;
        }
        let path = catalog.path_of(&alert.header)?;
        listing.add(&[
            ("NAME", text(path.name)),
            ("DATABASE_NAME", text(path.database)),
            ("SCHEMA_NAME", text(path.schema)),
            ("ACTION", text(alert.action.as_str())),
            ("CONDITION", text(alert.condition.as_str())),
            ("STATE", text("SCHEDULED")),
            ("SCHEDULED_TIME", time(next)),
        ]);
    }
    let since = history_start(context);
    let left = limit.saturating_sub(listing.len());
    let wants = |run: &AlertRun| in_range(run.scheduled_nanos) && named(&run.name[2]);
    for run in runs(context, since, limit, wants)?.into_iter().take(left) {
        listing.add(&cells(&run));
    }
    Ok(())
}

/// The newest runs since a time that the session may see: of this process, and those that others have written.
///
/// # Errors
/// When the history cannot be read.
pub(in crate::introspect) fn runs(
    context: &IntrospectionContext,
    since_nanos: i64,
    limit: usize,
    wants: impl Fn(&AlertRun) -> bool,
) -> Result<Vec<AlertRun>> {
    let catalog = &context.catalog;
    let may_see = |run: &AlertRun| {
        let alert = catalog.object(ObjectId(run.alert));
        catalog.holds_on_account("MONITOR EXECUTION")
            || alert.is_some_and(|alert| catalog.sees(alert))
    };
    let wants = |run: &AlertRun| wants(run) && may_see(run);
    let mut runs = context.shared.tasks.alerts.newest_first();
    runs.retain(|run| run.ended_nanos >= since_nanos && wants(run));
    let written = context.shared.archive.alerts(since_nanos, limit, wants)?;
    add_missing(&mut runs, written, |run| run.ended_nanos);
    runs.sort_by_key(|run| std::cmp::Reverse((run.scheduled_nanos, run.ended_nanos)));
    Ok(runs)
}

/// The cells of a run.
pub(in crate::introspect) fn cells(run: &AlertRun) -> Vec<Cell<'static>> {
    let [database, schema, name] = run.name.clone();
    let [condition, action] = run.texts.clone();
    let [condition_id, action_id] = run.query_ids.clone();
    let (code, message) = match &run.error {
        Some((code, message)) => (number(*code), text(message.as_str())),
        None => (Value::Null, Value::Null),
    };
    vec![
        ("NAME", text(name)),
        ("DATABASE_NAME", text(database)),
        ("SCHEMA_NAME", text(schema)),
        ("ACTION", text(action)),
        ("ACTION_QUERY_ID", optional(action_id)),
        ("CONDITION", text(condition)),
        ("CONDITION_QUERY_ID", optional(condition_id)),
        ("ERROR_CODE", code),
        ("ERROR_MESSAGE", message),
        ("STATE", text(run.state.as_str())),
        ("SCHEDULED_TIME", time(run.scheduled_nanos)),
        ("COMPLETED_TIME", time(run.ended_nanos)),
    ]
}
