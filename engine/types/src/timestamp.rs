//! Moments: arithmetic on nanoseconds since 1970-01-01 00:00, and time zones.
//!
//! Everything but the zones works on wall-clock readings. Instants (TIMESTAMP_LTZ, TIMESTAMP_TZ) are
//! turned into readings first and back afterwards.

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

use crate::date_part::DatePart;
use crate::date_time::{
    NANOS_PER_DAY, NANOS_PER_MINUTE, NANOS_PER_SECOND, WeekRules, YEAR_BOUND, add_months,
    checked_days, civil_from_days, days_from_civil, first_of_month, last_of_month, month_number,
    week_start,
};
use crate::decimal::POWERS_OF_TEN;
use crate::value::TimestampTz;

/// The day and the nanoseconds of the day of a moment within the years that dates may have; moments
/// beyond are put on the first or last day.
#[inline]
pub fn split(nanos: i128) -> (i32, i64) {
    if let Ok(nanos) = i64::try_from(nanos) {
        return split_narrow(nanos);
    }
    let days = nanos.div_euclid(i128::from(NANOS_PER_DAY));
    let bound = i128::from(YEAR_BOUND) * 366;
    (days.clamp(-bound, bound) as i32, nanos.rem_euclid(i128::from(NANOS_PER_DAY)) as i64)
}

/// As [`split`], for moments that 64 bits hold.
#[inline]
pub fn split_narrow(nanos: i64) -> (i32, i64) {
    (nanos.div_euclid(NANOS_PER_DAY) as i32, nanos.rem_euclid(NANOS_PER_DAY))
}

/// The moment of a day and the nanoseconds since its start.
#[inline]
pub fn join(days: i32, nanos_of_day: i64) -> i128 {
    i128::from(days) * i128::from(NANOS_PER_DAY) + i128::from(nanos_of_day)
}

/// The moment without the digits of a second's fraction beyond `scale`.
#[inline]
pub fn cut_to_scale(nanos: i128, scale: u8) -> i128 {
    if scale >= 9 {
        return nanos;
    }
    let unit = POWERS_OF_TEN[9 - usize::from(scale)];
    nanos - nanos.rem_euclid(unit)
}

/// The moment, if its year is within the bound.
fn checked_moment(nanos: i128) -> Option<i128> {
    let days = i64::try_from(nanos.div_euclid(i128::from(NANOS_PER_DAY))).ok()?;
    checked_days(days).map(|_| nanos)
}

/// DATEADD of a unit of a day or longer.
#[inline]
pub fn add_to_date(days: i32, unit: DatePart, count: i64) -> Option<i32> {
    match (unit.months(), unit) {
        (Some(months), _) => add_months(days, count.checked_mul(months)?),
        (_, DatePart::Week) => checked_days(count.checked_mul(7)?.checked_add(i64::from(days))?),
        _ => checked_days(count.checked_add(i64::from(days))?),
    }
}

/// DATEADD on a wall-clock reading.
#[inline]
pub fn add_to_moment(nanos: i128, unit: DatePart, count: i64) -> Option<i128> {
    if let Some(length) = unit.nanos() {
        let distance = i128::from(count) * i128::from(length);
        return checked_moment(nanos.checked_add(distance)?);
    }
    let (days, nanos_of_day) = split(nanos);
    Some(join(add_to_date(days, unit, count)?, nanos_of_day))
}

/// DATEADD on a time of day, which wraps around midnight; `None` for units of a day or longer.
pub fn add_to_time(nanos_of_day: i64, unit: DatePart, count: i64) -> Option<i64> {
    let distance = i128::from(count) * i128::from(unit.nanos()?);
    Some((i128::from(nanos_of_day) + distance).rem_euclid(i128::from(NANOS_PER_DAY)) as i64)
}

/// The number of a unit's boundaries before a day: DATEDIFF is the difference of two of these.
#[inline]
pub fn date_ordinal(days: i32, unit: DatePart, rules: WeekRules) -> i64 {
    match unit {
        DatePart::Year => i64::from(civil_from_days(days).year),
        DatePart::Quarter => month_number(days).div_euclid(3),
        DatePart::Month => month_number(days),
        DatePart::Week => i64::from(week_start(days, rules)).div_euclid(7),
        _ => i64::from(days),
    }
}

/// The number of a unit's boundaries before a moment.
#[inline]
pub fn moment_ordinal(nanos: i128, unit: DatePart, rules: WeekRules) -> i128 {
    match unit.nanos() {
        Some(length) => nanos.div_euclid(i128::from(length)),
        None => i128::from(date_ordinal(split(nanos).0, unit, rules)),
    }
}

/// The first day of the unit that the day is in.
#[inline]
pub fn truncate_date(days: i32, unit: DatePart, rules: WeekRules) -> i32 {
    match unit {
        DatePart::Year => days_from_civil(civil_from_days(days).year, 1, 1),
        DatePart::Quarter => {
            let civil = civil_from_days(days);
            days_from_civil(civil.year, (civil.month - 1) / 3 * 3 + 1, 1)
        }
        DatePart::Month => first_of_month(days),
        DatePart::Week => week_start(days, rules),
        _ => days,
    }
}

/// The first moment of the unit that the moment is in.
#[inline]
pub fn truncate_moment(nanos: i128, unit: DatePart, rules: WeekRules) -> i128 {
    match unit.nanos() {
        Some(length) => nanos - nanos.rem_euclid(i128::from(length)),
        None => join(truncate_date(split(nanos).0, unit, rules), 0),
    }
}

/// The last day of the unit, a week or longer, that the day is in.
pub fn last_day(days: i32, unit: DatePart, rules: WeekRules) -> i32 {
    let first = truncate_date(days, unit, rules);
    match unit.months() {
        Some(months) => last_of_month(add_months(first, months - 1).unwrap_or(first)),
        None if unit == DatePart::Week => first + 6,
        None => first,
    }
}

/// The first day of the slice of `count` units that the day is in, or of the slice after it. Slices are
/// counted from 1970-01-01, weeks from the start of its week. `None` for a count below 1.
pub fn slice_date(
    days: i32,
    count: i64,
    unit: DatePart,
    after: bool,
    rules: WeekRules,
) -> Option<i32> {
    let extra = i64::from(after);
    let slot = |position: i64, length: i64| {
        (position.div_euclid(length)).checked_add(extra)?.checked_mul(length)
    };
    if count < 1 {
        return None;
    }
    if let Some(months) = unit.months() {
        let since_1970 = month_number(days) - 1970 * 12;
        return add_months(0, slot(since_1970, count.checked_mul(months)?)?);
    }
    let (origin, length) = match unit {
        DatePart::Week => (i64::from(week_start(0, rules)), count.checked_mul(7)?),
        _ => (0, count),
    };
    checked_days(slot(i64::from(days) - origin, length)?.checked_add(origin)?)
}

/// As [`slice_date`], for a wall-clock reading.
pub fn slice_moment(
    nanos: i128,
    count: i64,
    unit: DatePart,
    after: bool,
    rules: WeekRules,
) -> Option<i128> {
    match unit.nanos() {
        Some(length) => {
            if count < 1 {
                return None;
            }
            let length = i128::from(length) * i128::from(count);
            checked_moment((nanos.div_euclid(length) + i128::from(after)) * length)
        }
        None => slice_date(split(nanos).0, count, unit, after, rules).map(|days| join(days, 0)),
    }
}

/// The zone's offset at an instant, in nanoseconds east of UTC.
pub fn offset_at(zone: Tz, utc_nanos: i128) -> i64 {
    if zone == Tz::UTC {
        return 0;
    }
    let offset = zone.offset_from_utc_datetime(&naive(utc_nanos)).fix();
    i64::from(offset.local_minus_utc()) * NANOS_PER_SECOND
}

/// The wall-clock reading in the zone at an instant.
pub fn utc_to_wall(zone: Tz, utc_nanos: i128) -> i128 {
    utc_nanos + i128::from(offset_at(zone, utc_nanos))
}

/// The instant at which the zone's clock shows the reading. A reading that occurs twice is the earlier
/// one; one that is skipped is read with the offset from before the gap, so it comes out after it.
pub fn wall_to_utc(zone: Tz, wall_nanos: i128) -> i128 {
    if zone == Tz::UTC {
        return wall_nanos;
    }
    let offset = match zone.offset_from_local_datetime(&naive(wall_nanos)).earliest() {
        Some(offset) => i64::from(offset.fix().local_minus_utc()) * NANOS_PER_SECOND,
        None => offset_at(zone, wall_nanos - i128::from(NANOS_PER_DAY)),
    };
    wall_nanos - i128::from(offset)
}

/// The instant together with the zone's offset at it.
pub fn at_zone(zone: Tz, utc_nanos: i128) -> TimestampTz {
    let minutes = offset_at(zone, utc_nanos) / NANOS_PER_MINUTE;
    TimestampTz { utc_nanos, offset_minutes: minutes as i16 }
}

/// The instant of a reading at a fixed offset.
pub fn at_offset(wall_nanos: i128, offset_minutes: i16) -> TimestampTz {
    let utc_nanos = wall_nanos - i128::from(offset_minutes) * i128::from(NANOS_PER_MINUTE);
    TimestampTz { utc_nanos, offset_minutes }
}

fn naive(nanos: i128) -> NaiveDateTime {
    let seconds = nanos.div_euclid(i128::from(NANOS_PER_SECOND));
    let seconds = i64::try_from(seconds).unwrap_or(0);
    DateTime::from_timestamp(seconds, 0).unwrap_or_default().naive_utc()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date_time::NANOS_PER_HOUR;

    fn day(year: i32, month: u8, day: u8) -> i32 {
        days_from_civil(year, month, day)
    }

    fn moment(days: i32, hour: i64, minute: i64) -> i128 {
        join(days, hour * NANOS_PER_HOUR + minute * NANOS_PER_MINUTE)
    }

    #[test]
    fn readings_in_gaps_and_overlaps_are_decided() {
        let zone = Tz::America__Los_Angeles;
        let utc = |wall| wall_to_utc(zone, wall);
        assert_eq!(utc(moment(day(2024, 1, 1), 0, 0)), moment(day(2024, 1, 1), 8, 0));
        assert_eq!(utc(moment(day(2024, 3, 10), 2, 30)), moment(day(2024, 3, 10), 10, 30));
        assert_eq!(utc(moment(day(2024, 11, 3), 1, 30)), moment(day(2024, 11, 3), 8, 30));
        assert_eq!(utc_to_wall(zone, moment(day(2024, 7, 1), 7, 0)), join(day(2024, 7, 1), 0));
        assert_eq!(at_zone(zone, 0).offset_minutes, -480);
        assert_eq!(split(moment(day(9999, 12, 31), 1, 0)), (day(9999, 12, 31), NANOS_PER_HOUR));
    }

    #[test]
    fn differences_count_boundaries() {
        let rules = WeekRules::default();
        let ordinal = |nanos, unit| moment_ordinal(nanos, unit, rules);
        let dates =
            |a: i32, b: i32, unit| date_ordinal(b, unit, rules) - date_ordinal(a, unit, rules);
        assert_eq!(dates(day(2015, 12, 31), day(2016, 1, 1), DatePart::Year), 1);
        assert_eq!(dates(day(2016, 8, 23), day(2016, 9, 7), DatePart::Month), 1);
        assert_eq!(dates(day(2024, 1, 7), day(2024, 1, 8), DatePart::Week), 1);
        assert_eq!(dates(day(2024, 1, 1), day(2024, 1, 7), DatePart::Week), 0);
        assert_eq!(dates(day(1960, 1, 1), day(1960, 4, 1), DatePart::Quarter), 1);
        let before = moment(day(2024, 1, 1), 1, 59);
        let after = moment(day(2024, 1, 1), 2, 0);
        assert_eq!(ordinal(after, DatePart::Hour) - ordinal(before, DatePart::Hour), 1);
    }

    #[test]
    fn units_cut_and_slice() {
        let rules = WeekRules::default();
        let days = day(2019, 2, 28);
        assert_eq!(truncate_date(days, DatePart::Quarter, rules), day(2019, 1, 1));
        assert_eq!(truncate_date(day(2024, 1, 7), DatePart::Week, rules), day(2024, 1, 1));
        assert_eq!(last_day(days, DatePart::Year, rules), day(2019, 12, 31));
        assert_eq!(last_day(day(2019, 5, 1), DatePart::Quarter, rules), day(2019, 6, 30));
        assert_eq!(last_day(days, DatePart::Week, rules), day(2019, 3, 3));
        let slice = |unit, after| slice_date(days, 4, unit, after, rules);
        assert_eq!(slice(DatePart::Month, false), Some(day(2019, 1, 1)));
        assert_eq!(slice(DatePart::Month, true), Some(day(2019, 5, 1)));
        assert_eq!(slice_date(days, 1, DatePart::Week, false, rules), Some(day(2019, 2, 25)));
        assert_eq!(slice_date(days, 0, DatePart::Day, false, rules), None);
        assert_eq!(cut_to_scale(-1, 3), -1_000_000);
        assert_eq!(cut_to_scale(1_999_999_999, 0), 1_000_000_000);
    }

    #[test]
    fn additions_stay_within_the_calendar() {
        let start = moment(day(2024, 1, 31), 1, 0);
        let sum = add_to_moment(start, DatePart::Month, 1);
        assert_eq!(sum, Some(moment(day(2024, 2, 29), 1, 0)));
        assert_eq!(add_to_moment(start, DatePart::Hour, -2), Some(moment(day(2024, 1, 30), 23, 0)));
        assert_eq!(add_to_moment(start, DatePart::Year, 1_000_000), None);
        assert_eq!(add_to_time(0, DatePart::Minute, -1), Some(NANOS_PER_DAY - NANOS_PER_MINUTE));
    }

    #[test]
    fn readings_print_and_parse_as_themselves_in_every_zone() {
        use crate::parse_text::{parse_timestamp_ntz, parse_timestamp_tz};
        use crate::print_text::{write_timestamp_ltz, write_timestamp_ntz};
        use crate::text_format::{InputFormat, Picture};

        let ntz = Picture::compile("YYYY-MM-DD HH24:MI:SS.FF9");
        let tz = Picture::compile("YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM");
        let zones = [Tz::UTC, Tz::America__Los_Angeles, Tz::Asia__Kolkata, Tz::Europe__Berlin];
        let (start, end) = (join(day(1950, 1, 1), 0), join(day(2090, 1, 1), 0));
        let step = 1_234_567_890_123_456;
        let mut nanos = start;
        while nanos < end {
            let mut text = String::new();
            write_timestamp_ntz(&mut text, nanos, &ntz);
            assert_eq!(parse_timestamp_ntz(&text, &InputFormat::Auto, 1970), Some(nanos));
            for zone in zones {
                text.clear();
                write_timestamp_ltz(&mut text, nanos, zone, &tz);
                let parsed = parse_timestamp_tz(&text, &InputFormat::Auto, 1970, Tz::UTC);
                assert_eq!(parsed, Some(at_zone(zone, nanos)), "{text}");
                let wall = utc_to_wall(zone, nanos);
                let again = utc_to_wall(zone, wall_to_utc(zone, wall));
                assert_eq!(again, wall, "{text}");
            }
            nanos += step;
        }
    }
}
