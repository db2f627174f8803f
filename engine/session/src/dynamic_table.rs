//! Dynamic tables that are refreshed by themselves, and what their refreshes have done.

use std::sync::Arc;

use firn_account::Catalog;
use firn_account::catalog::{NOBODY, Object, Table, VisibleCatalog};
use firn_storage::format::v1::RefreshRun;
use firn_types::{Error, ErrorCode, ObjectId, Result};

use crate::command::dynamic_table;
use crate::engine::Shared;
use crate::lifecycle::StatementContext;
use crate::session::SessionOptions;
use crate::session_state::{SessionHome, SessionState};
use crate::task::keep::KeptClaim;
use crate::task::seen;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// Seconds that a lag may have at least.
const LAG_MIN: i64 = 60;
/// Units of a lag, in seconds.
const UNITS: [(&str, i64); 4] = [("SECOND", 1), ("MINUTE", 60), ("HOUR", 3_600), ("DAY", 86_400)];

/// What a refresh did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refreshed {
    /// `FULL`, `INCREMENTAL` or `NO_DATA`.
    pub(crate) action: &'static str,
    /// Rows inserted and deleted.
    pub(crate) counts: [u64; 2],
}

/// The lag that a text asks for: nanoseconds, or none for DOWNSTREAM.
///
/// # Errors
/// `InvalidParameterValue` for any other text.
pub(crate) fn target_lag(text: &str) -> Result<Option<i64>> {
    if text.eq_ignore_ascii_case("DOWNSTREAM") {
        return Ok(None);
    }
    let words: Vec<String> = text.split_whitespace().map(str::to_uppercase).collect();
    let seconds = match words.as_slice() {
        [number, unit] => {
            let unit = unit.strip_suffix('S').unwrap_or(unit);
            let known = UNITS.iter().find(|(word, _)| *word == unit);
            known.and_then(|(_, seconds)| number.parse::<i64>().ok()?.checked_mul(*seconds))
        }
        _ => None,
    };
    match seconds.filter(|seconds| *seconds >= LAG_MIN) {
        Some(seconds) => Ok(Some(seconds.saturating_mul(NANOS_PER_SECOND))),
        None => {
            let text = format!(
                "invalid value [{text}] for parameter 'TARGET_LAG': it takes DOWNSTREAM, or a number of seconds, \
                 minutes, hours or days, of 60 seconds at least"
            );
            Err(Error::new(ErrorCode::InvalidParameterValue, text))
        }
    }
}

/// Refreshes the dynamic tables whose rows are about to be older than they may be; tells how many.
///
/// # Errors
/// `Storage` when the account cannot be read or written.
pub(crate) fn run_due(shared: &Arc<Shared>) -> Result<usize> {
    let now = shared.account.clock().now_nanos();
    let catalog = seen(&shared.account.catalog());
    let mut count = 0;
    for table in due(&catalog, now) {
        let job = format!("refresh-{table}");
        let Some(_claim) = KeptClaim::take(&shared.account, &job)? else { continue };
        shared.account.refresh()?;
        if !shared.account.catalog().table(table).is_some_and(|table| is_due(table, now)) {
            continue;
        }
        let id = shared.new_session_id();
        let mut state = SessionState::start(Arc::clone(shared), id, &SessionOptions::default())?;
        state.role = NOBODY;
        let mut running = StatementContext::described(&Arc::new(SessionHome::new(state)), "");
        // What goes wrong is in the history of refreshes.
        count += usize::from(dynamic_table::refresh(&mut running, table, "SCHEDULED").is_ok());
    }
    Ok(count)
}

/// The dynamic tables whose rows are about to be older than they may be.
pub(crate) fn due(catalog: &VisibleCatalog, now_nanos: i64) -> impl Iterator<Item = ObjectId> {
    let due = dynamic_tables(catalog).filter(move |table| is_due(table, now_nanos));
    due.map(|table| table.id())
}

/// Dynamic tables that exist.
pub(crate) fn dynamic_tables(catalog: &VisibleCatalog) -> impl Iterator<Item = &Arc<Table>> {
    let live = |table: &&Arc<Table>| table.dynamic.is_some() && catalog.is_live(table.id());
    catalog.all().filter_map(Object::as_table).filter(live)
}

/// Whether a table's rows have half of the age that they may have.
fn is_due(table: &Arc<Table>, now_nanos: i64) -> bool {
    let Some(dynamic) = table.dynamic.as_ref().filter(|dynamic| !dynamic.suspended) else {
        return false;
    };
    let Some(Ok(Some(lag))) = dynamic.target_lag.as_deref().map(target_lag) else { return false };
    match &dynamic.state {
        Some(state) => now_nanos.saturating_sub(state.data_nanos) >= lag / 2,
        None => true,
    }
}

/// Notes a refresh in the history.
pub(crate) fn note(
    running: &StatementContext,
    id: ObjectId,
    (reason, started_nanos, data_nanos): (&str, i64, i64),
    outcome: std::result::Result<&Refreshed, &Error>,
) {
    let shared = &running.session.shared;
    let catalog: Catalog = shared.account.catalog();
    let path = catalog.table(id).and_then(|table| catalog.path_of(&table.header).ok());
    let Some(path) = path else { return };
    let now = shared.account.clock().now_nanos();
    let run = RefreshRun {
        table: id.0,
        name: [path.database, path.schema, path.name],
        action: outcome.map_or("", |refreshed| refreshed.action).to_string(),
        rows: outcome.map_or([0, 0], |refreshed| refreshed.counts),
        error: outcome.err().map(|error| (error.code().number(), error.detail().to_string())),
        reason: reason.to_string(),
        data_nanos,
        started_nanos,
        ended_nanos: now,
        query_id: running.query_id.0.clone(),
    };
    if shared.archive.add_refresh(run.clone(), now) {
        shared.maintenance().service().wake();
    }
    shared.tasks.refreshes.push(run);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lags_have_units_and_a_least_one() -> Result<()> {
        assert_eq!(target_lag("downstream")?, None);
        assert_eq!(target_lag("1 minute")?, Some(60 * NANOS_PER_SECOND));
        assert_eq!(target_lag("2 HOURS")?, Some(7_200 * NANOS_PER_SECOND));
        for text in ["", "5", "59 seconds", "x minutes", "1 year"] {
            assert!(target_lag(text).is_err(), "{text}");
        }
        Ok(())
    }
}
