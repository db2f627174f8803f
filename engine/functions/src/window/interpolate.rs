//! INTERPOLATE_FFILL, INTERPOLATE_BFILL and INTERPOLATE_LINEAR: values in the place of NULL.

use arrow::array::UInt32Array;
use firn_column::{Array, Column};
use firn_types::{Error, SqlType};

use super::{CATEGORY, WindowBinding, WindowFunction, WindowInput};
use crate::driver::Output;
use crate::{Arity, Documentation, Example, accept};

/// INTERPOLATE_FFILL(value)
pub(super) const INTERPOLATE_FFILL: WindowFunction = WindowFunction::new(
    "INTERPOLATE_FFILL",
    Arity::exactly(1),
    |arguments| {
        let sql_type = arguments[0].sql_type;
        WindowBinding::new(vec![sql_type], sql_type, |input, columns| {
            let rows = known_before(input, &columns[0]);
            Ok(columns[0].take(&UInt32Array::from(rows)))
        })
    },
    Documentation::of(
        CATEGORY,
        "The value, or the last one before that is not NULL.",
        &[Example::of("INTERPOLATE_FFILL(7) OVER (ORDER BY 1)", "7")],
    ),
);

/// INTERPOLATE_BFILL(value)
pub(super) const INTERPOLATE_BFILL: WindowFunction = WindowFunction::new(
    "INTERPOLATE_BFILL",
    Arity::exactly(1),
    |arguments| {
        let sql_type = arguments[0].sql_type;
        WindowBinding::new(vec![sql_type], sql_type, |input, columns| {
            let rows = known_after(input, &columns[0]);
            Ok(columns[0].take(&UInt32Array::from(rows)))
        })
    },
    Documentation::of(
        CATEGORY,
        "The value, or the next one behind that is not NULL.",
        &[Example::of("INTERPOLATE_BFILL(7) OVER (ORDER BY 1)", "7")],
    ),
);

/// INTERPOLATE_LINEAR(number)
pub(super) const INTERPOLATE_LINEAR: WindowFunction = WindowFunction::new(
    "INTERPOLATE_LINEAR",
    Arity::exactly(1),
    |arguments| {
        let sql_type = accept::float("INTERPOLATE_LINEAR", arguments, 0)?;
        WindowBinding::new(vec![sql_type], SqlType::Float, |input, columns| {
            let Array::F64(values) = columns[0].flat() else {
                return Err(Error::internal("an interpolation of what is no FLOAT"));
            };
            let (before, after) =
                (known_before(input, &columns[0]), known_after(input, &columns[0]));
            let mut present = vec![true; input.rows];
            let mut answers = vec![0.0; input.rows];
            for row in 0..input.rows {
                let (Some(low), Some(high)) = (before[row], after[row]) else {
                    present[row] = false;
                    continue;
                };
                let (start, end) = (values.value(low as usize), values.value(high as usize));
                let share = match high - low {
                    0 => 0.0,
                    span => (row as u32 - low) as f64 / f64::from(span),
                };
                answers[row] = start + (end - start) * share;
            }
            Ok(Column::Flat(f64::array(answers, Some(present.into()))))
        })
    },
    Documentation::of(
        CATEGORY,
        "The number, or one on the line between those around it that are not NULL, by rows.",
        &[Example::of("INTERPOLATE_LINEAR(7) OVER (ORDER BY 1)", "7")],
    ),
);

/// For each row the last one up to it, in its partition, whose value is not NULL.
fn known_before(input: &WindowInput<'_>, column: &Column) -> Vec<Option<u32>> {
    let mut known = None;
    let found = (0..input.rows as u32).map(|row| {
        if !column.is_null(row as usize) {
            known = Some(row);
        }
        known.filter(|known| *known >= input.partitions[row as usize].0)
    });
    found.collect()
}

/// For each row the first one from it on, in its partition, whose value is not NULL.
fn known_after(input: &WindowInput<'_>, column: &Column) -> Vec<Option<u32>> {
    let mut known = None;
    let mut found: Vec<Option<u32>> = (0..input.rows as u32)
        .rev()
        .map(|row| {
            if !column.is_null(row as usize) {
                known = Some(row);
            }
            known.filter(|known| *known < input.partitions[row as usize].1)
        })
        .collect();
    found.reverse();
    found
}
