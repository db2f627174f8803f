//! Arithmetic on numbers, exact to 38 digits.
//!
//! Integers are computed in the narrowest width that provably holds the batch's results: 32-bit operands
//! give 64-bit results without any check; 64-bit ones are computed in 64 bits while a check that costs
//! next to nothing says that no row overflows, and again in 128 bits if one does. Only there can a
//! result be out of a NUMBER's range, which is an error unless the row is NULL. What lies under a NULL
//! is arbitrary and never an error.
//!
//! Scales are the caller's: operands of `+`, `-` and `%` come with one scale ([`scale_up`]), and a
//! product has the sum of both.

mod add_multiply;
mod divide;
mod magnitude;
mod scale;

use arrow::array::{Decimal128Array, Float64Array, Int64Array};
use arrow::buffer::NullBuffer;
use firn_types::{Error, ErrorCode, Result};

use crate::{Array, Column, PhysicalType};

use super::forms::{self, Side};

pub(crate) use scale::narrowed;

pub use divide::{divide, divide_integers, modulo};
pub use scale::{POWERS_OF_TEN, multiply_rounded, scale_down, scale_up};

/// 10^38: the first whole number that no NUMBER holds.
pub const NUMBER_END: i128 = 10_i128.pow(38);

/// One of the operators whose integer result is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
}

/// `left operator right` of two integer columns, or of two floating-point columns.
///
/// # Errors
/// `NumberOverflow` when a row's result has more than 38 digits.
pub fn combine(operator: Arithmetic, left: &Column, right: &Column) -> Result<Column> {
    forms::zip(left, right, |l, r| add_multiply::arrays(operator, l, r))
}

/// The numbers with the other sign.
///
/// # Errors
/// An internal error for a column that is not numeric.
pub fn negate(column: &Column) -> Result<Column> {
    forms::map(column, |array| {
        Ok(match array {
            Array::I32(a) => Array::I64(a.unary(|v| -i64::from(v))),
            Array::I64(a) if a.values().contains(&i64::MIN) => {
                Array::I128(a.unary(|v| -i128::from(v)))
            }
            Array::I64(a) => Array::I64(a.unary(i64::wrapping_neg)),
            Array::I128(a) => Array::I128(a.unary(i128::wrapping_neg)),
            Array::F64(a) => Array::F64(a.unary(|v: f64| -v)),
            other => return Err(not_numeric(other)),
        })
    })
}

fn not_numeric(array: &Array) -> Error {
    Error::internal(format!("arithmetic on {:?}", array.physical()))
}

/// The width in which two integer arrays meet.
fn common_width(left: Side<'_>, right: Side<'_>) -> Result<PhysicalType> {
    let width = left.array.physical().max(right.array.physical());
    match (left.array.physical(), right.array.physical()) {
        (l, r) if l.is_integer() && r.is_integer() => Ok(width),
        (PhysicalType::F64, PhysicalType::F64) => Ok(width),
        (PhysicalType::F64, _) => Err(not_numeric(right.array)),
        _ => Err(not_numeric(left.array)),
    }
}

fn i64s(values: Vec<i64>, nulls: Option<NullBuffer>) -> Array {
    Array::I64(Int64Array::new(values.into(), nulls))
}

fn i128s(values: Vec<i128>, nulls: Option<NullBuffer>) -> Array {
    Array::I128(Decimal128Array::new(values.into(), nulls))
}

fn f64s(values: Vec<f64>, nulls: Option<NullBuffer>) -> Array {
    Array::F64(Float64Array::new(values.into(), nulls))
}

fn in_range(value: i128) -> bool {
    -NUMBER_END < value && value < NUMBER_END
}

/// Whether the row is not NULL.
fn valid(nulls: Option<&NullBuffer>, row: usize) -> bool {
    nulls.is_none_or(|nulls| nulls.is_valid(row))
}

/// The error for a result that no NUMBER holds; `value` is about the result, without its scale.
pub fn overflow(value: f64) -> Error {
    Error::new(
        ErrorCode::NumberOverflow,
        format!(
            "Number out of representable range: type FIXED[SB16](38,0){{not null}}, value {value:e}"
        ),
    )
}

/// The error for a zero below a fraction line.
pub fn division_by_zero() -> Error {
    Error::new(ErrorCode::DivisionByZero, "Division by zero")
}

#[cfg(test)]
mod tests;
