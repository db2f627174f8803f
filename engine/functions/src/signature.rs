//! What all kinds of functions share: arguments as the binder sees them, the overload chosen for them, arity and
//! volatility.

use firn_types::{Error, ErrorCode, Result, SqlType, Value};

use crate::scalar::NullRule;

/// One argument as the binder knows it before the call is bound.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Argument {
    /// Its type.
    pub sql_type: SqlType,
    /// Its value, when it is a constant.
    pub constant: Option<Value>,
    /// Its name, in a call with named arguments (`INPUT => v`), upper case.
    pub name: Option<String>,
}

impl Argument {
    /// An argument of a type that is not constant.
    pub fn of(sql_type: SqlType) -> Argument {
        Argument { sql_type, constant: None, name: None }
    }
}

/// The overload of a function that was chosen for certain arguments: all that is known of a call before it runs. A
/// plain value; what computes is made from `given` when a plan becomes pipelines.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// The arguments that the overload was chosen for.
    pub given: Vec<Argument>,
    /// The type that each argument is cast to before the call.
    pub arguments: Vec<SqlType>,
    /// The type of the answer.
    pub returns: SqlType,
    /// What becomes of a NULL among the arguments; aggregates and windows see them.
    pub nulls: NullRule,
    /// The argument with which the answer grows, or stays the same, when the others are constant.
    pub grows_with: Option<usize>,
}

impl Signature {
    /// The overload of an aggregate or a window function.
    pub fn of_rows(given: Vec<Argument>, arguments: Vec<SqlType>, returns: SqlType) -> Signature {
        Signature { given, arguments, returns, nulls: NullRule::Aware, grows_with: None }
    }
}

/// How many arguments a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arity {
    /// At least this many.
    pub min: usize,
    /// At most this many; `usize::MAX` for any number.
    pub max: usize,
}

impl Arity {
    /// Exactly `count` arguments.
    pub const fn exactly(count: usize) -> Arity {
        Arity { min: count, max: count }
    }

    /// From `min` to `max` arguments.
    pub const fn between(min: usize, max: usize) -> Arity {
        Arity { min, max }
    }

    /// `min` arguments or more.
    pub const fn at_least(min: usize) -> Arity {
        Arity { min, max: usize::MAX }
    }
}

/// How long an answer stays the same for the same arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Volatility {
    /// For ever: may be computed while planning and kept in a view.
    Immutable,
    /// Within one statement: CURRENT_TIMESTAMP, CURRENT_DATABASE.
    Stable,
    /// Not from one row to the next: RANDOM, UUID_STRING, NEXTVAL.
    Volatile,
}

/// Checks the number of arguments of a call of `name`.
///
/// # Errors
/// `TooManyArguments` or `NotEnoughArguments`, in Snowflake's words.
pub fn check_arity(name: &str, arity: Arity, given: usize) -> Result<()> {
    if given > arity.max {
        return Err(Error::new(
            ErrorCode::TooManyArguments,
            format!("too many arguments for function [{name}] expected {}, got {given}", arity.max),
        ));
    }
    if given < arity.min {
        return Err(Error::new(
            ErrorCode::NotEnoughArguments,
            format!(
                "not enough arguments for function [{name}], expected {}, got {given}",
                arity.min
            ),
        ));
    }
    Ok(())
}

/// The error for argument types that no overload of `name` takes.
pub fn wrong_types(name: &str, arguments: &[Argument]) -> Error {
    let types: Vec<String> = arguments.iter().map(|a| a.sql_type.to_string()).collect();
    Error::new(
        ErrorCode::InvalidArgumentTypes,
        format!("Invalid argument types for function '{name}': ({})", types.join(", ")),
    )
}
