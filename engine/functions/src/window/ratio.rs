//! RATIO_TO_REPORT: a value's part of its partition's sum.

use firn_column::{Array, Column, kernels};
use firn_types::decimal::{divide_scaled, fits_precision};
use firn_types::limits::{NUMBER_PRECISION_MAX, NUMBER_SCALE_MAX};
use firn_types::{Result, SqlType};

use super::{CATEGORY, WindowBinding, WindowFunction, WindowInput};
use crate::driver::Output;
use crate::{Argument, Arity, Documentation, Example, accept};

/// RATIO_TO_REPORT(number)
pub(super) const RATIO_TO_REPORT: WindowFunction = WindowFunction {
    needs_order: false,
    ..WindowFunction::new(
        "RATIO_TO_REPORT",
        Arity::exactly(1),
        bind,
        Documentation::of(
            CATEGORY,
            "The value divided by the sum of its partition; NULL where that is 0.",
            &[Example::of("RATIO_TO_REPORT(5) OVER ()", "1.000000")],
        ),
    )
};

fn bind(arguments: &[Argument]) -> Result<WindowBinding> {
    let input = accept::number("RATIO_TO_REPORT", arguments, 0)?;
    if input == SqlType::Float {
        return WindowBinding::new(vec![input], input, |input, columns| {
            let values = columns[0].flat();
            let value = |row: usize| match &values {
                Array::F64(a) => a.value(row),
                _ => 0.0,
            };
            ratios(
                input,
                &values,
                value,
                |sum, value| Ok(sum + value),
                |value, sum| Ok(value / sum),
            )
        });
    }
    let scale = (input.scale() + 6).min(NUMBER_SCALE_MAX);
    let returns = SqlType::number(NUMBER_PRECISION_MAX, scale);
    WindowBinding::new(vec![input], returns, move |input, columns| {
        let values = columns[0].flat();
        let overflow = |value: i128| kernels::arithmetic::overflow(value as f64);
        ratios(
            input,
            &values,
            |row| values.integer(row),
            |sum, value| sum.checked_add(value).ok_or_else(|| overflow(sum)),
            |value, sum| {
                divide_scaled(value, sum, scale)
                    .filter(|&ratio| fits_precision(ratio, NUMBER_PRECISION_MAX))
                    .ok_or_else(|| overflow(value))
            },
        )
    })
}

fn ratios<T: Output + PartialEq>(
    input: &WindowInput<'_>,
    values: &Array,
    value: impl Fn(usize) -> T,
    add: impl Fn(T, T) -> Result<T>,
    divide: impl Fn(T, T) -> Result<T>,
) -> Result<Column> {
    let mut answers = vec![T::default(); input.rows];
    let mut present = vec![false; input.rows];
    let mut row = 0;
    while row < input.rows {
        let end = (input.partitions[row].1 as usize).max(row + 1);
        let mut sum = T::default();
        for at in (row..end).filter(|&at| !values.is_null(at)) {
            sum = add(sum, value(at))?;
        }
        if sum != T::default() {
            for at in (row..end).filter(|&at| !values.is_null(at)) {
                answers[at] = divide(value(at), sum)?;
                present[at] = true;
            }
        }
        row = end;
    }
    Ok(Column::Flat(T::array(answers, Some(present.into()))))
}
