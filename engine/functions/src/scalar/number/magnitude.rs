//! ABS and SIGN.

use firn_column::Array;
use firn_types::{Result, SqlType};

use super::CATEGORY;
use crate::driver::{floats, ints, null_propagating};
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// ABS(number)
pub(crate) const ABS: ScalarFunction = ScalarFunction::new(
    "ABS",
    Arity::exactly(1),
    bind_abs,
    Documentation::of(
        CATEGORY,
        "The number without its sign.",
        &[Example::of("ABS(-10)", "10"), Example::of("ABS(-2.5)", "2.5")],
    ),
);

/// SIGN(number)
pub(crate) const SIGN: ScalarFunction = ScalarFunction::new(
    "SIGN",
    Arity::exactly(1),
    bind_sign,
    Documentation::of(
        CATEGORY,
        "-1 for a negative number, 0 for zero, 1 for a positive one.",
        &[
            Example::of("SIGN(-1.35)", "-1"),
            Example::of("SIGN(0)", "0"),
            Example::of("SIGN(5)", "1"),
        ],
    ),
);

fn bind_abs(arguments: &[Argument]) -> Result<ScalarBinding> {
    let input = accept::number("ABS", arguments, 0)?;
    let kernel = null_propagating(|rows, columns| {
        if let firn_column::Column::Flat(Array::F64(a))
        | firn_column::Column::Constant { value: Array::F64(a), .. } = &columns[0]
        {
            return Ok(Array::F64(a.unary(f64::abs)));
        }
        let x = ints(&columns[0])?;
        rows.map(|at| Ok(Some(x.wide(at).saturating_abs())))
    });
    ScalarBinding::new(vec![input], input, kernel)
}

fn bind_sign(arguments: &[Argument]) -> Result<ScalarBinding> {
    let input = accept::number("SIGN", arguments, 0)?;
    let kernel = if input == SqlType::Float {
        null_propagating(|rows, columns| {
            let x = floats(&columns[0])?;
            rows.map(|at| Ok(Some(i32::from(x.get(at) > 0.0) - i32::from(x.get(at) < 0.0))))
        })
    } else {
        null_propagating(|rows, columns| {
            let x = ints(&columns[0])?;
            rows.map(|at| Ok(Some(x.wide(at).signum() as i32)))
        })
    };
    ScalarBinding::new(vec![input], SqlType::number(1, 0), kernel)
}
