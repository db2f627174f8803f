//! To DATE.

use arrow::array::Int32Array;
use firn_column::Array;
use firn_types::parse_text::{moment_error, parse_date};
use firn_types::text_format::{InputFormat, MomentKind};
use firn_types::timestamp::{split, split_narrow, utc_to_wall};
use firn_types::value::TimestampTz;
use firn_types::{Result, SqlType};

use super::Failures;
use super::rows::{each_text, no_conversion};
use crate::FunctionContext;

pub(super) fn convert(
    array: &Array,
    from: SqlType,
    failures: &mut Failures,
    context: &FunctionContext,
) -> Result<Array> {
    let zone = context.time_zone;
    match (array, from) {
        (Array::Text(_), _) => parse(array, &context.text.date_in, failures, context),
        (Array::I64(a), SqlType::TimestampNtz { .. }) => {
            Ok(Array::I32(a.unary(|nanos| split_narrow(nanos).0)))
        }
        (_, SqlType::TimestampNtz { .. }) => Ok(each_day(array, |nanos| split(nanos).0)),
        (_, SqlType::TimestampLtz { .. }) => {
            Ok(each_day(array, |nanos| split(utc_to_wall(zone, nanos)).0))
        }
        (_, SqlType::TimestampTz { .. }) => {
            Ok(each_day(array, |packed| split(TimestampTz::unpacked(packed).wall_nanos()).0))
        }
        _ => Err(no_conversion(from, "DATE")),
    }
}

fn each_day(array: &Array, day: impl Fn(i128) -> i32) -> Array {
    let days: Vec<i32> = (0..array.len()).map(|row| day(array.integer(row))).collect();
    Array::I32(Int32Array::new(days.into(), array.nulls().cloned()))
}

/// Texts of a certain format to DATE.
pub(crate) fn parse(
    array: &Array,
    format: &InputFormat,
    failures: &mut Failures,
    context: &FunctionContext,
) -> Result<Array> {
    let Array::Text(texts) = array else { return Err(no_conversion(SqlType::TEXT, "DATE")) };
    let century = context.text.two_digit_century_start;
    let mut days = Vec::with_capacity(array.len());
    let nulls = each_text(
        texts,
        failures,
        |text| parse_date(text, format, century).ok_or(()),
        |text, ()| moment_error(text, MomentKind::Date, format),
        |day| days.push(day),
    )?;
    Ok(Array::I32(Int32Array::new(days.into(), nulls)))
}
