//! To TIMESTAMP_NTZ, TIMESTAMP_LTZ and TIMESTAMP_TZ.

use arrow::array::Int64Array;
use firn_column::Array;
use firn_types::date_time::{NANOS_PER_DAY, YEAR_BOUND};
use firn_types::decimal::POWERS_OF_TEN;
use firn_types::number_text::write_decimal;
use firn_types::parse_text::{moment_error, parse_timestamp_ntz, parse_timestamp_tz};
use firn_types::text_format::{InputFormat, MomentKind};
use firn_types::timestamp::{at_zone, cut_to_scale, join, utc_to_wall, wall_to_utc};
use firn_types::value::TimestampTz;
use firn_types::{Result, SqlType, TypeFamily};

use super::Failures;
use super::integers::{Integers, wide_array};
use super::rows::{each_integer, each_text, no_conversion};
use crate::FunctionContext;

/// Nanoseconds from 1970 beyond which no calendar day lies.
const NANOS_BOUND: i128 = (YEAR_BOUND as i128 - 1970) * 365 * NANOS_PER_DAY as i128;

/// What an integer of the source type says.
enum Source {
    /// A wall clock's reading.
    Wall(i128),
    /// An instant, without an offset of its own.
    Instant(i128),
    /// An instant with its offset.
    Offset(TimestampTz),
}

pub(super) fn convert(
    array: &Array,
    from: SqlType,
    to: SqlType,
    failures: &mut Failures,
    context: &FunctionContext,
) -> Result<Array> {
    match (array, from, to) {
        (Array::Text(_), _, _) => parse(array, &context.text.timestamp_in, to, failures, context),
        (Array::I32(days), SqlType::Date, SqlType::TimestampNtz { .. })
            if days.values().iter().all(|day| day.unsigned_abs() < 100_000) =>
        {
            let nanos =
                days.unary::<_, arrow::datatypes::Int64Type>(|day| i64::from(day) * NANOS_PER_DAY);
            Ok(Array::I64(nanos))
        }
        (_, SqlType::Number { scale, .. }, _) => {
            from_epoch(array, scale, scale, to, failures, context)
        }
        _ => {
            let source: &dyn Fn(i128) -> Source = match from {
                SqlType::Date => &|days| Source::Wall(join(days as i32, 0)),
                SqlType::TimestampNtz { .. } => &Source::Wall,
                SqlType::TimestampLtz { .. } => &Source::Instant,
                SqlType::TimestampTz { .. } => {
                    &|packed| Source::Offset(TimestampTz::unpacked(packed))
                }
                _ => return Err(no_conversion(from, "TIMESTAMP")),
            };
            let target = Target { to, context };
            let values = (0..array.len()).map(|row| target.value(source(array.integer(row))));
            Ok(target.collect(values, array))
        }
    }
}

/// Numbers of `scale` digits after the point to timestamps: `unscaled / 10^digits` seconds since 1970.
pub(crate) fn from_epoch(
    array: &Array,
    scale: u8,
    digits: u8,
    to: SqlType,
    failures: &mut Failures,
    context: &FunctionContext,
) -> Result<Array> {
    let nanos = |number: i128| {
        let nanos = match digits {
            0..=9 => number.checked_mul(POWERS_OF_TEN[usize::from(9 - digits)])?,
            _ => number.div_euclid(*POWERS_OF_TEN.get(usize::from(digits - 9))?),
        };
        (nanos.abs() < NANOS_BOUND).then_some(nanos)
    };
    let error = |number: i128| {
        let mut text = String::new();
        write_decimal(&mut text, number, scale);
        moment_error(&text, MomentKind::Timestamp, &InputFormat::Auto)
    };
    let target = Target { to, context };
    let mut values = Vec::with_capacity(array.len());
    let convert = |number: i128| {
        let nanos = nanos(number)?;
        // The wall clock of a TIMESTAMP_NTZ made of a number is UTC's.
        let wall = to.family() == TypeFamily::TimestampNtz;
        Some(target.value(if wall { Source::Wall(nanos) } else { Source::Instant(nanos) }))
    };
    let nulls = each_integer(array, failures, convert, error, |value| values.push(value))?;
    Ok(target.array(values.into_iter(), nulls))
}

/// Texts of a certain format to timestamps.
pub(crate) fn parse(
    array: &Array,
    format: &InputFormat,
    to: SqlType,
    failures: &mut Failures,
    context: &FunctionContext,
) -> Result<Array> {
    let Array::Text(texts) = array else { return Err(no_conversion(SqlType::TEXT, "TIMESTAMP")) };
    let century = context.text.two_digit_century_start;
    let error = |text: &str, ()| moment_error(text, MomentKind::Timestamp, format);
    let scale = to.scale();
    match to.family() {
        TypeFamily::TimestampNtz => {
            let mut values = Integers::with_capacity(array.len());
            let nulls = each_text(
                texts,
                failures,
                |text| parse_timestamp_ntz(text, format, century).ok_or(()),
                error,
                |nanos| values.push(cut_to_scale(nanos, scale)),
            )?;
            Ok(values.finish(nulls))
        }
        _ => {
            let target = Target { to, context };
            let mut values: Vec<i128> = Vec::with_capacity(array.len());
            let nulls = each_text(
                texts,
                failures,
                |text| {
                    parse_timestamp_tz(text, format, century, context.time_zone)
                        .map(|instant| target.value(Source::Offset(instant)))
                        .ok_or(())
                },
                error,
                |value| values.push(value),
            )?;
            Ok(target.array(values.into_iter(), nulls))
        }
    }
}

/// The wanted timestamp type and the session's zone.
struct Target<'a> {
    to: SqlType,
    context: &'a FunctionContext,
}

impl Target<'_> {
    /// The integer that holds the moment in the wanted type.
    fn value(&self, source: Source) -> i128 {
        let zone = self.context.time_zone;
        let cut = |nanos| cut_to_scale(nanos, self.to.scale());
        match (self.to.family(), source) {
            (TypeFamily::TimestampNtz, Source::Wall(wall)) => cut(wall),
            (TypeFamily::TimestampNtz, Source::Instant(utc)) => cut(utc_to_wall(zone, utc)),
            (TypeFamily::TimestampNtz, Source::Offset(instant)) => cut(instant.wall_nanos()),
            (TypeFamily::TimestampLtz, Source::Wall(wall)) => cut(wall_to_utc(zone, wall)),
            (TypeFamily::TimestampLtz, Source::Instant(utc)) => cut(utc),
            (TypeFamily::TimestampLtz, Source::Offset(instant)) => cut(instant.utc_nanos),
            (_, Source::Wall(wall)) => at_zone(zone, cut(wall_to_utc(zone, wall))).packed(),
            (_, Source::Instant(utc)) => at_zone(zone, cut(utc)).packed(),
            (_, Source::Offset(instant)) => {
                TimestampTz { utc_nanos: cut(instant.utc_nanos), ..instant }.packed()
            }
        }
    }

    fn collect(&self, values: impl Iterator<Item = i128>, like: &Array) -> Array {
        self.array(values, like.nulls().cloned())
    }

    fn array(
        &self,
        values: impl Iterator<Item = i128>,
        nulls: Option<arrow::buffer::NullBuffer>,
    ) -> Array {
        if self.to.family() == TypeFamily::TimestampTz {
            return wide_array(values.collect(), nulls);
        }
        let mut integers = Integers::with_capacity(values.size_hint().0);
        values.for_each(|value| integers.push(value));
        match integers {
            Integers::EncodedColumn(values) => Array::I64(Int64Array::new(values.into(), nulls)),
            wide => wide.finish(nulls),
        }
    }
}
