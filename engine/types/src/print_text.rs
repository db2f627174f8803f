//! Values to texts, as the server prints them: in results and in casts to VARCHAR alike.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono_tz::Tz;

use crate::number_text::{write_decimal, write_float};
use crate::parse_text::binary_error;
use crate::text_format::{BinaryFormat, Picture, Reading, TextFormats};
use crate::timestamp::{at_zone, split};
use crate::value::TimestampTz;
use crate::{Error, Result, SqlType, Value, vector};

/// Appends a BOOLEAN.
pub fn write_boolean(out: &mut String, value: bool) {
    out.push_str(if value { "true" } else { "false" });
}

/// Appends a DATE.
#[inline]
pub fn write_date(out: &mut String, days: i32, picture: &Picture) {
    picture.print(out, Reading { days, nanos_of_day: 0, offset_minutes: None });
}

/// Appends a TIME.
#[inline]
pub fn write_time(out: &mut String, nanos_of_day: i64, picture: &Picture) {
    picture.print(out, Reading { days: 0, nanos_of_day, offset_minutes: None });
}

/// Appends a TIMESTAMP_NTZ.
#[inline]
pub fn write_timestamp_ntz(out: &mut String, nanos: i128, picture: &Picture) {
    let (days, nanos_of_day) = split(nanos);
    picture.print(out, Reading { days, nanos_of_day, offset_minutes: None });
}

/// Appends a TIMESTAMP_TZ.
#[inline]
pub fn write_timestamp_tz(out: &mut String, instant: TimestampTz, picture: &Picture) {
    let (days, nanos_of_day) = split(instant.wall_nanos());
    let offset_minutes = Some(instant.offset_minutes);
    picture.print(out, Reading { days, nanos_of_day, offset_minutes });
}

/// Appends a TIMESTAMP_LTZ as the zone's clock shows it.
#[inline]
pub fn write_timestamp_ltz(out: &mut String, utc_nanos: i128, zone: Tz, picture: &Picture) {
    write_timestamp_tz(out, at_zone(zone, utc_nanos), picture);
}

/// Appends a BINARY.
///
/// # Errors
/// `InvalidBinary` for bytes that are no text in the format UTF-8.
pub fn write_binary(out: &mut String, bytes: &[u8], format: BinaryFormat) -> Result<()> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    match format {
        BinaryFormat::Hex => {
            out.reserve(bytes.len() * 2);
            for byte in bytes {
                out.push(char::from(DIGITS[usize::from(byte >> 4)]));
                out.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
        BinaryFormat::Base64 => STANDARD.encode_string(bytes, out),
        BinaryFormat::Utf8 => {
            let text = std::str::from_utf8(bytes);
            out.push_str(text.map_err(|_| {
                let mut hex = String::new();
                let _ = write_binary(&mut hex, bytes, BinaryFormat::Hex);
                binary_error(&hex, format).map_detail(|_| format!("Invalid UTF-8 in '{hex}'"))
            })?);
        }
    }
    Ok(())
}

/// Appends any value but NULL and semi-structured ones. `sql_type` tells the timestamps apart.
///
/// # Errors
/// `not_supported` for VARIANT, OBJECT and ARRAY, whose text is JSON; `InvalidBinary` as
/// [`write_binary`]. NULL appends nothing.
pub fn write_value(
    out: &mut String,
    value: &Value,
    sql_type: SqlType,
    formats: &TextFormats,
    zone: Tz,
) -> Result<()> {
    match value {
        Value::Null => {}
        Value::Boolean(value) => write_boolean(out, *value),
        Value::Number(number) => write_decimal(out, number.unscaled, number.scale),
        Value::Float(number) => write_float(out, *number),
        Value::Text(text) => out.push_str(text),
        Value::Binary(bytes) if let SqlType::Vector { element, .. } = sql_type => {
            vector::write(bytes, element, out);
        }
        Value::Binary(bytes) => write_binary(out, bytes, formats.binary_out)?,
        Value::Date(days) => write_date(out, *days, &formats.date_out),
        Value::Time(nanos) => write_time(out, *nanos, &formats.time_out),
        Value::Timestamp(nanos) if matches!(sql_type, SqlType::TimestampLtz { .. }) => {
            write_timestamp_ltz(out, *nanos, zone, &formats.timestamp_ltz_out);
        }
        Value::Timestamp(nanos) => write_timestamp_ntz(out, *nanos, &formats.timestamp_ntz_out),
        Value::TimestampTz(instant) => {
            write_timestamp_tz(out, *instant, &formats.timestamp_tz_out);
        }
        Value::Variant(_) => return Err(Error::not_supported(format!("{sql_type} as plain text"))),
    }
    Ok(())
}
