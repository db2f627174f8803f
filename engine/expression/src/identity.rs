//! When two expressions are the same, and when two parts of expressions are computed once.
//!
//! Two expressions are equal when their own parts, their types and their operands are. Whether a column
//! may be NULL belongs to the place that reads it, and what an overload was chosen for is told by the
//! operands. A call of a volatile function is equal to itself written again; who must not compute it only
//! once asks [`Expr::volatility`].

use std::hash::{Hash, Hasher};

use firn_functions::ForeignFunction;
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, SqlType, Value};

use super::{Expr, HigherOrder, Parameter};

/// What an expression is apart from its type and its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Own<'e> {
    Literal(&'e Value),
    Column(ColumnId),
    Compare(Comparison),
    Distinct { distinct: bool },
    And,
    Or,
    Not,
    IsNull,
    InList(&'e [Value]),
    Cast { lenient: bool },
    Case { otherwise: bool },
    Coalesce,
    Call { name: &'e str, arguments: &'e [SqlType] },
    Foreign(&'e ForeignFunction),
    HigherOrder(HigherOrder, &'e [Parameter]),
    Parameter(Parameter),
}

impl<'e> Own<'e> {
    /// What `expr` is of its own.
    pub(super) fn of(expr: &'e Expr) -> Own<'e> {
        match expr {
            Expr::Literal { value, .. } => Own::Literal(value),
            Expr::Column { id, .. } => Own::Column(*id),
            Expr::Compare { operator, .. } => Own::Compare(*operator),
            Expr::Distinct { distinct, .. } => Own::Distinct { distinct: *distinct },
            Expr::And(_) => Own::And,
            Expr::Or(_) => Own::Or,
            Expr::Not(_) => Own::Not,
            Expr::IsNull(_) => Own::IsNull,
            Expr::InList { list, .. } => Own::InList(list),
            Expr::Cast { lenient, .. } => Own::Cast { lenient: *lenient },
            Expr::Case { otherwise, .. } => Own::Case { otherwise: otherwise.is_some() },
            Expr::Coalesce { .. } => Own::Coalesce,
            Expr::Call { function, signature, .. } => {
                Own::Call { name: function.name, arguments: &signature.arguments }
            }
            Expr::Foreign { function, .. } => Own::Foreign(function),
            Expr::HigherOrder { kind, lambda, .. } => Own::HigherOrder(*kind, &lambda.parameters),
            Expr::Parameter(parameter) => Own::Parameter(*parameter),
        }
    }
}

impl PartialEq for Expr {
    fn eq(&self, other: &Expr) -> bool {
        Own::of(self) == Own::of(other)
            && self.sql_type() == other.sql_type()
            && self.children() == other.children()
    }
}

impl Eq for Expr {}

impl Hash for Expr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Own::of(self).hash(state);
        self.sql_type().hash(state);
        self.children().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn column(nullable: bool) -> Expr {
        Expr::Column { id: ColumnId(1), sql_type: SqlType::INTEGER, nullable }
    }

    #[test]
    fn nulls_have_types_and_columns_are_the_same_wherever_they_are_read() {
        assert_eq!(column(true), column(false));
        assert_ne!(Expr::null(SqlType::Date), Expr::null(SqlType::TEXT));
        let cast =
            |lenient| Expr::Cast { input: Box::new(column(true)), to: SqlType::TEXT, lenient };
        assert_ne!(cast(true), cast(false));
        let different = HashSet::from([column(true), column(false), cast(true), cast(false)]);
        assert_eq!(different.len(), 3);
    }
}
