//! DATE_TRUNC, LAST_DAY and TIME_SLICE: from a moment to the unit that it is in.

use firn_column::{Array, Column};
use firn_types::date_part::DatePart;
use firn_types::date_time::{NANOS_PER_DAY, WeekRules};
use firn_types::timestamp::{
    last_day, slice_date, slice_moment, split_narrow, truncate_date, truncate_moment,
};
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::CATEGORY;
use super::temporal::{
    accept, accept_date, beyond_calendar, bounded, is_constant_text, moments, timestamps, unit,
    unknown_part, week_rules,
};
use crate::driver::null_propagating;
use crate::signature::wrong_types;
use crate::{
    Argument, Arity, Documentation, Example, Kernel, ScalarBinding, ScalarFunction,
    accept as accept_argument,
};

/// DATE_TRUNC(unit, moment), in either order
pub(crate) const DATE_TRUNC: ScalarFunction = ScalarFunction::new(
    "DATE_TRUNC",
    Arity::exactly(2),
    bind_truncate,
    Documentation::of(
        CATEGORY,
        "The first moment of the unit that the moment is in; the type stays.",
        &[
            Example::of("DATE_TRUNC(month, '2024-04-08'::DATE)", "2024-04-01"),
            Example::of("DATE_TRUNC('week', '2024-01-07'::DATE)", "2024-01-01"),
            Example::of(
                "DATE_TRUNC('hour', '2013-05-08T23:39:20'::TIMESTAMP)",
                "2013-05-08 23:00:00.000",
            ),
        ],
    ),
);

/// LAST_DAY(date [, unit])
pub(crate) const LAST_DAY: ScalarFunction = ScalarFunction::new(
    "LAST_DAY",
    Arity::between(1, 2),
    bind_last_day,
    Documentation::of(
        CATEGORY,
        "The last day of the month, or of another unit, that the date is in.",
        &[
            Example::of("LAST_DAY('2024-02-08'::DATE)", "2024-02-29"),
            Example::of("LAST_DAY('2024-02-08'::DATE, 'year')", "2024-12-31"),
        ],
    ),
);

/// TIME_SLICE(moment, count, unit [, 'START' or 'END'])
pub(crate) const TIME_SLICE: ScalarFunction = ScalarFunction::new(
    "TIME_SLICE",
    Arity::between(3, 4),
    bind_slice,
    Documentation::of(
        CATEGORY,
        "Start or end of the slice of so many units, counted from 1970, that the moment is in.",
        &[
            Example::of("TIME_SLICE('2019-02-28'::DATE, 4, 'MONTH', 'START')", "2019-01-01"),
            Example::of("TIME_SLICE('2019-02-28'::DATE, 4, 'MONTH', 'END')", "2019-05-01"),
        ],
    ),
);

fn bind_truncate(arguments: &[Argument]) -> Result<ScalarBinding> {
    const NAME: &str = "DATE_TRUNC";
    let names_unit = |position: usize| {
        let text = accept_argument::constant_text(arguments, position);
        text.and_then(DatePart::parse).is_some_and(DatePart::is_unit)
    };
    let swapped = !names_unit(0) && (names_unit(1) || !is_constant_text(&arguments[0]));
    let (unit_at, value_at) = if swapped { (1, 0) } else { (0, 1) };
    let unit = unit(NAME, arguments, unit_at)?;
    let input = accept(NAME, arguments, value_at)?;
    if matches!(input, SqlType::Time { .. }) && unit.is_date_unit() {
        return Err(unknown_part(NAME, unit.name()));
    }
    let mut types = vec![SqlType::TEXT; 2];
    types[value_at] = input;
    let kernel = truncate_kernel(unit, input, value_at);
    Ok(ScalarBinding::new(types, input, kernel)?.growing_with(value_at))
}

fn truncate_kernel(unit: DatePart, input: SqlType, value_at: usize) -> Kernel {
    null_propagating(move |rows, columns| {
        let values = moments(rows, columns, value_at)?;
        let rules = week_rules(rows);
        if let Some(array) = truncate_flat(input, &columns[value_at], unit, rules) {
            return Ok(array);
        }
        match input {
            SqlType::Date => rows.map(|row| Ok(Some(truncate_date(values.day(row), unit, rules)))),
            SqlType::Time { .. } => {
                rows.map(|row| Ok(Some(truncate_moment(values.raw(row), unit, rules) as i64)))
            }
            _ => timestamps(rows, input, |row| {
                Ok(values.on_wall(row, |wall| Some(truncate_moment(wall, unit, rules))))
            }),
        }
    })
}

/// The loops that matter: dates and wall-clock readings of 64 bits, straight over the array.
fn truncate_flat(
    input: SqlType,
    column: &Column,
    unit: DatePart,
    rules: WeekRules,
) -> Option<Array> {
    /// Readings nearer than this to the end of 64 bits could leave them.
    const MARGIN: i64 = 400 * NANOS_PER_DAY;
    let Column::Flat(array) = column else { return None };
    match (array, input) {
        (Array::I32(days), SqlType::Date) => {
            Some(Array::I32(days.unary(|day| truncate_date(bounded(day), unit, rules))))
        }
        (Array::I64(nanos), SqlType::TimestampNtz { .. })
            if nanos.values().iter().all(|&nanos| nanos > i64::MIN + MARGIN) =>
        {
            Some(Array::I64(match unit.nanos() {
                Some(length) => nanos.unary(|nanos| nanos - nanos.rem_euclid(length)),
                None => nanos.unary(|nanos| {
                    let day = truncate_date(split_narrow(nanos).0, unit, rules);
                    i64::from(day) * NANOS_PER_DAY
                }),
            }))
        }
        _ => None,
    }
}

fn bind_last_day(arguments: &[Argument]) -> Result<ScalarBinding> {
    const NAME: &str = "LAST_DAY";
    let mut types = vec![accept_date(NAME, arguments, 0)?];
    let mut wanted = DatePart::Month;
    if arguments.len() == 2 {
        wanted = unit(NAME, arguments, 1)?;
        types.push(SqlType::TEXT);
    }
    if wanted.months().is_none() && wanted != DatePart::Week {
        return Err(unknown_part(NAME, wanted.name()));
    }
    let kernel = null_propagating(move |rows, columns| {
        let values = moments(rows, columns, 0)?;
        let rules = week_rules(rows);
        rows.map(|row| Ok(Some(last_day(values.split(row).0, wanted, rules))))
    });
    ScalarBinding::new(types, SqlType::Date, kernel)
}

fn bind_slice(arguments: &[Argument]) -> Result<ScalarBinding> {
    const NAME: &str = "TIME_SLICE";
    let input = accept_date(NAME, arguments, 0)?;
    let count = accept_argument::constant_integer(arguments, 1).filter(|&count| count > 0);
    let count = count.ok_or_else(|| {
        Error::new(
            ErrorCode::InvalidParameterType,
            format!("argument 2 to function {NAME} needs to be a positive constant"),
        )
    })?;
    let unit = unit(NAME, arguments, 2)?;
    let end = match accept_argument::constant_text(arguments, 3) {
        None if arguments.len() == 4 => return Err(wrong_types(NAME, arguments)),
        Some(edge) if edge.eq_ignore_ascii_case("END") => true,
        Some(edge) if !edge.eq_ignore_ascii_case("START") => {
            return Err(Error::new(
                ErrorCode::InvalidParameterType,
                format!("'{edge}' is not START or END in function {NAME}"),
            ));
        }
        _ => false,
    };
    if input == SqlType::Date && !unit.is_date_unit() {
        return Err(unknown_part(NAME, unit.name()));
    }
    let kernel = null_propagating(move |rows, columns| {
        let values = moments(rows, columns, 0)?;
        let rules = week_rules(rows);
        let found = |edge: Option<_>| edge.ok_or_else(|| beyond_calendar(NAME));
        if input == SqlType::Date {
            return rows.map(|row| {
                let edge = slice_date(values.day(row), count, unit, end, rules);
                edge.map(Some).ok_or_else(|| beyond_calendar(NAME))
            });
        }
        timestamps(rows, input, |row| {
            found(values.on_wall(row, |wall| slice_moment(wall, count, unit, end, rules))).map(Some)
        })
    });
    let mut types = vec![input, SqlType::INTEGER, SqlType::TEXT, SqlType::TEXT];
    types.truncate(arguments.len());
    ScalarBinding::new(types, input, kernel)
}
