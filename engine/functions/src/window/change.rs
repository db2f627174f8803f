//! CONDITIONAL_CHANGE_EVENT and CONDITIONAL_TRUE_EVENT: counting events down the partition.

use arrow::buffer::BooleanBuffer;
use firn_column::{Array, Column, kernels};
use firn_types::scan_predicate::Comparison;
use firn_types::{Error, Result, SqlType};

use super::{CATEGORY, WindowBinding, WindowFunction, WindowInput};
use crate::driver::Output;
use crate::{Arity, Documentation, Example, accept};

const COUNT_TYPE: SqlType = SqlType::Number { precision: 18, scale: 0 };

/// CONDITIONAL_CHANGE_EVENT(value)
pub(super) const CONDITIONAL_CHANGE_EVENT: WindowFunction = WindowFunction::new(
    "CONDITIONAL_CHANGE_EVENT",
    Arity::exactly(1),
    |arguments| {
        let sql_type = arguments[0].sql_type;
        WindowBinding::new(vec![sql_type], COUNT_TYPE, move |input, columns| {
            if input.rows == 0 {
                return Ok(Column::Flat(i64::array(Vec::new(), None)));
            }
            let value = &columns[0];
            let (before, after) = (value.slice(0, input.rows - 1), value.slice(1, input.rows - 1));
            let differs =
                kernels::compare::compare(Comparison::NotEqual, &before, &after, sql_type)?;
            let differs = kernels::boolean::truths(&differs);
            let starts = |row: usize| input.partitions[row].0 as usize == row;
            counts(input, |row| !starts(row) && differs.value(row - 1))
        })
    },
    Documentation::of(
        CATEGORY,
        "How often the value has changed from row to row so far.",
        &[Example::of("CONDITIONAL_CHANGE_EVENT(1) OVER (ORDER BY 1)", "0")],
    ),
)
.with_windows();

/// CONDITIONAL_TRUE_EVENT(condition)
pub(super) const CONDITIONAL_TRUE_EVENT: WindowFunction = WindowFunction::new(
    "CONDITIONAL_TRUE_EVENT",
    Arity::exactly(1),
    |arguments| {
        let sql_type = accept::boolean("CONDITIONAL_TRUE_EVENT", arguments, 0)?;
        WindowBinding::new(vec![sql_type], COUNT_TYPE, |input, columns| {
            let truths: BooleanBuffer = match columns[0].flat() {
                Array::Bool(flags) => kernels::boolean::truths(&flags),
                _ => return Err(Error::internal("a condition that is no BOOLEAN")),
            };
            counts(input, |row| truths.value(row))
        })
    },
    Documentation::of(
        CATEGORY,
        "How often the condition has been TRUE so far.",
        &[Example::of("CONDITIONAL_TRUE_EVENT(TRUE) OVER (ORDER BY 1)", "1")],
    ),
)
.with_windows();

/// For every row the number of events from its partition's start to it.
fn counts(input: &WindowInput<'_>, is_event: impl Fn(usize) -> bool) -> Result<Column> {
    let mut count = 0_i64;
    let counts = (0..input.rows).map(|row| {
        if input.partitions[row].0 as usize == row {
            count = 0;
        }
        count += i64::from(is_event(row));
        count
    });
    Ok(Column::Flat(i64::array(counts.collect(), None)))
}
