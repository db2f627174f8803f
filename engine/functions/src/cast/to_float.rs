//! To FLOAT.

use arrow::array::Float64Array;
use firn_column::Array;
use firn_types::decimal::POWERS_OF_TEN;
use firn_types::number_text::{Failure, decimal_text, parse_float};
use firn_types::parse_text::number_error;
use firn_types::{Result, SqlType};

use super::Failures;
use super::rows::{each_text, no_conversion};

/// Powers of ten up to this one are exact as floating-point numbers.
const EXACT_POWER_MAX: u8 = 22;
/// Integers up to this one are exact as floating-point numbers.
const EXACT_INTEGER_MAX: u64 = 1 << 53;

pub(super) fn convert(array: &Array, from: SqlType, failures: &mut Failures) -> Result<Array> {
    let mut floats = Vec::with_capacity(array.len());
    let nulls = match (array, from) {
        (Array::Text(texts), _) => each_text(
            texts,
            failures,
            |text| parse_float(text).ok_or(Failure::Unrecognized),
            number_error,
            |number| floats.push(number),
        )?,
        (Array::I32(a), SqlType::Number { scale, .. }) if scale <= EXACT_POWER_MAX => {
            let divisor = POWERS_OF_TEN[usize::from(scale)] as f64;
            return Ok(Array::F64(a.unary(|n| f64::from(n) / divisor)));
        }
        (_, SqlType::Number { scale, .. }) => {
            floats.extend((0..array.len()).map(|row| number_to_float(array.integer(row), scale)));
            array.nulls().cloned()
        }
        _ => return Err(no_conversion(from, "FLOAT")),
    };
    Ok(Array::F64(Float64Array::new(floats.into(), nulls)))
}

/// The FLOAT nearest to `unscaled / 10^scale`.
pub(crate) fn number_to_float(unscaled: i128, scale: u8) -> f64 {
    if unscaled.unsigned_abs() <= u128::from(EXACT_INTEGER_MAX) && scale <= EXACT_POWER_MAX {
        // Both are exact, so that the one rounding is the division's.
        return unscaled as f64 / POWERS_OF_TEN[usize::from(scale)] as f64;
    }
    let mut buffer = [0; 48];
    let text = std::str::from_utf8(decimal_text(unscaled, scale, &mut buffer)).unwrap_or_default();
    text.parse().unwrap_or(f64::NAN)
}
