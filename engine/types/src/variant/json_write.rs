//! Values to JSON texts: compact, as TO_JSON and a cast make them, or indented, as clients show them.

use std::fmt::Write;

use chrono::{DateTime, NaiveDate, NaiveTime};

use super::value::Item;
use super::view::Variant;
use crate::number_text::write_decimal;

/// How the scalars that JSON does not have are written: dates, times, timestamps and bytes. A session
/// writes them in its output formats.
pub trait ScalarText {
    /// Appends the text of a date, time, timestamp or bytes, without quotes.
    fn write(&self, item: &Item<'_>, out: &mut String);
}

/// The texts of a session whose formats have not been changed, with its time zone at UTC.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainText;

/// Writes values as JSON texts.
#[derive(Clone, Copy)]
pub struct JsonWriter<'a> {
    texts: &'a dyn ScalarText,
    indent: usize,
}

impl<'a> JsonWriter<'a> {
    /// A writer of texts without blanks.
    pub fn compact(texts: &'a dyn ScalarText) -> JsonWriter<'a> {
        JsonWriter { texts, indent: 0 }
    }

    /// A writer of one member per line, indented by so many blanks per level; compact for 0.
    pub fn pretty(texts: &'a dyn ScalarText, indent: usize) -> JsonWriter<'a> {
        JsonWriter { texts, indent }
    }

    /// Appends the text of a value.
    pub fn write(&self, value: Variant<'_>, out: &mut String) {
        self.value(value, 0, out);
    }

    /// The text of a value.
    pub fn text(&self, value: Variant<'_>) -> String {
        let mut out = String::new();
        self.write(value, &mut out);
        out
    }

    fn value(&self, value: Variant<'_>, depth: usize, out: &mut String) {
        match value.item() {
            Item::Null => out.push_str("null"),
            Item::Undefined => out.push_str("undefined"),
            Item::Boolean(value) => out.push_str(if value { "true" } else { "false" }),
            Item::Number(value) => write_decimal(out, value.unscaled, value.scale),
            Item::Float(value) => write_float(value, out),
            Item::Text(value) => write_quoted(value, out),
            Item::Object(fields) => {
                out.push('{');
                for (position, (key, value)) in fields.iter().enumerate() {
                    self.separate(position, depth + 1, out);
                    write_quoted(key, out);
                    out.push_str(if self.indent > 0 { ": " } else { ":" });
                    self.value(value, depth + 1, out);
                }
                self.close(fields.is_empty(), depth, out);
                out.push('}');
            }
            Item::Array(elements) => {
                out.push('[');
                for (position, value) in elements.iter().enumerate() {
                    self.separate(position, depth + 1, out);
                    self.value(value, depth + 1, out);
                }
                self.close(elements.is_empty(), depth, out);
                out.push(']');
            }
            other => {
                out.push('"');
                self.texts.write(&other, out);
                out.push('"');
            }
        }
    }

    fn separate(&self, position: usize, depth: usize, out: &mut String) {
        if position > 0 {
            out.push(',');
        }
        self.new_line(depth, out);
    }

    fn close(&self, empty: bool, depth: usize, out: &mut String) {
        if !empty {
            self.new_line(depth, out);
        }
    }

    fn new_line(&self, depth: usize, out: &mut String) {
        if self.indent > 0 {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', self.indent * depth));
        }
    }
}

/// Appends a double with 15 digits after the point and an exponent of two digits or more.
pub fn write_float(value: f64, out: &mut String) {
    if value.is_nan() {
        return out.push_str("NaN");
    }
    if value.is_infinite() {
        return out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let text = format!("{value:.15e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    let _ = write!(out, "{mantissa}e{sign}{digits:0>2}");
}

/// Appends a text in double quotes; `/` and what is not ASCII stay as they are.
pub fn write_quoted(value: &str, out: &mut String) {
    out.push('"');
    let mut plain = 0;
    let special = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    if !value.bytes().fold(false, |found, byte| found | special(byte)) {
        // The usual case, tested without a branch per byte.
        out.push_str(value);
        return out.push('"');
    }
    for (at, byte) in value.bytes().enumerate() {
        if !special(byte) {
            continue;
        }
        out.push_str(&value[plain..at]);
        plain = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0C => out.push_str("\\f"),
            other => {
                let _ = write!(out, "\\u{other:04x}");
            }
        }
    }
    out.push_str(&value[plain..]);
    out.push('"');
}

impl ScalarText for PlainText {
    fn write(&self, item: &Item<'_>, out: &mut String) {
        const DAY_SECONDS: i64 = 86_400;
        let timestamp = |nanos: i128| {
            let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or(i64::MAX);
            let rest = nanos.rem_euclid(1_000_000_000) as u32;
            DateTime::from_timestamp(seconds, rest).unwrap_or_default()
        };
        const FORMAT: &str = "%Y-%m-%d %H:%M:%S%.3f";
        // Writing to a String cannot fail.
        let _ = match item {
            Item::Date(days) => {
                let date = DateTime::from_timestamp(i64::from(*days) * DAY_SECONDS, 0);
                let date = date.map_or(NaiveDate::default(), |date| date.date_naive());
                write!(out, "{}", date.format("%Y-%m-%d"))
            }
            Item::Time(nanos) => {
                let seconds = u32::try_from(nanos / 1_000_000_000).unwrap_or(0);
                let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0);
                write!(out, "{}", time.unwrap_or_default().format("%H:%M:%S"))
            }
            Item::TimestampNtz(nanos) => write!(out, "{}", timestamp(*nanos).format(FORMAT)),
            Item::TimestampLtz(nanos) => write!(out, "{} Z", timestamp(*nanos).format(FORMAT)),
            Item::TimestampTz(value) => {
                let offset = value.offset_minutes;
                let sign = if offset < 0 { '-' } else { '+' };
                let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
                let wall = timestamp(value.wall_nanos());
                match offset {
                    0 => write!(out, "{} Z", wall.format(FORMAT)),
                    _ => write!(out, "{} {sign}{hours:02}{minutes:02}", wall.format(FORMAT)),
                }
            }
            Item::Binary(bytes) => bytes.iter().try_for_each(|byte| write!(out, "{byte:02X}")),
            _ => Ok(()),
        };
    }
}

impl std::fmt::Debug for JsonWriter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JsonWriter {{ indent: {} }}", self.indent)
    }
}
