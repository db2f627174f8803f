//! DATEDIFF and MONTHS_BETWEEN.

use firn_column::{Array, Column};
use firn_types::coerce::common_type;
use firn_types::date_part::DatePart;
use firn_types::date_time::months_between;
use firn_types::timestamp::{date_ordinal, moment_ordinal};
use firn_types::{Result, SqlType};

use super::CATEGORY;
use super::temporal::{accept, accept_date, moments, unit, week_rules};
use crate::driver::{Rows, null_propagating};
use crate::signature::wrong_types;
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction};

/// DATEDIFF(unit, from, to)
pub(crate) const DATEDIFF: ScalarFunction = ScalarFunction::new(
    "DATEDIFF",
    Arity::exactly(3),
    bind_difference,
    Documentation::of(
        CATEGORY,
        "How many boundaries of the unit lie between two moments.",
        &[
            Example::of("DATEDIFF(year, '2015-12-31'::DATE, '2016-01-01'::DATE)", "1"),
            Example::of("DATEDIFF(month, '2016-08-23'::DATE, '2016-09-07'::DATE)", "1"),
            Example::of("DATEDIFF(hour, '01:59:59'::TIME, '02:00:00'::TIME)", "1"),
            Example::of("DATEDIFF(day, '2024-01-10'::DATE, '2024-01-01'::DATE)", "-9"),
        ],
    ),
)
.with_aliases(&["TIMEDIFF", "TIMESTAMPDIFF"]);

/// MONTHS_BETWEEN(later, earlier)
pub(crate) const MONTHS_BETWEEN: ScalarFunction = ScalarFunction::new(
    "MONTHS_BETWEEN",
    Arity::exactly(2),
    bind_months_between,
    Documentation::of(
        CATEGORY,
        "The months from the second date to the first, with a fraction of 31 days.",
        &[
            Example::of("MONTHS_BETWEEN('2019-03-01'::DATE, '2019-02-15'::DATE)", "0.548387"),
            Example::of("MONTHS_BETWEEN('2019-03-31'::DATE, '2019-02-28'::DATE)", "1.000000"),
        ],
    ),
);

fn bind_difference(arguments: &[Argument]) -> Result<ScalarBinding> {
    const NAME: &str = "DATEDIFF";
    let unit = unit(NAME, arguments, 0)?;
    let (from, to) = (accept(NAME, arguments, 1)?, accept(NAME, arguments, 2)?);
    let input = common_type(&[from, to]).ok_or_else(|| wrong_types(NAME, arguments))?;
    if matches!(input, SqlType::Time { .. }) && unit.is_date_unit() {
        return Err(wrong_types(NAME, arguments));
    }
    let digits = match unit {
        _ if unit.is_date_unit() => 9,
        DatePart::Microsecond | DatePart::Nanosecond => 38,
        _ => 18,
    };
    let kernel = null_propagating(move |rows, columns| difference(rows, columns, unit, input));
    ScalarBinding::new(vec![SqlType::TEXT, input, input], SqlType::number(digits, 0), kernel)
}

fn difference(
    rows: &Rows<'_>,
    columns: &[Column],
    unit: DatePart,
    input: SqlType,
) -> Result<Array> {
    let (from, to) = (moments(rows, columns, 1)?, moments(rows, columns, 2)?);
    let rules = week_rules(rows);
    if input == SqlType::Date && unit == DatePart::Day {
        return rows.map(|row| Ok(Some(to.day(row) - from.day(row))));
    }
    if input == SqlType::Date && unit.is_date_unit() {
        return rows.map(|row| {
            let count = |days| date_ordinal(days, unit, rules);
            Ok(Some((count(to.day(row)) - count(from.day(row))) as i32))
        });
    }
    if unit.is_date_unit() {
        return rows.map(|row| {
            let count = |nanos| moment_ordinal(nanos, unit, rules);
            Ok(Some(count(to.wall(row)) - count(from.wall(row))))
        });
    }
    rows.map(|row| {
        let count = |nanos| moment_ordinal(nanos, unit, rules);
        Ok(Some(count(to.instant(row)) - count(from.instant(row))))
    })
}

fn bind_months_between(arguments: &[Argument]) -> Result<ScalarBinding> {
    const NAME: &str = "MONTHS_BETWEEN";
    let input = vec![accept_date(NAME, arguments, 0)?, accept_date(NAME, arguments, 1)?];
    let kernel = null_propagating(|rows, columns| {
        let (later, earlier) = (moments(rows, columns, 0)?, moments(rows, columns, 1)?);
        rows.map(|row| Ok(Some(months_between(later.split(row), earlier.split(row)))))
    });
    ScalarBinding::new(input, SqlType::number(18, 6), kernel)
}
