//! What the functions of dates and times share: arguments, readings, results.

use chrono_tz::Tz;
use firn_column::{Array, Column, PhysicalType};
use firn_types::date_part::DatePart;
use firn_types::date_time::WeekRules;
use firn_types::timestamp::{at_offset, join, split, utc_to_wall, wall_to_utc};
use firn_types::value::TimestampTz;
use firn_types::{Error, ErrorCode, Result, SqlType, Value};

use crate::driver::{Ints, Rows, ints};
use crate::signature::wrong_types;
use crate::{Argument, accept};

/// The type that the argument is cast to where a date, time or timestamp is wanted: itself, or
/// TIMESTAMP_NTZ for texts, variants and NULL.
pub(super) fn accept(name: &str, arguments: &[Argument], position: usize) -> Result<SqlType> {
    match arguments[position].sql_type {
        given @ (SqlType::Date | SqlType::Time { .. }) => Ok(given),
        given if given.is_timestamp() => Ok(given),
        SqlType::Varchar { .. } | SqlType::Variant | SqlType::Null => Ok(SqlType::TIMESTAMP_NTZ),
        _ => Err(wrong_types(name, arguments)),
    }
}

/// As [`accept`], without times of day.
pub(super) fn accept_date(name: &str, arguments: &[Argument], position: usize) -> Result<SqlType> {
    match accept(name, arguments, position)? {
        SqlType::Time { .. } => Err(wrong_types(name, arguments)),
        given => Ok(given),
    }
}

/// The part that the constant text at `position` names.
///
/// # Errors
/// When it is not constant or names no part.
pub(super) fn part(name: &str, arguments: &[Argument], position: usize) -> Result<DatePart> {
    let text = accept::constant_text(arguments, position).ok_or_else(|| {
        Error::new(
            ErrorCode::ConstantArgument,
            format!(
                "argument {} to function {name} needs to be constant, found '{}'",
                position + 1,
                arguments.get(position).map_or("", |_| "expression"),
            ),
        )
    })?;
    DatePart::parse(text).ok_or_else(|| unknown_part(name, text))
}

/// As [`part`], for parts that can be added and counted.
pub(super) fn unit(name: &str, arguments: &[Argument], position: usize) -> Result<DatePart> {
    let part = part(name, arguments, position)?;
    if part.is_unit() { Ok(part) } else { Err(unknown_part(name, part.name())) }
}

/// The error for a word that is no part.
pub(super) fn unknown_part(name: &str, text: &str) -> Error {
    Error::new(
        ErrorCode::InvalidParameterType,
        format!("'{text}' is not a valid date/time component for function {name}"),
    )
}

/// The error for an answer beyond the calendar.
pub(super) fn beyond_calendar(name: &str) -> Error {
    Error::new(
        ErrorCode::NumberOutOfRange,
        format!("The result of function {name} is not a representable date or timestamp"),
    )
}

/// Whether the argument is a constant text.
pub(super) fn is_constant_text(argument: &Argument) -> bool {
    matches!(argument.constant, Some(Value::Text(_)))
}

/// How the session counts weeks.
pub(super) fn week_rules(rows: &Rows<'_>) -> WeekRules {
    let context = rows.call.context;
    WeekRules { start: context.week_start, policy: context.week_of_year_policy }
}

/// A column of dates, times or timestamps.
pub(super) struct Moments<'a> {
    values: Ints<'a>,
    sql_type: SqlType,
    zone: Tz,
}

/// Reads the argument at `position`.
///
/// # Errors
/// An internal error when the column is of another form.
pub(super) fn moments<'a>(
    rows: &Rows<'_>,
    columns: &'a [Column],
    position: usize,
) -> Result<Moments<'a>> {
    let sql_type = rows.call.arguments[position];
    let zone = rows.call.context.time_zone;
    Ok(Moments { values: ints(&columns[position])?, sql_type, zone })
}

impl Moments<'_> {
    /// The integer as the column holds it.
    #[inline]
    pub(super) fn raw(&self, row: usize) -> i128 {
        self.values.wide(row)
    }

    /// The days of a DATE.
    #[inline]
    pub(super) fn day(&self, row: usize) -> i32 {
        self.values.get(row) as i32
    }

    /// The wall clock's reading: of a date its midnight, of a time the one on 1970-01-01.
    #[inline]
    pub(super) fn wall(&self, row: usize) -> i128 {
        let raw = self.raw(row);
        match self.sql_type {
            SqlType::Date => join(raw as i32, 0),
            SqlType::TimestampLtz { .. } => utc_to_wall(self.zone, raw),
            SqlType::TimestampTz { .. } => TimestampTz::unpacked(raw).wall_nanos(),
            _ => raw,
        }
    }

    /// The instant, or the reading where there is no zone.
    #[inline]
    pub(super) fn instant(&self, row: usize) -> i128 {
        match self.sql_type {
            SqlType::TimestampTz { .. } => TimestampTz::unpacked(self.raw(row)).utc_nanos,
            SqlType::TimestampLtz { .. } => self.raw(row),
            _ => self.wall(row),
        }
    }

    /// The day and the nanoseconds of the day that the wall clock shows.
    #[inline]
    pub(super) fn split(&self, row: usize) -> (i32, i64) {
        match self.sql_type {
            SqlType::Date => (self.day(row), 0),
            _ => split(self.wall(row)),
        }
    }

    /// Changes the wall clock's reading of a timestamp and gives the integer of the result.
    pub(super) fn on_wall(
        &self,
        row: usize,
        change: impl Fn(i128) -> Option<i128>,
    ) -> Option<i128> {
        let raw = self.raw(row);
        match self.sql_type {
            SqlType::TimestampLtz { .. } => {
                change(utc_to_wall(self.zone, raw)).map(|wall| wall_to_utc(self.zone, wall))
            }
            SqlType::TimestampTz { .. } => {
                let instant = TimestampTz::unpacked(raw);
                let wall = change(instant.wall_nanos())?;
                Some(at_offset(wall, instant.offset_minutes).packed())
            }
            _ => change(raw),
        }
    }

    /// As [`Moments::on_wall`], for a change by a length of time, which does not depend on the zone.
    pub(super) fn on_instant(
        &self,
        row: usize,
        change: impl Fn(i128) -> Option<i128>,
    ) -> Option<i128> {
        match self.sql_type {
            SqlType::TimestampTz { .. } => self.on_wall(row, change),
            _ => change(self.raw(row)),
        }
    }
}

/// The timestamps that `f` gives as integers of the type, in the width that the type's columns have.
pub(super) fn timestamps(
    rows: &Rows<'_>,
    sql_type: SqlType,
    f: impl FnMut(usize) -> Result<Option<i128>>,
) -> Result<Array> {
    let array = rows.map(f)?;
    Ok(match sql_type {
        SqlType::TimestampTz { .. } => array.widened(PhysicalType::I128),
        _ => array.widened(PhysicalType::I64),
    })
}

/// A day near enough for the arithmetic, whatever lies under a NULL.
#[inline]
pub(super) fn bounded(days: i32) -> i32 {
    days.clamp(-100_000_000, 100_000_000)
}
