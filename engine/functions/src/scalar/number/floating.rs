//! Powers, logarithms and angles: functions of floating-point numbers.

use firn_types::{Error, ErrorCode, Result, SqlType};

use super::CATEGORY;
use crate::driver::{Floats, Output, floats, null_propagating};
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

macro_rules! of_one {
    ($constant:ident, $row:expr, $called:literal, $summary:literal, $examples:expr) => {
        /// A function of one FLOAT.
        pub(crate) const $constant: ScalarFunction = ScalarFunction::new(
            stringify!($constant),
            Arity::exactly(1),
            |arguments| bind_one(stringify!($constant), arguments, $called, $row),
            Documentation::of(CATEGORY, $summary, $examples),
        );
    };
}

of_one!(
    ACOS,
    f64::acos,
    "acos",
    "The angle in radians with this cosine.",
    &[Example::of("ACOS(1)", "0")]
);
of_one!(
    ACOSH,
    f64::acosh,
    "acosh",
    "The inverse hyperbolic cosine.",
    &[Example::of("ACOSH(1)", "0")]
);
of_one!(
    ASIN,
    f64::asin,
    "asin",
    "The angle in radians with this sine.",
    &[Example::of("ASIN(0)", "0")]
);
of_one!(
    ASINH,
    f64::asinh,
    "asinh",
    "The inverse hyperbolic sine.",
    &[Example::of("ASINH(0)", "0")]
);
of_one!(
    ATAN,
    f64::atan,
    "atan",
    "The angle in radians with this tangent.",
    &[Example::of("ROUND(ATAN(1), 6)", "0.785398")]
);
of_one!(
    ATANH,
    f64::atanh,
    "atanh",
    "The inverse hyperbolic tangent.",
    &[Example::of("ATANH(0)", "0")]
);
of_one!(CBRT, f64::cbrt, "cbrt", "The cube root.", &[Example::of("CBRT(27)", "3")]);
of_one!(COS, f64::cos, "cos", "The cosine of an angle in radians.", &[Example::of("COS(0)", "1")]);
of_one!(COSH, f64::cosh, "cosh", "The hyperbolic cosine.", &[Example::of("COSH(0)", "1")]);
of_one!(
    COT,
    |x: f64| 1.0 / x.tan(),
    "cot",
    "The cotangent of an angle in radians.",
    &[Example::of("ROUND(COT(PI() / 4), 6)", "1")]
);
of_one!(
    DEGREES,
    f64::to_degrees,
    "degrees",
    "An angle in radians as degrees.",
    &[Example::of("DEGREES(PI())", "180")]
);
of_one!(EXP, f64::exp, "exp", "The exponential.", &[Example::of("EXP(0)", "1")]);
of_one!(
    LN,
    |x: f64| if x == 0.0 { f64::NAN } else { x.ln() },
    "log",
    "The natural logarithm.",
    &[Example::of("LN(1)", "0"), Example::of("ROUND(LN(100), 6)", "4.60517")]
);
of_one!(
    RADIANS,
    f64::to_radians,
    "radians",
    "An angle in degrees as radians.",
    &[Example::of("RADIANS(0)", "0"), Example::of("ROUND(RADIANS(60), 6)", "1.047198")]
);
of_one!(SIN, f64::sin, "sin", "The sine of an angle in radians.", &[Example::of("SIN(0)", "0")]);
of_one!(SINH, f64::sinh, "sinh", "The hyperbolic sine.", &[Example::of("SINH(0)", "0")]);
of_one!(SQRT, f64::sqrt, "sqrt", "The square root.", &[Example::of("SQRT(16)", "4")]);
of_one!(
    SQUARE,
    |x: f64| x * x,
    "square",
    "The number times itself.",
    &[Example::of("SQUARE(-2)", "4"), Example::of("SQUARE(3.15)", "9.9225")]
);
of_one!(TAN, f64::tan, "tan", "The tangent of an angle in radians.", &[Example::of("TAN(0)", "0")]);
of_one!(TANH, f64::tanh, "tanh", "The hyperbolic tangent.", &[Example::of("TANH(0)", "0")]);

/// ATAN2(y, x)
pub(crate) const ATAN2: ScalarFunction = ScalarFunction::new(
    "ATAN2",
    Arity::exactly(2),
    |arguments| bind("ATAN2", arguments, |at| Ok(at[0].atan2(at[1]))),
    Documentation::of(
        CATEGORY,
        "The angle in radians between the x axis and the ray to the point (x, y).",
        &[Example::of("ROUND(ATAN2(5, 5), 6)", "0.785398")],
    ),
);

/// HAVERSINE(latitude, longitude, latitude, longitude)
pub(crate) const HAVERSINE: ScalarFunction = ScalarFunction::new(
    "HAVERSINE",
    Arity::exactly(4),
    |arguments| bind("HAVERSINE", arguments, |at| Ok(haversine(at[0], at[1], at[2], at[3]))),
    Documentation::of(
        CATEGORY,
        "The distance in kilometers along the globe between two places given in degrees.",
        &[Example::of("ROUND(HAVERSINE(40.7127, -74.0059, 34.0500, -118.2500), 3)", "3936.385")],
    ),
);

/// LOG(base, number)
pub(crate) const LOG: ScalarFunction = ScalarFunction::new(
    "LOG",
    Arity::exactly(2),
    |arguments| bind("LOG", arguments, |at| log(at[0], at[1])),
    Documentation::of(
        CATEGORY,
        "The logarithm to a base, which comes first.",
        &[Example::of("LOG(10, 1000)", "3"), Example::of("LOG(2, 0.5)", "-1")],
    ),
);

/// PI()
pub(crate) const PI: ScalarFunction = ScalarFunction::new(
    "PI",
    Arity::exactly(0),
    |arguments| bind("PI", arguments, |_| Ok(std::f64::consts::PI)),
    Documentation::of(
        CATEGORY,
        "The ratio of a circle's circumference to its diameter.",
        &[Example::of("ROUND(PI(), 5)", "3.14159")],
    ),
);

/// POWER(base, exponent)
pub(crate) const POWER: ScalarFunction = ScalarFunction::new(
    "POWER",
    Arity::exactly(2),
    |arguments| bind("POWER", arguments, |at| checked("pow", at, at[0].powf(at[1]))),
    Documentation::of(
        CATEGORY,
        "A number raised to a power.",
        &[Example::of("POWER(2, 10)", "1024"), Example::of("POWER(2.5, -1)", "0.4")],
    ),
)
.with_aliases(&["POW"]);

fn bind_one(
    name: &str,
    arguments: &[Argument],
    called: &'static str,
    row: fn(f64) -> f64,
) -> Result<ScalarBinding> {
    let input = accept::float(name, arguments, 0)?;
    let kernel = null_propagating(move |rows, columns| {
        let x = floats(&columns[0])?;
        rows.map(|at| checked(called, &[x.get(at)], row(x.get(at))).map(Some))
    });
    ScalarBinding::new(vec![input], SqlType::Float, kernel)
}

fn bind(
    name: &str,
    arguments: &[Argument],
    row: fn(&[f64]) -> Result<f64>,
) -> Result<ScalarBinding> {
    let types: Result<Vec<SqlType>> =
        (0..arguments.len()).map(|position| accept::float(name, arguments, position)).collect();
    let kernel = null_propagating(move |rows, columns| {
        let readers: Vec<Floats<'_>> = columns.iter().map(floats).collect::<Result<_>>()?;
        let mut values = vec![0.0; readers.len()];
        if readers.is_empty() {
            return Ok(f64::array(vec![row(&[])?; rows.count], None));
        }
        rows.map(|at| {
            for (value, reader) in values.iter_mut().zip(&readers) {
                *value = reader.get(at);
            }
            row(&values).map(Some)
        })
    });
    ScalarBinding::new(types?, SqlType::Float, kernel)
}

/// The answer, unless it is no number though the arguments are.
fn checked(called: &str, arguments: &[f64], answer: f64) -> Result<f64> {
    if !answer.is_nan() || arguments.iter().any(|argument| argument.is_nan()) {
        return Ok(answer);
    }
    let arguments: Vec<String> = arguments.iter().map(f64::to_string).collect();
    Err(Error::new(
        ErrorCode::InvalidFloatOperation,
        format!("Invalid floating point operation: {called}({})", arguments.join(",")),
    ))
}

fn log(base: f64, x: f64) -> Result<f64> {
    for argument in [base, x] {
        let valid = if argument == 0.0 { f64::NAN } else { argument.ln() };
        checked("log", &[argument], valid)?;
    }
    let answer = match base {
        10.0 => x.log10(),
        2.0 => x.log2(),
        _ => x.ln() / base.ln(),
    };
    checked("log", &[base, x], if base == 1.0 { f64::NAN } else { answer })
}

/// The great-circle distance on a sphere of the earth's mean radius.
fn haversine(latitude_a: f64, longitude_a: f64, latitude_b: f64, longitude_b: f64) -> f64 {
    const EARTH_RADIUS_KM: f64 = 6371.0;
    let half_sine = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
    let chord = half_sine(latitude_b - latitude_a)
        + latitude_a.to_radians().cos()
            * latitude_b.to_radians().cos()
            * half_sine(longitude_b - longitude_a);
    2.0 * EARTH_RADIUS_KM * chord.sqrt().asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_without_a_result_are_errors() -> Result<()> {
        let text = |result: Result<f64>| result.unwrap_err().detail().to_string();
        assert_eq!(
            text(checked("sqrt", &[-1.0], (-1.0_f64).sqrt())),
            "Invalid floating point operation: sqrt(-1)"
        );
        assert_eq!(text(log(10.0, 0.0)), "Invalid floating point operation: log(0)");
        assert!(log(1.0, 5.0).is_err());
        assert_eq!(log(3.0, 9.0)?, 2.0);
        assert!(checked("sqrt", &[f64::NAN], f64::NAN)?.is_nan());
        assert_eq!(haversine(40.7127, -74.0059, 34.05, -118.25).round(), 3936.0);
        Ok(())
    }
}
