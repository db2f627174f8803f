//! The parts of dates and times that functions ask for by name.

use crate::date_time::{
    Civil, NANOS_PER_HOUR, NANOS_PER_MICROSECOND, NANOS_PER_MILLISECOND, NANOS_PER_MINUTE,
    NANOS_PER_SECOND, WeekRules, civil_from_days, day_of_week, day_of_week_iso, day_of_year,
    week_of_year,
};

/// A part of a date, of a time, or of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DatePart {
    /// Year.
    Year,
    /// Three months.
    Quarter,
    /// Month.
    Month,
    /// Seven days.
    Week,
    /// Day, of the month where a number is asked for.
    Day,
    /// Hour.
    Hour,
    /// Minute.
    Minute,
    /// Second.
    Second,
    /// Thousandth of a second.
    Millisecond,
    /// Millionth of a second.
    Microsecond,
    /// Billionth of a second.
    Nanosecond,
    /// Day of the week by WEEK_START.
    DayOfWeek,
    /// Day of the week, Monday 1.
    DayOfWeekIso,
    /// Day of the year.
    DayOfYear,
    /// Week by ISO's rules.
    WeekIso,
    /// The year that the week belongs to.
    YearOfWeek,
    /// The year that ISO's week belongs to.
    YearOfWeekIso,
    /// Seconds since 1970.
    EpochSecond,
    /// Milliseconds since 1970.
    EpochMillisecond,
    /// Microseconds since 1970.
    EpochMicrosecond,
    /// Nanoseconds since 1970.
    EpochNanosecond,
    /// Hours of the offset from UTC.
    TimezoneHour,
    /// Minutes of the offset from UTC, without the hours.
    TimezoneMinute,
}

/// Every name of every part.
const NAMES: &[(DatePart, &[&str])] = &[
    (DatePart::Year, &["year", "y", "yy", "yyy", "yyyy", "yr", "years", "yrs"]),
    (DatePart::Quarter, &["quarter", "q", "qtr", "qtrs", "quarters"]),
    (DatePart::Month, &["month", "mm", "mon", "mons", "months"]),
    (DatePart::Week, &["week", "w", "wk", "weekofyear", "woy", "wy", "weeks"]),
    (DatePart::Day, &["day", "d", "dd", "days", "dayofmonth"]),
    (DatePart::Hour, &["hour", "h", "hh", "hr", "hours", "hrs"]),
    (DatePart::Minute, &["minute", "m", "mi", "min", "minutes", "mins"]),
    (DatePart::Second, &["second", "s", "sec", "seconds", "secs"]),
    (DatePart::Millisecond, &["millisecond", "ms", "msec", "milliseconds"]),
    (DatePart::Microsecond, &["microsecond", "us", "usec", "microseconds"]),
    (
        DatePart::Nanosecond,
        &[
            "nanosecond",
            "ns",
            "nsec",
            "nanosec",
            "nsecond",
            "nanoseconds",
            "nanosecs",
            "nseconds",
            "nsecs",
        ],
    ),
    (DatePart::DayOfWeek, &["dayofweek", "weekday", "dow", "dw"]),
    (
        DatePart::DayOfWeekIso,
        &["dayofweekiso", "dayofweek_iso", "weekday_iso", "dow_iso", "dw_iso"],
    ),
    (DatePart::DayOfYear, &["dayofyear", "doy", "dy", "yearday"]),
    (DatePart::WeekIso, &["weekiso", "week_iso", "weekofyeariso", "weekofyear_iso"]),
    (DatePart::YearOfWeek, &["yearofweek"]),
    (DatePart::YearOfWeekIso, &["yearofweekiso", "yearofweek_iso"]),
    (DatePart::EpochSecond, &["epoch_second", "epoch", "epoch_seconds"]),
    (DatePart::EpochMillisecond, &["epoch_millisecond", "epoch_milliseconds"]),
    (DatePart::EpochMicrosecond, &["epoch_microsecond", "epoch_microseconds"]),
    (DatePart::EpochNanosecond, &["epoch_nanosecond", "epoch_nanoseconds"]),
    (DatePart::TimezoneHour, &["timezone_hour", "tzh"]),
    (DatePart::TimezoneMinute, &["timezone_minute", "tzm"]),
];

impl DatePart {
    /// The part of this name, in any case.
    pub fn parse(name: &str) -> Option<DatePart> {
        let named = |names: &&[&str]| names.iter().any(|n| n.eq_ignore_ascii_case(name));
        NAMES.iter().find(|(_, names)| named(names)).map(|(part, _)| *part)
    }

    /// Its first name.
    pub fn name(self) -> &'static str {
        let names = NAMES.iter().find(|(part, _)| *part == self).map(|(_, names)| names);
        names.and_then(|names| names.first()).copied().unwrap_or_default()
    }

    /// Whether it is a length of time that can be added, counted and cut to: a year to a nanosecond.
    pub fn is_unit(self) -> bool {
        self <= DatePart::Nanosecond
    }

    /// Whether it is a unit of a day or longer.
    pub fn is_date_unit(self) -> bool {
        self <= DatePart::Day
    }

    /// The nanoseconds of a unit below a day; `None` for every other part.
    pub fn nanos(self) -> Option<i64> {
        Some(match self {
            DatePart::Hour => NANOS_PER_HOUR,
            DatePart::Minute => NANOS_PER_MINUTE,
            DatePart::Second => NANOS_PER_SECOND,
            DatePart::Millisecond => NANOS_PER_MILLISECOND,
            DatePart::Microsecond => NANOS_PER_MICROSECOND,
            DatePart::Nanosecond => 1,
            _ => return None,
        })
    }

    /// The number of months of a unit longer than a week.
    pub fn months(self) -> Option<i64> {
        Some(match self {
            DatePart::Year => 12,
            DatePart::Quarter => 3,
            DatePart::Month => 1,
            _ => return None,
        })
    }

    /// Whether a date, apart from its time, has the part.
    pub fn is_of_date(self) -> bool {
        use DatePart::{
            Day, DayOfWeek, DayOfWeekIso, DayOfYear, Month, Quarter, Week, WeekIso, Year,
            YearOfWeek, YearOfWeekIso,
        };
        matches!(
            self,
            Year | Quarter
                | Month
                | Week
                | Day
                | DayOfWeek
                | DayOfWeekIso
                | DayOfYear
                | WeekIso
                | YearOfWeek
                | YearOfWeekIso
        )
    }

    /// The part's number in a day since 1970-01-01; 0 for parts that [`DatePart::is_of_date`] denies.
    #[inline]
    pub fn of_date(self, days: i32, rules: WeekRules) -> i32 {
        let Civil { year, month, day } = civil_from_days(days);
        match self {
            DatePart::Year => year,
            DatePart::Quarter => i32::from(month - 1) / 3 + 1,
            DatePart::Month => i32::from(month),
            DatePart::Day => i32::from(day),
            DatePart::Week => week_of_year(days, rules).1,
            DatePart::DayOfWeek => day_of_week(days, rules),
            DatePart::DayOfWeekIso => day_of_week_iso(days),
            DatePart::DayOfYear => day_of_year(days),
            DatePart::WeekIso => week_of_year(days, WeekRules::ISO).1,
            DatePart::YearOfWeek => week_of_year(days, rules).0,
            DatePart::YearOfWeekIso => week_of_year(days, WeekRules::ISO).0,
            _ => 0,
        }
    }

    /// The part's number in a time of day; `None` for parts that a time does not have.
    #[inline]
    pub fn of_time(self, nanos_of_day: i64) -> Option<i32> {
        Some(match self {
            DatePart::Hour => nanos_of_day / NANOS_PER_HOUR,
            DatePart::Minute => nanos_of_day / NANOS_PER_MINUTE % 60,
            DatePart::Second => nanos_of_day / NANOS_PER_SECOND % 60,
            DatePart::Nanosecond => nanos_of_day % NANOS_PER_SECOND,
            _ => return None,
        } as i32)
    }

    /// The nanoseconds of the unit that an EPOCH part counts.
    pub fn epoch_unit(self) -> Option<i64> {
        Some(match self {
            DatePart::EpochSecond => NANOS_PER_SECOND,
            DatePart::EpochMillisecond => NANOS_PER_MILLISECOND,
            DatePart::EpochMicrosecond => NANOS_PER_MICROSECOND,
            DatePart::EpochNanosecond => 1,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date_time::days_from_civil;

    #[test]
    fn names_find_their_part() {
        assert_eq!(DatePart::parse("m"), Some(DatePart::Minute));
        assert_eq!(DatePart::parse("MM"), Some(DatePart::Month));
        assert_eq!(DatePart::parse("Epoch"), Some(DatePart::EpochSecond));
        assert_eq!(DatePart::parse("fortnight"), None);
        assert_eq!(DatePart::YearOfWeek.name(), "yearofweek");
    }

    #[test]
    fn parts_of_a_date() {
        let days = days_from_civil(2013, 5, 8);
        let rules = WeekRules::default();
        for (part, wanted) in [
            (DatePart::Year, 2013),
            (DatePart::Quarter, 2),
            (DatePart::Month, 5),
            (DatePart::Week, 19),
            (DatePart::Day, 8),
            (DatePart::DayOfWeek, 3),
            (DatePart::DayOfYear, 128),
            (DatePart::YearOfWeekIso, 2013),
        ] {
            assert_eq!(part.of_date(days, rules), wanted, "{part:?}");
        }
        assert_eq!(DatePart::Minute.of_time(NANOS_PER_HOUR + 61 * NANOS_PER_SECOND), Some(1));
    }
}
