//! Tells sorts, scans and windows how many rows are wanted.
//!
//! `Limit(skip 5 fetch 10, Sort)` keeps its limit, and the sort needs only 15 rows. A limit goes through
//! projections, and a scan below it without a filter stops early. `Filter(ROW_NUMBER() <= 2, Window)` keeps its filter,
//! and the window needs only the first rows of each partition.

use firn_expression::Expr;
use firn_functions::WindowMeaning;
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, Value};

use firn_plan::{Plan, SetOperator, Window, WindowCall, WindowTarget};

/// Most rows of a partition that windows are told of: they are looked through one by one.
const TOP_MAX: u64 = 128;

pub(super) fn apply(plan: Plan) -> Plan {
    plan.transform_up(&mut |node| match node {
        Plan::Limit(mut limit) => {
            if let Some(fetch) = limit.fetch {
                bound(&mut limit.input, limit.skip.saturating_add(fetch));
            }
            Plan::Limit(limit)
        }
        Plan::Filter(mut filter) => {
            if let Plan::Window(window) = &mut *filter.input {
                window.top = top_of(window, &filter.conditions);
            }
            Plan::Filter(filter)
        }
        other => other,
    })
}

/// The last number that conditions leave to rows of a window, where all of its calls number them alike.
fn top_of(window: &Window, conditions: &[Expr]) -> Option<(ColumnId, u64)> {
    let numbers = |call: &WindowCall| match &call.target {
        WindowTarget::Window(function, _) => {
            matches!(function.meaning, WindowMeaning::Numbering(_))
        }
        WindowTarget::Aggregate { .. } => false,
    };
    let (first, others) = window.calls.split_first()?;
    let alike =
        numbers(first) && others.iter().all(|call| numbers(call) && call.same_window(first));
    let bounds = conditions.iter().filter_map(last_number);
    let of_call = |(id, _): &(ColumnId, u64)| window.calls.iter().any(|call| call.id == *id);
    let least = bounds.filter(of_call).min_by_key(|(_, rows)| *rows);
    least.filter(|(_, rows)| alike && (1..=TOP_MAX).contains(rows))
}

/// The column and the number that it must not be larger than.
fn last_number(condition: &Expr) -> Option<(ColumnId, u64)> {
    let (id, operator, bound) = condition.as_column_comparison()?;
    let Value::Number(number) = bound.as_literal()? else { return None };
    if number.scale != 0 {
        return None;
    }
    let last = match operator {
        Comparison::LessOrEqual | Comparison::Equal => number.unscaled,
        Comparison::Less => number.unscaled - 1,
        _ => return None,
    };
    Some((id, u64::try_from(last).ok()?))
}

/// Tells a plan that only so many of its first rows are wanted.
fn bound(plan: &mut Plan, rows: u64) {
    let smaller = |old: Option<u64>| Some(old.map_or(rows, |old| old.min(rows)));
    match plan {
        Plan::Sort(sort) => sort.limit = smaller(sort.limit),
        Plan::Project(project) => bound(&mut project.input, rows),
        Plan::Secure(secure) => bound(&mut secure.input, rows),
        Plan::Scan(scan) => scan.limit = smaller(scan.limit),
        Plan::SetOperation(node) if node.operator == SetOperator::UnionAll => {
            node.inputs.iter_mut().for_each(|input| bound(input, rows));
        }
        _ => {}
    }
}
