//! Name to function, built from the lists of the folders.

use std::collections::HashMap;
use std::sync::LazyLock;

use firn_types::{Error, ErrorCode, Result};

use super::{AggregateFunction, Argument, Arity, ScalarFunction, TableFunction, WindowFunction};

/// One built-in function of any kind.
#[derive(Clone, Copy, Debug)]
pub enum Function {
    /// One row in, one value out.
    Scalar(&'static ScalarFunction),
    /// Many rows in, one value per group out; with OVER, one per row.
    Aggregate(&'static AggregateFunction),
    /// Only with OVER.
    Window(&'static WindowFunction),
    /// One row in, many rows out.
    Table(&'static TableFunction),
}

impl Function {
    /// The function's own name.
    pub fn name(&self) -> &'static str {
        match self {
            Function::Scalar(function) => function.name,
            Function::Aggregate(function) => function.name,
            Function::Window(function) => function.name,
            Function::Table(function) => function.name,
        }
    }
}

static FUNCTIONS: LazyLock<HashMap<&'static str, Function>> = LazyLock::new(|| {
    let mut functions = HashMap::new();
    for function in super::lists::all() {
        let aliases = match function {
            Function::Scalar(f) => f.aliases,
            Function::Aggregate(f) => f.aliases,
            Function::Window(f) => f.aliases,
            Function::Table(_) => &[],
        };
        for name in std::iter::once(function.name()).chain(aliases.iter().copied()) {
            functions.insert(name, function);
        }
    }
    functions
});

/// The function of this upper-case name.
pub fn find(name: &str) -> Option<Function> {
    FUNCTIONS.get(name).copied()
}

/// Every name, aliases included, for completion and for "did you mean".
pub fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.keys().copied()
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_name_is_given_once_and_every_function_is_documented() {
        let mut names = HashSet::new();
        for function in super::super::lists::all() {
            let (aliases, documentation) = match function {
                Function::Scalar(f) => (f.aliases, f.documentation),
                Function::Aggregate(f) => (f.aliases, f.documentation),
                Function::Window(f) => (f.aliases, f.documentation),
                Function::Table(f) => (&[][..], f.documentation),
            };
            for name in aliases.iter().copied().chain([function.name()]) {
                assert!(names.insert(name), "{name} is there twice");
                assert_eq!(name, name.to_uppercase(), "names are upper case");
            }
            assert!(documentation.summary.ends_with(['.', '?']), "{}", function.name());
            assert!(!documentation.category.is_empty(), "{}", function.name());
        }
    }
}
