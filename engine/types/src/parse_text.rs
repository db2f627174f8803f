//! Texts to values: what a cast from VARCHAR, a load and a literal have in common.
//!
//! The parsers say `None` for a text that is not of the type, so that a caller who only wants NULL pays
//! for no message; the functions named `.._error` make Snowflake's message of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono_tz::Tz;

use crate::number_text::{Failure, parse_float, parse_number};
use crate::text_format::{
    BinaryFormat, InputFormat, Moment, MomentKind, TextFormats, parse_canonical_time,
};
use crate::timestamp::{at_offset, at_zone, cut_to_scale, join, split, wall_to_utc};
use crate::value::{Decimal, TimestampTz};
use crate::{Error, ErrorCode, Result, SqlType, TypeFamily, Value};

/// A BOOLEAN in any of the words that an explicit cast takes, in any case.
pub fn parse_boolean(text: &str) -> Option<bool> {
    const TRUE: [&str; 6] = ["true", "t", "yes", "y", "on", "1"];
    const FALSE: [&str; 6] = ["false", "f", "no", "n", "off", "0"];
    let word = text.trim_matches(' ');
    let is = |words: &[&str]| words.iter().any(|w| w.eq_ignore_ascii_case(word));
    if is(&TRUE) { Some(true) } else { is(&FALSE).then_some(false) }
}

/// Days since 1970-01-01.
#[inline]
pub fn parse_date(text: &str, format: &InputFormat, century_start: u16) -> Option<i32> {
    match format.parse(text, MomentKind::Date, century_start)? {
        Moment::Reading(reading) => Some(reading.days),
        Moment::Epoch(nanos) => Some(split(nanos).0),
    }
}

/// Nanoseconds since midnight, without the digits beyond `scale`.
#[inline]
pub fn parse_time(text: &str, format: &InputFormat, century_start: u16, scale: u8) -> Option<i64> {
    let canonical = (*format == InputFormat::Auto).then(|| parse_canonical_time(text.as_bytes()));
    let nanos = match canonical.flatten() {
        Some(nanos) => nanos,
        None => match format.parse(text, MomentKind::Time, century_start)? {
            Moment::Reading(reading) => reading.nanos_of_day,
            Moment::Epoch(nanos) => split(nanos).1,
        },
    };
    i64::try_from(cut_to_scale(i128::from(nanos), scale)).ok()
}

/// The reading of a TIMESTAMP_NTZ: an offset in the text is dropped.
#[inline]
pub fn parse_timestamp_ntz(text: &str, format: &InputFormat, century_start: u16) -> Option<i128> {
    match format.parse(text, MomentKind::Timestamp, century_start)? {
        Moment::Reading(reading) => Some(join(reading.days, reading.nanos_of_day)),
        Moment::Epoch(nanos) => Some(nanos),
    }
}

/// The instant of a TIMESTAMP_TZ: a text without an offset is read in the zone.
pub fn parse_timestamp_tz(
    text: &str,
    format: &InputFormat,
    century_start: u16,
    zone: Tz,
) -> Option<TimestampTz> {
    match format.parse(text, MomentKind::Timestamp, century_start)? {
        Moment::Epoch(nanos) => Some(at_zone(zone, nanos)),
        Moment::Reading(reading) => {
            let wall = join(reading.days, reading.nanos_of_day);
            Some(match reading.offset_minutes {
                Some(offset) => at_offset(wall, offset),
                None => at_zone(zone, wall_to_utc(zone, wall)),
            })
        }
    }
}

/// The instant of a TIMESTAMP_LTZ: a text without an offset is read in the zone.
pub fn parse_timestamp_ltz(
    text: &str,
    format: &InputFormat,
    century_start: u16,
    zone: Tz,
) -> Option<i128> {
    parse_timestamp_tz(text, format, century_start, zone).map(|instant| instant.utc_nanos)
}

/// The bytes that a text writes.
pub fn parse_binary(text: &str, format: BinaryFormat) -> Option<Vec<u8>> {
    match format {
        BinaryFormat::Utf8 => Some(text.as_bytes().to_vec()),
        BinaryFormat::Base64 => STANDARD.decode(text).ok(),
        BinaryFormat::Hex => {
            let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
            let (pairs, rest) = text.as_bytes().as_chunks::<2>();
            let bytes = pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?));
            rest.is_empty().then(|| bytes.collect())?
        }
    }
}

/// The value of a text, as a cast makes it.
///
/// # Errors
/// The type's error for a text that is not recognized, `NumberOutOfRange`, `StringTooLong`, and
/// `not_supported` for semi-structured types.
pub fn parse_value(text: &str, to: SqlType, formats: &TextFormats, zone: Tz) -> Result<Value> {
    let century = formats.two_digit_century_start;
    let value = match to {
        SqlType::Null => None,
        SqlType::Number { precision, scale } => {
            let unscaled = parse_number(text, precision, scale);
            let unscaled = unscaled.map_err(|failure| number_error(text, failure))?;
            Some(Value::Number(Decimal { unscaled, scale }))
        }
        SqlType::Float => parse_float(text).map(Value::Float),
        SqlType::Boolean => parse_boolean(text).map(Value::Boolean),
        SqlType::Varchar { length, .. } => {
            if text.chars().count() > length as usize {
                return Err(too_long_error(text));
            }
            Some(Value::text(text))
        }
        SqlType::Binary { length } => {
            let bytes = parse_binary(text, formats.binary_in);
            if bytes.as_ref().is_some_and(|bytes| bytes.len() > length as usize) {
                return Err(too_long_error(text));
            }
            bytes.map(|bytes| Value::Binary(bytes.into()))
        }
        SqlType::Date => parse_date(text, &formats.date_in, century).map(Value::Date),
        SqlType::Time { scale } => {
            parse_time(text, &formats.time_in, century, scale).map(Value::Time)
        }
        SqlType::TimestampNtz { scale } => {
            parse_timestamp_ntz(text, &formats.timestamp_in, century)
                .map(|nanos| Value::Timestamp(cut_to_scale(nanos, scale)))
        }
        SqlType::TimestampLtz { scale } => {
            parse_timestamp_ltz(text, &formats.timestamp_in, century, zone)
                .map(|nanos| Value::Timestamp(cut_to_scale(nanos, scale)))
        }
        SqlType::TimestampTz { scale } => {
            parse_timestamp_tz(text, &formats.timestamp_in, century, zone).map(|instant| {
                let utc_nanos = cut_to_scale(instant.utc_nanos, scale);
                Value::TimestampTz(TimestampTz { utc_nanos, ..instant })
            })
        }
        SqlType::Variant
        | SqlType::Object
        | SqlType::Array
        | SqlType::Structured(_)
        | SqlType::Vector { .. } => {
            return Err(Error::not_supported(format!("a text as {to}")));
        }
    };
    value.ok_or_else(|| unrecognized_error(text, to, formats))
}

/// The error for a text that is no value of the type, by the formats in force.
pub fn unrecognized_error(text: &str, to: SqlType, formats: &TextFormats) -> Error {
    match to.family() {
        TypeFamily::Boolean => Error::new(
            ErrorCode::InvalidBoolean,
            format!("Boolean value '{text}' is not recognized"),
        ),
        TypeFamily::Binary => binary_error(text, formats.binary_in),
        TypeFamily::Date => moment_error(text, MomentKind::Date, &formats.date_in),
        TypeFamily::Time => moment_error(text, MomentKind::Time, &formats.time_in),
        TypeFamily::TimestampNtz | TypeFamily::TimestampLtz | TypeFamily::TimestampTz => {
            moment_error(text, MomentKind::Timestamp, &formats.timestamp_in)
        }
        _ => number_error(text, Failure::Unrecognized),
    }
}

/// The error for a text that is no number, or one that the type cannot hold.
pub fn number_error(text: &str, failure: Failure) -> Error {
    match failure {
        Failure::Unrecognized => Error::new(
            ErrorCode::InvalidNumber,
            format!("Numeric value '{text}' is not recognized"),
        ),
        Failure::OutOfRange => out_of_range_error(text),
    }
}

/// The error for a number, printed as `text`, that the type cannot hold.
pub fn out_of_range_error(text: &str) -> Error {
    Error::new(ErrorCode::NumberOutOfRange, format!("Numeric value '{text}' is out of range"))
}

/// The error for a text that is no date, time or timestamp of the format.
pub fn moment_error(text: &str, kind: MomentKind, format: &InputFormat) -> Error {
    let (code, name) = match kind {
        MomentKind::Date => (ErrorCode::InvalidDate, "Date"),
        MomentKind::Time => (ErrorCode::InvalidTime, "Time"),
        MomentKind::Timestamp => (ErrorCode::InvalidTimestamp, "Timestamp"),
    };
    match format {
        InputFormat::Auto => Error::new(code, format!("{name} '{text}' is not recognized")),
        InputFormat::Picture(picture) => Error::new(
            ErrorCode::FormatMismatch,
            format!(
                "Can't parse '{text}' as {} with format '{}'",
                name.to_lowercase(),
                picture.text()
            ),
        ),
    }
}

/// The error for a text that does not write bytes.
pub fn binary_error(text: &str, format: BinaryFormat) -> Error {
    let name = if format == BinaryFormat::Base64 { "base64" } else { "hex" };
    Error::new(
        ErrorCode::InvalidBinary,
        format!("The following string is not a legal {name}-encoded value: '{text}'"),
    )
}

/// The error for a text with more characters, or a binary value with more bytes, than its type.
pub fn too_long_error(text: &str) -> Error {
    Error::new(
        ErrorCode::StringTooLong,
        format!("String '{text}' is too long and would be truncated"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::Interval;
    use crate::number_format::{Digits, NumberPicture};
    use crate::number_text::parse_decimal;
    use crate::print_text::write_value;
    use crate::text_format::{Picture, Reading};

    /// The text of a text's value, or the error's.
    fn through(text: &str, to: SqlType, zone: Tz) -> String {
        let formats = TextFormats::default();
        let mut out = String::new();
        let value = parse_value(text, to, &formats, zone);
        match value.and_then(|value| write_value(&mut out, &value, to, &formats, zone)) {
            Ok(()) => out,
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn texts_become_values_and_texts_again() {
        let zone = Tz::America__Los_Angeles;
        for (text, to, wanted) in [
            ("1.5", SqlType::number(10, 2), "1.50"),
            ("12.3456", SqlType::INTEGER, "12"),
            ("999.999", SqlType::number(10, 2), "1000.00"),
            ("5.000", SqlType::Float, "5"),
            ("YES", SqlType::Boolean, "true"),
            ("2024-01-02", SqlType::Date, "2024-01-02"),
            ("03:04:05.678", SqlType::TIME, "03:04:05"),
            ("2024-01-02 03:04:05.6789", SqlType::TIMESTAMP_NTZ, "2024-01-02 03:04:05.678"),
            ("2024-01-02 16:00:00 +00:00", SqlType::TIMESTAMP_NTZ, "2024-01-02 16:00:00.000"),
            ("2024-01-02 03:04:05", SqlType::TIMESTAMP_TZ, "2024-01-02 03:04:05.000 -0800"),
            ("2024-01-02 16:00:00Z", SqlType::TIMESTAMP_LTZ, "2024-01-02 08:00:00.000 -0800"),
            ("2024-01-02 16:00:00Z", SqlType::TIMESTAMP_TZ, "2024-01-02 16:00:00.000 Z"),
            ("31536000", SqlType::Date, "1971-01-01"),
            ("4a4b", SqlType::BINARY, "4A4B"),
        ] {
            assert_eq!(through(text, to, zone), wanted, "{text} {to}");
        }
        let cut = SqlType::TimestampNtz { scale: 0 };
        let text = "2024-01-02 12:34:56.999999999";
        assert_eq!(through(text, cut, Tz::UTC), "2024-01-02 12:34:56.000");
    }

    #[test]
    fn bad_texts_have_their_errors() {
        for (text, to, wanted) in [
            ("", SqlType::INTEGER, "100038 (22018): Numeric value '' is not recognized"),
            ("1000", SqlType::number(3, 0), "100039 (22003): Numeric value '1000' is out of range"),
            ("abc", SqlType::Date, "100040 (22007): Date 'abc' is not recognized"),
            ("25:00", SqlType::TIME, "100108 (22007): Time '25:00' is not recognized"),
            (
                "Jul 31, 2009",
                SqlType::TIMESTAMP_NTZ,
                "100035 (22007): Timestamp 'Jul 31, 2009' is not recognized",
            ),
            ("xyz", SqlType::Boolean, "100037 (22018): Boolean value 'xyz' is not recognized"),
            (
                "9.8765",
                SqlType::varchar(4),
                "100078 (22000): String '9.8765' is too long and would be truncated",
            ),
            (
                "true",
                SqlType::BINARY,
                "100115 (22000): The following string is not a legal hex-encoded value: 'true'",
            ),
        ] {
            assert_eq!(through(text, to, Tz::UTC), wanted);
        }
    }

    /// Fragments of which random texts and formats are made.
    const PIECES: &[&str] = &[
        "0",
        "1",
        "9",
        "59",
        "2024",
        "00000000000000000000",
        "999999999",
        "-",
        "-",
        "+",
        ":",
        ":",
        "/",
        ".",
        ".",
        " ",
        "T",
        "Z",
        "AM",
        "pm",
        "Jan",
        "december",
        "Mon,",
        "e",
        "E9",
        "EE",
        "MM",
        "YYYY",
        "FF",
        "TZH:TZM",
        "HH24",
        "\"",
        "é",
        ",",
        "$",
        "%",
        "S",
        "X",
        "|",
        "FM",
    ];

    fn try_values(text: &str, out: &mut String) {
        let formats = TextFormats::default();
        let zone = Tz::America__Los_Angeles;
        for to in [
            SqlType::number(38, 5),
            SqlType::Float,
            SqlType::Boolean,
            SqlType::BINARY,
            SqlType::Date,
            SqlType::TIME,
            SqlType::TIMESTAMP_NTZ,
            SqlType::TIMESTAMP_LTZ,
            SqlType::TIMESTAMP_TZ,
        ] {
            if let Ok(value) = parse_value(text, to, &formats, zone) {
                assert!(write_value(out, &value, to, &formats, zone).is_ok());
            }
        }
        let _ = Interval::parse(text).map(|interval| interval.add_to_moment(0, true));
    }

    fn try_picture(text: &str, picture: &str, out: &mut String) {
        let compiled = Picture::compile(picture);
        let any = Reading { days: 19_000, nanos_of_day: 1, offset_minutes: Some(-90) };
        compiled.print(out, compiled.parse(text, 1970).unwrap_or(any));
        if let Some(picture) = NumberPicture::compile(picture) {
            let _ = picture.parse(text);
            picture.print(out, &Digits::of_float(parse_float(text).unwrap_or(0.5)));
            if let Ok(number) = parse_decimal(text) {
                picture.print(out, &Digits::of_decimal(number));
            }
        }
    }

    #[test]
    fn no_text_makes_a_parser_panic() {
        let mut state = 1u64;
        let mut next = |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % bound
        };
        for _ in 0..20_000 {
            let mut text =
                |most| (0..next(most)).map(|_| PIECES[next(PIECES.len())]).collect::<String>();
            let (value, picture) = (text(9), text(7));
            let mut out = String::new();
            try_values(&value, &mut out);
            try_picture(&value, &picture, &mut out);
        }
    }
}
