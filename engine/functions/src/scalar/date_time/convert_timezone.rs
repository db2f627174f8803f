//! CONVERT_TIMEZONE.

use chrono_tz::Tz;
use firn_types::timestamp::{at_zone, utc_to_wall, wall_to_utc};
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::CATEGORY;
use super::temporal::{accept_date, moments, timestamps};
use crate::driver::{Texts, null_propagating, texts};
use crate::signature::wrong_types;
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// CONVERT_TIMEZONE([source,] target, timestamp)
pub(crate) const CONVERT_TIMEZONE: ScalarFunction = ScalarFunction::new(
    "CONVERT_TIMEZONE",
    Arity::between(2, 3),
    |arguments| {
        if arguments.len() == 3 { bind_readings(arguments) } else { bind_instants(arguments) }
    },
    Documentation::of(
        CATEGORY,
        "The reading in another zone of a reading in a zone, or an instant with another zone's offset.",
        &[
            Example::of(
                "CONVERT_TIMEZONE('America/Los_Angeles', 'America/New_York', \
                 '2024-01-01 14:00:00'::TIMESTAMP_NTZ)",
                "2024-01-01 17:00:00.000",
            ),
            Example::of(
                "CONVERT_TIMEZONE('America/Los_Angeles', '2024-04-05 12:00:00 +02:00')",
                "2024-04-05 03:00:00.000 -0700",
            ),
        ],
    ),
);

/// The zone of this name, which is case-sensitive.
///
/// # Errors
/// When there is none.
pub(super) fn parse_zone(name: &str) -> Result<Tz> {
    name.parse()
        .map_err(|_| Error::new(ErrorCode::InvalidValue, format!("Unknown timezone: '{name}'")))
}

/// Reads zones row by row, without looking a name up again that stays the same.
struct Zones<'a> {
    names: Texts<'a>,
    last: Option<(&'a str, Tz)>,
}

impl<'a> Zones<'a> {
    fn new(names: Texts<'a>) -> Zones<'a> {
        Zones { names, last: None }
    }

    fn get(&mut self, row: usize) -> Result<Tz> {
        let name = self.names.get(row);
        if let Some((last, zone)) = self.last
            && last == name
        {
            return Ok(zone);
        }
        let zone = parse_zone(name)?;
        self.last = Some((name, zone));
        Ok(zone)
    }
}

fn bind_readings(arguments: &[Argument]) -> Result<ScalarBinding> {
    const NAME: &str = "CONVERT_TIMEZONE";
    let (source, target) = (accept::text(NAME, arguments, 0)?, accept::text(NAME, arguments, 1)?);
    let input = match accept_date(NAME, arguments, 2)? {
        SqlType::TimestampTz { .. } | SqlType::TimestampLtz { .. } => {
            return Err(wrong_types(NAME, arguments));
        }
        _ => SqlType::TIMESTAMP_NTZ,
    };
    let kernel = null_propagating(|rows, columns| {
        let mut sources = Zones::new(texts(&columns[0])?);
        let mut targets = Zones::new(texts(&columns[1])?);
        let values = moments(rows, columns, 2)?;
        timestamps(rows, SqlType::TIMESTAMP_NTZ, |row| {
            let utc = wall_to_utc(sources.get(row)?, values.raw(row));
            Ok(Some(utc_to_wall(targets.get(row)?, utc)))
        })
    });
    ScalarBinding::new(vec![source, target, input], SqlType::TIMESTAMP_NTZ, kernel)
}

fn bind_instants(arguments: &[Argument]) -> Result<ScalarBinding> {
    const NAME: &str = "CONVERT_TIMEZONE";
    let target = accept::text(NAME, arguments, 0)?;
    let input = match arguments[1].sql_type {
        SqlType::Varchar { .. } => SqlType::TIMESTAMP_TZ,
        _ => match accept_date(NAME, arguments, 1)? {
            given @ SqlType::TimestampTz { .. } => given,
            _ => SqlType::TIMESTAMP_LTZ,
        },
    };
    let kernel = null_propagating(|rows, columns| {
        let mut targets = Zones::new(texts(&columns[0])?);
        let values = moments(rows, columns, 1)?;
        timestamps(rows, SqlType::TIMESTAMP_TZ, |row| {
            Ok(Some(at_zone(targets.get(row)?, values.instant(row)).packed()))
        })
    });
    ScalarBinding::new(vec![target, input], SqlType::TIMESTAMP_TZ, kernel)
}
