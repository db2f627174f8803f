//! Computes of a common table expression only the rows that some reference wants.
//!
//! Where every reference stands below a filter, the definition gets the OR of all of them, in terms of its own
//! columns, and what it demands sinks into the definition. The references keep their filters.

use std::collections::HashMap;

use firn_expression::Expr;
use firn_types::{ColumnId, Result};

use super::substitute::{is_volatile, substitute};
use super::{OptimizeContext, push_down_filter, simplify};
use firn_plan::{Filter, Plan, PlanColumn};

pub(super) fn apply(plan: Plan, context: &OptimizeContext<'_>) -> Result<Plan> {
    let Plan::With(mut with) = plan else {
        return plan.try_map_inputs(&mut |input| apply(input, context));
    };
    // What the body's own expressions pass on to this one is known first.
    *with.body = apply(*with.body, context)?;
    let mut demands = Vec::new();
    if collect(&with.body, with.cte, &with.definition.columns(), &mut demands) {
        let conditions = vec![simplify::simplify(Expr::Or(demands))];
        let filtered = Plan::Filter(Filter { input: with.definition, conditions });
        let pushed = push_down_filter::apply(filtered);
        let pushed = push_down_filter::apply(simplify::apply(pushed, context)?);
        with.definition = Box::new(pushed);
    }
    *with.definition = apply(*with.definition, context)?;
    Ok(Plan::With(with))
}

/// Adds what the filter above each reference demands; FALSE when one wants all rows.
fn collect(plan: &Plan, cte: u32, columns: &[PlanColumn], demands: &mut Vec<Expr>) -> bool {
    match plan {
        Plan::CteRef(reference) => reference.cte != cte,
        Plan::Filter(filter) => match filter.input.as_ref() {
            Plan::CteRef(reference) if reference.cte == cte => {
                let by: HashMap<ColumnId, Expr> = reference
                    .columns
                    .iter()
                    .zip(columns)
                    .map(|(own, column)| (own.id, column.expr()))
                    .collect();
                let stable = filter.conditions.iter().filter(|condition| !is_volatile(condition));
                let demand: Vec<Expr> =
                    stable.map(|condition| substitute(condition.clone(), &by)).collect();
                let wants_some = !demand.is_empty();
                demands.push(Expr::all(demand));
                wants_some
            }
            input => collect(input, cte, columns, demands),
        },
        other => other.inputs().into_iter().all(|input| collect(input, cte, columns, demands)),
    }
}
