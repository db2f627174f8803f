//! What each clause permits.

use firn_account::catalog::ObjectKind;
use firn_types::{Error, ErrorCode};

/// Where in a statement an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clause {
    /// The select list.
    Select,
    /// FROM: a join's condition or a table function's arguments.
    From,
    /// WHERE.
    Where,
    /// A condition of WHERE that marks a table with `(+)`.
    Marked,
    /// GROUP BY.
    GroupBy,
    /// HAVING.
    Having,
    /// QUALIFY.
    Qualify,
    /// ORDER BY.
    OrderBy,
    /// Inside an aggregate's arguments.
    AggregateArgument,
    /// Inside a window function's arguments, partition or order.
    WindowArgument,
    /// Inside an argument that may hold window functions.
    WindowsArgument,
    /// VALUES.
    Values,
    /// SET, a clause of MERGE, a default, an option: one expression on its own.
    Single,
    /// The body of a policy of this kind, which gives a constraint.
    Constraint(ObjectKind),
}

impl Clause {
    /// Whether an aggregate may stand there.
    pub(crate) fn takes_aggregates(self) -> bool {
        matches!(
            self,
            Clause::Select
                | Clause::Having
                | Clause::Qualify
                | Clause::OrderBy
                | Clause::WindowArgument
                | Clause::WindowsArgument
        )
    }

    /// Whether a window function may stand there.
    pub(crate) fn takes_windows(self) -> bool {
        matches!(self, Clause::Select | Clause::Qualify | Clause::OrderBy | Clause::WindowsArgument)
    }

    /// The error for an aggregate, written `text`, that may not stand there.
    pub(crate) fn refuse_aggregate(self, text: &str) -> Error {
        let detail = match self {
            Clause::Where => format!("Invalid aggregate function in where clause [{text}]"),
            Clause::GroupBy => format!("Invalid aggregate function in group by clause [{text}]"),
            Clause::AggregateArgument => {
                format!("Aggregate functions cannot be nested: [{text}]")
            }
            _ => format!("Invalid aggregate function in this clause [{text}]"),
        };
        Error::new(ErrorCode::InvalidAggregate, detail)
    }

    /// The error for a window function, written `text`, that may not stand there.
    pub(crate) fn refuse_window(self, text: &str) -> Error {
        let detail = match self {
            Clause::WindowArgument => {
                format!(
                    "Window function [{text}] may not be nested inside another window function."
                )
            }
            _ => format!(
                "Window function [{text}] appears outside of SELECT, QUALIFY, and ORDER BY clauses."
            ),
        };
        Error::new(ErrorCode::InvalidStatement, detail)
    }
}
