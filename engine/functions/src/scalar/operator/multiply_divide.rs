//! `*`, `/` and `%`.

use firn_column::kernels::arithmetic::{
    Arithmetic, combine, divide, modulo, multiply_rounded, scale_down, scale_up,
};
use firn_types::decimal::{enclosing_type, product_type, quotient_type};
use firn_types::{Result, SqlType};

use super::{CATEGORY, digits, operands};
use crate::meaning::{ArithmeticOperator, Meaning};
use crate::{Argument, Arity, Documentation, Example, Kernel, ScalarBinding, ScalarFunction};

/// left * right
pub(crate) const MULTIPLY: ScalarFunction = ScalarFunction::new(
    "*",
    Arity::exactly(2),
    bind_multiply,
    Documentation::of(
        CATEGORY,
        "The product of two numbers, exact up to twelve decimals.",
        &[Example::of("1.5 * 0.25", "0.375")],
    ),
)
.with_meaning(Meaning::Arithmetic(ArithmeticOperator::Multiply))
.with_cost(1);

/// left / right
pub(crate) const DIVIDE: ScalarFunction = ScalarFunction::new(
    "/",
    Arity::exactly(2),
    bind_divide,
    Documentation::of(
        CATEGORY,
        "The quotient of two numbers, rounded to six decimals more than the dividend has; never cut to a \
         whole number.",
        &[Example::of("2 / 7", "0.285714"), Example::of("10.1 / 2.1", "4.8095238")],
    ),
)
.with_meaning(Meaning::Arithmetic(ArithmeticOperator::Divide))
.with_cost(4);

/// left % right
pub(crate) const MODULO: ScalarFunction = ScalarFunction::new(
    "%",
    Arity::exactly(2),
    bind_modulo,
    Documentation::of(
        CATEGORY,
        "What remains of a division, with the sign of the dividend.",
        &[Example::of("7 % 3", "1"), Example::of("4.5 % 1.2", "0.9")],
    ),
)
.with_meaning(Meaning::Arithmetic(ArithmeticOperator::Modulo))
.with_cost(4);

fn bind_multiply(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = operands("*", arguments)?;
    if types[0] == SqlType::Float {
        let kernel = Kernel::propagating(|_, columns| {
            combine(Arithmetic::Multiply, &columns[0], &columns[1])
        });
        return ScalarBinding::new(types.to_vec(), SqlType::Float, kernel);
    }
    let (left, right) = (digits(types[0]), digits(types[1]));
    let returns = product_type(left, right);
    let drop = (left.1 + right.1).saturating_sub(returns.scale());
    let kernel =
        Kernel::propagating(move |_, columns| multiply_rounded(&columns[0], &columns[1], drop));
    ScalarBinding::new(types.to_vec(), returns, kernel)
}

fn bind_divide(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = operands("/", arguments)?;
    if types[0] == SqlType::Float {
        let kernel = Kernel::propagating(|_, columns| divide(&columns[0], &columns[1], 0));
        return ScalarBinding::new(types.to_vec(), SqlType::Float, kernel);
    }
    let (left, right) = (digits(types[0]), digits(types[1]));
    let returns = quotient_type(left, right);
    let raise = returns.scale() + right.1 - left.1;
    let kernel = Kernel::propagating(move |_, columns| {
        // More than 38 digits at once would not be a power of ten of 128 bits.
        let left = scale_up(&columns[0], raise.saturating_sub(38))?;
        divide(&left, &columns[1], raise.min(38))
    });
    ScalarBinding::new(types.to_vec(), returns, kernel)
}

fn bind_modulo(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = operands("%", arguments)?;
    if types[0] == SqlType::Float {
        let kernel = Kernel::propagating(|_, columns| modulo(&columns[0], &columns[1]));
        return ScalarBinding::new(types.to_vec(), SqlType::Float, kernel);
    }
    let (left, right) = (digits(types[0]), digits(types[1]));
    let returns = enclosing_type(left, right);
    let scale = left.1.max(right.1);
    let cut = scale - returns.scale();
    let kernel = Kernel::propagating(move |_, columns| {
        let left = scale_up(&columns[0], scale - left.1)?;
        scale_down(&modulo(&left, &scale_up(&columns[1], scale - right.1)?)?, cut)
    });
    ScalarBinding::new(types.to_vec(), returns, kernel)
}
