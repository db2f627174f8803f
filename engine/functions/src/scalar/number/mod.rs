//! Arithmetic beyond the operators.

mod division;
mod floating;
mod magnitude;
mod rounding;
mod series;

use super::ScalarFunction;

/// The chapter of this folder's functions.
const CATEGORY: &str = "Numeric";

/// The functions of this folder, file by file.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[
    &division::DIV0,
    &division::DIV0NULL,
    &division::MOD,
    &floating::ACOS,
    &floating::ACOSH,
    &floating::ASIN,
    &floating::ASINH,
    &floating::ATAN,
    &floating::ATAN2,
    &floating::ATANH,
    &floating::CBRT,
    &floating::COS,
    &floating::COSH,
    &floating::COT,
    &floating::DEGREES,
    &floating::EXP,
    &floating::HAVERSINE,
    &floating::LN,
    &floating::LOG,
    &floating::PI,
    &floating::POWER,
    &floating::RADIANS,
    &floating::SIN,
    &floating::SINH,
    &floating::SQRT,
    &floating::SQUARE,
    &floating::TAN,
    &floating::TANH,
    &magnitude::ABS,
    &magnitude::SIGN,
    &rounding::CEIL,
    &rounding::FLOOR,
    &rounding::ROUND,
    &rounding::TRUNC,
    &series::FACTORIAL,
    &series::WIDTH_BUCKET,
];
