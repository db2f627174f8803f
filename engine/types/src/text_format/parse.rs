//! Reading a text by a picture.

use crate::date_time::{
    DAY_NAMES, MONTH_NAMES, NANOS_PER_HOUR, NANOS_PER_MINUTE, NANOS_PER_SECOND,
    checked_days_from_civil,
};

use super::picture::Element;
use super::{Picture, Reading};

/// What has been read so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    pub(super) year: i32,
    pub(super) month: u8,
    pub(super) day: u8,
    pub(super) hour: u32,
    pub(super) half_day: Option<HalfDay>,
    pub(super) minute: u32,
    pub(super) second: u32,
    pub(super) nanos: i64,
    pub(super) offset_minutes: Option<i16>,
}

/// AM or PM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HalfDay {
    Am,
    Pm,
}

impl Default for Fields {
    fn default() -> Fields {
        Fields {
            year: 1970,
            month: 1,
            day: 1,
            hour: 0,
            half_day: None,
            minute: 0,
            second: 0,
            nanos: 0,
            offset_minutes: None,
        }
    }
}

impl Fields {
    /// The reading, if day and time exist.
    pub(super) fn reading(&self) -> Option<Reading> {
        let days = checked_days_from_civil(self.year, self.month, self.day)?;
        let hour = match self.half_day {
            None => self.hour,
            Some(_) if !(1..=12).contains(&self.hour) => return None,
            Some(HalfDay::Am) => self.hour % 12,
            Some(HalfDay::Pm) => self.hour % 12 + 12,
        };
        if hour > 23 || self.minute > 59 || self.second > 59 {
            return None;
        }
        let nanos_of_day = i64::from(hour) * NANOS_PER_HOUR
            + i64::from(self.minute) * NANOS_PER_MINUTE
            + i64::from(self.second) * NANOS_PER_SECOND
            + self.nanos;
        Some(Reading { days, nanos_of_day, offset_minutes: self.offset_minutes })
    }
}

/// A place in a text that is being read.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Cursor<'a> {
        Cursor { bytes: text.as_bytes() }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.first().copied()
    }

    pub(super) fn at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek().is_some_and(|next| next.eq_ignore_ascii_case(&byte));
        if found {
            self.bytes = &self.bytes[1..];
        }
        found
    }

    /// Skips blanks; whether there was one.
    pub(super) fn blanks(&mut self) -> bool {
        let count = self.bytes.iter().take_while(|&&byte| byte == b' ').count();
        self.bytes = &self.bytes[count..];
        count > 0
    }

    /// A number of 1 to `most` digits (no more than 9), and how many digits it has.
    pub(super) fn digits(&mut self, most: usize) -> Option<(u32, usize)> {
        let digits = self.bytes.iter().take(most.min(9)).take_while(|b| b.is_ascii_digit());
        let count = digits.clone().count();
        let number = digits.fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'));
        self.bytes = &self.bytes[count..];
        (count > 0).then_some((number, count))
    }

    pub(super) fn number(&mut self, most: usize) -> Option<u32> {
        self.digits(most).map(|(number, _)| number)
    }

    /// A number that fits a byte.
    pub(super) fn small(&mut self, most: usize) -> Option<u8> {
        u8::try_from(self.number(most)?).ok()
    }

    /// The letters from here on.
    pub(super) fn word(&mut self) -> &'a [u8] {
        let count = self.bytes.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (word, rest) = self.bytes.split_at(count);
        self.bytes = rest;
        word
    }

    /// A month's name, whole or by its first three letters: 1 to 12.
    pub(super) fn month_name(&mut self) -> Option<u8> {
        let position = position_of_name(self.word(), &MONTH_NAMES)?;
        u8::try_from(position + 1).ok()
    }

    /// A day's name, whole or by its first three letters.
    pub(super) fn day_name(&mut self) -> Option<()> {
        position_of_name(self.word(), &DAY_NAMES).map(|_| ())
    }

    /// The digits of a fraction of a second: nanoseconds.
    pub(super) fn fraction(&mut self, most: usize) -> Option<i64> {
        let (number, count) = self.digits(most)?;
        Some(i64::from(number) * 10i64.pow(9 - count as u32))
    }

    pub(super) fn half_day(&mut self) -> Option<HalfDay> {
        let half = match self.peek()?.to_ascii_uppercase() {
            b'A' => HalfDay::Am,
            b'P' => HalfDay::Pm,
            _ => return None,
        };
        let second = self.bytes.get(1)?.eq_ignore_ascii_case(&b'M');
        second.then(|| self.bytes = &self.bytes[2..])?;
        Some(half)
    }

    /// `Z`, or a sign with hours and perhaps minutes: minutes east of UTC.
    pub(super) fn offset(&mut self) -> Option<i16> {
        if self.eat(b'Z') {
            return Some(0);
        }
        let negative = self.sign()?;
        let (mut hours, count) = self.digits(4)?;
        let mut minutes = 0;
        if count > 2 {
            (hours, minutes) = (hours / 100, hours % 100);
        } else if self.eat(b':') {
            minutes = self.number(2)?;
        }
        signed_offset(negative, hours, minutes)
    }

    /// TRUE for a minus, FALSE for a plus.
    pub(super) fn sign(&mut self) -> Option<bool> {
        let negative = self.eat(b'-');
        (negative || self.eat(b'+')).then_some(negative)
    }
}

fn signed_offset(negative: bool, hours: u32, minutes: u32) -> Option<i16> {
    if hours > 14 || minutes > 59 {
        return None;
    }
    let offset = i16::try_from(hours * 60 + minutes).ok()?;
    Some(if negative { -offset } else { offset })
}

fn position_of_name(word: &[u8], names: &[&str]) -> Option<usize> {
    names.iter().position(|name| {
        let name = name.as_bytes();
        word.eq_ignore_ascii_case(name) || word.eq_ignore_ascii_case(&name[..3])
    })
}

impl Picture {
    /// The reading of a text of this format; `None` where it does not fit. A two-digit year is put into
    /// the hundred years from `century_start`.
    pub fn parse(&self, text: &str, century_start: u16) -> Option<Reading> {
        if self.contradictory {
            return None;
        }
        let mut cursor = Cursor::new(text.trim_matches(' '));
        let mut fields = Fields::default();
        let mut elements = self.elements.iter().peekable();
        while let Some(&element) = elements.next() {
            // The point before a fraction may be missing together with it.
            let before_fraction = matches!(elements.peek(), Some(Element::Fraction(_)));
            if element == Element::Literal('.') && before_fraction && cursor.peek() != Some(b'.') {
                elements.next();
                continue;
            }
            read_element(&mut cursor, &mut fields, element, century_start)?;
        }
        cursor.at_end().then(|| fields.reading())?
    }
}

fn read_element(
    cursor: &mut Cursor<'_>,
    fields: &mut Fields,
    element: Element,
    century_start: u16,
) -> Option<()> {
    match element {
        Element::IsoDate => {
            fields.year = i32::try_from(cursor.number(4)?).ok()?;
            cursor.eat(b'-').then_some(())?;
            fields.month = cursor.small(2)?;
            cursor.eat(b'-').then_some(())?;
            fields.day = cursor.small(2)?;
        }
        Element::IsoTime => {
            fields.hour = cursor.number(2)?;
            cursor.eat(b':').then_some(())?;
            fields.minute = cursor.number(2)?;
            cursor.eat(b':').then_some(())?;
            fields.second = cursor.number(2)?;
        }
        Element::Year | Element::YearShort => {
            let negative = element == Element::Year && cursor.eat(b'-');
            let year = i32::try_from(cursor.number(4)?).ok()?;
            fields.year = if negative { -year } else { year };
        }
        Element::YearOfCentury => fields.year = full_year(cursor.small(2)?, century_start),
        Element::Month { .. } => fields.month = cursor.small(2)?,
        Element::MonthName | Element::MonthAbbreviation => fields.month = cursor.month_name()?,
        Element::Day { .. } => fields.day = cursor.small(2)?,
        Element::DayName => cursor.day_name()?,
        Element::Hour { .. } | Element::HalfDayHour { .. } => fields.hour = cursor.number(2)?,
        Element::HalfDay => fields.half_day = Some(cursor.half_day()?),
        Element::HalfDayLetter => {
            let half = if cursor.eat(b'A') { Some(HalfDay::Am) } else { None };
            fields.half_day = Some(half.or_else(|| cursor.eat(b'P').then_some(HalfDay::Pm))?);
        }
        Element::Minute { .. } => fields.minute = cursor.number(2)?,
        Element::Second { .. } => fields.second = cursor.number(2)?,
        Element::Fraction(digits) => {
            fields.nanos = cursor.fraction(usize::from(digits)).unwrap_or(0);
        }
        Element::Offset { .. } => fields.offset_minutes = Some(cursor.offset()?),
        Element::OffsetHour => {
            let negative = cursor.sign()?;
            fields.offset_minutes = Some(signed_offset(negative, cursor.number(2)?, 0)?);
        }
        Element::OffsetMinute => {
            let (hours, minutes) = (fields.offset_minutes.unwrap_or(0), cursor.small(2)?);
            let sign = if hours < 0 { -1 } else { 1 };
            fields.offset_minutes = Some(hours + sign * i16::from(minutes));
        }
        Element::Literal(' ') => cursor.blanks().then_some(())?,
        Element::Literal(literal) => {
            let mut encoded = [0; 4];
            let mut bytes = literal.encode_utf8(&mut encoded).bytes();
            bytes.all(|byte| cursor.eat(byte)).then_some(())?;
        }
    }
    Some(())
}

/// The year of a two-digit year.
fn full_year(year: u8, century_start: u16) -> i32 {
    let start = i32::from(century_start);
    let year = start - start.rem_euclid(100) + i32::from(year);
    if year < start { year + 100 } else { year }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date_time::days_from_civil;

    fn parse(picture: &str, text: &str) -> Option<Reading> {
        Picture::compile(picture).parse(text, 1970)
    }

    fn date(picture: &str, text: &str) -> Option<i32> {
        parse(picture, text).map(|reading| reading.days)
    }

    #[test]
    fn pictures_read_what_they_print() {
        assert_eq!(date("dd/mm/yyyy", "3/4/2024"), Some(days_from_civil(2024, 4, 3)));
        assert_eq!(date("DD-MON-YYYY", "17-december-1980"), Some(days_from_civil(1980, 12, 17)));
        assert_eq!(date("DY, MMMM DD YY", "Tue, Jan 02 24"), Some(days_from_civil(2024, 1, 2)));
        assert_eq!(date("YY", "70"), Some(days_from_civil(1970, 1, 1)));
        assert_eq!(date("YY", "69"), Some(days_from_civil(2069, 1, 1)));
        assert_eq!(date("YYYYMMDD", "20240229"), Some(days_from_civil(2024, 2, 29)));
        let reading = parse("YYYY-MM-DD HH12:MI:SS.FF AM TZHTZM", "2024-01-02 03:04:05.6 PM +0530");
        assert_eq!(
            reading,
            Some(Reading {
                days: days_from_civil(2024, 1, 2),
                nanos_of_day: 15 * NANOS_PER_HOUR + 4 * NANOS_PER_MINUTE + 5_600_000_000,
                offset_minutes: Some(330),
            })
        );
        assert!(parse("YYYY-MM-DD HH24:MI:SS.FF3", "2024-01-02 03:04:05").is_some());
    }

    #[test]
    fn other_texts_are_refused() {
        for (picture, text) in [
            ("YYYY-MM-DD", "2023-02-29"),
            ("YYYY-MM-DD", "2023-13-01"),
            ("YYYY-MM-DD", "2023-01-01x"),
            ("HH24:MI AM", "10:00 AM"),
            ("HH12:MI AM", "13:00 AM"),
            ("HH24:MI:SS", "10:00:60"),
            ("SS.FF3", "10.1234"),
            ("DD MON", "1 Foo"),
        ] {
            assert_eq!(parse(picture, text), None, "{picture} {text}");
        }
    }
}
