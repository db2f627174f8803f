//! The operators that are functions: `+ - * / %`, unary minus and `||`.
//!
//! Comparisons, AND, OR, NOT and the like are expressions of their own. Numbers keep their types as
//! arguments; a kernel brings them to one scale itself where it has to, so that a constant is scaled once
//! per batch.

mod add_subtract;
mod concat;
mod multiply_divide;
mod negate;

use firn_types::limits::NUMBER_PRECISION_MAX;
use firn_types::{Result, SqlType};

use super::ScalarFunction;
use crate::{Argument, accept};

const CATEGORY: &str = "Operators";

/// The functions of this folder.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[
    &add_subtract::ADD,
    &add_subtract::SUBTRACT,
    &concat::CONCAT,
    &multiply_divide::DIVIDE,
    &multiply_divide::MODULO,
    &multiply_divide::MULTIPLY,
    &negate::NEGATE,
];

/// Both arguments of an arithmetic operator as NUMBERs, or both as FLOATs when one is.
///
/// # Errors
/// `InvalidArgumentTypes` for types that are no numbers.
fn operands(name: &str, arguments: &[Argument]) -> Result<[SqlType; 2]> {
    let left = accept::number(name, arguments, 0)?;
    let right = accept::number(name, arguments, 1)?;
    Ok(match left == SqlType::Float || right == SqlType::Float {
        true => [SqlType::Float; 2],
        false => [left, right],
    })
}

/// Precision and scale of a NUMBER.
fn digits(sql_type: SqlType) -> (u8, u8) {
    match sql_type {
        SqlType::Number { precision, scale } => (precision, scale),
        _ => (NUMBER_PRECISION_MAX, 0),
    }
}
