//! Expressions as EXPLAIN and internal errors show them.

use std::fmt;

use firn_types::Value;

use super::Expr;

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Literal { value, .. } => write_value(f, value),
            Expr::Column { id, .. } => write!(f, "{id}"),
            Expr::Compare { operator, left, right } => {
                write!(f, "({left} {} {right})", operator.symbol())
            }
            Expr::Distinct { distinct, left, right } => {
                let not = if *distinct { "" } else { "NOT " };
                write!(f, "({left} IS {not}DISTINCT FROM {right})")
            }
            Expr::And(parts) => write_joined(f, parts, " AND "),
            Expr::Or(parts) => write_joined(f, parts, " OR "),
            Expr::Not(input) => write!(f, "NOT {input}"),
            Expr::IsNull(input) => write!(f, "({input} IS NULL)"),
            Expr::InList { input, list } => {
                write!(f, "{input} IN (")?;
                for (index, value) in list.iter().enumerate() {
                    f.write_str(if index > 0 { ", " } else { "" })?;
                    write_value(f, value)?;
                }
                f.write_str(")")
            }
            Expr::Cast { input, to, lenient } => {
                write!(f, "{}CAST({input} AS {to})", if *lenient { "TRY_" } else { "" })
            }
            Expr::Case { branches, otherwise, .. } => {
                f.write_str("CASE")?;
                for (when, then) in branches {
                    write!(f, " WHEN {when} THEN {then}")?;
                }
                if let Some(otherwise) = otherwise {
                    write!(f, " ELSE {otherwise}")?;
                }
                f.write_str(" END")
            }
            Expr::Coalesce { operands, .. } => {
                f.write_str("COALESCE")?;
                write_joined(f, operands, ", ")
            }
            Expr::Call { function, arguments, .. } => {
                f.write_str(function.name)?;
                write_joined(f, arguments, ", ")
            }
        }
    }
}

fn write_joined(f: &mut fmt::Formatter<'_>, parts: &[Expr], between: &str) -> fmt::Result {
    f.write_str("(")?;
    for (index, part) in parts.iter().enumerate() {
        f.write_str(if index > 0 { between } else { "" })?;
        write!(f, "{part}")?;
    }
    f.write_str(")")
}

/// A constant; dates and times as their numbers, since formats belong to the session.
fn write_value(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Null => f.write_str("NULL"),
        Value::Boolean(value) => write!(f, "{}", value.to_string().to_uppercase()),
        Value::Number(number) => {
            let digits = number.unscaled.unsigned_abs().to_string();
            let scale = usize::from(number.scale);
            let digits = format!("{digits:0>width$}", width = scale + 1);
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            let sign = if number.unscaled < 0 { "-" } else { "" };
            let point = if scale > 0 { "." } else { "" };
            write!(f, "{sign}{whole}{point}{fraction}")
        }
        Value::Float(value) => write!(f, "{value:e}"),
        Value::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
        Value::Date(days) => write!(f, "DATE {days}"),
        Value::Time(nanos) => write!(f, "TIME {nanos}"),
        Value::Timestamp(nanos) => write!(f, "TIMESTAMP {nanos}"),
        Value::TimestampTz(value) => {
            write!(f, "TIMESTAMP {}{:+}", value.utc_nanos, value.offset_minutes)
        }
        Value::Binary(bytes) | Value::Variant(bytes) => {
            f.write_str("X'")?;
            bytes.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
            f.write_str("'")
        }
    }
}
