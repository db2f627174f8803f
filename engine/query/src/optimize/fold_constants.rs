//! Replaces what is constant within the statement by its value.
//!
//! `a > 1 + 2` becomes `a > 3`. A constant that fails, such as `1 / 0`, stays: it must fail only if a row
//! reaches it.

use firn_expression::fold;
use firn_plan::Plan;
use firn_types::Result;

use super::OptimizeContext;

pub(super) fn apply(plan: Plan, context: &OptimizeContext<'_>) -> Result<Plan> {
    Ok(plan.transform_up(&mut |mut node| {
        for expr in node.expressions_mut() {
            fold::fold_constants(expr, context.functions);
        }
        node
    }))
}
