//! MAINTENANCE_JOBS: what the engine does by itself to keep the account small and fast.

use firn_account::catalog::{ACCOUNTADMIN, Database};

use super::super::IntrospectionContext;
use super::super::listing::{Listing, number, text, time};

pub(super) const MAINTENANCE_JOBS: &str = "JOB_NAME, STATE, RUNS:number, FAILURES:number, \
    LAST_STARTED_ON:time, LAST_COMPLETED_ON:time, LAST_DURATION_MS:number, LAST_DONE:number, \
    TOTAL_DONE:number, UNIT, NEXT_DUE_ON:time, CLAIMED_BY, CLAIMED_UNTIL:time, LAST_ERROR";

/// What each job counts.
const UNITS: &[(&str, &str)] = &[
    ("checkpoint", "checkpoints"),
    ("compaction", "micro-partitions"),
    ("reclustering", "micro-partitions"),
    ("vacuum", "files"),
    ("history", "events"),
];

/// The jobs of this process; only those see them who administer the account or may monitor its use.
pub(super) fn jobs(context: &IntrospectionContext, _: &Database, listing: &mut Listing) {
    let catalog = &context.catalog;
    if !catalog.rights().includes(ACCOUNTADMIN) && !catalog.holds_on_account("MONITOR USAGE") {
        return;
    }
    let service = context.shared.maintenance().service();
    for report in service.reports() {
        let state = match (report.is_running, report.is_due) {
            (true, _) => "RUNNING",
            (false, true) => "DUE",
            (false, false) => "IDLE",
        };
        let unit = UNITS.iter().find(|(name, _)| *name == report.name).map_or("", |unit| unit.1);
        let mut cells = vec![
            ("JOB_NAME", text(report.name.to_uppercase())),
            ("STATE", text(state)),
            ("RUNS", number(report.runs)),
            ("FAILURES", number(report.failures)),
            ("TOTAL_DONE", number(report.done)),
            ("UNIT", text(unit)),
        ];
        if report.started_nanos > 0 {
            cells.push(("LAST_STARTED_ON", time(report.started_nanos)));
        }
        if report.runs > 0 {
            let millis = (report.ended_nanos - report.started_nanos).max(0) / 1_000_000;
            cells.extend([
                ("LAST_COMPLETED_ON", time(report.ended_nanos)),
                ("LAST_DURATION_MS", number(millis)),
                ("LAST_DONE", number(report.last_done)),
            ]);
        }
        if let Some(nanos) = report.next_nanos {
            cells.push(("NEXT_DUE_ON", time(nanos)));
        }
        if let Some((owner, nanos)) = service.claimed(&report.name) {
            cells.extend([("CLAIMED_BY", text(owner)), ("CLAIMED_UNTIL", time(nanos))]);
        }
        if !report.error.is_empty() {
            cells.push(("LAST_ERROR", text(report.error.as_str())));
        }
        listing.add(&cells);
    }
}
