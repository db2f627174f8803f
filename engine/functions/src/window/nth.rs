//! FIRST_VALUE, LAST_VALUE and NTH_VALUE: a value of the frame.

use arrow::array::UInt32Array;
use firn_column::Column;
use firn_column::kernels::forms::without_dictionary;
use firn_types::{Error, ErrorCode, Result};

use super::lag_lead::Present;
use super::{CATEGORY, WindowBinding, WindowFunction, WindowInput};
use crate::driver::ints;
use crate::{Argument, Arity, Documentation, Example, WindowMeaning, accept};

/// FIRST_VALUE(value)
pub(super) const FIRST_VALUE: WindowFunction = framed(WindowFunction::new(
    "FIRST_VALUE",
    Arity::exactly(1),
    |arguments| bind("FIRST_VALUE", arguments, Which::First),
    Documentation::of(
        CATEGORY,
        "The value of the frame's first row.",
        &[Example::of("FIRST_VALUE(7) OVER (ORDER BY 1)", "7")],
    ),
))
.with_meaning(WindowMeaning::First);

/// LAST_VALUE(value)
pub(super) const LAST_VALUE: WindowFunction = framed(WindowFunction::new(
    "LAST_VALUE",
    Arity::exactly(1),
    |arguments| bind("LAST_VALUE", arguments, Which::Last),
    Documentation::of(
        CATEGORY,
        "The value of the frame's last row.",
        &[Example::of("LAST_VALUE(7) OVER (ORDER BY 1)", "7")],
    ),
));

/// NTH_VALUE(value, number)
pub(super) const NTH_VALUE: WindowFunction = framed(WindowFunction::new(
    "NTH_VALUE",
    Arity::exactly(2),
    |arguments| bind("NTH_VALUE", arguments, Which::Nth),
    Documentation::of(
        CATEGORY,
        "The value of the frame's row with a number, from 1; NULL where it has fewer rows.",
        &[Example::of("NTH_VALUE(7, 1) OVER (ORDER BY 1)", "7")],
    ),
));

const fn framed(mut function: WindowFunction) -> WindowFunction {
    function.needs_order = false;
    function.uses_frame = true;
    function.takes_ignore_nulls = true;
    function
}

#[derive(Clone, Copy)]
enum Which {
    First,
    Last,
    Nth,
}

fn bind(name: &str, arguments: &[Argument], which: Which) -> Result<WindowBinding> {
    let mut types = vec![arguments[0].sql_type];
    if arguments.len() > 1 {
        types.push(accept::integer(name, arguments, 1)?);
    }
    WindowBinding::new(types, arguments[0].sql_type, move |input, columns| {
        picked(input, columns, which)
    })
}

fn picked(input: &WindowInput<'_>, columns: &[Column], which: Which) -> Result<Column> {
    let numbers = columns.get(1).map(without_dictionary);
    let numbers = numbers.as_ref().map(ints).transpose()?;
    let present = input.ignore_nulls.then(|| Present::of(&columns[0]));
    let mut rows = Vec::with_capacity(input.rows);
    for row in 0..input.rows {
        let index = match numbers {
            Some(numbers) if numbers.is_null(row) => None,
            Some(numbers) => Some(position(numbers.get(row))?),
            None => Some(0),
        };
        let (start, end) = input.frames[row];
        // The frame, as positions among all rows or among those that are not NULL.
        let (start, end) = match &present {
            None => (start, end),
            Some(present) => (present.before[start as usize], present.before[end as usize]),
        };
        let chosen = match which {
            Which::Last => end.checked_sub(1).filter(|&last| last >= start),
            _ => index.and_then(|index| start.checked_add(index)).filter(|&at| at < end),
        };
        rows.push(match &present {
            None => chosen,
            Some(present) => chosen.map(|at| present.rows[at as usize]),
        });
    }
    Ok(columns[0].take(&UInt32Array::from(rows)))
}

/// A row's distance from the frame's first.
fn position(number: i64) -> Result<u32> {
    if number <= 0 {
        let text =
            format!("Invalid row number {number} in the NTH_VALUE input: it must be positive");
        return Err(Error::new(ErrorCode::InvalidValue, text));
    }
    Ok(u32::try_from(number - 1).unwrap_or(u32::MAX))
}
