//! AUTO: the usual forms of dates, times and timestamps, told apart by their looks.
//!
//! The two most frequent forms, `YYYY-MM-DD` and `YYYY-MM-DD HH:MI:SS[.fraction]`, have a path of their
//! own, since loads read hundreds of millions of them. The general path sizes fields by runs of digits
//! and checks ranges afterwards.

use crate::date_time::{
    NANOS_PER_HOUR, NANOS_PER_MICROSECOND, NANOS_PER_MILLISECOND, NANOS_PER_MINUTE,
    NANOS_PER_SECOND, checked_days, checked_days_from_civil,
};

use super::parse::{Cursor, Fields};
use super::{Moment, MomentKind, Reading};

/// Digits below this many are seconds since 1970.
const SECONDS_BELOW: u128 = 31_536_000_000;
/// Most digits that a field may be written with.
const FIELD_DIGITS: usize = 9;

/// What a text in one of the usual forms says; `None` where it has no such form, or names a day or time
/// that does not exist.
#[inline]
pub fn parse_auto(text: &str, kind: MomentKind) -> Option<Moment> {
    if kind != MomentKind::Time
        && let Some(reading) = parse_canonical(text.as_bytes())
    {
        return Some(Moment::Reading(reading));
    }
    parse_general(text, kind)
}

/// `YYYY-MM-DD`, alone or with `HH:MI:SS[.fraction]` behind a blank or `T`.
#[inline]
fn parse_canonical(bytes: &[u8]) -> Option<Reading> {
    let date = bytes.first_chunk::<10>()?;
    let days = canonical_date(date)?;
    if bytes.len() == 10 {
        return Some(Reading { days, nanos_of_day: 0, offset_minutes: None });
    }
    if bytes[10] != b' ' && bytes[10] != b'T' {
        return None;
    }
    let time = bytes[11..].first_chunk::<8>()?;
    let seconds = canonical_time(time)?;
    let nanos = match &bytes[19..] {
        [] => 0,
        [b'.', fraction @ ..] => canonical_fraction(fraction)?,
        _ => return None,
    };
    let nanos_of_day = i64::from(seconds) * NANOS_PER_SECOND + nanos;
    Some(Reading { days, nanos_of_day, offset_minutes: None })
}

/// The day that `YYYY-MM-DD` names; `None` for other texts and for days that do not exist.
#[inline]
pub fn canonical_date(bytes: &[u8; 10]) -> Option<i32> {
    let digit = |at: usize| bytes[at].wrapping_sub(b'0');
    let places = [0, 1, 2, 3, 5, 6, 8, 9];
    if bytes[4] != b'-' || bytes[7] != b'-' || places.iter().any(|&at| digit(at) > 9) {
        return None;
    }
    let pair = |at: usize| digit(at) * 10 + digit(at + 1);
    let year = i32::from(pair(0)) * 100 + i32::from(pair(2));
    checked_days_from_civil(year, pair(5), pair(8))
}

/// Seconds since midnight.
#[inline]
fn canonical_time(bytes: &[u8; 8]) -> Option<u32> {
    let digit = |at: usize| bytes[at].wrapping_sub(b'0');
    let places = [0, 1, 3, 4, 6, 7];
    if bytes[2] != b':' || bytes[5] != b':' || places.iter().any(|&at| digit(at) > 9) {
        return None;
    }
    let pair = |at: usize| u32::from(digit(at)) * 10 + u32::from(digit(at + 1));
    let (hour, minute, second) = (pair(0), pair(3), pair(6));
    (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)
}

#[inline]
fn canonical_fraction(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    let mut nanos = 0i64;
    for byte in digits {
        nanos = nanos * 10 + i64::from(byte.is_ascii_digit().then(|| byte - b'0')?);
    }
    Some(nanos * 10i64.pow(9 - digits.len() as u32))
}

fn parse_general(text: &str, kind: MomentKind) -> Option<Moment> {
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    if let Some(nanos) = parse_epoch(text) {
        return Some(Moment::Epoch(nanos?));
    }
    let mut cursor = Cursor::new(text);
    let mut fields = Fields::default();
    if kind == MomentKind::Time {
        read_time(&mut cursor, &mut fields, 2)?;
    } else if cursor.peek()?.is_ascii_alphabetic() {
        read_from_day_name(&mut cursor, &mut fields)?;
    } else {
        read_from_digits(&mut cursor, &mut fields)?;
    }
    let reading = cursor.at_end().then(|| fields.reading())?;
    reading.map(Moment::Reading)
}

/// Digits alone are a distance from 1970, in a unit told by their magnitude. The outer `None` is for
/// other texts, the inner one for moments beyond the calendar.
fn parse_epoch(text: &str) -> Option<Option<i128>> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse::<u128>().ok().and_then(|number| {
        let unit = match number {
            n if n < SECONDS_BELOW => NANOS_PER_SECOND,
            n if n < SECONDS_BELOW * 1_000 => NANOS_PER_MILLISECOND,
            n if n < SECONDS_BELOW * 1_000_000 => NANOS_PER_MICROSECOND,
            _ => 1,
        };
        let nanos = i128::try_from(number).ok()?.checked_mul(i128::from(unit))?;
        let nanos = if text.starts_with('-') { -nanos } else { nanos };
        let days = nanos.div_euclid(i128::from(24 * NANOS_PER_HOUR));
        checked_days(i64::try_from(days).ok()?).map(|_| nanos)
    }))
}

/// `YYYY-MM-DD`, `DD-MON-YYYY` or `MM/DD/YYYY`, with or without a time.
fn read_from_digits(cursor: &mut Cursor<'_>, fields: &mut Fields) -> Option<()> {
    let first = cursor.number(FIELD_DIGITS)?;
    let mut iso = false;
    if cursor.eat(b'/') {
        fields.month = u8::try_from(first).ok()?;
        fields.day = cursor.small(FIELD_DIGITS)?;
        cursor.eat(b'/').then_some(())?;
        fields.year = read_year(cursor)?;
    } else if cursor.eat(b'-') {
        if cursor.peek()?.is_ascii_alphabetic() {
            fields.day = u8::try_from(first).ok()?;
            fields.month = cursor.month_name()?;
            cursor.eat(b'-').then_some(())?;
            fields.year = read_year(cursor)?;
        } else {
            iso = true;
            fields.year = i32::try_from(first).ok().filter(|&year| year <= 9999)?;
            fields.month = cursor.small(FIELD_DIGITS)?;
            cursor.eat(b'-').then_some(())?;
            fields.day = cursor.small(FIELD_DIGITS)?;
        }
    } else {
        return None;
    }
    if cursor.at_end() {
        return Some(());
    }
    let separated = (iso && cursor.eat(b'T')) || cursor.blanks();
    separated.then_some(())?;
    read_time(cursor, fields, 1)
}

fn read_year(cursor: &mut Cursor<'_>) -> Option<i32> {
    i32::try_from(cursor.number(FIELD_DIGITS)?).ok().filter(|&year| year <= 9999)
}

/// `DY, DD MON YYYY HH24:MI:SS ...` or `DY MON DD HH24:MI:SS TZHTZM YYYY`.
fn read_from_day_name(cursor: &mut Cursor<'_>, fields: &mut Fields) -> Option<()> {
    cursor.day_name()?;
    let rfc = cursor.eat(b',');
    cursor.blanks().then_some(())?;
    if rfc {
        fields.day = cursor.small(FIELD_DIGITS)?;
        cursor.blanks().then_some(())?;
        fields.month = cursor.month_name()?;
        cursor.blanks().then_some(())?;
        fields.year = read_year(cursor)?;
        cursor.blanks().then_some(())?;
        return read_time(cursor, fields, 2);
    }
    fields.month = cursor.month_name()?;
    cursor.blanks().then_some(())?;
    fields.day = cursor.small(FIELD_DIGITS)?;
    cursor.blanks().then_some(())?;
    read_time(cursor, fields, 3)?;
    cursor.blanks().then_some(())?;
    fields.year = read_year(cursor)?;
    Some(())
}

/// `HH[:MI[:SS[.fraction]]] [AM] [offset]`, with at least so many of hour, minute and second.
fn read_time(cursor: &mut Cursor<'_>, fields: &mut Fields, least: usize) -> Option<()> {
    fields.hour = cursor.number(FIELD_DIGITS)?;
    let mut count = 1;
    if cursor.eat(b':') {
        fields.minute = cursor.number(FIELD_DIGITS)?;
        count = 2;
        if cursor.eat(b':') {
            fields.second = cursor.number(FIELD_DIGITS)?;
            count = 3;
            if cursor.eat(b'.') {
                fields.nanos = cursor.fraction(9)?;
            }
        }
    }
    if count < least {
        return None;
    }
    if cursor.at_end() {
        return Some(());
    }
    let mut blank = cursor.blanks();
    if count > 1
        && let Some(half_day) = cursor.half_day()
    {
        fields.half_day = Some(half_day);
        blank = cursor.blanks();
    }
    match cursor.peek() {
        None => Some(()),
        Some(b'Z' | b'z' | b'+' | b'-') => {
            fields.offset_minutes = Some(cursor.offset()?);
            Some(())
        }
        // Without an offset, what follows the blank is the caller's.
        Some(_) => blank.then_some(()),
    }
}

/// The canonical time `HH:MI:SS[.fraction]` as nanoseconds since midnight.
#[inline]
pub(crate) fn parse_canonical_time(bytes: &[u8]) -> Option<i64> {
    let seconds = canonical_time(bytes.first_chunk::<8>()?)?;
    let nanos = match &bytes[8..] {
        [] => 0,
        [b'.', fraction @ ..] => canonical_fraction(fraction)?,
        _ => return None,
    };
    debug_assert!(nanos < NANOS_PER_MINUTE);
    Some(i64::from(seconds) * NANOS_PER_SECOND + nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date_time::days_from_civil;

    fn reading(text: &str, kind: MomentKind) -> Option<Reading> {
        match parse_auto(text, kind)? {
            Moment::Reading(reading) => Some(reading),
            Moment::Epoch(_) => None,
        }
    }

    fn date(text: &str) -> Option<i32> {
        reading(text, MomentKind::Date).map(|reading| reading.days)
    }

    #[test]
    fn dates_are_recognized_in_three_forms() {
        for (text, (year, month, day)) in [
            ("2024-01-02", (2024, 1, 2)),
            ("2024-1-2", (2024, 1, 2)),
            ("2024-001-02", (2024, 1, 2)),
            ("02-JAN-2024", (2024, 1, 2)),
            ("17-december-1980", (1980, 12, 17)),
            ("01/02/2024", (2024, 1, 2)),
            (" 2024-01-02 ", (2024, 1, 2)),
            ("2024-01-02 10:00:00", (2024, 1, 2)),
            ("0001-01-01", (1, 1, 1)),
        ] {
            assert_eq!(date(text), Some(days_from_civil(year, month, day)), "{text}");
        }
        for text in [
            "abc",
            "",
            "2024/01/02",
            "01-02-2024",
            "2023-02-29",
            "2024-01-32",
            "2024-01-02x",
            "2024-01-02T",
            "20240-01-02",
            "Jul 31, 2009",
            "2024-13-01",
            "01/13/24x",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn timestamps_are_recognized() {
        let base = Reading {
            days: days_from_civil(2024, 1, 2),
            nanos_of_day: 15 * NANOS_PER_HOUR + 4 * NANOS_PER_MINUTE + 5 * NANOS_PER_SECOND,
            offset_minutes: None,
        };
        let with = |offset| Reading { offset_minutes: Some(offset), ..base };
        for (text, wanted) in [
            ("2024-01-02 15:04:05", base),
            ("2024-01-02T15:04:05.000", base),
            ("2024-01-02  15:04:005", base),
            ("2024-01-02 15:04:05Z", with(0)),
            ("2024-01-02 15:04:05 +00:00", with(0)),
            ("2024-01-02T15:04:05-0800", with(-480)),
            ("2024-01-02T15:04:05.0+05", with(300)),
            ("2024-01-02 03:04:05 PM", base),
            ("1/2/2024 15:04:05", base),
            ("Tue, 02 Jan 2024 15:04:05 +0530", with(330)),
            ("Tue, 02 Jan 2024 03:04:05 PM", base),
            ("Tue Jan 02 15:04:05 -0800 2024", with(-480)),
        ] {
            assert_eq!(reading(text, MomentKind::Timestamp), Some(wanted), "{text}");
        }
        let hour = reading("2024-01-02 15", MomentKind::Timestamp).map(|r| r.nanos_of_day);
        assert_eq!(hour, Some(15 * NANOS_PER_HOUR));
        for text in [
            "2024-01-02 24:00:00",
            "2024-01-02 10:60:00",
            "2024-01-02 10:00:60",
            "2024-01-02 13:00 PM",
            "2024-01-02 10:00:00 junk",
            "2024-01-02 10:00:00.",
            "2024-01-02 10:00:00 +99",
            "10:00:00",
        ] {
            assert_eq!(reading(text, MomentKind::Timestamp), None, "{text}");
        }
    }

    #[test]
    fn times_are_recognized() {
        let time = |text| reading(text, MomentKind::Time).map(|r| r.nanos_of_day);
        let three = 3 * NANOS_PER_HOUR + 4 * NANOS_PER_MINUTE;
        assert_eq!(time("03:04"), Some(three));
        assert_eq!(time("3:04 am"), Some(three));
        assert_eq!(time("03:04:00.5"), Some(three + NANOS_PER_SECOND / 2));
        assert_eq!(time("03:04:00+01:00"), Some(three));
        assert_eq!(time("03"), None);
        assert_eq!(time("24:00:00"), None);
        assert_eq!(parse_canonical_time(b"03:04:00.25"), Some(three + NANOS_PER_SECOND / 4));
    }

    #[test]
    fn digits_are_epochs_by_magnitude() {
        let epoch = |text| match parse_auto(text, MomentKind::Timestamp) {
            Some(Moment::Epoch(nanos)) => Some(nanos),
            _ => None,
        };
        assert_eq!(epoch("31536000"), Some(31_536_000_000_000_000));
        assert_eq!(epoch("31536000000"), Some(31_536_000_000_000_000));
        assert_eq!(epoch("31536000000000"), Some(31_536_000_000_000_000));
        assert_eq!(epoch("31536000000000000"), Some(31_536_000_000_000_000));
        assert_eq!(epoch("-1"), Some(-1_000_000_000));
        assert_eq!(epoch("99999999999999999999999999999999"), None);
    }
}
