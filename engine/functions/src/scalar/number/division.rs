//! DIV0, DIV0NULL and MOD.

use firn_column::kernels::arithmetic;
use firn_types::decimal::{divide_scaled, enclosing_type, fits_precision, quotient_type};
use firn_types::limits::NUMBER_PRECISION_MAX;
use firn_types::{Result, SqlType};

use super::CATEGORY;
use crate::driver::{floats, ints, null_aware};
use crate::{
    Argument, Arity, Documentation, Example, Kernel, ScalarBinding, ScalarFunction, accept,
};

/// DIV0(dividend, divisor)
pub(crate) const DIV0: ScalarFunction = ScalarFunction::new(
    "DIV0",
    Arity::exactly(2),
    |arguments| bind("DIV0", arguments, false),
    Documentation::of(
        CATEGORY,
        "A division whose answer is 0 where the divisor is 0.",
        &[Example::of("DIV0(1, 2)", "0.500000"), Example::of("DIV0(1, 0)", "0.000000")],
    ),
);

/// DIV0NULL(dividend, divisor)
pub(crate) const DIV0NULL: ScalarFunction = ScalarFunction::new(
    "DIV0NULL",
    Arity::exactly(2),
    |arguments| bind("DIV0NULL", arguments, true),
    Documentation::of(
        CATEGORY,
        "A division whose answer is 0 where the divisor is 0 or NULL.",
        &[Example::of("DIV0NULL(1, 2)", "0.500000"), Example::of("DIV0NULL(1, NULL)", "0.000000")],
    ),
);

/// MOD(dividend, divisor)
pub(crate) const MOD: ScalarFunction = ScalarFunction::new(
    "MOD",
    Arity::exactly(2),
    bind_mod,
    Documentation::of(
        CATEGORY,
        "What remains of a division, with the sign of the dividend.",
        &[Example::of("MOD(3, 2)", "1"), Example::of("MOD(4.5, 1.2)", "0.9")],
    ),
);

/// Precision and scale of a NUMBER.
fn digits(sql_type: SqlType) -> (u8, u8) {
    match sql_type {
        SqlType::Number { precision, scale } => (precision, scale),
        _ => (NUMBER_PRECISION_MAX, 0),
    }
}

/// Both arguments as NUMBERs, or both as FLOATs when one is.
fn operands(name: &str, arguments: &[Argument]) -> Result<[SqlType; 2]> {
    let types = [accept::number(name, arguments, 0)?, accept::number(name, arguments, 1)?];
    Ok(if types.contains(&SqlType::Float) { [SqlType::Float; 2] } else { types })
}

fn bind(name: &str, arguments: &[Argument], null_is_zero: bool) -> Result<ScalarBinding> {
    let types = operands(name, arguments)?;
    if types[0] == SqlType::Float {
        let kernel = null_aware(move |rows, columns| {
            let (left, right) = (floats(&columns[0])?, floats(&columns[1])?);
            rows.map(|at| {
                let left = (!left.is_null(at)).then(|| left.get(at));
                let right = (!right.is_null(at)).then(|| right.get(at));
                quotient(left, right, null_is_zero, |left, right| Ok(left / right))
            })
        });
        return ScalarBinding::new(types.to_vec(), SqlType::Float, kernel);
    }
    let returns = quotient_type(digits(types[0]), digits(types[1]));
    let raise = returns.scale() + types[1].scale() - types[0].scale();
    let divide = move |left: i128, right: i128| {
        divide_scaled(left, right, raise)
            .filter(|&quotient| fits_precision(quotient, NUMBER_PRECISION_MAX))
            .ok_or_else(|| arithmetic::overflow(left as f64 / right as f64))
    };
    let kernel = null_aware(move |rows, columns| {
        let (left, right) = (ints(&columns[0])?, ints(&columns[1])?);
        rows.map(|at| {
            let left = (!left.is_null(at)).then(|| left.wide(at));
            let right = (!right.is_null(at)).then(|| right.wide(at));
            quotient(left, right, null_is_zero, divide)
        })
    });
    ScalarBinding::new(types.to_vec(), returns, kernel)
}

/// The quotient, or zero where the divisor is zero, or NULL and `null_is_zero`.
fn quotient<T: Default + PartialEq>(
    left: Option<T>,
    right: Option<T>,
    null_is_zero: bool,
    divide: impl Fn(T, T) -> Result<T>,
) -> Result<Option<T>> {
    match (left, right) {
        (Some(_), Some(right)) if right == T::default() => Ok(Some(T::default())),
        (Some(left), Some(right)) => divide(left, right).map(Some),
        (Some(_), None) if null_is_zero => Ok(Some(T::default())),
        _ => Ok(None),
    }
}

fn bind_mod(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = operands("MOD", arguments)?;
    let kernel = Kernel::propagating(|_, columns| arithmetic::modulo(&columns[0], &columns[1]));
    if types[0] == SqlType::Float {
        return ScalarBinding::new(types.to_vec(), SqlType::Float, kernel);
    }
    // Both operands come with the scale of the answer, so that their integers divide as they are.
    let returns = enclosing_type(digits(types[0]), digits(types[1]));
    ScalarBinding::new(vec![returns; 2], returns, kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_divisor_answers_zero_and_a_null_one_only_for_div0null() -> Result<()> {
        let divided = |left, right, null_is_zero| {
            quotient(left, right, null_is_zero, |a: f64, b: f64| Ok(a / b))
        };
        assert_eq!(divided(Some(1.0), Some(2.0), false)?, Some(0.5));
        assert_eq!(divided(Some(1.0), Some(0.0), false)?, Some(0.0));
        assert_eq!(divided(Some(1.0), None, false)?, None);
        assert_eq!(divided(Some(1.0), None, true)?, Some(0.0));
        assert_eq!(divided(None, Some(0.0), true)?, None);
        Ok(())
    }
}
