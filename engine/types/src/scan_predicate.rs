//! What storage may skip by: a small language of column tests that needs no expressions.
//!
//! A predicate here is implied by the query's filter; it never has to be complete. Storage uses it to
//! leave out micro-partitions, row groups and pages of which no row can pass, and may keep too many.

use crate::{ColumnPath, Value};

/// A test that every wanted row passes. Rows for which it is NULL do not pass.
#[derive(Clone, Debug, PartialEq)]
pub enum ScanPredicate {
    /// Every row passes.
    True,
    /// No row passes.
    False,
    /// The column compares so with a value that is not NULL, of the column's own type and scale.
    Compare {
        /// Which column.
        column: ColumnPath,
        /// How.
        operator: Comparison,
        /// With what.
        value: Value,
    },
    /// The column is one of these values, none of them NULL, of the column's own type and scale.
    In {
        /// Which column.
        column: ColumnPath,
        /// The values.
        values: Vec<Value>,
    },
    /// The text column begins with this.
    StartsWith {
        /// Which column.
        column: ColumnPath,
        /// The beginning.
        prefix: String,
    },
    /// The column is NULL.
    IsNull(ColumnPath),
    /// The column is not NULL.
    IsNotNull(ColumnPath),
    /// Every one passes.
    And(Vec<ScanPredicate>),
    /// At least one passes.
    Or(Vec<ScanPredicate>),
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// The comparison with its sides exchanged: `a < b` is `b > a`.
    pub fn swapped(self) -> Comparison {
        match self {
            Comparison::Equal | Comparison::NotEqual => self,
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        }
    }

    /// The comparison that holds exactly when this one does not, for values that are not NULL.
    pub fn negated(self) -> Comparison {
        match self {
            Comparison::Equal => Comparison::NotEqual,
            Comparison::NotEqual => Comparison::Equal,
            Comparison::Less => Comparison::GreaterOrEqual,
            Comparison::LessOrEqual => Comparison::Greater,
            Comparison::Greater => Comparison::LessOrEqual,
            Comparison::GreaterOrEqual => Comparison::Less,
        }
    }

    /// The operator as SQL writes it.
    pub fn symbol(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::NotEqual => "<>",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }

    /// Whether an ordering of the two sides satisfies the comparison.
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Comparison::Equal => ordering.is_eq(),
            Comparison::NotEqual => ordering.is_ne(),
            Comparison::Less => ordering.is_lt(),
            Comparison::LessOrEqual => ordering.is_le(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::GreaterOrEqual => ordering.is_ge(),
        }
    }
}
