//! Puts a common table expression in the place of its only reference, and drops those without any.
//!
//! `With(1, d, .. CteRef(1) ..)` becomes `.. Project(d) ..`. A query that is read more than once stays,
//! unless it stands in a subquery that depends on its row: decorrelation does not look into it there. What
//! subqueries read is mostly cut down by the rows beside them, so that computing it for each costs less than
//! computing all of it once; unless it is made so that nothing from outside can cut it down.

use std::collections::HashSet;

use firn_types::{ColumnId, Result};

use super::OptimizeContext;
use super::decorrelate::outer_columns;
use firn_plan::{Plan, PlanColumn, Project, ProjectItem, SetOperator, With};

pub(super) fn apply(plan: Plan, context: &OptimizeContext<'_>) -> Result<Plan> {
    Ok(inline(plan, false, context))
}

/// The plan without any common table expression, but recursive ones.
pub(super) fn inline_all(plan: Plan, context: &OptimizeContext<'_>) -> Plan {
    inline(plan, true, context)
}

/// Nodes that copies of one query may have: queries that read each other several times would double with each.
const COPIED_MAX: usize = 10_000;

/// Inlines from the outside in, so that what is inlined is looked at once more; `below_apply`, nothing is shared.
fn inline(plan: Plan, below_apply: bool, context: &OptimizeContext<'_>) -> Plan {
    match plan {
        Plan::With(with) => {
            let With { cte, definition, body } = *with;
            let references = count(&body, cte);
            let shared = !inside_apply(&body, cte) || is_indivisible(&definition);
            let too_many = (references.max(1) - 1).saturating_mul(nodes(&definition)) > COPIED_MAX;
            if references > 1 && (shared && !below_apply || too_many) {
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
            let below_apply = below_apply || depends(&right, &apply.left);
            *apply.right = inline(right, below_apply, context);
            Plan::Apply(apply)
        }
        other => other.map_inputs(&mut |input| inline(input, below_apply, context)),
    }
}

fn nodes(plan: &Plan) -> usize {
    let mut found = 0;
    plan.visit(&mut |_| found += 1);
    found
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

/// Whether all of some part of a plan must be computed, whichever of the plan's rows are wanted.
fn is_indivisible(plan: &Plan) -> bool {
    let mut found = false;
    plan.visit(&mut |node| {
        found |= match node {
            Plan::Aggregate(node) => node.groups.is_empty() || node.grouping_sets.is_some(),
            Plan::SetOperation(node) => node.operator != SetOperator::UnionAll,
            Plan::Limit(_) => true,
            _ => false,
        };
    });
    found
}

/// Whether a subquery uses columns of the rows that it stands beside.
fn depends(subquery: &Plan, rows: &Plan) -> bool {
    let given: HashSet<ColumnId> = rows.columns().iter().map(|column| column.id).collect();
    !outer_columns(subquery, &given).is_empty()
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

/// The plan with ids of its own for every column that it makes.
pub(super) fn fresh_copy(plan: &Plan, context: &OptimizeContext<'_>) -> Plan {
    plan.copied(context).0
}
