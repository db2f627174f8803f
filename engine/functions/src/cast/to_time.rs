//! To TIME.

use arrow::array::Int64Array;
use firn_column::Array;
use firn_types::parse_text::{moment_error, parse_time};
use firn_types::text_format::{InputFormat, MomentKind};
use firn_types::timestamp::{cut_to_scale, split, utc_to_wall};
use firn_types::value::TimestampTz;
use firn_types::{Result, SqlType};

use super::Failures;
use super::rows::{each_text, no_conversion};
use crate::FunctionContext;

pub(super) fn convert(
    array: &Array,
    from: SqlType,
    to: SqlType,
    failures: &mut Failures,
    context: &FunctionContext,
) -> Result<Array> {
    let zone = context.time_zone;
    let time: &dyn Fn(i128) -> i64 = match from {
        SqlType::Varchar { .. } => {
            return parse(array, &context.text.time_in, to.scale(), failures, context);
        }
        SqlType::Time { .. } => &|nanos| i64::try_from(nanos).unwrap_or(0),
        SqlType::TimestampNtz { .. } => &|nanos| split(nanos).1,
        SqlType::TimestampLtz { .. } => &|nanos| split(utc_to_wall(zone, nanos)).1,
        SqlType::TimestampTz { .. } => {
            &|packed| split(TimestampTz::unpacked(packed).wall_nanos()).1
        }
        _ => return Err(no_conversion(from, "TIME")),
    };
    let cut = |nanos: i64| cut_to_scale(i128::from(nanos), to.scale()) as i64;
    let times: Vec<i64> = (0..array.len()).map(|row| cut(time(array.integer(row)))).collect();
    Ok(Array::I64(Int64Array::new(times.into(), array.nulls().cloned())))
}

/// Texts of a certain format to TIME.
pub(crate) fn parse(
    array: &Array,
    format: &InputFormat,
    scale: u8,
    failures: &mut Failures,
    context: &FunctionContext,
) -> Result<Array> {
    let Array::Text(texts) = array else { return Err(no_conversion(SqlType::TEXT, "TIME")) };
    let century = context.text.two_digit_century_start;
    let mut times = Vec::with_capacity(array.len());
    let nulls = each_text(
        texts,
        failures,
        |text| parse_time(text, format, century, scale).ok_or(()),
        |text, ()| moment_error(text, MomentKind::Time, format),
        |time| times.push(time),
    )?;
    Ok(Array::I64(Int64Array::new(times.into(), nulls)))
}
