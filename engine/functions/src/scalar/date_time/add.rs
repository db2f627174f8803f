//! DATEADD, ADD_MONTHS and the addition of intervals.

use std::sync::Arc;

use firn_types::date_part::DatePart;
use firn_types::date_time::add_months_keeping_end;
use firn_types::interval::Interval;
use firn_types::timestamp::{add_to_date, add_to_moment, add_to_time, join, split};
use firn_types::{Decimal, Error, ErrorCode, Result, SqlType, Value};

use super::CATEGORY;
use super::temporal::{accept, accept_date, beyond_calendar, moments, timestamps, unit};
use crate::driver::{ints, null_propagating};
use crate::signature::wrong_types;
use crate::{
    Argument, Arity, Documentation, Example, Kernel, ScalarBinding, ScalarFunction,
    accept as accept_argument,
};

/// DATEADD(unit, count, moment)
pub(crate) const DATEADD: ScalarFunction = ScalarFunction::new(
    "DATEADD",
    Arity::exactly(3),
    bind_add,
    Documentation::of(
        CATEGORY,
        "The moment so many units later; months lead to the month's last day at most.",
        &[
            Example::of("DATEADD(month, 1, '2023-01-31'::DATE)", "2023-02-28"),
            Example::of("DATEADD(year, 2, '2013-05-08'::DATE)", "2015-05-08"),
            Example::of("DATEADD(hour, 2, '2013-05-08'::DATE)", "2013-05-08 02:00:00.000"),
        ],
    ),
)
.with_aliases(&["TIMEADD", "TIMESTAMPADD"]);

/// ADD_MONTHS(date, count)
pub(crate) const ADD_MONTHS: ScalarFunction = ScalarFunction::new(
    "ADD_MONTHS",
    Arity::exactly(2),
    bind_add_months,
    Documentation::of(
        CATEGORY,
        "The moment so many months later; the last day of a month leads to the last day of a month.",
        &[
            Example::of("ADD_MONTHS('2016-02-29'::DATE, 1)", "2016-03-31"),
            Example::of("ADD_MONTHS('2016-05-31'::DATE, -1)", "2016-04-30"),
        ],
    ),
);

/// `moment + INTERVAL 'text'`, with the sign as a further argument: 1 or -1.
pub(crate) const INTERVAL_ADD: ScalarFunction = ScalarFunction::new(
    "$INTERVAL_ADD",
    Arity::exactly(3),
    bind_interval,
    Documentation::of(
        CATEGORY,
        "What `+ INTERVAL` and `- INTERVAL` stand for; parts apply in the order written.",
        &[
            Example::of("DATE '2019-02-28' + INTERVAL '1 day, 1 year'", "2020-03-01"),
            Example::of("DATE '2019-02-28' + INTERVAL '1 year, 1 day'", "2020-02-29"),
        ],
    ),
);

fn bind_add(arguments: &[Argument]) -> Result<ScalarBinding> {
    const NAME: &str = "DATEADD";
    let unit = unit(NAME, arguments, 0)?;
    accept_argument::number(NAME, arguments, 1)?;
    let input = match accept(NAME, arguments, 2)? {
        SqlType::Date if !unit.is_date_unit() => SqlType::TIMESTAMP_NTZ,
        SqlType::Time { .. } if unit.is_date_unit() => return Err(wrong_types(NAME, arguments)),
        given => given,
    };
    let types = vec![SqlType::TEXT, SqlType::INTEGER, input];
    let binding = ScalarBinding::new(types, input, add_kernel(unit, input))?;
    // The clock begins anew at midnight, the calendar never.
    let grows = !matches!(input, SqlType::Time { .. });
    Ok(if grows { binding.growing_with(2) } else { binding })
}

fn add_kernel(unit: DatePart, input: SqlType) -> Kernel {
    const NAME: &str = "DATEADD";
    null_propagating(move |rows, columns| {
        let counts = ints(&columns[1])?;
        let values = moments(rows, columns, 2)?;
        match input {
            SqlType::Date => rows.map(|row| {
                let sum = add_to_date(values.day(row), unit, counts.get(row));
                sum.map(Some).ok_or_else(|| beyond_calendar(NAME))
            }),
            SqlType::Time { .. } => {
                rows.map(|row| Ok(add_to_time(values.raw(row) as i64, unit, counts.get(row))))
            }
            _ => timestamps(rows, input, |row| {
                let add = |nanos| add_to_moment(nanos, unit, counts.get(row));
                let sum = match unit.is_date_unit() {
                    true => values.on_wall(row, add),
                    false => values.on_instant(row, add),
                };
                sum.map(Some).ok_or_else(|| beyond_calendar(NAME))
            }),
        }
    })
}

fn bind_add_months(arguments: &[Argument]) -> Result<ScalarBinding> {
    const NAME: &str = "ADD_MONTHS";
    let input = accept_date(NAME, arguments, 0)?;
    accept_argument::number(NAME, arguments, 1)?;
    let kernel = null_propagating(move |rows, columns| {
        let values = moments(rows, columns, 0)?;
        let counts = ints(&columns[1])?;
        if input == SqlType::Date {
            return rows.map(|row| {
                let sum = add_months_keeping_end(values.day(row), counts.get(row));
                sum.map(Some).ok_or_else(|| beyond_calendar(NAME))
            });
        }
        timestamps(rows, input, |row| {
            let sum = values.on_wall(row, |wall| {
                let (days, nanos) = split(wall);
                Some(join(add_months_keeping_end(days, counts.get(row))?, nanos))
            });
            sum.map(Some).ok_or_else(|| beyond_calendar(NAME))
        })
    });
    Ok(ScalarBinding::new(vec![input, SqlType::INTEGER], input, kernel)?.growing_with(0))
}

fn bind_interval(arguments: &[Argument]) -> Result<ScalarBinding> {
    const NAME: &str = "+ INTERVAL";
    let text = accept_argument::constant_text(arguments, 1);
    let interval = text.and_then(Interval::parse).ok_or_else(|| {
        let text = text.unwrap_or_default();
        Error::new(ErrorCode::InvalidStatement, format!("Invalid interval '{text}'."))
    })?;
    let negate = match &arguments[2].constant {
        Some(Value::Text(sign)) => sign.as_ref() == "-",
        Some(Value::Number(Decimal { unscaled, .. })) => *unscaled < 0,
        _ => false,
    };
    let input = match accept(NAME, arguments, 0)? {
        SqlType::Date if !interval.is_of_days() => SqlType::TIMESTAMP_NTZ,
        SqlType::Time { .. } if !interval.is_of_time() => {
            return Err(wrong_types("+", &arguments[..2]));
        }
        given => given,
    };
    let kernel = interval_kernel(Arc::new(interval), negate, input);
    let sign = arguments[2].sql_type;
    let binding = ScalarBinding::new(vec![input, SqlType::TEXT, sign], input, kernel)?;
    let grows = !matches!(input, SqlType::Time { .. });
    Ok(if grows { binding.growing_with(0) } else { binding })
}

fn interval_kernel(interval: Arc<Interval>, negate: bool, input: SqlType) -> Kernel {
    null_propagating(move |rows, columns| {
        let values = moments(rows, columns, 0)?;
        let found = |sum: Option<_>| sum.ok_or_else(|| beyond_calendar("+"));
        match input {
            SqlType::Date => rows.map(|row| {
                let sum = interval.add_to_date(values.day(row), negate);
                sum.map(Some).ok_or_else(|| beyond_calendar("+"))
            }),
            SqlType::Time { .. } => {
                rows.map(|row| Ok(interval.add_to_time(values.raw(row) as i64, negate)))
            }
            // Parts of days move the wall clock, shorter ones the instant.
            SqlType::TimestampLtz { .. } if interval.is_of_time() => {
                timestamps(rows, input, |row| {
                    found(values.on_instant(row, |n| interval.add_to_moment(n, negate))).map(Some)
                })
            }
            _ => timestamps(rows, input, |row| {
                found(values.on_wall(row, |n| interval.add_to_moment(n, negate))).map(Some)
            }),
        }
    })
}
