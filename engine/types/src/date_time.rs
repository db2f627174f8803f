//! The calendar: days since 1970-01-01 to year, month, day and back, months, weeks.
//!
//! The calendar is the proleptic Gregorian one. Days are plain integers, so that a column of dates is
//! taken apart without any object per row; the arithmetic is that of Howard Hinnant's `chrono`-compatible
//! date algorithms (eras of 400 years that begin in March).

use crate::decimal::divide_rounded;

/// Nanoseconds in a microsecond.
pub const NANOS_PER_MICROSECOND: i64 = 1_000;
/// Nanoseconds in a millisecond.
pub const NANOS_PER_MILLISECOND: i64 = 1_000_000;
/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// Nanoseconds in a minute.
pub const NANOS_PER_MINUTE: i64 = 60 * NANOS_PER_SECOND;
/// Nanoseconds in an hour.
pub const NANOS_PER_HOUR: i64 = 60 * NANOS_PER_MINUTE;
/// Nanoseconds in a day.
pub const NANOS_PER_DAY: i64 = 24 * NANOS_PER_HOUR;

/// The largest year that arithmetic may reach, before and after year 0.
pub const YEAR_BOUND: i64 = 99_999;
/// Days in 400 years.
const DAYS_PER_ERA: i32 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_FROM_MARCH_0: i32 = 719_468;

/// The names of the months.
pub const MONTH_NAMES: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// The names of the days of the week, Monday first.
pub const DAY_NAMES: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A day by its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The year; 0 is the one before 1.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// How weeks are counted: parameters WEEK_START and WEEK_OF_YEAR_POLICY.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WeekRules {
    /// First day of the week: 1 Monday to 7 Sunday; 0 is Monday, with days of the week as in Unix.
    pub start: u8,
    /// 0: a week belongs to the year with most of its days. 1: week 1 is the one with January 1.
    pub policy: u8,
}

impl WeekRules {
    /// As ISO 8601 counts.
    pub const ISO: WeekRules = WeekRules { start: 1, policy: 0 };

    fn first_day(self) -> i32 {
        i32::from(self.start.clamp(1, 7))
    }
}

/// The parts of a day.
#[inline]
pub fn civil_from_days(days: i32) -> Civil {
    // Only days far beyond the calendar wrap: what lies under a NULL may be anything.
    let shifted = days.wrapping_add(EPOCH_FROM_MARCH_0);
    let era = shifted.div_euclid(DAYS_PER_ERA);
    let day_of_era = shifted.rem_euclid(DAYS_PER_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i32::from(month <= 2);
    Civil { year, month: month as u8, day: day as u8 }
}

/// Days since 1970-01-01 of a day that exists, in a year within [`YEAR_BOUND`].
#[inline]
pub fn days_from_civil(year: i32, month: u8, day: u8) -> i32 {
    let year = year - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (i32::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i32::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - EPOCH_FROM_MARCH_0
}

/// Days since 1970-01-01 of a day that may not exist: `None` then.
#[inline]
pub fn checked_days_from_civil(year: i32, month: u8, day: u8) -> Option<i32> {
    let valid = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
    (valid && i64::from(year).abs() <= YEAR_BOUND).then(|| days_from_civil(year, month, day))
}

/// Days since 1970-01-01, with months and days outside of their range carried over: month 13 is next
/// January, day 0 the day before the first. `None` beyond [`YEAR_BOUND`].
pub fn days_from_parts(year: i64, month: i64, day: i64) -> Option<i32> {
    let months = year.checked_mul(12)?.checked_add(month.checked_sub(1)?)?;
    let first = month_start(months)?;
    checked_days(i64::from(first).checked_add(day.checked_sub(1)?)?)
}

/// The first day of the month that is `months` after January of year 0.
fn month_start(months: i64) -> Option<i32> {
    let year = months.div_euclid(12);
    if year.abs() > YEAR_BOUND {
        return None;
    }
    Some(days_from_civil(year as i32, months.rem_euclid(12) as u8 + 1, 1))
}

/// The days as a date, if its year is within [`YEAR_BOUND`].
#[inline]
pub fn checked_days(days: i64) -> Option<i32> {
    const LIMIT: i64 = (YEAR_BOUND - 1970) * 365;
    let narrow = i32::try_from(days).ok()?;
    // Most dates are far from the bound; the others are looked at closely.
    if days.abs() < LIMIT {
        return Some(narrow);
    }
    let near = days.abs() < (YEAR_BOUND + 2000) * 366;
    (near && i64::from(civil_from_days(narrow).year).abs() <= YEAR_BOUND).then_some(narrow)
}

/// Whether February has 29 days.
#[inline]
pub fn is_leap_year(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// The number of days of a month from 1 to 12.
#[inline]
pub fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// 1 Monday to 7 Sunday.
#[inline]
pub fn day_of_week_iso(days: i32) -> i32 {
    (days + 3).rem_euclid(7) + 1
}

/// 0 Sunday to 6 Saturday when weeks start as in ISO, else 1 to 7 from the first day of the week.
#[inline]
pub fn day_of_week(days: i32, rules: WeekRules) -> i32 {
    let iso = day_of_week_iso(days);
    if rules.start == 0 { iso % 7 } else { (iso - rules.first_day()).rem_euclid(7) + 1 }
}

/// 1 to 366.
#[inline]
pub fn day_of_year(days: i32) -> i32 {
    days - days_from_civil(civil_from_days(days).year, 1, 1) + 1
}

/// The first day of the week that the day is in.
#[inline]
pub fn week_start(days: i32, rules: WeekRules) -> i32 {
    days - (day_of_week_iso(days) - rules.first_day()).rem_euclid(7)
}

/// The year that the day's week belongs to and the week's number in it.
pub fn week_of_year(days: i32, rules: WeekRules) -> (i32, i32) {
    let start = week_start(days, rules);
    if rules.policy == 1 {
        let year = civil_from_days(days).year;
        let first = week_start(days_from_civil(year, 1, 1), rules);
        return (year, (start - first) / 7 + 1);
    }
    // The fourth day of the week is in the year with most of its days.
    let middle = start + 3;
    (civil_from_days(middle).year, (day_of_year(middle) - 1) / 7 + 1)
}

/// The months since January of year 0.
#[inline]
pub fn month_number(days: i32) -> i64 {
    let civil = civil_from_days(days);
    i64::from(civil.year) * 12 + i64::from(civil.month) - 1
}

/// The first day of the month.
#[inline]
pub fn first_of_month(days: i32) -> i32 {
    days - i32::from(civil_from_days(days).day) + 1
}

/// The last day of the month.
#[inline]
pub fn last_of_month(days: i32) -> i32 {
    let civil = civil_from_days(days);
    days + i32::from(days_in_month(civil.year, civil.month)) - i32::from(civil.day)
}

/// The same day of a later (or earlier) month, at most that month's last day.
pub fn add_months(days: i32, months: i64) -> Option<i32> {
    let day = civil_from_days(days).day;
    let first = month_start(month_number(days).checked_add(months)?)?;
    let civil = civil_from_days(first);
    Some(first + i32::from(day.min(days_in_month(civil.year, civil.month))) - 1)
}

/// As [`add_months`], but the last day of a month leads to the last day of a month.
pub fn add_months_keeping_end(days: i32, months: i64) -> Option<i32> {
    let moved = add_months(days, months)?;
    Some(if days == last_of_month(days) { last_of_month(moved) } else { moved })
}

/// The first day after `days` (or, backward, the last one before it) that is the day of the week `iso`.
pub fn neighbor_weekday(days: i32, iso: i32, backward: bool) -> i32 {
    if backward {
        let distance = (day_of_week_iso(days) - iso).rem_euclid(7);
        return days - if distance == 0 { 7 } else { distance };
    }
    let distance = (iso - day_of_week_iso(days)).rem_euclid(7);
    days + if distance == 0 { 7 } else { distance }
}

/// MONTHS_BETWEEN times a million: the months from the second moment to the first, whole when the days
/// of the month are equal or both the last, else with a fraction of 31 days.
pub fn months_between(first: (i32, i64), second: (i32, i64)) -> i128 {
    let months = i128::from(month_number(first.0) - month_number(second.0));
    let (a, b) = (civil_from_days(first.0), civil_from_days(second.0));
    let both_ends = first.0 == last_of_month(first.0) && second.0 == last_of_month(second.0);
    if a.day == b.day || both_ends {
        return months * 1_000_000;
    }
    let days = i128::from(a.day) - i128::from(b.day);
    let nanos = days * i128::from(NANOS_PER_DAY) + i128::from(first.1 - second.1);
    let fraction = divide_rounded(nanos * 1_000_000, i128::from(NANOS_PER_DAY) * 31);
    months * 1_000_000 + fraction.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u8, day: u8) -> i32 {
        days_from_civil(year, month, day)
    }

    #[test]
    fn days_and_civil_agree() {
        assert_eq!(day(1970, 1, 1), 0);
        assert_eq!(day(2000, 3, 1), 11_017);
        assert_eq!(day(9999, 12, 31), 2_932_896);
        for days in (-800_000..3_000_000).step_by(17) {
            let Civil { year, month, day } = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
            assert_eq!(checked_days_from_civil(year, month, day), Some(days));
        }
        assert_eq!(checked_days_from_civil(2023, 2, 29), None);
        assert_eq!(checked_days_from_civil(2024, 13, 1), None);
        assert_eq!(checked_days(i64::from(day(99_999, 12, 31))), Some(day(99_999, 12, 31)));
        assert_eq!(checked_days(i64::from(day(99_999, 12, 31)) + 1), None);
    }

    #[test]
    fn parts_carry_over() {
        assert_eq!(days_from_parts(2010, 1, 100), Some(day(2010, 4, 10)));
        assert_eq!(days_from_parts(2004, 0, 1), Some(day(2003, 12, 1)));
        assert_eq!(days_from_parts(2004, 1, 0), Some(day(2003, 12, 31)));
        assert_eq!(days_from_parts(i64::MAX, 1, 1), None);
    }

    #[test]
    fn months_clamp_to_the_end() {
        assert_eq!(add_months(day(2023, 1, 31), 1), Some(day(2023, 2, 28)));
        assert_eq!(add_months(day(2023, 2, 28), 1), Some(day(2023, 3, 28)));
        assert_eq!(add_months(day(2024, 1, 15), -13), Some(day(2022, 12, 15)));
        assert_eq!(add_months_keeping_end(day(2016, 2, 29), 1), Some(day(2016, 3, 31)));
        assert_eq!(add_months_keeping_end(day(2016, 5, 31), -1), Some(day(2016, 4, 30)));
        assert_eq!(add_months(day(2024, 1, 1), i64::MAX), None);
    }

    #[test]
    fn weeks_follow_the_rules() {
        let sunday_first = WeekRules { start: 7, policy: 0 };
        assert_eq!(day_of_week(day(2024, 1, 7), WeekRules::default()), 0);
        assert_eq!(day_of_week(day(2024, 1, 6), WeekRules::default()), 6);
        assert_eq!(day_of_week(day(2024, 1, 7), sunday_first), 1);
        assert_eq!(day_of_week(day(2024, 1, 7), WeekRules::ISO), 7);
        assert_eq!(week_start(day(2024, 1, 7), WeekRules::default()), day(2024, 1, 1));
        assert_eq!(week_start(day(2024, 1, 7), sunday_first), day(2024, 1, 7));
        assert_eq!(week_of_year(day(2016, 1, 2), WeekRules::ISO), (2015, 53));
        assert_eq!(week_of_year(day(2018, 12, 31), WeekRules::ISO), (2019, 1));
        let from_january = WeekRules { start: 1, policy: 1 };
        assert_eq!(week_of_year(day(2016, 1, 2), from_january), (2016, 1));
        assert_eq!(week_of_year(day(2016, 1, 4), from_january), (2016, 2));
        assert_eq!(week_of_year(day(2018, 12, 31), from_january), (2018, 53));
        assert_eq!(neighbor_weekday(day(2024, 1, 5), 5, false), day(2024, 1, 12));
        assert_eq!(neighbor_weekday(day(2024, 1, 5), 1, true), day(2024, 1, 1));
    }

    #[test]
    fn months_between_counts_31_days() {
        let noon = |year, month, d| (day(year, month, d), 0);
        assert_eq!(months_between(noon(2019, 3, 1), noon(2019, 2, 15)), 548_387);
        assert_eq!(months_between(noon(2019, 3, 31), noon(2019, 2, 28)), 1_000_000);
        assert_eq!(months_between(noon(2019, 2, 28), noon(2019, 3, 28)), -1_000_000);
    }

    #[test]
    fn the_calendar_agrees_with_chrono() {
        use chrono::{Datelike, Days, Months, NaiveDate};
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        for days in (-700_000i64..2_900_000).step_by(1_237) {
            let date = match u64::try_from(days) {
                Ok(days) => epoch + Days::new(days),
                Err(_) => epoch - Days::new(days.unsigned_abs()),
            };
            let days = days as i32;
            let civil = civil_from_days(days);
            assert_eq!((civil.year, u32::from(civil.month)), (date.year(), date.month()));
            assert_eq!(u32::from(civil.day), date.day());
            assert_eq!(day_of_year(days), date.ordinal() as i32);
            assert_eq!(day_of_week_iso(days), date.weekday().number_from_monday() as i32);
            let week = (date.iso_week().year(), date.iso_week().week() as i32);
            assert_eq!(week_of_year(days, WeekRules::ISO), week);
            let later = (date + Months::new(13)).signed_duration_since(epoch).num_days();
            assert_eq!(add_months(days, 13).map(i64::from), Some(later));
        }
    }
}
