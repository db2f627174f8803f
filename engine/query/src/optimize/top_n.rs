//! Tells sorts and scans how many rows are wanted.
//!
//! `Limit(skip 5 fetch 10, Sort)` keeps its limit, and the sort needs only 15 rows. A limit goes through
//! projections, and a scan below it without a filter stops early.

use crate::plan::{Plan, SetOperator};

pub(super) fn apply(plan: Plan) -> Plan {
    plan.transform_up(&mut |node| match node {
        Plan::Limit(mut limit) => {
            if let Some(fetch) = limit.fetch {
                bound(&mut limit.input, limit.skip.saturating_add(fetch));
            }
            Plan::Limit(limit)
        }
        other => other,
    })
}

/// Tells a plan that only so many of its first rows are wanted.
fn bound(plan: &mut Plan, rows: u64) {
    let smaller = |old: Option<u64>| Some(old.map_or(rows, |old| old.min(rows)));
    match plan {
        Plan::Sort(sort) => sort.limit = smaller(sort.limit),
        Plan::Project(project) => bound(&mut project.input, rows),
        Plan::Scan(scan) => scan.limit = smaller(scan.limit),
        Plan::SetOperation(node) if node.operator == SetOperator::UnionAll => {
            node.inputs.iter_mut().for_each(|input| bound(input, rows));
        }
        _ => {}
    }
}
