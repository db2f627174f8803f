//! What functions mean to whoever plans with them: properties that a function carries, so that nobody has to
//! ask for its name.

use std::cmp::Ordering;

use firn_types::SqlType;

/// What a scalar function means to planning, beyond that it computes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing that planning makes use of.
    Opaque,
    /// Arithmetic on its arguments. With numbers of less than 38 digits only a division can fail.
    Arithmetic(ArithmeticOperator),
    /// Whether a text, the first argument, matches a pattern, the second.
    TextMatch(TextMatch),
    /// The part of a semi-structured value, the first argument, at a path, the second.
    PathAccess,
    /// Numbers the rows in the order in which it sees them.
    RowCounter,
    /// The bytes by which a text, the first argument, is compared.
    ComparisonKey,
}

/// The operators of arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArithmeticOperator {
    /// `+`
    Add,
    /// `-` of two operands.
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `-` of one operand.
    Negate,
}

/// How a text matches a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextMatch {
    /// `LIKE`: `%` stands for any characters, `_` for one.
    Like,
    /// `ILIKE`: the same, whatever the case.
    LikeIgnoringCase,
    /// A regular expression matches all of it.
    RegularExpression,
    /// The pattern stands somewhere in it.
    Contains,
    /// It begins with the pattern.
    Prefix,
    /// It ends with the pattern.
    Suffix,
}

/// What an aggregate function means to planning: mostly, how the answer for all rows comes from answers for
/// parts of them (the function is decomposable).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateMeaning {
    /// Nothing that planning makes use of: it needs all rows at once.
    Opaque,
    /// The number of rows, or of those whose argument is not NULL.
    Count,
    /// The number of rows for which the argument holds.
    CountIf,
    /// The sum.
    Sum,
    /// The quotient of the sum and the count of the values.
    Mean,
    /// The least value.
    Least,
    /// The greatest value.
    Greatest,
    /// The function of its own answers for parts of the rows, whatever it answers.
    SelfMerging,
    /// One of the values, whichever.
    Any,
}

/// How the answer of an aggregate for all rows comes from answers for parts of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// By the same function.
    Same,
    /// By adding them up; 0 where there is none.
    Added,
    /// By the sum and the count, which are merged and divided.
    SumAndCount,
}

impl AggregateMeaning {
    /// How answers for parts of the rows are merged; none when they cannot be.
    pub fn merge(self) -> Option<Merge> {
        match self {
            AggregateMeaning::Opaque => None,
            AggregateMeaning::Count | AggregateMeaning::CountIf => Some(Merge::Added),
            AggregateMeaning::Mean => Some(Merge::SumAndCount),
            AggregateMeaning::Sum
            | AggregateMeaning::Least
            | AggregateMeaning::Greatest
            | AggregateMeaning::SelfMerging
            | AggregateMeaning::Any => Some(Merge::Same),
        }
    }

    /// Whether merging answers of this type in any order gives the very same: sums of floating-point numbers do
    /// not.
    pub fn merges_exactly(self, returns: SqlType) -> bool {
        let rounds = matches!(self, AggregateMeaning::Sum | AggregateMeaning::Mean);
        self.merge().is_some() && !(rounds && returns == SqlType::Float)
    }

    /// Whether the answer of this type is the same over the same rows, in whichever order they come.
    pub fn is_determined(self, returns: SqlType) -> bool {
        self.merges_exactly(returns) && self != AggregateMeaning::Any
    }

    /// Whether the answer is a number even over no rows.
    pub fn is_never_null(self) -> bool {
        self.merge() == Some(Merge::Added)
    }

    /// Of the least and the greatest value, how it compares with the others.
    pub fn extreme(self) -> Option<Ordering> {
        match self {
            AggregateMeaning::Least => Some(Ordering::Less),
            AggregateMeaning::Greatest => Some(Ordering::Greater),
            _ => None,
        }
    }
}

/// What a window function means to planning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowMeaning {
    /// Nothing that planning makes use of.
    Opaque,
    /// Numbers the rows of a partition in their order.
    Numbering(Numbering),
    /// Says where a row stands, by the places of it and its peers and the number of all rows.
    Place,
    /// The value of the frame's first row.
    First,
    /// The value of a row so many before.
    Lag,
    /// The value of a row so many after.
    Lead,
}

/// How rows are numbered, and what rows get that are alike in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// ROW_NUMBER: different numbers.
    Row,
    /// RANK: the number of the first of them.
    Rank,
    /// DENSE_RANK: the same number; the next get the next number.
    Dense,
}
