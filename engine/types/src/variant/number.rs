//! Numbers inside semi-structured values: exact decimals and doubles on one line.

use std::cmp::Ordering;

use crate::Decimal;
use crate::limits::{NUMBER_PRECISION_MAX, NUMBER_SCALE_MAX};
use crate::number_text::float_digits;

/// Largest number of 38 digits.
pub(super) const UNSCALED_MAX: i128 = 10_i128.pow(NUMBER_PRECISION_MAX as u32) - 1;

/// The same number with the smallest scale that holds it.
pub fn without_trailing_zeros(mut number: Decimal) -> Decimal {
    while number.scale > 0 && number.unscaled % 10 == 0 {
        number.unscaled /= 10;
        number.scale -= 1;
    }
    number
}

/// A number as comparison sees it: doubles count as the shortest decimal that reads back as them, where
/// 38 digits hold it. So 0.1 and 1e-1 are equal, and equality is transitive.
#[derive(Clone, Copy, Debug)]
pub(super) enum NumberKey {
    Exact(Decimal),
    /// NaN, infinite, or too large or small for a decimal.
    Double(f64),
}

impl NumberKey {
    pub(super) fn of_double(value: f64) -> NumberKey {
        match shortest_decimal(value) {
            Some(decimal) => NumberKey::Exact(decimal),
            None => NumberKey::Double(value),
        }
    }

    pub(super) fn compare(self, other: NumberKey) -> Ordering {
        match (self, other) {
            (NumberKey::Exact(a), NumberKey::Exact(b)) => compare_decimals(a, b),
            (NumberKey::Double(a), NumberKey::Double(b)) => compare_doubles(a, b),
            (NumberKey::Exact(a), NumberKey::Double(b)) => decimal_to_double(a, b),
            (NumberKey::Double(a), NumberKey::Exact(b)) => decimal_to_double(b, a).reverse(),
        }
    }
}

/// The order of doubles: NaN is equal to itself and above everything, -0 is 0.
pub(super) fn compare_doubles(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// A decimal beside a double that no decimal equals.
fn decimal_to_double(decimal: Decimal, double: f64) -> Ordering {
    let order = compare_doubles(to_double(decimal), double);
    if order == Ordering::Equal { Ordering::Less } else { order }
}

fn compare_decimals(a: Decimal, b: Decimal) -> Ordering {
    if a.scale == b.scale {
        return a.unscaled.cmp(&b.unscaled);
    }
    let power = |scale: u8| 10_i128.pow(u32::from(scale.min(NUMBER_PRECISION_MAX)));
    let whole = (a.unscaled / power(a.scale)).cmp(&(b.unscaled / power(b.scale)));
    whole.then_with(|| {
        // The fractions have at most 38 digits at the larger scale.
        let larger = a.scale.max(b.scale);
        let fraction = |n: Decimal| n.unscaled % power(n.scale) * power(larger - n.scale);
        fraction(a).cmp(&fraction(b))
    })
}

/// The double nearest to a decimal.
pub fn to_double(number: Decimal) -> f64 {
    const EXACT: i128 = 1 << 53;
    const POWERS: i32 = 22;
    if (-EXACT..=EXACT).contains(&number.unscaled) && i32::from(number.scale) <= POWERS {
        // Both operands are exact, so the quotient is the nearest double.
        return number.unscaled as f64 / 10_f64.powi(i32::from(number.scale));
    }
    format!("{}e-{}", number.unscaled, number.scale).parse().unwrap_or(f64::NAN)
}

/// The shortest decimal that reads back as this double, if 38 digits hold it.
fn shortest_decimal(value: f64) -> Option<Decimal> {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= WHOLE {
        return Some(Decimal::integer(value as i64));
    }
    if !value.is_finite() {
        return None;
    }
    let (digits, exponent) = float_digits(value);
    let magnitude: i128 = digits.parse().ok()?;
    let unscaled = if value < 0.0 { -magnitude } else { magnitude };
    let scale = i32::try_from(digits.len()).ok()? - 1 - exponent;
    if scale < 0 {
        let unscaled = 10_i128
            .checked_pow(scale.unsigned_abs())
            .and_then(|power| unscaled.checked_mul(power))
            .filter(|unscaled| unscaled.abs() <= UNSCALED_MAX)?;
        return Some(Decimal { unscaled, scale: 0 });
    }
    let scale = u8::try_from(scale).ok().filter(|&scale| scale <= NUMBER_SCALE_MAX)?;
    Some(without_trailing_zeros(Decimal { unscaled, scale }))
}

/// What stands first in a number's sort key.
mod sign {
    pub(super) const NEGATIVE_INFINITE: u8 = 0;
    pub(super) const NEGATIVE: u8 = 1;
    pub(super) const ZERO: u8 = 2;
    pub(super) const POSITIVE: u8 = 3;
    pub(super) const INFINITE: u8 = 4;
    pub(super) const NAN: u8 = 5;
}

/// Appends bytes that sort as numbers do.
pub(super) fn push_decimal_key(value: Decimal, out: &mut Vec<u8>) {
    let digits = value.unscaled.unsigned_abs().to_string();
    let exponent = digits.len() as i32 - 1 - i32::from(value.scale);
    push_key(value.unscaled < 0, &digits, exponent, out);
}

/// As [`push_decimal_key`]; a double sorts as the shortest decimal that reads back as it.
pub(super) fn push_double_key(value: f64, out: &mut Vec<u8>) {
    if value.is_nan() {
        out.push(sign::NAN);
    } else if value.is_infinite() {
        out.push(if value < 0.0 { sign::NEGATIVE_INFINITE } else { sign::INFINITE });
    } else {
        let (digits, exponent) = float_digits(value);
        push_key(value < 0.0, &digits, exponent, out);
    }
}

/// Sign, power of ten of the first digit, and the digits without zeros at their end; all but the sign
/// reversed for negative numbers.
fn push_key(negative: bool, digits: &str, exponent: i32, out: &mut Vec<u8>) {
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return out.push(sign::ZERO);
    }
    out.push(if negative { sign::NEGATIVE } else { sign::POSITIVE });
    let start = out.len();
    let biased = (exponent + i32::from(i16::MAX)).clamp(0, i32::from(u16::MAX)) as u16;
    out.extend_from_slice(&biased.to_be_bytes());
    out.extend_from_slice(digits.as_bytes());
    out.push(0);
    if negative {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}
