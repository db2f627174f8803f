//! Replaces what is constant within the statement by its value.
//!
//! `a > 1 + 2` becomes `a > 3`. A constant that fails, such as `1 / 0`, stays: it must fail only if a row
//! reaches it.

use firn_expression::Expr;
use firn_expression::fold;
use firn_plan::Plan;
use firn_types::Result;

use super::OptimizeContext;

pub(super) fn apply(plan: Plan, context: &OptimizeContext<'_>) -> Result<Plan> {
    Ok(plan.transform_up(&mut |mut node| {
        for expr in node.expressions_mut() {
            fold_in(expr, context);
        }
        node
    }))
}

/// Folds the largest constant parts of an expression.
pub(super) fn fold_in(expr: &mut Expr, context: &OptimizeContext<'_>) {
    if matches!(expr, Expr::Literal { .. } | Expr::Column { .. }) {
        return;
    }
    if let Ok(Some(value)) = fold::constant(expr, context.functions) {
        *expr = Expr::Literal { value, sql_type: expr.sql_type() };
        return;
    }
    expr.children_mut().into_iter().for_each(|child| fold_in(child, context));
}
