//! Name to function, built from the lists of the folders.

use std::collections::HashMap;
use std::sync::LazyLock;

use firn_types::{Error, Result};

use super::{AggregateFunction, ScalarFunction, TableFunction, WindowFunction};

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

/// The window function of this name, which firn itself asks for.
///
/// # Errors
/// An internal error when there is none.
pub fn window(name: &str) -> Result<&'static WindowFunction> {
    match find(name) {
        Some(Function::Window(function)) => Ok(function),
        _ => Err(Error::internal(format!("no window function {name}"))),
    }
}

/// The aggregate function of this name, which firn itself asks for.
///
/// # Errors
/// As [`window`].
pub fn aggregate(name: &str) -> Result<&'static AggregateFunction> {
    match find(name) {
        Some(Function::Aggregate(function)) => Ok(function),
        _ => Err(Error::internal(format!("no aggregate function {name}"))),
    }
}

/// The table function of this name, which firn itself asks for.
///
/// # Errors
/// As [`window`].
pub fn table(name: &str) -> Result<&'static TableFunction> {
    match find(name) {
        Some(Function::Table(function)) => Ok(function),
        _ => Err(Error::internal(format!("no table function {name}"))),
    }
}

/// Every name, aliases included, for completion and for "did you mean".
pub fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.keys().copied()
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
