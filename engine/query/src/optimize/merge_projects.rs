//! One projection instead of two, where nothing is computed twice by it.

use std::collections::HashMap;

use firn_expression::Expr;
use firn_types::ColumnId;

use super::substitute::{is_volatile, substitute_in};
use firn_plan::{Plan, Project};

pub(super) fn apply(plan: Plan) -> Plan {
    plan.transform_up(&mut |node| match node {
        Plan::Project(outer) => merge(outer),
        other => other,
    })
}

fn merge(mut outer: Project) -> Plan {
    let Plan::Project(inner) = outer.input.as_ref() else { return Plan::Project(outer) };
    let by: HashMap<ColumnId, Expr> =
        inner.items.iter().map(|item| (item.id, item.expr.clone())).collect();
    let mut uses: HashMap<ColumnId, usize> = HashMap::new();
    outer.items.iter().for_each(|item| count_columns(&item.expr, &mut uses));
    let is_cheap = |expr: &Expr| expr.as_column().is_some() || expr.as_literal().is_some();
    let fits = |id: &ColumnId| match by.get(id) {
        Some(expr) if is_volatile(expr) => false,
        Some(expr) => is_cheap(expr) || uses[id] == 1,
        None => true,
    };
    if !uses.keys().all(fits) || inner.items.iter().any(|item| is_volatile(&item.expr)) {
        return Plan::Project(outer);
    }
    let input = inner.input.clone();
    outer.items.iter_mut().for_each(|item| substitute_in(&mut item.expr, &by));
    outer.input = input;
    Plan::Project(outer)
}

/// Counts how often each column stands in an expression.
fn count_columns(expr: &Expr, uses: &mut HashMap<ColumnId, usize>) {
    if let Expr::Column { id, .. } = expr {
        *uses.entry(*id).or_insert(0) += 1;
    }
    expr.children().into_iter().for_each(|child| count_columns(child, uses));
}
