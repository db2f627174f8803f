//! To NUMBER.

use arrow::datatypes::{Decimal128Type, Int32Type, Int64Type};
use firn_column::{Array, PhysicalType};
use firn_types::decimal::{POWERS_OF_TEN, fits_precision, rescale};
use firn_types::number_text::{parse_number, write_decimal, write_float};
use firn_types::parse_text::{number_error, out_of_range_error};
use firn_types::{Error, Result, SqlType};

use super::Failures;
use super::integers::Integers;
use super::rows::{each_float, each_integer, each_row, each_text, no_conversion};

/// Floating-point numbers below this are exact as integers.
const FLOAT_EXACT_BELOW: f64 = 9_007_199_254_740_992.0;

pub(super) fn convert(
    array: &Array,
    from: SqlType,
    to: SqlType,
    failures: &mut Failures,
) -> Result<Array> {
    let SqlType::Number { precision, scale } = to else {
        return Err(no_conversion(from, "NUMBER"));
    };
    let mut integers = Integers::with_capacity(array.len());
    let nulls = match (array, from) {
        (Array::Text(texts), _) => each_text(
            texts,
            failures,
            |text| parse_number(text, precision, scale),
            number_error,
            |number| integers.push(number),
        )?,
        (Array::F64(floats), _) => each_float(
            array,
            floats,
            failures,
            |number| from_float(number, precision, scale),
            float_out_of_range,
            |number| integers.push(number),
        )?,
        (Array::Bool(flags), _) => each_row(
            array,
            failures,
            |row| i128::from(flags.value(row)),
            |flag| rescale(flag, 0, scale).filter(|&n| fits_precision(n, precision)),
            |flag| decimal_out_of_range(flag, 0),
            |number| integers.push(number),
        )?,
        (_, SqlType::Number { scale: given, .. }) => {
            if let Some(rescaled) = rescale_all(array, given, precision, scale) {
                return Ok(rescaled);
            }
            each_integer(
                array,
                failures,
                |number| rescale(number, given, scale).filter(|&n| fits_precision(n, precision)),
                |number| decimal_out_of_range(number, given),
                |number| integers.push(number),
            )?
        }
        _ => return Err(no_conversion(from, "NUMBER")),
    };
    Ok(integers.finish_narrowest(nulls))
}

fn decimal_out_of_range(unscaled: i128, scale: u8) -> Error {
    let mut text = String::new();
    write_decimal(&mut text, unscaled, scale);
    out_of_range_error(&text)
}

fn float_out_of_range(number: f64) -> Error {
    let mut text = String::new();
    write_float(&mut text, number);
    out_of_range_error(&text)
}

/// The FLOAT at the scale, rounded half away from zero.
fn from_float(number: f64, precision: u8, scale: u8) -> Option<i128> {
    if !number.is_finite() {
        return None;
    }
    let scaled = number * POWERS_OF_TEN[usize::from(scale)] as f64;
    if scaled.abs() < FLOAT_EXACT_BELOW || (scale == 0 && scaled.abs() < 1e38) {
        return Some(scaled.round() as i128).filter(|&n| fits_precision(n, precision));
    }
    // Beyond 2^53 the product would carry digits that nobody wrote: take the printed ones.
    parse_number(&format!("{number:e}"), precision, scale).ok()
}

/// All numbers at another scale, when the smallest and the largest show that none is out of range.
fn rescale_all(array: &Array, from: u8, precision: u8, to: u8) -> Option<Array> {
    let (low, high) = range(array)?;
    let fits = |number| rescale(number, from, to).filter(|&n| fits_precision(n, precision));
    let (low, high) = (fits(low)?, fits(high)?);
    if from == to {
        return Some(array.clone());
    }
    let narrowest = PhysicalType::narrowest(low, high);
    if to > from {
        return Some(scale_up(array, POWERS_OF_TEN[usize::from(to - from)], narrowest));
    }
    let power = POWERS_OF_TEN.get(usize::from(from - to)).copied();
    match (array, power.and_then(|power| i64::try_from(power).ok())) {
        (Array::I32(a), Some(power)) => {
            Some(Array::I32(a.unary(|n| divide(i64::from(n), power) as i32)))
        }
        (Array::I64(a), Some(power)) if narrowest == PhysicalType::I32 => {
            Some(Array::I32(a.unary(|n| divide(n, power) as i32)))
        }
        (Array::I64(a), Some(power)) => Some(Array::I64(a.unary(|n| divide(n, power)))),
        _ => {
            let rescaled = |row| rescale(array.integer(row), from, to).unwrap_or(0);
            let mut integers = Integers::with_capacity(array.len());
            (0..array.len()).for_each(|row| integers.push(rescaled(row)));
            Some(integers.finish_narrowest(array.nulls().cloned()))
        }
    }
}

/// Multiplies integers; `width` holds every product. Rows that are NULL may hold anything, hence the
/// wrapping.
fn scale_up(array: &Array, power: i128, width: PhysicalType) -> Array {
    match (array, width) {
        (Array::I32(a), PhysicalType::I32) => {
            Array::I32(a.unary::<_, Int32Type>(|n| n.wrapping_mul(power as i32)))
        }
        (Array::I32(a), PhysicalType::I64) => {
            Array::I64(a.unary::<_, Int64Type>(|n| i64::from(n).wrapping_mul(power as i64)))
        }
        (Array::I64(a), PhysicalType::I32 | PhysicalType::I64) => {
            Array::I64(a.unary::<_, Int64Type>(|n| n.wrapping_mul(power as i64)))
        }
        _ => match array.widened(PhysicalType::I128) {
            Array::I128(a) => Array::I128(a.unary::<_, Decimal128Type>(|n| n.wrapping_mul(power))),
            other => other,
        },
    }
}

/// Rounded half away from zero, for a positive divisor.
fn divide(number: i64, divisor: i64) -> i64 {
    let (quotient, rest) = (number / divisor, number % divisor);
    if rest.abs() >= divisor - rest.abs() { quotient + number.signum() } else { quotient }
}

/// The smallest and the largest integer that is not NULL.
fn range(array: &Array) -> Option<(i128, i128)> {
    macro_rules! extremes {
        ($a:expr) => {
            (arrow::compute::min($a)?.into(), arrow::compute::max($a)?.into())
        };
    }
    Some(match array {
        Array::I32(a) => extremes!(a),
        Array::I64(a) => extremes!(a),
        Array::I128(a) => extremes!(a),
        _ => return None,
    })
}
