//! To VARCHAR.

use arrow::array::{Array as _, StringViewArray, StringViewBuilder};
use firn_column::Array;
use firn_types::number_text::{decimal_text, write_float};
use firn_types::parse_text::too_long_error;
use firn_types::print_text::{
    write_binary, write_boolean, write_date, write_time, write_timestamp_ltz, write_timestamp_ntz,
    write_timestamp_tz,
};
use firn_types::text_format::TextFormats;
use firn_types::value::TimestampTz;
use firn_types::{Result, SqlType, vector};

use super::Failures;
use super::rows::{no_conversion, nulls_with};
use crate::FunctionContext;

pub(super) fn convert(
    array: &Array,
    from: SqlType,
    to: SqlType,
    failures: &mut Failures,
    context: &FunctionContext,
) -> Result<Array> {
    let most = match to {
        SqlType::Varchar { length, .. } => length as usize,
        _ => return Err(no_conversion(from, "VARCHAR")),
    };
    let formats: &TextFormats = &context.text;
    let zone = context.time_zone;
    match (array, from) {
        (Array::Text(texts), _) => check_length(texts, most, failures),
        (_, SqlType::Number { scale, .. }) => print_each(array, most, failures, |out, row| {
            let mut buffer = [0; 48];
            let text = decimal_text(array.integer(row), scale, &mut buffer);
            out.push_str(std::str::from_utf8(text).unwrap_or_default());
            Ok(())
        }),
        (Array::F64(floats), _) => print_each(array, most, failures, |out, row| {
            write_float(out, floats.value(row));
            Ok(())
        }),
        (Array::Bool(flags), _) => print_each(array, most, failures, |out, row| {
            write_boolean(out, flags.value(row));
            Ok(())
        }),
        (Array::Bytes(vectors), SqlType::Vector { element, .. }) => {
            print_each(array, most, failures, |out, row| {
                vector::write(vectors.value(row), element, out);
                Ok(())
            })
        }
        (Array::Bytes(bytes), _) => print_each(array, most, failures, |out, row| {
            write_binary(out, bytes.value(row), formats.binary_out)
        }),
        (Array::I32(days), SqlType::Date) => print_each(array, most, failures, |out, row| {
            write_date(out, days.value(row), &formats.date_out);
            Ok(())
        }),
        (Array::I64(times), SqlType::Time { .. }) => {
            print_each(array, most, failures, |out, row| {
                write_time(out, times.value(row), &formats.time_out);
                Ok(())
            })
        }
        (_, SqlType::TimestampNtz { .. }) => print_each(array, most, failures, |out, row| {
            write_timestamp_ntz(out, array.integer(row), &formats.timestamp_ntz_out);
            Ok(())
        }),
        (_, SqlType::TimestampLtz { .. }) => print_each(array, most, failures, |out, row| {
            write_timestamp_ltz(out, array.integer(row), zone, &formats.timestamp_ltz_out);
            Ok(())
        }),
        (_, SqlType::TimestampTz { .. }) => print_each(array, most, failures, |out, row| {
            let instant = TimestampTz::unpacked(array.integer(row));
            write_timestamp_tz(out, instant, &formats.timestamp_tz_out);
            Ok(())
        }),
        _ => Err(no_conversion(from, "VARCHAR")),
    }
}

/// The texts that `print` writes for the rows that are not NULL.
pub(crate) fn print_each(
    array: &Array,
    most: usize,
    failures: &mut Failures,
    print: impl Fn(&mut String, usize) -> Result<()>,
) -> Result<Array> {
    let mut builder = StringViewBuilder::with_capacity(array.len());
    let mut text = String::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            builder.append_null();
            continue;
        }
        text.clear();
        print(&mut text, row)?;
        if is_longer(&text, most) {
            failures.add(row, || too_long_error(&text))?;
            builder.append_null();
        } else {
            builder.append_value(&text);
        }
    }
    Ok(Array::Text(builder.finish()))
}

/// Texts to a shorter VARCHAR.
fn check_length(texts: &StringViewArray, most: usize, failures: &mut Failures) -> Result<Array> {
    let mut failed = Vec::new();
    // The low half of a view is the text's length in bytes: most texts need no closer look.
    for (row, view) in texts.views().iter().enumerate() {
        if *view as u32 as usize > most && !texts.is_null(row) {
            let text = texts.value(row);
            if is_longer(text, most) {
                failures.add(row, || too_long_error(text))?;
                failed.push(row);
            }
        }
    }
    let nulls = nulls_with(texts.nulls(), texts.len(), &failed);
    if failed.is_empty() {
        return Ok(Array::Text(texts.clone()));
    }
    let kept = texts
        .iter()
        .enumerate()
        .map(|(row, text)| text.filter(|_| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))));
    Ok(Array::Text(kept.collect()))
}

fn is_longer(text: &str, most: usize) -> bool {
    text.len() > most && text.chars().count() > most
}
