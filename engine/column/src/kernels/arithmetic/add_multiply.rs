//! `+`, `-` and `*`.

use arrow::buffer::NullBuffer;
use firn_types::{Error, Result};

use super::magnitude::i64_bits;
use super::{Arithmetic, common_width, f64s, i64s, i128s, in_range, overflow, valid};
use crate::kernels::forms::{Operand, Side, nulls_of_both, pairs};
use crate::{Array, PhysicalType};

pub(super) fn arrays(operator: Arithmetic, left: Side<'_>, right: Side<'_>) -> Result<Array> {
    let width = common_width(left, right)?;
    let nulls = nulls_of_both(left, right);
    match (left.array, right.array) {
        (Array::F64(l), Array::F64(r)) => {
            Ok(f64s(floats(operator, left.operand(l), right.operand(r)), nulls))
        }
        (Array::I32(l), Array::I32(r)) => {
            Ok(i64s(narrow(operator, left.operand(l), right.operand(r)), nulls))
        }
        (l, r) if width == PhysicalType::I64 => {
            let (l, r) = (l.widened(width), r.widened(width));
            let (Array::I64(l), Array::I64(r)) = (&l, &r) else { return Err(mixed()) };
            let (l, r) = (left.operand(l), right.operand(r));
            match medium(operator, l, r) {
                Some(values) => Ok(i64s(values, nulls)),
                None => Ok(i128s(wide_of_medium(operator, l, r), nulls)),
            }
        }
        (l, r) => {
            let (l, r) = (l.widened(PhysicalType::I128), r.widened(PhysicalType::I128));
            let (Array::I128(l), Array::I128(r)) = (&l, &r) else { return Err(mixed()) };
            let values = wide(operator, left.operand(l), right.operand(r), nulls.as_ref())?;
            Ok(i128s(values, nulls))
        }
    }
}

fn mixed() -> Error {
    Error::internal("arithmetic on arrays that do not meet in one width")
}

fn floats(operator: Arithmetic, left: Operand<'_, f64>, right: Operand<'_, f64>) -> Vec<f64> {
    match operator {
        Arithmetic::Add => pairs(left, right, |l, r| l + r),
        Arithmetic::Subtract => pairs(left, right, |l, r| l - r),
        Arithmetic::Multiply => pairs(left, right, |l, r| l * r),
    }
}

/// 32-bit operands: no result overflows 64 bits.
fn narrow(operator: Arithmetic, left: Operand<'_, i32>, right: Operand<'_, i32>) -> Vec<i64> {
    match operator {
        Arithmetic::Add => pairs(left, right, |l, r| i64::from(l) + i64::from(r)),
        Arithmetic::Subtract => pairs(left, right, |l, r| i64::from(l) - i64::from(r)),
        Arithmetic::Multiply => pairs(left, right, |l, r| i64::from(l) * i64::from(r)),
    }
}

/// 64-bit operands in 64 bits; none when a row may overflow. The operands' magnitudes decide beforehand,
/// at the price of a vectorized pass over each. Sums of larger numbers still get a try: the sign of `lost`
/// tells whether the sign of a sum came out wrong in any row.
fn medium(
    operator: Arithmetic,
    left: Operand<'_, i64>,
    right: Operand<'_, i64>,
) -> Option<Vec<i64>> {
    let (left_bits, right_bits) = (i64_bits(left), i64_bits(right));
    if left_bits.max(right_bits) <= 62 && operator != Arithmetic::Multiply {
        return Some(match operator {
            Arithmetic::Add => pairs(left, right, i64::wrapping_add),
            _ => pairs(left, right, i64::wrapping_sub),
        });
    }
    let mut lost = 0_i64;
    let values = match operator {
        Arithmetic::Add => pairs(left, right, |l, r| {
            let sum = l.wrapping_add(r);
            lost |= (l ^ sum) & (r ^ sum);
            sum
        }),
        Arithmetic::Subtract => pairs(left, right, |l, r| {
            let difference = l.wrapping_sub(r);
            lost |= (l ^ r) & (l ^ difference);
            difference
        }),
        Arithmetic::Multiply if left_bits + right_bits <= 62 => {
            pairs(left, right, i64::wrapping_mul)
        }
        Arithmetic::Multiply => return None,
    };
    (lost >= 0).then_some(values)
}

/// 64-bit operands in 128 bits: every result has fewer than 38 digits.
fn wide_of_medium(
    operator: Arithmetic,
    left: Operand<'_, i64>,
    right: Operand<'_, i64>,
) -> Vec<i128> {
    match operator {
        Arithmetic::Add => pairs(left, right, |l, r| i128::from(l) + i128::from(r)),
        Arithmetic::Subtract => pairs(left, right, |l, r| i128::from(l) - i128::from(r)),
        Arithmetic::Multiply => pairs(left, right, |l, r| i128::from(l) * i128::from(r)),
    }
}

/// 128-bit operands, checked.
fn wide(
    operator: Arithmetic,
    left: Operand<'_, i128>,
    right: Operand<'_, i128>,
    nulls: Option<&NullBuffer>,
) -> Result<Vec<i128>> {
    let mut lost = false;
    let mut check = |(value, overflows): (i128, bool)| {
        lost |= overflows | !in_range(value);
        value
    };
    let values = match operator {
        Arithmetic::Add => pairs(left, right, |l, r| check(l.overflowing_add(r))),
        Arithmetic::Subtract => pairs(left, right, |l, r| check(l.overflowing_sub(r))),
        Arithmetic::Multiply => pairs(left, right, |l, r| check(product(l, r))),
    };
    if lost {
        refuse_lost(operator, left, right, values.len(), nulls)?;
    }
    Ok(values)
}

/// The product, and whether it overflows; most operands have 64 bits even here.
#[inline]
fn product(left: i128, right: i128) -> (i128, bool) {
    match (i64::try_from(left), i64::try_from(right)) {
        (Ok(l), Ok(r)) => (i128::from(l) * i128::from(r), false),
        _ => left.overflowing_mul(right),
    }
}

/// The error of the first row that overflows and is not NULL.
#[cold]
fn refuse_lost(
    operator: Arithmetic,
    left: Operand<'_, i128>,
    right: Operand<'_, i128>,
    rows: usize,
    nulls: Option<&NullBuffer>,
) -> Result<()> {
    for row in (0..rows).filter(|&row| valid(nulls, row)) {
        let (l, r) = (left.at(row), right.at(row));
        let (exact, about) = match operator {
            Arithmetic::Add => (l.checked_add(r), l as f64 + r as f64),
            Arithmetic::Subtract => (l.checked_sub(r), l as f64 - r as f64),
            Arithmetic::Multiply => (l.checked_mul(r), l as f64 * r as f64),
        };
        if !exact.is_some_and(in_range) {
            return Err(overflow(about));
        }
    }
    Ok(())
}
