//! `+` and `-`.

use firn_column::kernels::arithmetic::{Arithmetic, combine, scale_up};
use firn_types::decimal::sum_type;
use firn_types::{Result, SqlType};

use super::{CATEGORY, digits, operands};
use crate::meaning::{ArithmeticOperator, Meaning};
use crate::scalar::date_time::{bind_temporal_add, bind_temporal_sub};
use crate::{Argument, Arity, Documentation, Example, Kernel, ScalarBinding, ScalarFunction};

/// left + right
pub(crate) const ADD: ScalarFunction = ScalarFunction::new(
    "+",
    Arity::exactly(2),
    |arguments| match bind_temporal_add(arguments) {
        Some(binding) => binding,
        None => bind("+", Arithmetic::Add, arguments),
    },
    Documentation::of(
        CATEGORY,
        "The sum of two numbers, or the date so many days later.",
        &[Example::of("1 + 2.50", "3.5"), Example::of("0.1 + 0.25", "0.35")],
    ),
)
.with_meaning(Meaning::Arithmetic(ArithmeticOperator::Add))
.with_cost(1);

/// left - right
pub(crate) const SUBTRACT: ScalarFunction = ScalarFunction::new(
    "-",
    Arity::exactly(2),
    |arguments| match bind_temporal_sub(arguments) {
        Some(binding) => binding,
        None => bind("-", Arithmetic::Subtract, arguments),
    },
    Documentation::of(
        CATEGORY,
        "The difference of two numbers, or of two dates in days, or the date so many days earlier.",
        &[Example::of("1 - 0.25", "0.75")],
    ),
)
.with_meaning(Meaning::Arithmetic(ArithmeticOperator::Subtract))
.with_cost(1);

fn bind(name: &str, operator: Arithmetic, arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = operands(name, arguments)?;
    if types[0] == SqlType::Float {
        let kernel =
            Kernel::propagating(move |_, columns| combine(operator, &columns[0], &columns[1]));
        return ScalarBinding::new(types.to_vec(), SqlType::Float, kernel);
    }
    let (left, right) = (digits(types[0]), digits(types[1]));
    let scale = left.1.max(right.1);
    let kernel = Kernel::propagating(move |_, columns| {
        let left = scale_up(&columns[0], scale - left.1)?;
        combine(operator, &left, &scale_up(&columns[1], scale - right.1)?)
    });
    let binding = ScalarBinding::new(types.to_vec(), sum_type(left, right), kernel)?;
    let constant = |index: usize| arguments[index].constant.is_some();
    Ok(match operator {
        Arithmetic::Add | Arithmetic::Subtract if constant(1) => binding.growing_with(0),
        Arithmetic::Add if constant(0) => binding.growing_with(1),
        _ => binding,
    })
}
