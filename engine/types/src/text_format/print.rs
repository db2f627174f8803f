//! Printing a reading by a picture.

use crate::date_time::{
    Civil, DAY_NAMES, MONTH_NAMES, NANOS_PER_HOUR, NANOS_PER_MINUTE, NANOS_PER_SECOND,
    civil_from_days, day_of_week_iso,
};
use crate::number_text::write_decimal;

use super::picture::Element;
use super::{Picture, Reading};

/// The parts of a reading that elements print.
struct Parts {
    civil: Civil,
    hour: u8,
    minute: u8,
    second: u8,
}

impl Picture {
    /// Appends the reading.
    pub fn print(&self, out: &mut String, reading: Reading) {
        let nanos = reading.nanos_of_day;
        let parts = Parts {
            civil: civil_from_days(reading.days),
            hour: (nanos / NANOS_PER_HOUR) as u8,
            minute: (nanos / NANOS_PER_MINUTE % 60) as u8,
            second: (nanos / NANOS_PER_SECOND % 60) as u8,
        };
        for element in &self.elements {
            print_element(out, *element, &parts, reading);
        }
    }
}

fn print_element(out: &mut String, element: Element, parts: &Parts, reading: Reading) {
    let Civil { year, month, day } = parts.civil;
    match element {
        Element::IsoDate => push_date(out, parts.civil),
        Element::IsoTime => {
            let digits = |n: u8| [b'0' + n / 10, b'0' + n % 10];
            let ([a, b], [c, d]) = (digits(parts.hour), digits(parts.minute));
            let [e, f] = digits(parts.second);
            push_ascii(out, &[a, b, b':', c, d, b':', e, f]);
        }
        Element::Year => push_year(out, year),
        Element::YearShort => write_decimal(out, i128::from(year), 0),
        Element::YearOfCentury => push_number(out, year.rem_euclid(100) as u8, true),
        Element::Month { padded } => push_number(out, month, padded),
        Element::MonthName => out.push_str(month_name(month)),
        Element::MonthAbbreviation => out.push_str(&month_name(month)[..3]),
        Element::Day { padded } => push_number(out, day, padded),
        Element::DayName => out.push_str(day_abbreviation(reading.days)),
        Element::Hour { padded } => push_number(out, parts.hour, padded),
        Element::HalfDayHour { padded } => push_number(out, (parts.hour + 11) % 12 + 1, padded),
        Element::HalfDay => out.push_str(if parts.hour < 12 { "AM" } else { "PM" }),
        Element::HalfDayLetter => out.push(if parts.hour < 12 { 'A' } else { 'P' }),
        Element::Minute { padded } => push_number(out, parts.minute, padded),
        Element::Second { padded } => push_number(out, parts.second, padded),
        Element::Fraction(digits) => {
            push_fraction(out, reading.nanos_of_day % NANOS_PER_SECOND, digits);
        }
        Element::Offset { colon } => push_offset(out, reading.offset_minutes.unwrap_or(0), colon),
        Element::OffsetHour => push_offset_hour(out, reading.offset_minutes.unwrap_or(0)),
        Element::OffsetMinute => {
            let minutes = reading.offset_minutes.unwrap_or(0).unsigned_abs() % 60;
            push_number(out, minutes as u8, true);
        }
        Element::Literal(literal) => out.push(literal),
    }
}

/// The first three letters of the day of the week.
pub(super) fn day_abbreviation(days: i32) -> &'static str {
    DAY_NAMES.get(day_of_week_iso(days) as usize - 1).map_or("", |name| &name[..3])
}

fn month_name(month: u8) -> &'static str {
    MONTH_NAMES.get(usize::from(month.saturating_sub(1))).copied().unwrap_or("   ")
}

fn push_ascii(out: &mut String, bytes: &[u8]) {
    out.push_str(std::str::from_utf8(bytes).unwrap_or_default());
}

fn push_date(out: &mut String, civil: Civil) {
    let Ok(year @ 0..=9999) = u16::try_from(civil.year) else {
        push_year(out, civil.year);
        out.push('-');
        push_number(out, civil.month, true);
        out.push('-');
        return push_number(out, civil.day, true);
    };
    let digit = |n: u16| b'0' + (n % 10) as u8;
    let (month, day) = (u16::from(civil.month), u16::from(civil.day));
    push_ascii(
        out,
        &[
            digit(year / 1000),
            digit(year / 100),
            digit(year / 10),
            digit(year),
            b'-',
            digit(month / 10),
            digit(month),
            b'-',
            digit(day / 10),
            digit(day),
        ],
    );
}

/// At least four digits; a sign before year 0.
fn push_year(out: &mut String, year: i32) {
    if year < 0 {
        out.push('-');
    }
    let magnitude = year.unsigned_abs();
    [1000, 100, 10].iter().filter(|&&bound| magnitude < bound).for_each(|_| out.push('0'));
    write_decimal(out, i128::from(magnitude), 0);
}

fn push_number(out: &mut String, number: u8, padded: bool) {
    if padded || number > 9 {
        out.push(char::from(b'0' + number / 10 % 10));
    }
    out.push(char::from(b'0' + number % 10));
}

/// The first digits of the fraction; without any digit the point before them goes too.
fn push_fraction(out: &mut String, nanos: i64, digits: u8) {
    if digits == 0 {
        if out.ends_with('.') {
            out.pop();
        }
        return;
    }
    let mut text = [b'0'; 9];
    let mut rest = nanos;
    for place in text.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    push_ascii(out, &text[..usize::from(digits.min(9))]);
}

fn push_offset(out: &mut String, minutes: i16, colon: bool) {
    if minutes == 0 {
        return out.push('Z');
    }
    push_offset_hour(out, minutes);
    if colon {
        out.push(':');
    }
    push_number(out, (minutes.unsigned_abs() % 60) as u8, true);
}

fn push_offset_hour(out: &mut String, minutes: i16) {
    out.push(if minutes < 0 { '-' } else { '+' });
    push_number(out, (minutes.unsigned_abs() / 60) as u8, true);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date_time::days_from_civil;

    fn print(picture: &str, reading: Reading) -> String {
        let mut out = String::new();
        Picture::compile(picture).print(&mut out, reading);
        out
    }

    #[test]
    fn pictures_print_their_elements() {
        let reading = Reading {
            days: days_from_civil(2024, 1, 2),
            nanos_of_day: 15 * NANOS_PER_HOUR + 4 * NANOS_PER_MINUTE + 5_678_900_000,
            offset_minutes: Some(-480),
        };
        for (picture, wanted) in [
            ("YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM", "2024-01-02 15:04:05.678 -0800"),
            ("YYYY-MM-DD\"T\"HH24:MI:SS.FFTZH:TZM", "2024-01-02T15:04:05.678900000-08:00"),
            ("dy, dd mon yyyy hh12:mi am", "Tue, 02 Jan 2024 03:04 PM"),
            ("MMMM YY", "January 24"),
            ("hh:mm", "15:01"),
            ("SS.FF0", "05"),
            ("TZH", "-08"),
            ("q \"DD\"", "q DD"),
        ] {
            assert_eq!(print(picture, reading), wanted, "{picture}");
        }
        let utc = Reading { offset_minutes: Some(0), ..reading };
        assert_eq!(print("TZHTZM", utc), "Z");
        let midnight = Reading { nanos_of_day: 0, ..reading };
        assert_eq!(print("HH12 PM", midnight), "12 AM");
        let far = Reading { days: days_from_civil(12_024, 1, 2), ..midnight };
        assert_eq!(print("YYYY-MM-DD", far), "12024-01-02");
        let early = Reading { days: days_from_civil(-5, 1, 2), ..midnight };
        assert_eq!(print("YYYY-MM-DD", early), "-0005-01-02");
    }
}
