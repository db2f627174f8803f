//! Puts a common table expression in the place of its only reference, and drops those without any.
//!
//! `With(1, d, .. CteRef(1) ..)` becomes `.. Project(d) ..`. A query that is read more than once stays,
//! unless it stands below an `Apply`: decorrelation does not look into it there.

use std::collections::HashMap;

use firn_types::Result;

use super::OptimizeContext;
use crate::plan::{Plan, PlanColumn, Project, ProjectItem, With};

pub(super) fn apply(plan: Plan, context: &OptimizeContext<'_>) -> Result<Plan> {
    Ok(inline(plan, false, context))
}

/// Inlines from the outside in, so that what is inlined is looked at once more.
fn inline(plan: Plan, below_apply: bool, context: &OptimizeContext<'_>) -> Plan {
    match plan {
        Plan::With(with) => {
            let With { cte, definition, body } = *with;
            let references = count(&body, cte);
            if references > 1 && !(below_apply || inside_apply(&body, cte)) {
                let definition = Box::new(inline(*definition, below_apply, context));
                let body = Box::new(inline(*body, below_apply, context));
                return Plan::With(Box::new(With { cte, definition, body }));
            }
            let mut definition = Some(*definition);
            let mut left = references;
            let body = replace(*body, cte, &mut |columns| {
                left -= 1;
                let plan = match (left, definition.take()) {
                    (0, Some(plan)) => plan,
                    (_, Some(plan)) => {
                        let copy = fresh_copy(&plan, context);
                        definition = Some(plan);
                        copy
                    }
                    (_, None) => Plan::one_row(),
                };
                renamed(plan, columns)
            });
            inline(body, below_apply, context)
        }
        Plan::Apply(mut apply) => {
            let left = std::mem::replace(&mut *apply.left, Plan::one_row());
            let right = std::mem::replace(&mut *apply.right, Plan::one_row());
            *apply.left = inline(left, below_apply, context);
            *apply.right = inline(right, true, context);
            Plan::Apply(apply)
        }
        other => other.map_inputs(&mut |input| inline(input, below_apply, context)),
    }
}

fn count(plan: &Plan, cte: u32) -> usize {
    let mut found = 0;
    plan.visit(&mut |node| {
        found += usize::from(matches!(node, Plan::CteRef(reference) if reference.cte == cte));
    });
    found
}

/// Whether some reference stands on the right side of an `Apply`.
fn inside_apply(plan: &Plan, cte: u32) -> bool {
    let mut found = false;
    plan.visit(&mut |node| {
        if let Plan::Apply(apply) = node {
            found = found || count(&apply.right, cte) > 0;
        }
    });
    found
}

fn replace(plan: Plan, cte: u32, f: &mut dyn FnMut(Vec<PlanColumn>) -> Plan) -> Plan {
    match plan {
        Plan::CteRef(reference) if reference.cte == cte => f(reference.columns),
        other => other.map_inputs(&mut |input| replace(input, cte, f)),
    }
}

/// The plan's columns under a reference's ids.
fn renamed(plan: Plan, columns: Vec<PlanColumn>) -> Plan {
    let items = plan.columns().into_iter().zip(columns).map(|(from, to)| ProjectItem {
        id: to.id,
        name: to.name,
        expr: from.expr(),
    });
    Plan::Project(Project { items: items.collect(), input: Box::new(plan) })
}

/// The plan with fresh ids for every column that it makes.
pub(super) fn fresh_copy(plan: &Plan, context: &OptimizeContext<'_>) -> Plan {
    let mut renaming = HashMap::new();
    let mut copy = plan.clone();
    refresh(&mut copy, &mut renaming, context);
    copy
}

fn refresh(
    plan: &mut Plan,
    renaming: &mut HashMap<firn_types::ColumnId, firn_types::ColumnId>,
    context: &OptimizeContext<'_>,
) {
    for input in plan.inputs_mut() {
        refresh(input, renaming, context);
    }
    for expr in plan.expressions_mut() {
        rename_columns(expr, renaming);
    }
    for id in plan.defined_ids_mut() {
        let fresh = *renaming.entry(*id).or_insert_with(|| context.fresh());
        *id = fresh;
    }
    // A scan's conditions use the columns that the scan itself defines.
    if let Plan::Scan(scan) = plan {
        scan.conditions.iter_mut().for_each(|condition| rename_columns(condition, renaming));
    }
}

fn rename_columns(
    expr: &mut firn_expression::Expr,
    renaming: &HashMap<firn_types::ColumnId, firn_types::ColumnId>,
) {
    if let firn_expression::Expr::Column { id, .. } = expr {
        *id = renaming.get(id).copied().unwrap_or(*id);
    }
    expr.children_mut().into_iter().for_each(|child| rename_columns(child, renaming));
}
