//! LAG and LEAD: the value of a row some rows away.

use arrow::array::UInt32Array;
use firn_column::Column;
use firn_column::kernels::forms::without_dictionary;
use firn_types::Result;
use firn_types::coerce::common_type;

use super::{CATEGORY, WindowBinding, WindowFunction, WindowInput};
use crate::driver::ints;
use crate::meaning::WindowMeaning;
use crate::signature::wrong_types;
use crate::{Argument, Arity, Documentation, Example, accept};

/// LAG(value [, offset [, default]])
pub(super) const LAG: WindowFunction = WindowFunction {
    takes_ignore_nulls: true,
    meaning: WindowMeaning::Lag,
    ..WindowFunction::new(
        "LAG",
        Arity::between(1, 3),
        |arguments| bind("LAG", arguments, -1),
        Documentation::of(
            CATEGORY,
            "The value of the row that many rows before, or the default where there is none.",
            &[Example::of("LAG(1, 1, 0) OVER (ORDER BY 1)", "0")],
        ),
    )
};

/// LEAD(value [, offset [, default]])
pub(super) const LEAD: WindowFunction = WindowFunction {
    takes_ignore_nulls: true,
    meaning: WindowMeaning::Lead,
    ..WindowFunction::new(
        "LEAD",
        Arity::between(1, 3),
        |arguments| bind("LEAD", arguments, 1),
        Documentation::of(
            CATEGORY,
            "The value of the row that many rows after, or the default where there is none.",
            &[Example::of("LEAD(1) OVER (ORDER BY 1)", "NULL")],
        ),
    )
};

fn bind(name: &str, arguments: &[Argument], direction: i64) -> Result<WindowBinding> {
    let mut returns = arguments[0].sql_type;
    let mut types = vec![returns];
    if arguments.len() > 1 {
        types.push(accept::integer(name, arguments, 1)?);
    }
    if arguments.len() > 2 {
        returns = common_type(&[returns, arguments[2].sql_type])
            .ok_or_else(|| wrong_types(name, arguments))?;
        types[0] = returns;
        types.push(returns);
    }
    WindowBinding::new(types, returns, move |input, columns| shifted(input, columns, direction))
}

/// The values `direction` times the offset away.
fn shifted(input: &WindowInput<'_>, columns: &[Column], direction: i64) -> Result<Column> {
    let offsets = columns.get(1).map(without_dictionary);
    let offsets = offsets.as_ref().map(ints).transpose()?;
    let value = &columns[0];
    let present = input.ignore_nulls.then(|| Present::of(value));
    let rows = (0..input.rows).map(|row| {
        let offset = match offsets {
            Some(offsets) if offsets.is_null(row) => return None,
            Some(offsets) => offsets.get(row),
            None => 1,
        };
        let away = offset.checked_mul(direction)?;
        let target = match &present {
            None => (row as i64).checked_add(away)?,
            Some(present) => present.away(row, away)?,
        };
        let (start, end) = input.partitions[row];
        (target >= i64::from(start) && target < i64::from(end)).then_some(target as u32)
    });
    let Some(default) = columns.get(2) else {
        return Ok(value.take(&rows.collect::<UInt32Array>()));
    };
    // The defaults stand behind the values, so that one step takes both.
    let both = Column::concat(&[value, default])?;
    let rows = rows.enumerate().map(|(row, target)| target.unwrap_or((input.rows + row) as u32));
    Ok(both.take(&UInt32Array::from_iter_values(rows)))
}

/// Which rows are not NULL, and how many of them come before each row.
pub(super) struct Present {
    /// The rows that are not NULL.
    pub(super) rows: Vec<u32>,
    /// For each row, and for the end, the number of rows before it that are not NULL.
    pub(super) before: Vec<u32>,
}

impl Present {
    pub(super) fn of(column: &Column) -> Present {
        let mut present =
            Present { rows: Vec::new(), before: Vec::with_capacity(column.len() + 1) };
        for row in 0..column.len() {
            present.before.push(present.rows.len() as u32);
            if !column.is_null(row) {
                present.rows.push(row as u32);
            }
        }
        present.before.push(present.rows.len() as u32);
        present
    }

    /// The row `away` present rows from this one.
    fn away(&self, row: usize, away: i64) -> Option<i64> {
        let before = i64::from(self.before[row]);
        let itself = i64::from(self.before[row + 1]) - before;
        let index = match away {
            0 => return Some(row as i64),
            1.. => before.checked_add(itself)?.checked_add(away - 1)?,
            _ => before.checked_add(away)?,
        };
        self.rows.get(usize::try_from(index).ok()?).map(|&row| i64::from(row))
    }
}
