//! Rows of outer joins without a match that nobody wants, or that alone are wanted.

use std::collections::{HashMap, HashSet};

use firn_expression::Expr;
use firn_plan::{Join, JoinKind, Plan, PlanColumn, Project, ProjectItem};
use firn_types::ColumnId;

use crate::optimize::substitute::{substitute, uses_only};

/// The kind that is left of a join when rows that lack a side do not pass; `rejects` tells it of the side with
/// these columns.
pub(super) fn stricter(
    kind: JoinKind,
    left: &HashSet<ColumnId>,
    right: &HashSet<ColumnId>,
    rejects: impl Fn(&HashSet<ColumnId>) -> bool,
) -> JoinKind {
    match kind {
        JoinKind::Left if rejects(right) => JoinKind::Inner,
        JoinKind::Right if rejects(left) => JoinKind::Inner,
        JoinKind::Full => match (rejects(left), rejects(right)) {
            (true, true) => JoinKind::Inner,
            // Rows without a left side do not pass: only unmatched left rows stay.
            (true, false) => JoinKind::Left,
            (false, true) => JoinKind::Right,
            (false, false) => JoinKind::Full,
        },
        other => other,
    }
}

/// The plan, of which only rows are wanted in which none of `exprs` is NULL: outer joins that would make NULLs
/// of them need not.
pub(super) fn without_nulls(plan: Plan, exprs: &[Expr]) -> Plan {
    match plan {
        _ if exprs.is_empty() => plan,
        Plan::Filter(mut node) => {
            *node.input = without_nulls(*node.input, exprs);
            Plan::Filter(node)
        }
        Plan::Project(mut node) => {
            let by = node.items.iter().map(|item| (item.id, item.expr.clone())).collect();
            let below: Vec<Expr> = exprs.iter().map(|expr| substitute(expr.clone(), &by)).collect();
            *node.input = without_nulls(*node.input, &below);
            Plan::Project(node)
        }
        Plan::Join(mut join) => {
            let (left, right) = (ids(&join.left), ids(&join.right));
            let strict = |side: &HashSet<ColumnId>| exprs.iter().any(|e| e.is_null_with(side));
            join.kind = stricter(join.kind, &left, &right, strict);
            let own = |side: &HashSet<ColumnId>| -> Vec<Expr> {
                exprs.iter().filter(|expr| uses_only(expr, side)).cloned().collect()
            };
            if !join.kind.filters_build_side() {
                *join.left = without_nulls(*join.left, &own(&left));
            }
            if join.kind == JoinKind::Inner {
                *join.right = without_nulls(*join.right, &own(&right));
            }
            Plan::Join(join)
        }
        other => other,
    }
}

/// `b.k IS NULL` above `a LEFT JOIN b ON a.k = b.k` leaves the rows without a match: an anti join, with NULLs for
/// the columns of `b`. Gives the plan with the conditions that are left.
pub(super) fn unmatched(
    mut join: Join,
    mut conditions: Vec<Expr>,
) -> Result<(Plan, Vec<Expr>), (Join, Vec<Expr>)> {
    let keys = join.keys.iter().filter(|key| !key.null_equals_null);
    let matched: HashSet<ColumnId> = keys.filter_map(|key| key.right.as_column()).collect();
    let unmatched = |condition: &Expr| match condition {
        Expr::IsNull(operand) => operand.as_column().is_some_and(|id| matched.contains(&id)),
        _ => false,
    };
    let at = conditions.iter().position(unmatched);
    let (JoinKind::Left, Some(at)) = (join.kind, at) else { return Err((join, conditions)) };
    conditions.remove(at);
    let missing: Vec<PlanColumn> = join.right.columns();
    let by: HashMap<ColumnId, Expr> =
        missing.iter().map(|column| (column.id, Expr::null(column.sql_type))).collect();
    let conditions = conditions.into_iter().map(|condition| substitute(condition, &by)).collect();
    let mut items: Vec<ProjectItem> = join.left.columns().iter().map(ProjectItem::pass).collect();
    items.extend(missing.into_iter().map(|column| ProjectItem {
        id: column.id,
        name: column.name,
        expr: Expr::null(column.sql_type),
    }));
    join.kind = JoinKind::Anti;
    let input = Box::new(Plan::Join(Box::new(join)));
    Ok((Plan::Project(Project { input, items }), conditions))
}

fn ids(plan: &Plan) -> HashSet<ColumnId> {
    plan.columns().iter().map(|column| column.id).collect()
}
