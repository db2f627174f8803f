//! Constant folding, shared by the binder, the optimizer and defaults.

use firn_types::{Result, Value};

use super::Expr;
use crate::functions::FunctionContext;

/// The value of an expression that is constant within the statement; none when it depends on rows or is
/// volatile.
///
/// # Errors
/// The error that computing the constant gives.
pub fn constant(expr: &Expr, _context: &FunctionContext) -> Result<Option<Value>> {
    Ok(expr.as_literal().cloned())
}
