//! Rows about objects: columns from one line of text, values by the columns' names.

use std::sync::Arc;

use firn_storage::Snapshot;
use firn_types::variant::{JsonReader, RepeatedKey};
use firn_types::{Field, Result, SqlType, Value};

use crate::result::Rows;

/// A value with the name of the column that it belongs to.
pub(crate) type Cell<'a> = (&'a str, Value);

/// Rows whose values are given by name. A value without a column is left out, so that one place makes the
/// rows of the short and the long form of a listing; a column without a value is empty.
#[derive(Debug)]
pub(crate) struct Listing {
    rows: Rows,
    absent: Value,
}

impl Listing {
    /// A listing in the manner of SHOW, where an absent text is empty.
    pub(crate) fn show(columns: &str) -> Listing {
        Listing { rows: Rows::new(fields(columns)), absent: Value::text("") }
    }

    /// A listing in the manner of DESCRIBE and INFORMATION_SCHEMA, where an absent text is NULL.
    pub(crate) fn nulls(columns: &str) -> Listing {
        Listing { rows: Rows::new(fields(columns)), absent: Value::Null }
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, cells: &[Cell<'_>]) {
        let value = |field: &Field| match cells.iter().find(|(name, _)| *name == field.name) {
            Some((_, value)) => value.clone(),
            None if field.sql_type == SqlType::TEXT => self.absent.clone(),
            None => Value::Null,
        };
        let row = self.rows.fields.iter().map(value).collect();
        self.rows.rows.push(row);
    }

    /// The number of rows so far.
    pub(crate) fn len(&self) -> usize {
        self.rows.rows.len()
    }

    /// The rows.
    pub(crate) fn rows(self) -> Rows {
        self.rows
    }
}

/// The columns that a line describes: names with commas between them, and behind a name its type where it
/// is no text: `:number`, `:float`, `:boolean`, `:time` (TIMESTAMP_LTZ), `:variant`, `:array`, `:object`.
pub(crate) fn fields(columns: &str) -> Vec<Field> {
    let field = |column: &str| {
        let (name, kind) = column.trim().split_once(':').unwrap_or((column.trim(), ""));
        let sql_type = match kind {
            "number" => SqlType::INTEGER,
            "float" => SqlType::Float,
            "boolean" => SqlType::Boolean,
            "time" => SqlType::TIMESTAMP_LTZ,
            "variant" => SqlType::Variant,
            "array" => SqlType::Array,
            "object" => SqlType::Object,
            _ => SqlType::TEXT,
        };
        Field::new(name, sql_type)
    };
    columns.split(',').map(field).collect()
}

/// A text.
pub(crate) fn text(text: impl Into<Arc<str>>) -> Value {
    Value::text(text)
}

/// A text, or NULL.
pub(crate) fn optional(value: Option<impl Into<Arc<str>>>) -> Value {
    value.map_or(Value::Null, Value::text)
}

/// A whole number.
pub(crate) fn number(number: impl Into<i128>) -> Value {
    Value::integer(number)
}

/// A table's rows and bytes; NULL where its list of micro-partitions tells them and cannot be read, which is
/// no reason to show no other table.
pub(crate) fn totals(rows: &Snapshot) -> [Value; 2] {
    match rows.totals() {
        Ok(totals) => [number(totals.rows), number(totals.bytes)],
        Err(_) => [Value::Null, Value::Null],
    }
}

/// A moment: nanoseconds since 1970 UTC.
pub(crate) fn time(nanos: i64) -> Value {
    Value::Timestamp(i128::from(nanos))
}

/// A BOOLEAN.
pub(crate) fn boolean(value: bool) -> Value {
    Value::Boolean(value)
}

/// A JSON value as a VARIANT, OBJECT or ARRAY.
///
/// # Errors
/// When it is nested too deeply.
pub(crate) fn variant(value: &serde_json::Value) -> Result<Value> {
    let mut bytes = Vec::new();
    JsonReader::new(RepeatedKey::KeepLast).read(&value.to_string(), &mut bytes)?;
    Ok(Value::Variant(bytes.into()))
}

/// `true` or `false` as a text.
pub(crate) fn true_false(value: bool) -> Value {
    Value::text(if value { "true" } else { "false" })
}

/// `Y` or `N`.
pub(crate) fn y_n(value: bool) -> Value {
    Value::text(if value { "Y" } else { "N" })
}

/// `YES` or `NO`.
pub(crate) fn yes_no(value: bool) -> Value {
    Value::text(if value { "YES" } else { "NO" })
}

/// `ON` or `OFF`.
pub(crate) fn on_off(value: bool) -> Value {
    Value::text(if value { "ON" } else { "OFF" })
}

/// Whether a text is like a pattern of `%` and `_`, in any case; a backslash takes their meaning away.
pub(crate) fn is_like(value: &str, pattern: &str) -> bool {
    let value: Vec<char> = value.to_lowercase().chars().collect();
    let pattern = pieces(pattern);
    // The usual walk with one place to return to: the last `%` and how much it has taken.
    let (mut at, mut piece) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while at < value.len() {
        match pattern.get(piece) {
            Some(Piece::Any) => {
                back = Some((piece, at));
                piece += 1;
            }
            Some(Piece::One) => (at, piece) = (at + 1, piece + 1),
            Some(Piece::Exactly(c)) if *c == value[at] => (at, piece) = (at + 1, piece + 1),
            _ => match &mut back {
                Some((any, taken)) => {
                    *taken += 1;
                    (at, piece) = (*taken, *any + 1);
                }
                None => return false,
            },
        }
    }
    pattern[piece..].iter().all(|piece| matches!(piece, Piece::Any))
}

/// A part of a LIKE pattern.
enum Piece {
    Any,
    One,
    Exactly(char),
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let lower = pattern.to_lowercase();
    let mut characters = lower.chars();
    let mut pieces = Vec::new();
    while let Some(character) = characters.next() {
        pieces.push(match character {
            '%' => Piece::Any,
            '_' => Piece::One,
            '\\' => Piece::Exactly(characters.next().unwrap_or('\\')),
            other => Piece::Exactly(other),
        });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_takes_any_text_and_any_character_without_regard_to_case() {
        for (value, pattern, expected) in [
            ("ORDERS", "ord%", true),
            ("ORDERS", "%er%", true),
            ("ORDERS", "ord", false),
            ("ORDERS", "_rders", true),
            ("A_B", "a\\_b", true),
            ("AXB", "a\\_b", false),
            ("", "%", true),
            ("aXbXc", "a%x%c", true),
            ("aXbXc", "a%y%c", false),
        ] {
            assert_eq!(is_like(value, pattern), expected, "{value} like {pattern}");
        }
    }
}
