//! Exact arithmetic of NUMBER: scales, rounding, and the types of results.
//!
//! Rounding is always half away from zero. Every operation says by `None` that 128 bits, or the asked
//! precision, cannot hold the answer; nothing wraps.

use crate::SqlType;
use crate::limits::{NUMBER_PRECISION_MAX, NUMBER_SCALE_MAX};
use crate::value::Decimal;

/// 10^0 to 10^38.
pub const POWERS_OF_TEN: [i128; 39] = powers_of_ten();

/// Scale that a quotient gains over its dividend.
const QUOTIENT_SCALE_GAIN: u8 = 6;
/// Scale up to which a product or quotient may grow beyond its operands'.
const GROWN_SCALE_MAX: u8 = 12;

const fn powers_of_ten() -> [i128; 39] {
    let mut powers = [1i128; 39];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
}

/// 10^exponent, when 128 bits hold it.
pub fn power_of_ten(exponent: u32) -> Option<i128> {
    POWERS_OF_TEN.get(exponent as usize).copied()
}

/// Whether the number has at most `precision` digits.
pub fn fits_precision(unscaled: i128, precision: u8) -> bool {
    let bound = POWERS_OF_TEN[usize::from(precision.min(NUMBER_PRECISION_MAX))];
    unscaled > -bound && unscaled < bound
}

/// `dividend / divisor`, rounded; `None` for a zero divisor and for what 128 bits cannot hold.
pub fn divide_rounded(dividend: i128, divisor: i128) -> Option<i128> {
    let quotient = dividend.checked_div(divisor)?;
    let rest = (dividend % divisor).unsigned_abs();
    let negative = (dividend < 0) != (divisor < 0);
    match rest >= divisor.unsigned_abs() - rest {
        false => Some(quotient),
        true if negative => quotient.checked_sub(1),
        true => quotient.checked_add(1),
    }
}

/// The number at another scale, rounded where digits are lost.
pub fn rescale(unscaled: i128, from_scale: u8, to_scale: u8) -> Option<i128> {
    if to_scale >= from_scale {
        return match power_of_ten(u32::from(to_scale - from_scale)) {
            Some(power) => unscaled.checked_mul(power),
            None => (unscaled == 0).then_some(0),
        };
    }
    match power_of_ten(u32::from(from_scale - to_scale)) {
        Some(power) => divide_rounded(unscaled, power),
        None => Some(0),
    }
}

/// The number at the scale of NUMBER(precision, scale), if it has no more digits than that.
pub fn rescale_to(number: Decimal, precision: u8, scale: u8) -> Option<i128> {
    rescale(number.unscaled, number.scale, scale).filter(|&n| fits_precision(n, precision))
}

/// `left * right / 10^drop`, rounded; exact also where the product needs more than 128 bits.
pub fn multiply_scaled(left: i128, right: i128, drop: u8) -> Option<i128> {
    let divisor = power_of_ten(u32::from(drop))?;
    if let Some(product) = left.checked_mul(right) {
        return divide_rounded(product, divisor);
    }
    let product = Wide::product(left.unsigned_abs(), right.unsigned_abs());
    signed(product.divided(divisor.unsigned_abs())?, (left < 0) != (right < 0))
}

/// `left * 10^raise / right`, rounded; exact also where the raised dividend needs more than 128 bits.
/// `None` for a zero divisor too.
pub fn divide_scaled(left: i128, right: i128, raise: u8) -> Option<i128> {
    if right == 0 {
        return None;
    }
    let Some(power) = power_of_ten(u32::from(raise)) else {
        return divide_scaled(left.checked_mul(POWERS_OF_TEN[usize::from(raise - 38)])?, right, 38);
    };
    if let Some(raised) = left.checked_mul(power) {
        return divide_rounded(raised, right);
    }
    let raised = Wide::product(left.unsigned_abs(), power.unsigned_abs());
    signed(raised.divided(right.unsigned_abs())?, (left < 0) != (right < 0))
}

fn signed(magnitude: u128, negative: bool) -> Option<i128> {
    let magnitude = i128::try_from(magnitude).ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

/// An unsigned number of 256 bits.
struct Wide {
    high: u128,
    low: u128,
}

impl Wide {
    fn product(left: u128, right: u128) -> Wide {
        const HALF: u128 = u64::MAX as u128;
        let (a, b) = (left >> 64, left & HALF);
        let (c, d) = (right >> 64, right & HALF);
        let low = b * d;
        let (middle, carry) = (a * d).overflowing_add(b * c);
        let (low, low_carry) = low.overflowing_add(middle << 64);
        let high = a * c + (middle >> 64) + (u128::from(carry) << 64) + u128::from(low_carry);
        Wide { high, low }
    }

    /// The quotient, rounded half up; `None` where it needs more than 128 bits.
    fn divided(&self, divisor: u128) -> Option<u128> {
        if divisor == 0 || self.high >= divisor {
            return None;
        }
        // Schoolbook division bit by bit: rare enough that simple is better.
        let (mut rest, mut quotient) = (self.high, 0u128);
        for bit in (0..128).rev() {
            let carry = rest >> 127 == 1;
            rest = (rest << 1) | ((self.low >> bit) & 1);
            quotient <<= 1;
            if carry || rest >= divisor {
                rest = rest.wrapping_sub(divisor);
                quotient |= 1;
            }
        }
        if rest >= divisor - rest { quotient.checked_add(1) } else { Some(quotient) }
    }
}

/// The type of `left + right` and `left - right` for NUMBERs of (precision, scale).
pub fn sum_type(left: (u8, u8), right: (u8, u8)) -> SqlType {
    let leading = leading_digits(left).max(leading_digits(right)) + 1;
    with_digits(leading, left.1.max(right.1))
}

/// The type of `left * right`.
pub fn product_type(left: (u8, u8), right: (u8, u8)) -> SqlType {
    let leading = leading_digits(left) + leading_digits(right);
    let scale = (left.1 + right.1).min(left.1.max(right.1).max(GROWN_SCALE_MAX));
    with_digits(leading, scale.min(NUMBER_SCALE_MAX))
}

/// The type of `left / right`.
pub fn quotient_type(left: (u8, u8), right: (u8, u8)) -> SqlType {
    let scale = left.1.max((left.1 + QUOTIENT_SCALE_GAIN).min(GROWN_SCALE_MAX));
    with_digits(leading_digits(left) + right.1, scale)
}

/// The type of `left % right`, and the one that holds both: the enclosing type.
pub fn enclosing_type(left: (u8, u8), right: (u8, u8)) -> SqlType {
    let leading = leading_digits(left).max(leading_digits(right));
    with_digits(leading, left.1.max(right.1))
}

/// The scale of AVG over numbers of this scale.
pub fn average_scale(scale: u8) -> u8 {
    scale.max((scale + QUOTIENT_SCALE_GAIN).min(GROWN_SCALE_MAX))
}

fn leading_digits((precision, scale): (u8, u8)) -> u8 {
    precision.saturating_sub(scale)
}

fn with_digits(leading: u8, scale: u8) -> SqlType {
    SqlType::number(leading.saturating_add(scale).min(NUMBER_PRECISION_MAX), scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_half_away_from_zero() {
        for (number, from, to, wanted) in [
            (25, 1, 0, 3),
            (-25, 1, 0, -3),
            (24, 1, 0, 2),
            (999_999, 3, 2, 100_000),
            (5, 0, 3, 5000),
            (49, 2, 0, 0),
            (1, 38, 0, 0),
        ] {
            assert_eq!(rescale(number, from, to), Some(wanted), "{number} {from} {to}");
        }
        assert_eq!(rescale(i128::MAX, 0, 1), None);
        assert!(fits_precision(999, 3) && !fits_precision(1000, 3) && !fits_precision(-1000, 3));
    }

    #[test]
    fn quotients_and_products_pass_through_256_bits() {
        let large = POWERS_OF_TEN[37];
        assert_eq!(multiply_scaled(large, -large, 37), Some(-large));
        assert_eq!(multiply_scaled(large, large, 0), None);
        assert_eq!(divide_scaled(large, large, 12), Some(POWERS_OF_TEN[12]));
        assert_eq!(divide_scaled(2, 7, 6), Some(285_714));
        assert_eq!(divide_scaled(-1, 2, 0), Some(-1));
        assert_eq!(divide_scaled(1, 0, 6), None);
        assert_eq!(divide_scaled(2 * large, 3 * large, 6), Some(666_667));
        assert_eq!(divide_scaled(1, POWERS_OF_TEN[37], 49), Some(POWERS_OF_TEN[12]));
    }

    #[test]
    fn results_have_the_documented_types() {
        let number = SqlType::number;
        assert_eq!(quotient_type((1, 0), (1, 0)), number(7, 6));
        assert_eq!(quotient_type((3, 1), (2, 1)), number(10, 7));
        assert_eq!(quotient_type((5, 3), (4, 3)), number(14, 9));
        assert_eq!(quotient_type((10, 2), (1, 0)), number(16, 8));
        assert_eq!(quotient_type((20, 15), (1, 0)), number(20, 15));
        assert_eq!(product_type((2, 1), (14, 13)), number(15, 13));
        assert_eq!(product_type((12, 2), (3, 2)), number(15, 4));
        assert_eq!(product_type((38, 10), (38, 10)), number(38, 12));
        assert_eq!(sum_type((12, 2), (1, 0)), number(13, 2));
        assert_eq!(sum_type((38, 0), (38, 0)), number(38, 0));
        assert_eq!(enclosing_type((1, 0), (3, 2)), number(3, 2));
    }
}
