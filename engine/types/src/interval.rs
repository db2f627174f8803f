//! INTERVAL constants: `1 year, 3 months, 2 days`.
//!
//! An interval is a list of parts that are applied in the order written, so `1 day, 1 year` after
//! 2019-02-28 is another day than `1 year, 1 day`.

use crate::date_part::DatePart;
use crate::timestamp::{add_to_date, add_to_moment, add_to_time};

/// The parts of an interval in the order written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    parts: Vec<(i64, DatePart)>,
}

impl Interval {
    /// Takes parts `count [unit]` with commas between them; without a unit, seconds. `None` for any
    /// other text.
    pub fn parse(text: &str) -> Option<Interval> {
        let parts = text.split(',').map(parse_part).collect::<Option<Vec<_>>>()?;
        Some(Interval { parts })
    }

    /// Whether all parts are days or longer, so that a date plus the interval is a date.
    pub fn is_of_days(&self) -> bool {
        self.parts.iter().all(|(_, unit)| unit.is_date_unit())
    }

    /// Whether all parts are shorter than a day, so that it can be added to a time of day.
    pub fn is_of_time(&self) -> bool {
        self.parts.iter().all(|(_, unit)| !unit.is_date_unit())
    }

    /// The day after (or, negated, before) the interval; only for [`Interval::is_of_days`]. `None`
    /// beyond the calendar.
    pub fn add_to_date(&self, days: i32, negate: bool) -> Option<i32> {
        self.signed(negate).try_fold(days, |days, (count, unit)| add_to_date(days, unit, count))
    }

    /// The wall-clock reading after (or before) the interval.
    pub fn add_to_moment(&self, nanos: i128, negate: bool) -> Option<i128> {
        self.signed(negate)
            .try_fold(nanos, |nanos, (count, unit)| add_to_moment(nanos, unit, count))
    }

    /// The time of day after (or before) the interval; only for [`Interval::is_of_time`].
    pub fn add_to_time(&self, nanos: i64, negate: bool) -> Option<i64> {
        self.signed(negate).try_fold(nanos, |nanos, (count, unit)| add_to_time(nanos, unit, count))
    }

    /// The parts, with their counts negated on demand.
    pub fn signed(&self, negate: bool) -> impl Iterator<Item = (i64, DatePart)> + '_ {
        let sign = if negate { -1 } else { 1 };
        self.parts.iter().map(move |&(count, unit)| (count.saturating_mul(sign), unit))
    }
}

fn parse_part(text: &str) -> Option<(i64, DatePart)> {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let unit_at = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, unit) = digits.split_at(unit_at);
    let count: i64 = digits.parse().ok()?;
    let count = if text.starts_with('-') { -count } else { count };
    let unit = match unit.trim() {
        "" => DatePart::Second,
        name => DatePart::parse(name).filter(|unit| unit.is_unit())?,
    };
    Some((count, unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date_time::days_from_civil;

    #[test]
    fn parts_apply_in_order() {
        let start = days_from_civil(2019, 2, 28);
        let after = |text: &str| Interval::parse(text)?.add_to_date(start, false);
        assert_eq!(after("1 day, 1 year"), Some(days_from_civil(2020, 3, 1)));
        assert_eq!(after("1 year, 1 day"), Some(days_from_civil(2020, 2, 29)));
        assert_eq!(after("2 w"), Some(days_from_civil(2019, 3, 14)));
        let back = Interval::parse("1 month").unwrap().add_to_date(start, true);
        assert_eq!(back, Some(days_from_civil(2019, 1, 28)));
    }

    #[test]
    fn texts_of_other_forms_are_refused() {
        for text in ["", "day", "1 day 2 hours", "1 fortnight", "1.5 days", "1 dow", "1 day,"] {
            assert_eq!(Interval::parse(text), None, "{text}");
        }
        assert!(Interval::parse("5").is_some_and(|interval| interval.is_of_time()));
        assert!(Interval::parse("-3 qtrs").is_some_and(|interval| interval.is_of_days()));
    }
}
