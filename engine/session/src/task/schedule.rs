//! When a task is due: SCHEDULE.

use std::str::FromStr;

use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;
use firn_types::{Error, ErrorCode, Result};

const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// Units of an interval: their seconds, and the most of them, eight days.
const UNITS: [(&str, i64, std::ops::RangeInclusive<i64>); 3] =
    [("SECOND", 1, 10..=691_200), ("MINUTE", 60, 1..=11_520), ("HOUR", 3_600, 1..=192)];

/// A schedule.
#[derive(Clone, Debug)]
pub(crate) enum Schedule {
    /// Every so many nanoseconds.
    Every(i64),
    /// At the times of a pattern in a time zone.
    Cron(Box<Cron>, Tz),
}

impl Schedule {
    /// The schedule of a text: `5 MINUTES`, `USING CRON 0 9 * * MON America/Los_Angeles`.
    ///
    /// # Errors
    /// `InvalidParameterValue` for any other text.
    pub(crate) fn parse(text: &str) -> Result<Schedule> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [using, cron, pattern @ .., zone]
                if using.eq_ignore_ascii_case("USING") && cron.eq_ignore_ascii_case("CRON") =>
            {
                Self::cron(text, pattern, zone)
            }
            [number, unit] => {
                let number: i64 =
                    number.parse().map_err(|_| invalid(text, "a number and a unit"))?;
                let upper = unit.to_uppercase();
                let singular = upper.strip_suffix('S').unwrap_or(&upper);
                // M is short for minutes, as Snowflake has it.
                let singular = if singular == "M" { "MINUTE" } else { singular };
                let known = UNITS.iter().find(|(word, ..)| *word == singular);
                let (_, seconds, range) =
                    known.ok_or_else(|| invalid(text, "SECONDS, MINUTES or HOURS"))?;
                if !range.contains(&number) {
                    let most = format!("from {} to {} {singular}S", range.start(), range.end());
                    return Err(invalid(text, &most));
                }
                Ok(Schedule::Every(number * seconds * NANOS_PER_SECOND))
            }
            _ => {
                Err(invalid(text, "'n MINUTES' or 'USING CRON minute hour day month weekday zone'"))
            }
        }
    }

    fn cron(text: &str, pattern: &[&str], zone: &str) -> Result<Schedule> {
        if pattern.len() != 5 {
            return Err(invalid(text, "five fields and a time zone behind USING CRON"));
        }
        let zone = Tz::from_str(zone).map_err(|_| invalid(text, "a time zone at its end"))?;
        let cron = Cron::from_str(&pattern.join(" "))
            .map_err(|error| invalid(text, &format!("a valid pattern: {error}")))?;
        Ok(Schedule::Cron(Box::new(cron), zone))
    }

    /// The first time after a moment: nanoseconds since 1970 UTC; none when there is none any more.
    pub(crate) fn next(&self, after_nanos: i64) -> Option<i64> {
        match self {
            Schedule::Every(interval) => after_nanos.checked_add(*interval),
            Schedule::Cron(cron, zone) => {
                let after = in_zone(after_nanos, *zone);
                cron.find_next_occurrence(&after, false).ok()?.timestamp_nanos_opt()
            }
        }
    }

    /// The last time after a moment that has come by now. The times between are passed over: what was missed
    /// runs once.
    pub(crate) fn last_due(&self, after_nanos: i64, now_nanos: i64) -> Option<i64> {
        match self {
            Schedule::Every(interval) => {
                let rounds = now_nanos.saturating_sub(after_nanos) / interval;
                (rounds > 0).then(|| after_nanos + rounds * interval)
            }
            Schedule::Cron(cron, zone) => {
                let now = in_zone(now_nanos, *zone);
                let last = cron.find_previous_occurrence(&now, true).ok()?;
                last.timestamp_nanos_opt().filter(|last| *last > after_nanos)
            }
        }
    }
}

fn in_zone(nanos: i64, zone: Tz) -> DateTime<Tz> {
    zone.from_utc_datetime(&Utc.timestamp_nanos(nanos).naive_utc())
}

fn invalid(text: &str, wanted: &str) -> Error {
    let text = format!("invalid value [{text}] for parameter 'SCHEDULE': it takes {wanted}");
    Error::new(ErrorCode::InvalidParameterValue, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).expect("a time").timestamp_nanos_opt().expect("in range")
    }

    #[test]
    fn intervals_count_from_where_they_began_and_pass_over_what_was_missed() -> Result<()> {
        let schedule = Schedule::parse("5 minutes")?;
        let minute = 60 * NANOS_PER_SECOND;
        assert_eq!(schedule.next(minute), Some(6 * minute));
        assert_eq!(schedule.last_due(minute, 5 * minute), None);
        assert_eq!(schedule.last_due(minute, 6 * minute), Some(6 * minute));
        assert_eq!(schedule.last_due(minute, 17 * minute), Some(16 * minute));
        Ok(())
    }

    #[test]
    fn patterns_know_their_time_zone_and_its_summer() -> Result<()> {
        let schedule = Schedule::parse("USING CRON 0 9 * * SUN America/Los_Angeles")?;
        // The clocks go forward on Sunday the 10th of March 2024.
        let before = nanos("2024-03-04T00:00:00Z");
        let first = schedule.next(before).expect("a time");
        assert_eq!(first, nanos("2024-03-10T16:00:00Z"));
        assert_eq!(schedule.last_due(before, first), Some(first));
        assert_eq!(schedule.last_due(first, first + 1), None);
        let last_day = Schedule::parse("USING CRON 0 0 L * * UTC")?;
        assert_eq!(
            last_day.next(nanos("2024-02-10T00:00:00Z")),
            Some(nanos("2024-02-29T00:00:00Z"))
        );
        Ok(())
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "5",
            "0 MINUTE",
            "5 SECONDS",
            "5 WEEKS",
            "x MINUTE",
            "USING CRON * * * * UTC",
            "USING CRON 61 * * * * UTC",
            "USING CRON * * * * * Nowhere",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text}");
        }
    }
}
