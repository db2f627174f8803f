//! What the stored rows of a query can be found by, where its last step goes by groups or partitions.

use std::collections::HashMap;

use firn_expression::Expr;
use firn_plan::{Filter, Plan, PlanColumn, Project, Sort};
use firn_types::ColumnId;

use super::restrict::common_partition;
use crate::optimize::substitute::substitute;

/// How the stored rows of a query are found that some change concerns.
pub(super) enum Root {
    /// One row at most for each value of the keys of an aggregation.
    Groups(Vec<RootKey>),
    /// All rows with the same values of what windows are partitioned by; all rows without keys.
    Partitions(Vec<RootKey>),
    /// By all their values.
    Values,
}

/// A key of the query's last step.
pub(super) struct RootKey {
    /// Over the rows that the step reads.
    pub(super) expr: Expr,
    /// The position of the query's column that has it.
    pub(super) at: usize,
}

/// What the columns of a query are above its last step, with their positions; that step; and whether filters stand
/// between the two.
pub(super) fn shown<'p>(
    plan: &'p Plan,
    columns: &[PlanColumn],
) -> (Vec<(Expr, usize)>, &'p Plan, bool) {
    let mut shown: Vec<(Expr, usize)> =
        columns.iter().enumerate().map(|(at, column)| (column.expr(), at)).collect();
    let (mut plan, mut is_filtered) = (plan, false);
    loop {
        match plan {
            Plan::Project(node) => {
                let by: HashMap<ColumnId, Expr> =
                    node.items.iter().map(|item| (item.id, item.expr.clone())).collect();
                let below = |(expr, at)| (substitute(expr, &by), at);
                shown = shown.into_iter().map(below).collect();
                plan = &node.input;
            }
            Plan::Filter(node) => (plan, is_filtered) = (&node.input, true),
            Plan::Sort(node) if node.limit.is_none() => plan = &node.input,
            _ => return (shown, plan, is_filtered),
        }
    }
}

/// How the rows of a query with these columns are found.
pub(super) fn root_of(plan: &Plan, columns: &[PlanColumn]) -> Root {
    let (shown, plan, _) = shown(plan, columns);
    let at = |expr: &Expr| shown.iter().find(|(shown, _)| shown == expr).map(|(_, at)| *at);
    match plan {
        Plan::Aggregate(node) if node.grouping_sets.is_none() => {
            let key = |group: &firn_plan::ProjectItem| {
                Some(RootKey { at: at(&group.column().expr())?, expr: group.expr.clone() })
            };
            match node.groups.iter().map(key).collect::<Option<Vec<_>>>() {
                // Without keys there is one row.
                Some(keys) if keys.is_empty() => Root::Partitions(keys),
                Some(keys) => Root::Groups(keys),
                None => Root::Values,
            }
        }
        Plan::Window(node) => {
            let key = |expr: Expr| Some(RootKey { at: at(&expr)?, expr });
            let keys = common_partition(node).into_iter().map(key);
            match keys.collect::<Option<Vec<_>>>() {
                Some(keys) if !keys.is_empty() => Root::Partitions(keys),
                _ => Root::Values,
            }
        }
        _ => Root::Values,
    }
}

/// The last step of a query: its plan below projections and filters.
pub(super) fn keyed_node(plan: &mut Plan) -> &mut Plan {
    let is_above = match plan {
        Plan::Project(_) | Plan::Filter(_) => true,
        Plan::Sort(sort) => sort.limit.is_none(),
        _ => false,
    };
    if !is_above {
        return plan;
    }
    match plan {
        Plan::Project(Project { input, .. })
        | Plan::Filter(Filter { input, .. })
        | Plan::Sort(Sort { input, .. }) => keyed_node(input),
        other => other,
    }
}
