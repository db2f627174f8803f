//! Moving the decimal point of exact numbers.

use arrow::datatypes::i256;
use firn_types::Result;

use super::magnitude::bits;
use super::{Arithmetic, common_width, i64s, i128s, in_range, overflow, valid};
use crate::kernels::forms::{self, Side, nulls_of_both, rows_of};
use crate::{Array, Column, PhysicalType};

/// 10^0 to 10^38.
pub const POWERS_OF_TEN: [i128; 39] = {
    let mut powers = [1; 39];
    let mut digits = 1;
    while digits < 39 {
        powers[digits] = powers[digits - 1] * 10;
        digits += 1;
    }
    powers
};

/// The integers times 10^`digits`: the same numbers with a larger scale.
///
/// # Errors
/// `NumberOverflow` when a row's result has more than 38 digits.
pub fn scale_up(column: &Column, digits: u8) -> Result<Column> {
    if digits == 0 {
        return Ok(column.clone());
    }
    let factor = POWERS_OF_TEN[usize::from(digits.min(38))];
    let factor = crate::column::integers(vec![Some(factor)]);
    let factor = Column::Constant { value: factor, rows: column.len() };
    super::combine(Arithmetic::Multiply, column, &factor)
}

/// The integers divided by 10^`digits`, rounded half away from zero: the same numbers with a smaller
/// scale.
///
/// # Errors
/// An internal error for a column that does not hold integers.
pub fn scale_down(column: &Column, digits: u8) -> Result<Column> {
    if digits == 0 {
        return Ok(column.clone());
    }
    let divisor = POWERS_OF_TEN[usize::from(digits.min(38))];
    let divisor = crate::column::integers(vec![Some(divisor)]);
    super::divide(column, &Column::Constant { value: divisor, rows: column.len() }, 0)
}

/// `value / divisor`, rounded half away from zero; the divisor is positive.
#[inline]
fn rounded(value: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (value / divisor, value % divisor);
    let up = rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2);
    quotient + if up { value.signum() } else { 0 }
}

/// The products of two integer columns, divided by 10^`digits` and rounded half away from zero: for a
/// product whose scale is smaller than the sum of its factors'.
///
/// # Errors
/// `NumberOverflow` when a row's result has more than 38 digits.
pub fn multiply_rounded(left: &Column, right: &Column, digits: u8) -> Result<Column> {
    if digits == 0 {
        return super::combine(Arithmetic::Multiply, left, right);
    }
    let divisor = POWERS_OF_TEN[usize::from(digits.min(38))];
    forms::zip(left, right, |l, r| products(l, r, divisor))
}

fn products(left: Side<'_>, right: Side<'_>, divisor: i128) -> Result<Array> {
    common_width(left, right)?;
    let nulls = nulls_of_both(left, right);
    let rows = rows_of(left, right);
    let at = |side: Side<'_>, row| side.array.integer(if side.repeats { 0 } else { row });
    if bits(left.array) + bits(right.array) <= 126 {
        let product = |row| rounded(at(left, row) * at(right, row), divisor);
        let values: Vec<i128> = (0..rows).map(product).collect();
        return Ok(narrowed(values, nulls));
    }
    let mut values = vec![0; rows];
    for (row, value) in values.iter_mut().enumerate().filter(|(row, _)| valid(nulls.as_ref(), *row))
    {
        let (l, r) = (at(left, row), at(right, row));
        let product = i256::from_i128(l).wrapping_mul(i256::from_i128(r));
        let quotient = rounded_i256(product, i256::from_i128(divisor));
        *value = quotient
            .to_i128()
            .filter(|v| in_range(*v))
            .ok_or_else(|| overflow(l as f64 * r as f64 / divisor as f64))?;
    }
    Ok(i128s(values, nulls))
}

/// `value / divisor`, rounded half away from zero.
pub(super) fn rounded_i256(value: i256, divisor: i256) -> i256 {
    let (quotient, rest) = (value.wrapping_div(divisor), value.wrapping_rem(divisor));
    let twice = rest.wrapping_abs().wrapping_mul(i256::from_i128(2));
    if twice < divisor.wrapping_abs() {
        quotient
    } else if value.is_negative() == divisor.is_negative() {
        quotient.wrapping_add(i256::ONE)
    } else {
        quotient.wrapping_sub(i256::ONE)
    }
}

/// 128-bit results in 64 bits when they fit: worth a look after a division, which makes them small.
pub(crate) fn narrowed(values: Vec<i128>, nulls: Option<arrow::buffer::NullBuffer>) -> Array {
    let all = values.iter().fold(0, |all, &v| all | (v ^ (v >> 127)));
    match PhysicalType::narrowest(0, all) {
        PhysicalType::I128 => i128s(values, nulls),
        _ => i64s(values.into_iter().map(|v| v as i64).collect(), nulls),
    }
}
