//! Dates, times and timestamps from their parts.

use firn_column::Column;
use firn_types::date_time::{
    NANOS_PER_DAY, NANOS_PER_HOUR, NANOS_PER_MINUTE, NANOS_PER_SECOND, days_from_parts,
};
use firn_types::timestamp::{at_zone, join, split, wall_to_utc};
use firn_types::{Result, SqlType, TypeFamily};

use super::CATEGORY;
use super::convert_timezone::parse_zone;
use super::temporal::{beyond_calendar, timestamps};
use crate::driver::{Ints, Rows, ints, null_propagating, texts};
use crate::signature::wrong_types;
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// DATE_FROM_PARTS(year, month, day)
pub(crate) const DATE_FROM_PARTS: ScalarFunction = ScalarFunction::new(
    "DATE_FROM_PARTS",
    Arity::exactly(3),
    bind_date,
    Documentation::of(
        CATEGORY,
        "The date of year, month and day; months and days outside of their range carry over.",
        &[
            Example::of("DATE_FROM_PARTS(1977, 8, 7)", "1977-08-07"),
            Example::of("DATE_FROM_PARTS(2010, 1, 100)", "2010-04-10"),
            Example::of("DATE_FROM_PARTS(2004, 0, 1)", "2003-12-01"),
        ],
    ),
)
.with_aliases(&["DATEFROMPARTS"]);

/// TIME_FROM_PARTS(hour, minute, second [, nanosecond])
pub(crate) const TIME_FROM_PARTS: ScalarFunction = ScalarFunction::new(
    "TIME_FROM_PARTS",
    Arity::between(3, 4),
    bind_time,
    Documentation::of(
        CATEGORY,
        "The time of hour, minute and second; what is outside of its range carries over.",
        &[
            Example::of("TIME_FROM_PARTS(12, 34, 56)", "12:34:56"),
            Example::of("TIME_FROM_PARTS(12, 0, 12345)", "15:25:45"),
        ],
    ),
)
.with_aliases(&["TIMEFROMPARTS"]);

macro_rules! timestamp_functions {
    ($($name:ident, $text:literal, $aliases:expr, $returns:expr, $summary:literal, $sql:literal,
        $answer:literal;)*) => {$(
        #[doc = $summary]
        pub(crate) const $name: ScalarFunction = ScalarFunction::new(
            $text,
            Arity::between(2, 8),
            |arguments| bind_timestamp($text, arguments, $returns),
            Documentation::of(CATEGORY, $summary, &[Example::of($sql, $answer)]),
        )
        .with_aliases($aliases);
    )*};
}

timestamp_functions! {
    TIMESTAMP_NTZ_FROM_PARTS, "TIMESTAMP_NTZ_FROM_PARTS",
        &["TIMESTAMPNTZFROMPARTS", "TIMESTAMP_FROM_PARTS", "TIMESTAMPFROMPARTS"],
        SqlType::TIMESTAMP_NTZ,
        "The TIMESTAMP_NTZ of year to second and nanosecond, or of a date and a time.",
        "TIMESTAMP_NTZ_FROM_PARTS(2013, 4, 5, 12, 0, -3600)", "2013-04-05 11:00:00.000";
    TIMESTAMP_LTZ_FROM_PARTS, "TIMESTAMP_LTZ_FROM_PARTS", &["TIMESTAMPLTZFROMPARTS"],
        SqlType::TIMESTAMP_LTZ,
        "The TIMESTAMP_LTZ of year to second and nanosecond in the session's zone.",
        "TIMESTAMP_LTZ_FROM_PARTS(2013, 4, 5, 12, 0, 0)::TIMESTAMP_NTZ", "2013-04-05 12:00:00.000";
    TIMESTAMP_TZ_FROM_PARTS, "TIMESTAMP_TZ_FROM_PARTS", &["TIMESTAMPTZFROMPARTS"],
        SqlType::TIMESTAMP_TZ,
        "The TIMESTAMP_TZ of year to second, nanosecond and perhaps the zone's name.",
        "TIMESTAMP_TZ_FROM_PARTS(2013, 4, 5, 12, 0, 0, 0, 'America/Los_Angeles')",
        "2013-04-05 12:00:00.000 -0700";
}

/// The types of number arguments.
fn numbers(name: &str, arguments: &[Argument]) -> Result<Vec<SqlType>> {
    (0..arguments.len()).map(|position| accept::integer(name, arguments, position)).collect()
}

fn bind_date(arguments: &[Argument]) -> Result<ScalarBinding> {
    const NAME: &str = "DATE_FROM_PARTS";
    let kernel = null_propagating(|rows, columns| {
        let parts = columns.iter().map(ints).collect::<Result<Vec<_>>>()?;
        rows.map(|row| {
            let days = days_from_parts(parts[0].get(row), parts[1].get(row), parts[2].get(row));
            days.map(Some).ok_or_else(|| beyond_calendar(NAME))
        })
    });
    ScalarBinding::new(numbers(NAME, arguments)?, SqlType::Date, kernel)
}

fn bind_time(arguments: &[Argument]) -> Result<ScalarBinding> {
    let kernel = null_propagating(|rows, columns| {
        let parts = columns.iter().map(ints).collect::<Result<Vec<_>>>()?;
        rows.map(|row| {
            let nanos = time_nanos(&parts, row);
            Ok(Some(nanos.rem_euclid(i128::from(NANOS_PER_DAY)) as i64))
        })
    });
    ScalarBinding::new(numbers("TIME_FROM_PARTS", arguments)?, SqlType::TIME, kernel)
}

/// The nanoseconds of hour, minute, second and perhaps nanosecond.
fn time_nanos(parts: &[Ints<'_>], row: usize) -> i128 {
    let units = [NANOS_PER_HOUR, NANOS_PER_MINUTE, NANOS_PER_SECOND, 1];
    let lengths = parts.iter().zip(units);
    lengths.map(|(part, unit)| i128::from(part.get(row)) * i128::from(unit)).sum()
}

fn bind_timestamp(
    name: &'static str,
    arguments: &[Argument],
    returns: SqlType,
) -> Result<ScalarBinding> {
    let with_zone = arguments.len() == 8;
    let types = match arguments.len() {
        2 => vec![SqlType::Date, SqlType::TIME],
        6 | 7 => numbers(name, arguments)?,
        8 if returns.family() == TypeFamily::TimestampTz => {
            let mut types = numbers(name, &arguments[..7])?;
            types.push(SqlType::TEXT);
            types
        }
        _ => return Err(wrong_types(name, arguments)),
    };
    let kernel = null_propagating(move |rows, columns| {
        let walls = walls(rows, columns, name)?;
        let zones = if with_zone { Some(texts(&columns[7])?) } else { None };
        timestamps(rows, returns, |row| {
            let zone = match &zones {
                Some(zones) => parse_zone(zones.get(row))?,
                None => rows.call.context.time_zone,
            };
            Ok(Some(match returns.family() {
                TypeFamily::TimestampNtz => walls[row],
                TypeFamily::TimestampLtz => wall_to_utc(zone, walls[row]),
                _ => at_zone(zone, wall_to_utc(zone, walls[row])).packed(),
            }))
        })
    });
    ScalarBinding::new(types, returns, kernel)
}

/// The wall clock's readings that the arguments make; 0 where one is NULL.
fn walls(rows: &Rows<'_>, columns: &[Column], name: &str) -> Result<Vec<i128>> {
    let parts = columns.iter().take(7).map(ints).collect::<Result<Vec<_>>>()?;
    let wall = |row: usize| {
        if parts.len() == 2 {
            return Some(join(parts[0].get(row) as i32, parts[1].get(row)));
        }
        let days = days_from_parts(parts[0].get(row), parts[1].get(row), parts[2].get(row))?;
        let wall = join(days, 0).checked_add(time_nanos(&parts[3..], row))?;
        // Readings beyond the calendar are clamped by `split`, and so told apart here.
        let (day, nanos) = split(wall);
        (join(day, nanos) == wall).then_some(wall)
    };
    (0..rows.count)
        .map(|row| match rows.is_null(row) {
            true => Ok(0),
            false => wall(row).ok_or_else(|| beyond_calendar(name)),
        })
        .collect()
}
