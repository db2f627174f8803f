//! Replacing columns in expressions, and what can be told of expressions in passing.

use std::collections::{HashMap, HashSet};

use firn_expression::Expr;
use firn_functions::Volatility;
use firn_types::ColumnId;

/// The expression with columns replaced by other expressions.
pub(crate) fn substitute(mut expr: Expr, by: &HashMap<ColumnId, Expr>) -> Expr {
    if let Expr::Column { id, .. } = &expr {
        return by.get(id).cloned().unwrap_or(expr);
    }
    for child in expr.children_mut() {
        let taken = std::mem::replace(child, Expr::boolean(true));
        *child = substitute(taken, by);
    }
    expr
}

/// Replaces columns in place.
pub(super) fn substitute_in(expr: &mut Expr, by: &HashMap<ColumnId, Expr>) {
    let taken = std::mem::replace(expr, Expr::boolean(true));
    *expr = substitute(taken, by);
}

/// Whether some column of `columns` is used.
pub(super) fn uses_any(expr: &Expr, columns: &HashSet<ColumnId>) -> bool {
    expr.columns_used().iter().any(|id| columns.contains(id))
}

/// Whether no column but those of `columns` is used.
pub(crate) fn uses_only(expr: &Expr, columns: &HashSet<ColumnId>) -> bool {
    expr.columns_used().iter().all(|id| columns.contains(id))
}

/// Whether the expression may answer differently when it is computed again.
pub(super) fn is_volatile(expr: &Expr) -> bool {
    let own = matches!(expr, Expr::Call { function, .. }
        if function.volatility == Volatility::Volatile);
    own || expr.children().into_iter().any(is_volatile)
}
