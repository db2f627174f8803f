//! `+` and `-` with dates: what the arithmetic operators do when an operand is a date or time.

use firn_types::date_part::DatePart;
use firn_types::number_text::parse_decimal;
use firn_types::timestamp::add_to_date;
use firn_types::{Result, SqlType, Value};

use super::temporal::{beyond_calendar, moments};
use crate::driver::{ints, null_propagating};
use crate::signature::wrong_types;
use crate::{Argument, Kernel, ScalarBinding};

/// Binds `+` when an operand is a date, time or timestamp: a DATE and a number of days in either
/// order. `None` when no operand is one.
pub fn bind_temporal_add(arguments: &[Argument]) -> Option<Result<ScalarBinding>> {
    let [left, right] = arguments else { return None };
    if !is_temporal(left.sql_type) && !is_temporal(right.sql_type) {
        return None;
    }
    Some(match (left.sql_type, right.sql_type) {
        (SqlType::Date, _) if is_days(right) => {
            let types = vec![SqlType::Date, SqlType::INTEGER];
            ScalarBinding::new(types, SqlType::Date, shift_kernel(0, 1, "+"))
                .map(|binding| binding.growing_with(0))
        }
        (_, SqlType::Date) if is_days(left) => {
            let types = vec![SqlType::INTEGER, SqlType::Date];
            ScalarBinding::new(types, SqlType::Date, shift_kernel(1, 0, "+"))
                .map(|binding| binding.growing_with(1))
        }
        _ => Err(wrong_types("+", arguments)),
    })
}

/// Binds `-` when an operand is a date, time or timestamp: a DATE less a number of days, or two DATEs.
/// `None` when no operand is one.
pub fn bind_temporal_sub(arguments: &[Argument]) -> Option<Result<ScalarBinding>> {
    let [left, right] = arguments else { return None };
    if !is_temporal(left.sql_type) && !is_temporal(right.sql_type) {
        return None;
    }
    let is_date = |argument: &Argument| {
        argument.sql_type == SqlType::Date || matches!(argument.sql_type, SqlType::Varchar { .. })
    };
    Some(match (left.sql_type, right.sql_type) {
        (SqlType::Date, _) if is_days(right) => {
            let types = vec![SqlType::Date, SqlType::INTEGER];
            ScalarBinding::new(types, SqlType::Date, shift_kernel(0, 1, "-"))
                .map(|binding| binding.growing_with(0))
        }
        _ if is_date(left) && is_date(right) => {
            let kernel = null_propagating(|rows, columns| {
                let (left, right) = (moments(rows, columns, 0)?, moments(rows, columns, 1)?);
                rows.map(|row| Ok(Some(left.day(row) - right.day(row))))
            });
            ScalarBinding::new(vec![SqlType::Date; 2], SqlType::number(9, 0), kernel)
        }
        _ => Err(wrong_types("-", arguments)),
    })
}

fn is_temporal(sql_type: SqlType) -> bool {
    sql_type.is_timestamp() || matches!(sql_type, SqlType::Date | SqlType::Time { .. })
}

/// Whether the operand beside a DATE is a number of days.
fn is_days(argument: &Argument) -> bool {
    match argument.sql_type {
        SqlType::Number { .. } | SqlType::Float | SqlType::Null | SqlType::Variant => true,
        SqlType::Varchar { .. } => match &argument.constant {
            Some(Value::Text(text)) => parse_decimal(text).is_ok(),
            _ => false,
        },
        _ => false,
    }
}

fn shift_kernel(date_at: usize, days_at: usize, operator: &'static str) -> Kernel {
    let sign = if operator == "-" { -1 } else { 1 };
    null_propagating(move |rows, columns| {
        let dates = moments(rows, columns, date_at)?;
        let counts = ints(&columns[days_at])?;
        rows.map(|row| {
            let count = counts.get(row).saturating_mul(sign);
            let sum = add_to_date(dates.day(row), DatePart::Day, count);
            sum.map(Some).ok_or_else(|| beyond_calendar(operator))
        })
    })
}
