//! DATE_PART and the functions named after one part.

use arrow::array::{Int32Array, PrimitiveArray};
use arrow::datatypes::ArrowPrimitiveType;
use firn_column::{Array, Column};
use firn_types::date_part::DatePart;
use firn_types::date_time::{NANOS_PER_MINUTE, WeekRules, civil_from_days};
use firn_types::timestamp::{offset_at, split_narrow};
use firn_types::value::TimestampTz;
use firn_types::{Result, SqlType};

use super::CATEGORY;
use super::temporal::{accept, bounded, moments, part, unknown_part, week_rules};
use crate::driver::{Rows, null_propagating};
use crate::{Argument, Arity, Documentation, Example, Kernel, ScalarBinding, ScalarFunction};

/// DATE_PART(part, moment)
pub(crate) const DATE_PART: ScalarFunction = ScalarFunction::new(
    "DATE_PART",
    Arity::exactly(2),
    |arguments| {
        let part = part("DATE_PART", arguments, 0)?;
        let mut binding = bind("DATE_PART", &arguments[1..], part)?;
        let kernel = binding.kernel;
        binding.arguments.insert(0, SqlType::TEXT);
        binding.grows_with = binding.grows_with.map(|argument| argument + 1);
        binding.kernel = Kernel::propagating(move |call, columns| {
            let call = crate::Call { arguments: &call.arguments[1..], ..*call };
            kernel.run(&call, &columns[1..])
        });
        Ok(binding)
    },
    Documentation::of(
        CATEGORY,
        "The number of a part of a date, time or timestamp.",
        &[
            Example::of("DATE_PART(month, '2024-04-08'::DATE)", "4"),
            Example::of("DATE_PART('epoch', '1970-01-02 00:00:01'::TIMESTAMP_NTZ)", "86401"),
            Example::of("EXTRACT(year FROM '2013-05-08T23:39:20'::TIMESTAMP)", "2013"),
        ],
    ),
)
.with_aliases(&["EXTRACT"]);

macro_rules! part_functions {
    ($($name:ident, $text:literal, $aliases:expr, $part:ident, $summary:literal, $sql:literal,
        $answer:literal;)*) => {$(
        #[doc = $summary]
        pub(crate) const $name: ScalarFunction = ScalarFunction::new(
            $text,
            Arity::exactly(1),
            |arguments| bind($text, arguments, DatePart::$part),
            Documentation::of(CATEGORY, $summary, &[Example::of($sql, $answer)]),
        )
        .with_aliases($aliases);
    )*};
}

part_functions! {
    YEAR, "YEAR", &[], Year, "The year.", "YEAR('2024-04-08'::DATE)", "2024";
    YEAROFWEEK, "YEAROFWEEK", &[], YearOfWeek, "The year that the week belongs to.",
        "YEAROFWEEK('2016-01-02'::DATE)", "2015";
    YEAROFWEEKISO, "YEAROFWEEKISO", &[], YearOfWeekIso, "The year that the ISO week belongs to.",
        "YEAROFWEEKISO('2016-01-02'::DATE)", "2015";
    QUARTER, "QUARTER", &[], Quarter, "The quarter of the year, 1 to 4.",
        "QUARTER('2024-04-08'::DATE)", "2";
    MONTH, "MONTH", &[], Month, "The month, 1 to 12.", "MONTH('2024-04-08'::DATE)", "4";
    WEEK, "WEEK", &["WEEKOFYEAR"], Week, "The week of the year by WEEK_OF_YEAR_POLICY.",
        "WEEK('2013-05-08'::DATE)", "19";
    WEEKISO, "WEEKISO", &[], WeekIso, "The ISO week of the year.",
        "WEEKISO('2016-01-02'::DATE)", "53";
    DAY, "DAY", &["DAYOFMONTH"], Day, "The day of the month.", "DAY('2024-04-08'::DATE)", "8";
    DAYOFWEEK, "DAYOFWEEK", &[], DayOfWeek,
        "The day of the week: 0 Sunday to 6 Saturday, or 1 to 7 from WEEK_START.",
        "DAYOFWEEK('2024-04-08'::DATE)", "1";
    DAYOFWEEKISO, "DAYOFWEEKISO", &[], DayOfWeekIso, "The day of the week, 1 Monday to 7 Sunday.",
        "DAYOFWEEKISO('2024-04-07'::DATE)", "7";
    DAYOFYEAR, "DAYOFYEAR", &[], DayOfYear, "The day of the year.",
        "DAYOFYEAR('2024-12-31'::DATE)", "366";
    HOUR, "HOUR", &[], Hour, "The hour, 0 to 23.", "HOUR('2013-05-08T23:39:20'::TIMESTAMP)", "23";
    MINUTE, "MINUTE", &[], Minute, "The minute, 0 to 59.",
        "MINUTE('2013-05-08T23:39:20'::TIMESTAMP)", "39";
    SECOND, "SECOND", &[], Second, "The second, 0 to 59.",
        "SECOND('2013-05-08T23:39:20'::TIMESTAMP)", "20";
}

fn bind(name: &'static str, arguments: &[Argument], part: DatePart) -> Result<ScalarBinding> {
    let input = accept(name, arguments, 0)?;
    let available = match input {
        SqlType::Time { .. } => part.of_time(0).is_some(),
        SqlType::TimestampLtz { .. } | SqlType::TimestampTz { .. } => true,
        _ => !matches!(part, DatePart::TimezoneHour | DatePart::TimezoneMinute),
    };
    let supported = !matches!(part, DatePart::Millisecond | DatePart::Microsecond);
    if !available || !supported {
        return Err(unknown_part(name, part.name()));
    }
    let digits = match part {
        DatePart::Year | DatePart::YearOfWeek | DatePart::YearOfWeekIso => 4,
        DatePart::DayOfYear => 3,
        DatePart::Quarter | DatePart::DayOfWeek | DatePart::DayOfWeekIso => 1,
        DatePart::Nanosecond => 9,
        DatePart::EpochSecond | DatePart::EpochMillisecond => 18,
        DatePart::EpochMicrosecond | DatePart::EpochNanosecond => 38,
        _ => 2,
    };
    let kernel = null_propagating(move |rows, columns| extract(rows, columns, part));
    let binding = ScalarBinding::new(vec![input], SqlType::number(digits, 0), kernel)?;
    Ok(match part {
        DatePart::Year
        | DatePart::EpochSecond
        | DatePart::EpochMillisecond
        | DatePart::EpochMicrosecond
        | DatePart::EpochNanosecond => binding.growing_with(0),
        _ => binding,
    })
}

fn extract(rows: &Rows<'_>, columns: &[Column], part: DatePart) -> Result<Array> {
    let rules = week_rules(rows);
    if let Some(array) = extract_flat(rows.call.arguments[0], &columns[0], part, rules) {
        return Ok(array);
    }
    let values = moments(rows, columns, 0)?;
    if let Some(unit) = part.epoch_unit() {
        let unit = i128::from(unit);
        return rows.map(|row| Ok(Some(values.instant(row).div_euclid(unit))));
    }
    if part.is_of_date() {
        return rows.map(|row| Ok(Some(part.of_date(values.split(row).0, rules))));
    }
    if matches!(part, DatePart::TimezoneHour | DatePart::TimezoneMinute) {
        let is_tz = matches!(rows.call.arguments[0], SqlType::TimestampTz { .. });
        let zone = rows.call.context.time_zone;
        return rows.map(|row| {
            let raw = values.raw(row);
            let minutes = match is_tz {
                true => i32::from(TimestampTz::unpacked(raw).offset_minutes),
                false => (offset_at(zone, raw) / NANOS_PER_MINUTE) as i32,
            };
            Ok(Some(if part == DatePart::TimezoneHour { minutes / 60 } else { minutes % 60 }))
        });
    }
    rows.map(|row| Ok(part.of_time(values.split(row).1)))
}

/// The loops that matter: parts of dates, times and wall-clock readings of 64 bits, straight over the
/// array. Rows that are NULL are computed too, from whatever the array holds there.
fn extract_flat(
    input: SqlType,
    column: &Column,
    part: DatePart,
    rules: WeekRules,
) -> Option<Array> {
    let Column::Flat(array) = column else { return None };
    Some(Array::I32(match (array, input) {
        (Array::I32(days), SqlType::Date) if part.is_of_date() => {
            by_date(days, part, rules, bounded)
        }
        (Array::I64(nanos), SqlType::TimestampNtz { .. }) if part.is_of_date() => {
            by_date(nanos, part, rules, |nanos| split_narrow(nanos).0)
        }
        (Array::I64(nanos), SqlType::TimestampNtz { .. } | SqlType::Time { .. })
            if part.of_time(0).is_some() =>
        {
            nanos.unary(|nanos| part.of_time(split_narrow(nanos).1).unwrap_or(0))
        }
        _ => return None,
    }))
}

/// The part of each day; the frequent parts have loops of their own.
fn by_date<P: ArrowPrimitiveType>(
    array: &PrimitiveArray<P>,
    part: DatePart,
    rules: WeekRules,
    day: impl Fn(P::Native) -> i32,
) -> Int32Array {
    match part {
        DatePart::Year => array.unary(|value| civil_from_days(day(value)).year),
        DatePart::Month => array.unary(|value| i32::from(civil_from_days(day(value)).month)),
        DatePart::Day => array.unary(|value| i32::from(civil_from_days(day(value)).day)),
        _ => array.unary(|value| part.of_date(day(value), rules)),
    }
}
