//! ROUND, CEIL, FLOOR and TRUNC.
//!
//! Of a NUMBER with a constant scale the answer has that scale; with a scale that differs from row to
//! row it keeps its own. TRUNC of a date is DATE_TRUNC with its arguments the other way round.

use firn_types::decimal::power_of_ten;
use firn_types::limits::NUMBER_PRECISION_MAX;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::CATEGORY;
use crate::driver::{floats, ints, null_propagating};
use crate::scalar::date_time::truncate::DATE_TRUNC;
use crate::{
    Argument, Arity, Call, Documentation, Example, Kernel, ScalarBinding, ScalarFunction, accept,
};

/// ROUND(number [, scale [, mode]])
pub(crate) const ROUND: ScalarFunction = ScalarFunction::new(
    "ROUND",
    Arity::between(1, 3),
    |arguments| bind("ROUND", arguments, mode(arguments)?),
    Documentation::of(
        CATEGORY,
        "The nearest number with that many digits after the point; halves go away from zero.",
        &[
            Example::of("ROUND(135.135, 1)", "135.1"),
            Example::of("ROUND(-975.975, -1)", "-980"),
            Example::of("ROUND(2.5, 0)", "3"),
            Example::of("ROUND(2.5, 0, 'HALF_TO_EVEN')", "2"),
        ],
    ),
);

/// CEIL(number [, scale])
pub(crate) const CEIL: ScalarFunction = ScalarFunction::new(
    "CEIL",
    Arity::between(1, 2),
    |arguments| bind("CEIL", arguments, Mode::Up),
    Documentation::of(
        CATEGORY,
        "The least number not below this one with that many digits after the point.",
        &[Example::of("CEIL(135.135, 1)", "135.2"), Example::of("CEIL(-975.975)", "-975")],
    ),
)
.with_aliases(&["CEILING"]);

/// FLOOR(number [, scale])
pub(crate) const FLOOR: ScalarFunction = ScalarFunction::new(
    "FLOOR",
    Arity::between(1, 2),
    |arguments| bind("FLOOR", arguments, Mode::Down),
    Documentation::of(
        CATEGORY,
        "The greatest number not above this one with that many digits after the point.",
        &[Example::of("FLOOR(135.135)", "135"), Example::of("FLOOR(-975.975, -1)", "-980")],
    ),
);

/// TRUNC(number [, scale])
pub(crate) const TRUNC: ScalarFunction = ScalarFunction::new(
    "TRUNC",
    Arity::between(1, 2),
    bind_trunc,
    Documentation::of(
        CATEGORY,
        "The number cut off after that many digits after the point.",
        &[Example::of("TRUNC(135.135, 1)", "135.1"), Example::of("TRUNC(-975.975, -1)", "-970")],
    ),
)
.with_aliases(&["TRUNCATE"]);

/// Which of the neighbors a number goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    HalfAwayFromZero,
    HalfToEven,
    Up,
    Down,
    TowardZero,
}

fn mode(arguments: &[Argument]) -> Result<Mode> {
    if arguments.len() < 3 {
        return Ok(Mode::HalfAwayFromZero);
    }
    match accept::constant_text(arguments, 2) {
        Some("HALF_AWAY_FROM_ZERO") => Ok(Mode::HalfAwayFromZero),
        Some("HALF_TO_EVEN") => Ok(Mode::HalfToEven),
        given => Err(Error::new(
            ErrorCode::InvalidParameterValue,
            format!("invalid value [{}] for parameter 'rounding_mode'", given.unwrap_or("NULL")),
        )),
    }
}

fn bind(name: &str, arguments: &[Argument], mode: Mode) -> Result<ScalarBinding> {
    let input = accept::number(name, arguments, 0)?;
    let mut types = vec![input];
    if arguments.len() > 1 {
        types.push(accept::integer(name, arguments, 1)?);
    }
    types.extend((arguments.len() > 2).then_some(SqlType::TEXT));
    let SqlType::Number { precision, scale } = input else {
        return ScalarBinding::new(types, SqlType::Float, float_kernel(mode));
    };
    let constant = match arguments.len() {
        1 => Some(0),
        _ => accept::constant_integer(arguments, 1),
    };
    let answer_scale = match constant {
        Some(digits) => u8::try_from(digits.max(0)).unwrap_or(scale).min(scale),
        None => scale,
    };
    // One digit more before the point: 9.9 rounds to 10.
    let grows = u8::from(constant.is_none_or(|digits| digits < i64::from(scale)));
    let answer_precision = (precision - scale + answer_scale + grows).min(NUMBER_PRECISION_MAX);
    let kernel = null_propagating(move |rows, columns| {
        let x = ints(&columns[0])?;
        let digits = columns.get(1).map(ints).transpose()?;
        rows.map(|at| {
            let digits = digits.map_or(0, |digits| digits.get(at));
            round(x.wide(at), scale, digits, answer_scale, mode).map(Some)
        })
    });
    let returns = SqlType::number(answer_precision, answer_scale);
    Ok(ScalarBinding::new(types, returns, kernel)?.growing_with(0))
}

fn bind_trunc(arguments: &[Argument]) -> Result<ScalarBinding> {
    let first = arguments[0].sql_type;
    let is_moment = first.is_timestamp() || matches!(first, SqlType::Date | SqlType::Time { .. });
    match arguments {
        [date, part] if is_moment => {
            let mut binding = (DATE_TRUNC.bind)(&[part.clone(), date.clone()])?;
            binding.arguments.reverse();
            let kernel = binding.kernel;
            binding.kernel = Kernel::propagating(move |call, columns| {
                let [date, part] = columns else { return Err(Error::internal("TRUNC")) };
                let types: Vec<SqlType> = call.arguments.iter().rev().copied().collect();
                kernel.run(&Call { arguments: &types, ..*call }, &[part.clone(), date.clone()])
            });
            Ok(binding)
        }
        _ => bind("TRUNC", arguments, Mode::TowardZero),
    }
}

fn float_kernel(mode: Mode) -> crate::Kernel {
    null_propagating(move |rows, columns| {
        let x = floats(&columns[0])?;
        let digits = columns.get(1).map(ints).transpose()?;
        rows.map(|at| {
            let digits = digits.map_or(0, |digits| digits.get(at));
            Ok(Some(round_float(x.get(at), digits, mode)))
        })
    })
}

/// Rounds a number of scale `scale` to `digits` after the point; the answer has scale `answer_scale`.
fn round(unscaled: i128, scale: u8, digits: i64, answer_scale: u8, mode: Mode) -> Result<i128> {
    let dropped = i64::from(scale).saturating_sub(digits).max(0);
    let divisor = u32::try_from(dropped).ok().and_then(power_of_ten);
    let quotient = match divisor {
        None if unscaled == 0 => 0,
        // The divisor is further from zero than any number: only the direction remains.
        None => direction(mode, unscaled < 0),
        Some(1) => unscaled,
        Some(divisor) => divide(unscaled, divisor, mode),
    };
    // The quotient counts units of 10^(dropped - scale); the answer counts units of 10^-answer_scale.
    let raised = dropped - i64::from(scale) + i64::from(answer_scale);
    if quotient == 0 || raised == 0 {
        return Ok(quotient);
    }
    if raised < 0 {
        let divisor = power_of_ten(raised.unsigned_abs() as u32).unwrap_or(i128::MAX);
        return Ok(divide(quotient, divisor, mode));
    }
    u32::try_from(raised)
        .ok()
        .and_then(power_of_ten)
        .and_then(|factor| quotient.checked_mul(factor))
        .filter(|&answer| firn_types::decimal::fits_precision(answer, NUMBER_PRECISION_MAX))
        .ok_or_else(|| firn_column::kernels::arithmetic::overflow(unscaled as f64))
}

/// What a number other than zero rounds to in units that are larger than twice the number.
fn direction(mode: Mode, negative: bool) -> i128 {
    match mode {
        Mode::Up if !negative => 1,
        Mode::Down if negative => -1,
        _ => 0,
    }
}

fn divide(dividend: i128, divisor: i128, mode: Mode) -> i128 {
    let (quotient, rest) = match (i64::try_from(dividend), i64::try_from(divisor)) {
        (Ok(dividend), Ok(divisor)) => {
            (i128::from(dividend / divisor), i128::from(dividend % divisor))
        }
        _ => (dividend / divisor, dividend % divisor),
    };
    let away = match mode {
        Mode::TowardZero => false,
        Mode::Up => rest > 0,
        Mode::Down => rest < 0,
        Mode::HalfAwayFromZero => rest.abs() >= divisor - rest.abs(),
        Mode::HalfToEven => {
            let twice = rest.abs().cmp(&(divisor - rest.abs()));
            twice.is_gt() || (twice.is_eq() && quotient % 2 != 0)
        }
    };
    quotient + if away { dividend.signum() } else { 0 }
}

fn round_float(x: f64, digits: i64, mode: Mode) -> f64 {
    let factor = 10_f64.powi(i32::try_from(digits.unsigned_abs()).unwrap_or(i32::MAX));
    let raised = if digits < 0 { x / factor } else { x * factor };
    if !raised.is_finite() || !factor.is_finite() {
        return if digits < 0 && x.is_finite() { 0.0 } else { x };
    }
    let whole = match mode {
        Mode::HalfAwayFromZero => raised.round(),
        Mode::HalfToEven => raised.round_ties_even(),
        Mode::Up => raised.ceil(),
        Mode::Down => raised.floor(),
        Mode::TowardZero => raised.trunc(),
    };
    if digits < 0 { whole * factor } else { whole / factor }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Mode::{Down, HalfAwayFromZero, HalfToEven, TowardZero, Up};

    #[test]
    fn numbers_round_exactly() -> Result<()> {
        let cases = [
            (135_135, 3, 0, 0, HalfAwayFromZero, 135),
            (135_135, 3, 1, 1, HalfAwayFromZero, 1_351),
            (135_135, 3, -2, 3, HalfAwayFromZero, 100_000),
            (-975_975, 3, -1, 0, HalfAwayFromZero, -980),
            (25, 1, 0, 0, HalfAwayFromZero, 3),
            (-25, 1, 0, 0, HalfAwayFromZero, -3),
            (25, 1, 0, 0, HalfToEven, 2),
            (35, 1, 0, 0, HalfToEven, 4),
            (-25, 1, 0, 0, HalfToEven, -2),
            (135_135, 3, 1, 1, Up, 1_352),
            (-975_975, 3, -1, 0, Up, -970),
            (-975_975, 3, -1, 0, Down, -980),
            (-975_975, 3, -1, 0, TowardZero, -970),
            (135_135, 3, 9, 3, HalfAwayFromZero, 135_135),
            (135_135, 3, -9, 0, HalfAwayFromZero, 0),
            (135_135, 3, i64::MIN, 0, TowardZero, 0),
            (i128::from(i64::MAX) * 10 + 5, 1, 0, 0, HalfAwayFromZero, i128::from(i64::MAX) + 1),
        ];
        for (unscaled, scale, digits, answer_scale, mode, expected) in cases {
            let answer = round(unscaled, scale, digits, answer_scale, mode)?;
            assert_eq!(answer, expected, "{unscaled} {scale} {digits} {mode:?}");
        }
        assert!(round(5, 0, -40, 0, Up).is_err());
        Ok(())
    }

    #[test]
    fn floats_round_as_they_are_stored() {
        assert_eq!(round_float(1.005, 2, HalfAwayFromZero), 1.0);
        assert_eq!(round_float(-2.5, 0, HalfAwayFromZero), -3.0);
        assert_eq!(round_float(2.5, 0, HalfToEven), 2.0);
        assert_eq!(round_float(1234.5, -2, Down), 1200.0);
        assert_eq!(round_float(1.5, 400, HalfAwayFromZero), 1.5);
        assert_eq!(round_float(1.5, -400, HalfAwayFromZero), 0.0);
        assert!(round_float(f64::INFINITY, 0, Up).is_infinite());
    }
}
