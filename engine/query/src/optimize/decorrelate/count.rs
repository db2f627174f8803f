//! A scalar subquery that counts: over no rows its answer is not NULL, which is what a join gives for a
//! unmatched row.
//!
//! `Apply(L, Aggregate(count(*), Filter(k = L.a, R)))` becomes
//! `Project(coalesce(n, 0), Join(L.a = k, L, Aggregate(k, count(*) as n, R)))`. What the subquery computes
//! from its aggregates is computed above the join, too.

use std::collections::HashSet;

use firn_expression::Expr;
use firn_types::{ColumnId, Result, Value};

use super::pull_up::pull_up_aggregate;
use super::{ids, join};
use crate::optimize::OptimizeContext;
use firn_plan::{Aggregate, AggregateCall, ApplyKind, Plan, PlanColumn, Project, ProjectItem};

/// The rows of `left` with the answer of the subquery `right`; none when it is no aggregate without
/// groups below projections, or not tied to the outer row by equalities alone.
pub(super) fn pull_up_count(
    left: &Plan,
    right: &Plan,
    outer: &HashSet<ColumnId>,
    context: &OptimizeContext<'_>,
) -> Option<Plan> {
    let (projects, aggregate) = ungrouped(right)?;
    // Below the join the aggregates need other ids than above it.
    let mut below = aggregate.clone();
    let mut answers = Vec::with_capacity(aggregate.aggregates.len());
    for (call, shown) in below.aggregates.iter_mut().zip(&aggregate.aggregates) {
        call.id = context.fresh();
        answers.push(answer(shown, call.id).ok()?);
    }
    let (below, ties) = pull_up_aggregate(&below, outer, context)?;
    if ids(&below).iter().any(|id| outer.contains(id)) {
        return None;
    }
    let mut plan = join(ApplyKind::Scalar, left.clone(), below, ties);
    let levels =
        std::iter::once(&answers).chain(projects.into_iter().rev().map(|node| &node.items));
    for items in levels {
        let kept = left.columns();
        let items = kept.iter().map(ProjectItem::pass).chain(items.iter().cloned()).collect();
        plan = Plan::Project(Project { input: Box::new(plan), items });
    }
    Some(plan)
}

/// The column of an aggregate above a join that gives NULL where there was no row to aggregate; it is called
/// `joined` there.
///
/// # Errors
/// When the aggregate cannot be computed over no rows.
pub(super) fn answer(call: &AggregateCall, joined: ColumnId) -> Result<ProjectItem> {
    let shown = call.column();
    let sql_type = shown.sql_type;
    let joined = PlanColumn { id: joined, nullable: true, ..shown.clone() }.expr();
    let expr = match call.over_no_rows()? {
        Value::Null => joined,
        value => {
            let operands = vec![joined, Expr::Literal { value, sql_type }];
            Expr::Coalesce { operands, sql_type }
        }
    };
    Ok(ProjectItem { id: shown.id, name: shown.name, expr })
}

/// The aggregate without groups at the bottom of projections, which are told from the top.
fn ungrouped(plan: &Plan) -> Option<(Vec<&Project>, &Aggregate)> {
    let mut projects = Vec::new();
    let mut plan = plan;
    loop {
        match plan {
            Plan::Project(node) => {
                projects.push(node);
                plan = &node.input;
            }
            Plan::Aggregate(node) if node.groups.is_empty() && node.grouping_sets.is_none() => {
                return Some((projects, node));
            }
            _ => return None,
        }
    }
}
