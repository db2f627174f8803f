//! `/` and `%`.

use arrow::buffer::NullBuffer;
use arrow::datatypes::i256;
use firn_types::{Error, Result};

use super::magnitude::bits;
use super::scale::{POWERS_OF_TEN, narrowed, rounded_i256};
use super::{
    common_width, division_by_zero, f64s, i64s, i128s, in_range, not_numeric, overflow, valid,
};
use crate::kernels::forms::{self, Operand, Side, nulls_of_both, pairs, rows_of};
use crate::{Array, Column, PhysicalType};

/// `left * 10^digits / right` of two integer columns, rounded half away from zero; `left / right` of two
/// floating-point columns. With scales s1 and s2 and a result of scale s, `digits` is s + s2 - s1.
///
/// # Errors
/// `DivisionByZero`; `NumberOverflow` when a row's result has more than 38 digits.
pub fn divide(left: &Column, right: &Column, digits: u8) -> Result<Column> {
    forms::zip(left, right, |l, r| {
        refuse_zero(l, r)?;
        match (l.array, r.array) {
            (Array::F64(a), Array::F64(b)) => {
                let values = pairs(l.operand(a), r.operand(b), |a, b| a / b);
                Ok(f64s(values, nulls_of_both(l, r)))
            }
            _ => quotients(l, r, digits),
        }
    })
}

/// As [`divide`], the quotient cut off instead of rounded.
///
/// # Errors
/// As [`divide`].
pub fn divide_integers(left: &Column, right: &Column) -> Result<Column> {
    let rest = modulo(left, right)?;
    let even = super::combine(super::Arithmetic::Subtract, left, &rest)?;
    divide(&even, right, 0)
}

/// `left % right`, with the sign of `left`, of two integer columns of one scale or of two floating-point
/// columns.
///
/// # Errors
/// `DivisionByZero`.
pub fn modulo(left: &Column, right: &Column) -> Result<Column> {
    forms::zip(left, right, |l, r| {
        refuse_zero(l, r)?;
        let nulls = nulls_of_both(l, r);
        if let (Array::F64(a), Array::F64(b)) = (l.array, r.array) {
            return Ok(f64s(pairs(l.operand(a), r.operand(b), |a, b| a % b), nulls));
        }
        let width = common_width(l, r)?.max(PhysicalType::I64);
        let (a, b) = (l.array.widened(width), r.array.widened(width));
        match (&a, &b) {
            (Array::I64(a), Array::I64(b)) => {
                let rest = |a: i64, b| a.wrapping_rem(if b == 0 { 1 } else { b });
                Ok(i64s(pairs(l.operand(a), r.operand(b), rest), nulls))
            }
            (Array::I128(a), Array::I128(b)) => {
                let rest = |a: i128, b| a.wrapping_rem(if b == 0 { 1 } else { b });
                Ok(i128s(pairs(l.operand(a), r.operand(b), rest), nulls))
            }
            _ => Err(not_numeric(&a)),
        }
    })
}

/// An error when a divisor is zero in a row that is not NULL.
fn refuse_zero(left: Side<'_>, right: Side<'_>) -> Result<()> {
    let zero_at = |row: usize| match right.array {
        Array::F64(a) => a.value(row) == 0.0,
        other => other.integer(row) == 0,
    };
    let any = match right.array {
        Array::I32(a) => a.values().contains(&0),
        Array::I64(a) => a.values().contains(&0),
        Array::I128(a) => a.values().contains(&0),
        Array::F64(a) => a.values().contains(&0.0),
        other => return Err(not_numeric(other)),
    };
    if any {
        let nulls = nulls_of_both(left, right);
        let zero = |row| valid(nulls.as_ref(), row) && (right.repeats || zero_at(row));
        if (0..rows_of(left, right)).any(zero) {
            return Err(division_by_zero());
        }
    }
    Ok(())
}

fn quotients(left: Side<'_>, right: Side<'_>, digits: u8) -> Result<Array> {
    common_width(left, right)?;
    let nulls = nulls_of_both(left, right);
    let factor = POWERS_OF_TEN[usize::from(digits.min(38))];
    let factor_bits = 128 - factor.leading_zeros();
    let (left_bits, right_bits) = (bits(left.array) + factor_bits, bits(right.array));
    if left_bits <= 62 && right_bits <= 62 {
        let (l, r) =
            (left.array.widened(PhysicalType::I64), right.array.widened(PhysicalType::I64));
        let (Array::I64(l), Array::I64(r)) = (&low_half(&l), &low_half(&r)) else {
            return Err(Error::internal("division of arrays that do not meet in one width"));
        };
        let (l, r, factor) = (left.operand(l), right.operand(r), factor as i64);
        let values = if left_bits <= 51 && right_bits <= 51 {
            pairs(l, r, |l, r| by_float(l * factor, r))
        } else {
            pairs(l, r, |l, r| by_integer(l * factor, r))
        };
        return Ok(i64s(values, nulls));
    }
    let (l, r) = (left.array.widened(PhysicalType::I128), right.array.widened(PhysicalType::I128));
    let (Array::I128(l), Array::I128(r)) = (&l, &r) else { return Err(not_numeric(&l)) };
    let (l, r) = (left.operand(l), right.operand(r));
    if left_bits <= 126 && right_bits <= 126 {
        wide(l, r, factor, nulls)
    } else {
        widest(l, r, factor, rows_of(left, right), nulls)
    }
}

/// 128-bit integers that are known to fit into 64 bits, in 64 bits.
fn low_half(array: &Array) -> Array {
    match array {
        Array::I128(a) => Array::I64(a.unary(|v| v as i64)),
        other => other.clone(),
    }
}

/// Division by way of floating point, which is several times faster than the processor's integer
/// division. Dividend and divisor have at most 51 bits, so that their sum with half a divisor has 53 at
/// most; the quotient of two such numbers is never rounded up to a whole number that it does not reach,
/// because the distance to that number is more than half a unit in the last place. Cutting it off is exact.
#[inline]
fn by_float(value: i64, divisor: i64) -> i64 {
    let (dividend, magnitude) = rounding_parts(value, divisor);
    let quotient = (dividend as i64 as f64 / magnitude as i64 as f64) as i64;
    with_sign(quotient, value ^ divisor)
}

#[inline]
fn by_integer(value: i64, divisor: i64) -> i64 {
    let (dividend, magnitude) = rounding_parts(value, divisor);
    with_sign((dividend / magnitude) as i64, value ^ divisor)
}

/// Magnitudes whose quotient, cut off, is rounded: half a divisor is added before. No branch, since which
/// way a quotient is rounded cannot be guessed.
#[inline]
fn rounding_parts(value: i64, divisor: i64) -> (u64, u64) {
    let magnitude = divisor.unsigned_abs().max(1);
    (value.unsigned_abs() + (magnitude >> 1), magnitude)
}

/// The magnitude with the sign of `sign`.
#[inline]
fn with_sign(magnitude: i64, sign: i64) -> i64 {
    let sign = sign >> 63;
    (magnitude ^ sign) - sign
}

fn wide(
    left: Operand<'_, i128>,
    right: Operand<'_, i128>,
    factor: i128,
    nulls: Option<NullBuffer>,
) -> Result<Array> {
    let values: Vec<i128> = pairs(left, right, |l, r| {
        let (value, divisor) = (l * factor, if r == 0 { 1 } else { r });
        let (quotient, rest) = match (i64::try_from(value), i64::try_from(divisor)) {
            (Ok(v), Ok(d)) if v != i64::MIN => (i128::from(v / d), i128::from(v % d)),
            _ => (value / divisor, value % divisor),
        };
        let up = rest.unsigned_abs() * 2 >= divisor.unsigned_abs();
        quotient + if up { ((rest ^ divisor) >> 127) | 1 } else { 0 }
    });
    let too_long = |(row, value): (usize, &i128)| valid(nulls.as_ref(), row) && !in_range(*value);
    if let Some((_, value)) = values.iter().enumerate().find(|&pair| too_long(pair)) {
        return Err(overflow(*value as f64));
    }
    Ok(narrowed(values, nulls))
}

fn widest(
    left: Operand<'_, i128>,
    right: Operand<'_, i128>,
    factor: i128,
    rows: usize,
    nulls: Option<NullBuffer>,
) -> Result<Array> {
    let mut values = vec![0; rows];
    for (row, value) in values.iter_mut().enumerate().filter(|(row, _)| valid(nulls.as_ref(), *row))
    {
        let (l, r) = (left.at(row), right.at(row));
        let scaled = i256::from_i128(l).wrapping_mul(i256::from_i128(factor));
        *value = rounded_i256(scaled, i256::from_i128(r))
            .to_i128()
            .filter(|v| in_range(*v))
            .ok_or_else(|| overflow(l as f64 * factor as f64 / r as f64))?;
    }
    Ok(narrowed(values, nulls))
}
