//! What can be said of an expression without computing it.

use std::collections::HashSet;

use firn_functions::{NullRule, Volatility};
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, SqlType, TypeFamily, Value};

use super::Expr;

impl Expr {
    /// Whether the expression reads no column and calls nothing volatile: its value is the same for all
    /// rows of a statement.
    pub fn is_constant(&self) -> bool {
        let mut pending = vec![self];
        while let Some(expr) = pending.pop() {
            match expr {
                Expr::Column { .. } | Expr::Parameter(_) => return false,
                Expr::Call { .. } | Expr::Foreign { .. }
                    if expr.own_volatility() == Volatility::Volatile =>
                {
                    return false;
                }
                Expr::HigherOrder { inputs, lambda, .. } => {
                    if !lambda.captures_nothing()
                        || lambda.body.volatility() == Volatility::Volatile
                    {
                        return false;
                    }
                    pending.extend(inputs);
                }
                other => pending.extend(other.children()),
            }
        }
        true
    }

    /// How long the expression's value stays the same for the same columns: as its most volatile part.
    pub fn volatility(&self) -> Volatility {
        let mut most = Volatility::Immutable;
        self.visit(&mut |expr| most = most.max(expr.own_volatility()));
        most
    }

    /// As [`Expr::volatility`], apart from its operands.
    pub(super) fn own_volatility(&self) -> Volatility {
        match self {
            Expr::Call { function, .. } => function.volatility,
            Expr::Foreign { function, .. } => function.volatility,
            _ => Volatility::Immutable,
        }
    }

    /// Whether computing the expression may be an error. Calls may always fail, and casts except those
    /// that only widen.
    pub fn can_fail(&self) -> bool {
        self.any(&mut |expr| match expr {
            Expr::Call { .. } | Expr::Foreign { .. } | Expr::HigherOrder { .. } => true,
            Expr::Cast { input, to, lenient } => !lenient && !widens(input.sql_type(), *to),
            _ => false,
        })
    }

    /// Whether the expression, as a condition, is never TRUE for a row in which all of `columns` are NULL.
    /// FALSE also when it is not known.
    pub fn rejects_nulls(&self, columns: &HashSet<ColumnId>) -> bool {
        match self {
            Expr::And(parts) => parts.iter().any(|part| part.rejects_nulls(columns)),
            Expr::Or(parts) => parts.iter().all(|part| part.rejects_nulls(columns)),
            Expr::Not(input) => match input.as_ref() {
                Expr::IsNull(operand) => operand.is_null_with(columns),
                other => other.is_null_with(columns),
            },
            Expr::Literal { value, .. } => *value != Value::Boolean(true),
            other => other.is_null_with(columns),
        }
    }

    /// Whether the expression is surely NULL for a row in which all of `columns` are NULL.
    pub fn is_null_with(&self, columns: &HashSet<ColumnId>) -> bool {
        match self {
            Expr::Column { id, .. } => columns.contains(id),
            Expr::Literal { value, .. } => value.is_null(),
            Expr::Compare { left, right, .. } => {
                left.is_null_with(columns) || right.is_null_with(columns)
            }
            Expr::InList { input, .. } | Expr::Cast { input, .. } | Expr::Not(input) => {
                input.is_null_with(columns)
            }
            Expr::Coalesce { operands, .. } => {
                operands.iter().all(|operand| operand.is_null_with(columns))
            }
            Expr::Call { signature, arguments, .. } if signature.nulls == NullRule::Propagate => {
                arguments.iter().any(|argument| argument.is_null_with(columns))
            }
            Expr::Foreign { function, arguments } if function.strict => {
                arguments.iter().any(|argument| argument.is_null_with(columns))
            }
            _ => false,
        }
    }

    /// The column, the operator and the constant of `column operator constant`, whichever side the
    /// constant stands on; the constant may be a call that is the same for the whole statement.
    pub fn as_column_comparison(&self) -> Option<(ColumnId, Comparison, &Expr)> {
        let Expr::Compare { operator, left, right } = self else { return None };
        match (left.as_column(), right.as_column()) {
            (Some(id), None) if right.is_constant() => Some((id, *operator, right)),
            (None, Some(id)) if left.is_constant() => Some((id, operator.swapped(), left)),
            _ => None,
        }
    }
}

/// Whether every value of one type is, unchanged, a value of the other.
pub(super) fn widens(from: SqlType, to: SqlType) -> bool {
    match (from, to) {
        (SqlType::Null, _) => true,
        (
            SqlType::Number { precision: p, scale: s },
            SqlType::Number { precision: to_p, scale: to_s },
        ) => to_s >= s && to_p - to_s >= p - s,
        (SqlType::Number { .. }, SqlType::Float) => true,
        (SqlType::Varchar { length: from, .. }, SqlType::Varchar { length: to, .. }) => to >= from,
        (SqlType::Binary { length: from }, SqlType::Binary { length: to }) => to >= from,
        (from, to) => from.family() == to.family() && from.family() != TypeFamily::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(id: u32) -> Expr {
        Expr::Column { id: ColumnId(id), sql_type: SqlType::INTEGER, nullable: true }
    }

    fn is_null(expr: Expr) -> Expr {
        Expr::IsNull(Box::new(expr))
    }

    fn equal(left: Expr, right: Expr) -> Expr {
        let (left, right) = (Box::new(left), Box::new(right));
        Expr::Compare { operator: Comparison::Equal, left, right }
    }

    #[test]
    fn a_condition_rejects_nulls_when_it_cannot_be_true_with_them() {
        let one = Expr::Literal { value: Value::integer(1), sql_type: SqlType::INTEGER };
        let a = &HashSet::from([ColumnId(1)]);
        assert!(equal(column(1), column(2)).rejects_nulls(a));
        assert!(!equal(column(2), one.clone()).rejects_nulls(a));
        assert!(!is_null(column(1)).rejects_nulls(a));
        assert!(Expr::Not(Box::new(is_null(column(1)))).rejects_nulls(a));
        let first = equal(column(1), one.clone());
        let second = equal(column(2), one.clone());
        assert!(Expr::And(vec![first.clone(), second.clone()]).rejects_nulls(a));
        assert!(!Expr::Or(vec![first, second]).rejects_nulls(a));
        let coalesce =
            Expr::Coalesce { operands: vec![column(1), one.clone()], sql_type: SqlType::INTEGER };
        assert!(!equal(coalesce, one).rejects_nulls(a));
    }

    #[test]
    fn columns_are_found_at_any_depth_of_wide_chains() {
        let chain = Expr::Or((0..100_000).map(|id| is_null(column(id))).collect());
        assert_eq!(chain.columns_used().len(), 100_000);
    }
}
