//! Expressions as EXPLAIN, profiles and internal errors show them.

use std::collections::HashMap;
use std::fmt;

use firn_types::date_time::civil_from_days;
use firn_types::variant::{JsonWriter, PlainText, Variant};
use firn_types::{ColumnId, Value, timestamp};

use super::{Expr, Lambda, Parameter};

/// How columns are called, for those who read an expression.
pub type ColumnNames = HashMap<ColumnId, String>;

/// Values of a list that are written out for those who read names.
const VALUES_SHOWN: usize = 64;

/// An expression whose columns are shown under names.
#[derive(Clone, Copy, Debug)]
pub struct Named<'e> {
    expr: &'e Expr,
    names: Option<&'e ColumnNames>,
}

impl Expr {
    /// The expression with names for its columns; a column without one shows its number.
    pub fn named<'e>(&'e self, names: &'e ColumnNames) -> Named<'e> {
        Named { expr: self, names: Some(names) }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Named { expr: self, names: None }.fmt(f)
    }
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |expr| self.of(expr);
        match self.expr {
            // Those who read names cannot read bytes.
            Expr::Literal { value: Value::Variant(bytes), .. } if self.names.is_some() => {
                let json = JsonWriter::compact(&PlainText).text(Variant::new(bytes));
                write!(f, "PARSE_JSON('{}')", json.replace('\'', "''"))
            }
            Expr::Literal { value, .. } => write_value(f, value),
            Expr::Column { id, .. } => match self.names.and_then(|names| names.get(id)) {
                Some(name) => f.write_str(name),
                None => write!(f, "{id}"),
            },
            Expr::Compare { operator, left, right } => {
                write!(f, "({} {} {})", of(left), operator.symbol(), of(right))
            }
            Expr::Distinct { distinct, left, right } => {
                let not = if *distinct { "" } else { "NOT " };
                write!(f, "({} IS {not}DISTINCT FROM {})", of(left), of(right))
            }
            Expr::And(parts) => self.write_joined(f, parts, " AND "),
            Expr::Or(parts) => self.write_joined(f, parts, " OR "),
            Expr::Not(input) => match input.as_ref() {
                Expr::IsNull(input) => write!(f, "({} IS NOT NULL)", of(input)),
                input => write!(f, "NOT {}", of(input)),
            },
            Expr::IsNull(input) => write!(f, "({} IS NULL)", of(input)),
            Expr::InList { input, list } => {
                write!(f, "{} IN (", of(input))?;
                // Those who read names want to know what is done, not every value.
                let shown = if self.names.is_some() { VALUES_SHOWN } else { list.len() };
                for (index, value) in list.iter().take(shown).enumerate() {
                    f.write_str(if index > 0 { ", " } else { "" })?;
                    write_value(f, value)?;
                }
                f.write_str(if list.len() > shown { ", ...)" } else { ")" })
            }
            Expr::Cast { input, to, lenient } => {
                let verb = if *lenient { "TRY_CAST" } else { "CAST" };
                write!(f, "{verb}({} AS {to})", of(input))
            }
            Expr::Case { branches, otherwise, .. } => {
                f.write_str("CASE")?;
                for (when, then) in branches {
                    write!(f, " WHEN {} THEN {}", of(when), of(then))?;
                }
                if let Some(otherwise) = otherwise {
                    write!(f, " ELSE {}", of(otherwise))?;
                }
                f.write_str(" END")
            }
            Expr::Coalesce { operands, .. } => {
                f.write_str("COALESCE")?;
                self.write_joined(f, operands, ", ")
            }
            Expr::Parameter(parameter) => write!(f, "{}", Shown(*parameter)),
            Expr::HigherOrder { kind, inputs, lambda } => {
                write!(f, "{}(", kind.name())?;
                inputs.iter().try_for_each(|input| write!(f, "{}, ", of(input)))?;
                self.write_lambda(f, lambda)?;
                f.write_str(")")
            }
            Expr::Foreign { function, arguments } => self.write_call(f, &function.name, arguments),
            Expr::Call { function, arguments, .. } => self.write_call(f, function.name, arguments),
        }
    }
}

impl<'e> Named<'e> {
    fn of(&self, expr: &'e Expr) -> Named<'e> {
        Named { expr, names: self.names }
    }

    fn write_lambda(&self, f: &mut fmt::Formatter<'_>, lambda: &'e Lambda) -> fmt::Result {
        let parameters: Vec<String> =
            lambda.parameters.iter().map(|parameter| Shown(*parameter).to_string()).collect();
        match parameters.as_slice() {
            [one] => f.write_str(one)?,
            several => write!(f, "({})", several.join(", "))?,
        }
        write!(f, " -> {}", self.of(&lambda.body))
    }

    fn write_call(
        &self,
        f: &mut fmt::Formatter<'_>,
        name: &str,
        arguments: &'e [Expr],
    ) -> fmt::Result {
        match arguments {
            [left, right] if is_infix(name) => {
                write!(f, "({} {name} {})", self.of(left), self.of(right))
            }
            arguments => {
                f.write_str(name)?;
                self.write_joined(f, arguments, ", ")
            }
        }
    }

    fn write_joined(
        &self,
        f: &mut fmt::Formatter<'_>,
        parts: &'e [Expr],
        between: &str,
    ) -> fmt::Result {
        f.write_str("(")?;
        for (index, part) in parts.iter().enumerate() {
            f.write_str(if index > 0 { between } else { "" })?;
            write!(f, "{}", self.of(part))?;
        }
        f.write_str(")")
    }
}

/// A parameter under a name of its own: `x0`, `y1`.
struct Shown(Parameter);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = if self.0.index == 0 { "x" } else { "y" };
        write!(f, "{letter}{}", self.0.height)
    }
}

/// Whether a function's name is written between its two arguments.
fn is_infix(name: &str) -> bool {
    matches!(name, "LIKE" | "ILIKE" | "RLIKE") || !name.contains(char::is_alphanumeric)
}

/// A constant; dates and times as ISO has them, since formats belong to the session.
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
        Value::Date(days) => write!(f, "DATE '{}'", iso_date(*days)),
        Value::Time(nanos) => write!(f, "TIME '{}'", iso_time(*nanos)),
        Value::Timestamp(nanos) => write!(f, "TIMESTAMP '{}'", iso_moment(*nanos)),
        Value::TimestampTz(value) => {
            let minutes = value.offset_minutes;
            let (sign, offset) = (if minutes < 0 { '-' } else { '+' }, minutes.unsigned_abs());
            let (hours, minutes) = (offset / 60, offset % 60);
            let local = iso_moment(value.wall_nanos());
            write!(f, "TIMESTAMP '{local} {sign}{hours:02}{minutes:02}'")
        }
        Value::Binary(bytes) | Value::Variant(bytes) => {
            f.write_str("X'")?;
            bytes.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
            f.write_str("'")
        }
    }
}

const NANOS_PER_SECOND: i64 = 1_000_000_000;

fn iso_date(days: i32) -> String {
    let civil = civil_from_days(days);
    format!("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day)
}

fn iso_time(nanos: i64) -> String {
    let (seconds, fraction) = (nanos / NANOS_PER_SECOND, nanos % NANOS_PER_SECOND);
    let whole = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    match fraction {
        0 => whole,
        fraction => format!("{whole}.{}", format!("{fraction:09}").trim_end_matches('0')),
    }
}

fn iso_moment(nanos: i128) -> String {
    let (days, nanos_of_day) = timestamp::split(nanos);
    format!("{} {}", iso_date(days), iso_time(nanos_of_day))
}
