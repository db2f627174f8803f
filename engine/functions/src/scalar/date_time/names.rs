//! DAYNAME and MONTHNAME, NEXT_DAY and PREVIOUS_DAY: days and months by name.

use firn_column::{Array, Column};
use firn_types::date_time::{
    DAY_NAMES, MONTH_NAMES, civil_from_days, day_of_week_iso, neighbor_weekday,
};
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::CATEGORY;
use super::temporal::{accept_date, moments};
use crate::driver::{Rows, null_propagating, texts};
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// DAYNAME(date)
pub(crate) const DAYNAME: ScalarFunction = ScalarFunction::new(
    "DAYNAME",
    Arity::exactly(1),
    |arguments| {
        bind_name("DAYNAME", arguments, |days| {
            DAY_NAMES.get(day_of_week_iso(days) as usize - 1).copied().unwrap_or_default()
        })
    },
    Documentation::of(
        CATEGORY,
        "The day of the week in three letters.",
        &[Example::of("DAYNAME('2024-04-08'::DATE)", "Mon")],
    ),
);

/// MONTHNAME(date)
pub(crate) const MONTHNAME: ScalarFunction = ScalarFunction::new(
    "MONTHNAME",
    Arity::exactly(1),
    |arguments| {
        bind_name("MONTHNAME", arguments, |days| {
            let month = usize::from(civil_from_days(days).month);
            MONTH_NAMES.get(month - 1).copied().unwrap_or_default()
        })
    },
    Documentation::of(
        CATEGORY,
        "The month in three letters.",
        &[Example::of("MONTHNAME('2024-04-08'::DATE)", "Apr")],
    ),
);

/// NEXT_DAY(date, day of the week)
pub(crate) const NEXT_DAY: ScalarFunction = ScalarFunction::new(
    "NEXT_DAY",
    Arity::exactly(2),
    |arguments| bind_neighbor("NEXT_DAY", arguments, false),
    Documentation::of(
        CATEGORY,
        "The first day of that name after the date.",
        &[Example::of("NEXT_DAY('2024-01-05'::DATE, 'Friday')", "2024-01-12")],
    ),
);

/// PREVIOUS_DAY(date, day of the week)
pub(crate) const PREVIOUS_DAY: ScalarFunction = ScalarFunction::new(
    "PREVIOUS_DAY",
    Arity::exactly(2),
    |arguments| bind_neighbor("PREVIOUS_DAY", arguments, true),
    Documentation::of(
        CATEGORY,
        "The last day of that name before the date.",
        &[Example::of("PREVIOUS_DAY('2024-01-05'::DATE, 'mo')", "2024-01-01")],
    ),
);

fn bind_name(
    name: &str,
    arguments: &[Argument],
    full_name: fn(i32) -> &'static str,
) -> Result<ScalarBinding> {
    let input = accept_date(name, arguments, 0)?;
    let kernel = null_propagating(move |rows, columns| {
        let values = moments(rows, columns, 0)?;
        rows.slices(|row| Ok(full_name(values.split(row).0).get(..3)))
    });
    ScalarBinding::new(vec![input], SqlType::varchar(3), kernel)
}

fn bind_neighbor(
    name: &'static str,
    arguments: &[Argument],
    backward: bool,
) -> Result<ScalarBinding> {
    let input = accept_date(name, arguments, 0)?;
    let day = accept::text(name, arguments, 1)?;
    let kernel = null_propagating(move |rows, columns| neighbor(rows, columns, name, backward));
    ScalarBinding::new(vec![input, day], SqlType::Date, kernel)
}

fn neighbor(rows: &Rows<'_>, columns: &[Column], name: &str, backward: bool) -> Result<Array> {
    let values = moments(rows, columns, 0)?;
    let names = texts(&columns[1])?;
    rows.map(|row| {
        let iso = weekday(names.get(row)).ok_or_else(|| {
            Error::new(
                ErrorCode::InvalidValue,
                format!("Invalid day of the week '{}' in function {name}", names.get(row)),
            )
        })?;
        Ok(Some(neighbor_weekday(values.split(row).0, iso, backward)))
    })
}

/// The day of the week, 1 to 7, whose first two letters the text has.
fn weekday(text: &str) -> Option<i32> {
    let start = text.trim().as_bytes().get(..2)?;
    let named = |name: &&'static str| name.as_bytes()[..2].eq_ignore_ascii_case(start);
    let position = DAY_NAMES.iter().position(named)?;
    i32::try_from(position + 1).ok()
}
