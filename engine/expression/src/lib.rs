//! The bound expression: names are numbers, every cast is visible, every function is chosen.
//!
//! A subquery never stands inside an expression: the plan computes it beside the row (`Apply`) and the
//! expression reads its column.

mod by_value;
mod case;
mod compile;
pub mod display;
pub mod evaluate;
mod facts;
pub mod fold;
mod identity;
pub mod lambda;
pub mod select;
mod walk;

use std::collections::HashSet;
use std::sync::Arc;

use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, SqlType, Value};

use firn_functions::{ForeignFunction, ScalarFunction, Signature};

pub use evaluate::Evaluator;
pub use lambda::{HigherOrder, Lambda, Parameter};
pub use select::Predicate;

/// A bound expression. Its value for a row depends on that row's columns and the statement's context.
///
/// It is a plain value with an identity: two expressions are equal when they compute the same by the same
/// way from the same columns, see `identity`.
#[derive(Clone, Debug)]
pub enum Expr {
    /// A constant.
    Literal {
        /// Its value, of the type (a number's scale is the type's) or NULL.
        value: Value,
        /// Its type.
        sql_type: SqlType,
    },
    /// A column of the input, or of an enclosing query inside an `Apply`.
    Column {
        /// Which.
        id: ColumnId,
        /// Its type.
        sql_type: SqlType,
        /// Whether it may be NULL.
        nullable: bool,
    },
    /// A comparison of two operands of one type; NULL if either is NULL.
    Compare {
        /// How.
        operator: Comparison,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand, of the same type but for length, precision and physical width.
        right: Box<Expr>,
    },
    /// `IS [NOT] DISTINCT FROM`: a comparison that knows NULL; never NULL itself.
    Distinct {
        /// TRUE for `IS DISTINCT FROM`.
        distinct: bool,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand, of the same type.
        right: Box<Expr>,
    },
    /// Three-valued AND of two or more BOOLEANs.
    And(Vec<Expr>),
    /// Three-valued OR of two or more BOOLEANs.
    Or(Vec<Expr>),
    /// Three-valued NOT.
    Not(Box<Expr>),
    /// Whether the operand is NULL; `IS NOT NULL` is `Not` of it.
    IsNull(Box<Expr>),
    /// Whether the operand is one of the constants; NULL as SQL's IN.
    InList {
        /// The operand.
        input: Box<Expr>,
        /// The constants, of the operand's type, NULL only where SQL's list has it.
        list: Arc<Vec<Value>>,
    },
    /// A conversion.
    Cast {
        /// What is converted.
        input: Box<Expr>,
        /// The wanted type.
        to: SqlType,
        /// TRUE for TRY_CAST: NULL where the value cannot be converted.
        lenient: bool,
    },
    /// The result of the first branch whose condition is TRUE. Later conditions and results are not
    /// computed for rows that are already decided.
    Case {
        /// Condition and result; all results are of `sql_type`.
        branches: Vec<(Expr, Expr)>,
        /// The result where no condition is TRUE; NULL without it.
        otherwise: Option<Box<Expr>>,
        /// The type of the results.
        sql_type: SqlType,
    },
    /// The first operand that is not NULL; later ones are not computed for rows that are decided.
    Coalesce {
        /// The operands, all of `sql_type`.
        operands: Vec<Expr>,
        /// Their type.
        sql_type: SqlType,
    },
    /// A call of a scalar function; operators such as `+`, `||` and `LIKE` are functions too.
    Call {
        /// Which.
        function: &'static ScalarFunction,
        /// For which arguments.
        signature: Arc<Signature>,
        /// The arguments, of the signature's types.
        arguments: Vec<Expr>,
    },
    /// A call of a user's function with a body in another language than SQL.
    Foreign {
        /// Which.
        function: Arc<ForeignFunction>,
        /// The arguments, of its parameters' types.
        arguments: Vec<Expr>,
    },
    /// A call of a function that computes a lambda for the elements of arrays.
    HigherOrder {
        /// What becomes of the lambda's answers.
        kind: HigherOrder,
        /// The array and, for REDUCE, the first state.
        inputs: Vec<Expr>,
        /// What is computed for each element.
        lambda: Box<Lambda>,
    },
    /// A parameter, in the body of its lambda.
    Parameter(Parameter),
}

/// The operands of an expression that is borrowed, shared or to change, as the iterators say.
macro_rules! children {
    ($expr:expr, $iter:ident, $as_deref:ident, $($reference:tt)+) => {
        match $expr {
            Expr::Literal { .. } | Expr::Column { .. } | Expr::Parameter(_) => Vec::new(),
            Expr::Compare { left, right, .. } | Expr::Distinct { left, right, .. } => {
                vec![left, right]
            }
            Expr::And(parts) | Expr::Or(parts) => parts.$iter().collect(),
            Expr::Not(input) | Expr::IsNull(input) => vec![input],
            Expr::InList { input, .. } | Expr::Cast { input, .. } => vec![input],
            Expr::Case { branches, otherwise, .. } => {
                let branches = branches.$iter().flat_map(|(when, then)| [when, then]);
                branches.chain(otherwise.$as_deref()).collect()
            }
            Expr::Coalesce { operands, .. } => operands.$iter().collect(),
            Expr::Call { arguments, .. } | Expr::Foreign { arguments, .. } => {
                arguments.$iter().collect()
            }
            Expr::HigherOrder { inputs, lambda, .. } => {
                inputs.$iter().chain([$($reference)+ lambda.body]).collect()
            }
        }
    };
}

impl Expr {
    /// The type of the expression's values.
    pub fn sql_type(&self) -> SqlType {
        self.stated_type().unwrap_or(SqlType::Boolean)
    }

    /// Whether the expression asks something, and so is BOOLEAN by its form alone.
    pub fn is_test(&self) -> bool {
        self.stated_type().is_none()
    }

    /// The type, of the forms that can have several.
    fn stated_type(&self) -> Option<SqlType> {
        match self {
            Expr::Literal { sql_type, .. }
            | Expr::Column { sql_type, .. }
            | Expr::Case { sql_type, .. }
            | Expr::Coalesce { sql_type, .. } => Some(*sql_type),
            Expr::Cast { to, .. } => Some(*to),
            Expr::Call { signature, .. } => Some(signature.returns),
            Expr::Foreign { function, .. } => Some(function.value_type()),
            Expr::HigherOrder { kind, lambda, .. } => Some(kind.returns(lambda)),
            Expr::Parameter(parameter) => Some(parameter.sql_type),
            Expr::Compare { .. }
            | Expr::Distinct { .. }
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Not(_)
            | Expr::IsNull(_)
            | Expr::InList { .. } => None,
        }
    }

    /// A BOOLEAN constant.
    pub fn boolean(value: bool) -> Expr {
        Expr::Literal { value: Value::Boolean(value), sql_type: SqlType::Boolean }
    }

    /// NULL of a type.
    pub fn null(sql_type: SqlType) -> Expr {
        Expr::Literal { value: Value::Null, sql_type }
    }

    /// The constant's value, when this is one.
    pub fn as_literal(&self) -> Option<&Value> {
        match self {
            Expr::Literal { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The column's id, when this is one.
    pub fn as_column(&self) -> Option<ColumnId> {
        match self {
            Expr::Column { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// All of the conditions as one; TRUE when there is none.
    pub fn all(mut conditions: Vec<Expr>) -> Expr {
        match conditions.len() {
            0 => Expr::boolean(true),
            1 => conditions.swap_remove(0),
            _ => Expr::And(conditions),
        }
    }

    /// The conditions that this one is the AND of.
    pub fn into_conjuncts(self) -> Vec<Expr> {
        match self {
            Expr::And(parts) => parts.into_iter().flat_map(Expr::into_conjuncts).collect(),
            Expr::Literal { value: Value::Boolean(true), .. } => Vec::new(),
            other => vec![other],
        }
    }

    /// The operands, in order.
    pub fn children(&self) -> Vec<&Expr> {
        children!(self, iter, as_deref, &)
    }

    /// The operands, in order, to change in place.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
        children!(self, iter_mut, as_deref_mut, &mut)
    }

    /// Every column that the expression reads.
    pub fn columns_used(&self) -> HashSet<ColumnId> {
        let mut found = HashSet::new();
        let mut pending = vec![self];
        while let Some(expr) = pending.pop() {
            found.extend(expr.as_column());
            pending.extend(expr.children());
        }
        found
    }

    /// Whether the value may be NULL, as far as the expression's form tells.
    pub fn nullable(&self) -> bool {
        match self {
            Expr::Literal { value, .. } => value.is_null(),
            Expr::Column { nullable, .. } => *nullable,
            Expr::Distinct { .. } | Expr::IsNull(_) => false,
            Expr::Coalesce { operands, .. } => operands.iter().all(Expr::nullable),
            Expr::Compare { .. } | Expr::And(_) | Expr::Or(_) | Expr::Not(_) => {
                self.children().into_iter().any(Expr::nullable)
            }
            Expr::InList { input, list } => input.nullable() || list.iter().any(Value::is_null),
            Expr::Case { branches, otherwise, .. } => {
                otherwise.as_ref().is_none_or(|otherwise| otherwise.nullable())
                    || branches.iter().any(|(_, then)| then.nullable())
            }
            Expr::Cast { .. } | Expr::Call { .. } | Expr::Foreign { .. } => true,
            Expr::HigherOrder { .. } | Expr::Parameter(_) => true,
        }
    }
}

#[cfg(test)]
mod tests;
