//! Rows as JSON: an array of texts or nulls for each row.
//!
//! | SQL type | text |
//! |---|---|
//! | BOOLEAN | `1` or `0` |
//! | NUMBER | with all digits of its scale |
//! | FLOAT | shortest that reads back; `inf`, `-inf`, `NaN` |
//! | BINARY | hexadecimal, in upper case |
//! | DATE | days since 1970 |
//! | TIME | seconds since midnight |
//! | TIMESTAMP_NTZ, TIMESTAMP_LTZ | seconds since 1970, of the wall clock or of UTC |
//! | TIMESTAMP_TZ | seconds since 1970 UTC, a blank, minutes east of UTC plus 1440 |
//! | VARIANT, OBJECT, ARRAY, structured types | JSON as the session prints it |
//! | VECTOR | a list in brackets |

use std::fmt::Write;

use firn_column::{Array, Batch};
use firn_engine::{Field, SqlType, StatementResult};
use firn_types::number_text::{write_decimal, write_float};
use firn_types::print_text::write_binary;
use firn_types::text_format::BinaryFormat;
use firn_types::value::TimestampTz;
use firn_types::variant::json_write::write_quoted;
use firn_types::{Error, Result, vector};

/// Nanoseconds of a second.
const SECOND: i128 = 1_000_000_000;
/// Added to minutes of an offset, so that they are never negative.
pub(crate) const OFFSET_BIAS: i32 = 1440;

/// Writes rows.
pub(crate) struct JsonRows<'r> {
    /// The result that they are of.
    pub(crate) result: &'r StatementResult,
    /// Whether BOOLEAN is `true` or `false`.
    pub(crate) words: bool,
    /// Whether NULL is null, rather than the text `null`.
    pub(crate) nullable: bool,
}

impl<'r> JsonRows<'r> {
    /// A writer of rows for clients.
    pub(crate) fn new(result: &'r StatementResult) -> JsonRows<'r> {
        JsonRows { result, words: false, nullable: true }
    }

    /// Appends the rows of a batch, each an array, with commas between them and behind what is there already.
    ///
    /// # Errors
    /// An internal error when a column is not of its type.
    pub(crate) fn write(&self, batch: &Batch, out: &mut String) -> Result<()> {
        let columns: Vec<Array> = batch.columns().iter().map(firn_column::Column::flat).collect();
        let mut text = String::new();
        for row in 0..batch.rows() {
            out.push_str(if out.is_empty() { "[" } else { ",[" });
            for (index, (array, field)) in columns.iter().zip(&self.result.fields).enumerate() {
                if index > 0 {
                    out.push(',');
                }
                self.write_cell((array, row), field, &mut text, out)?;
            }
            out.push(']');
        }
        Ok(())
    }

    /// Appends a cell: a text in quotes, or null.
    fn write_cell(
        &self,
        (array, row): (&Array, usize),
        field: &Field,
        text: &mut String,
        out: &mut String,
    ) -> Result<()> {
        if array.is_null(row) || field.sql_type == SqlType::Null {
            out.push_str(if self.nullable { "null" } else { "\"null\"" });
            return Ok(());
        }
        match (field.sql_type, array) {
            (SqlType::Varchar { .. }, Array::Text(texts)) => write_quoted(texts.value(row), out),
            (sql_type, Array::Bytes(values)) if sql_type.is_semi_structured() => {
                text.clear();
                self.result.write_variant(values.value(row), text);
                write_quoted(text, out);
            }
            (SqlType::Boolean, Array::Bool(values)) if self.words => {
                out.push_str(if values.value(row) { "\"true\"" } else { "\"false\"" });
            }
            (sql_type, array) => {
                // None of these texts has a character that JSON escapes.
                out.push('"');
                write_plain(array, row, sql_type, out)?;
                out.push('"');
            }
        }
        Ok(())
    }
}

/// Appends the text of a value of digits and letters.
fn write_plain(array: &Array, row: usize, sql_type: SqlType, out: &mut String) -> Result<()> {
    match (sql_type, array) {
        (SqlType::Boolean, Array::Bool(values)) => {
            out.push(if values.value(row) { '1' } else { '0' })
        }
        (SqlType::Float, Array::F64(values)) => write_float(out, values.value(row)),
        (SqlType::Binary { .. }, Array::Bytes(values)) => {
            write_binary(out, values.value(row), BinaryFormat::Hex)?;
        }
        (SqlType::Vector { element, .. }, Array::Bytes(values)) => {
            vector::write(values.value(row), element, out);
        }
        (SqlType::Number { scale, .. }, array) => write_decimal(out, array.integer(row), scale),
        (SqlType::Date, array) => write_decimal(out, array.integer(row), 0),
        (
            SqlType::Time { scale }
            | SqlType::TimestampNtz { scale }
            | SqlType::TimestampLtz { scale },
            array,
        ) => write_seconds(out, array.integer(row), scale),
        (SqlType::TimestampTz { scale }, array) => {
            let value = TimestampTz::unpacked(array.integer(row));
            write_seconds(out, value.utc_nanos, scale);
            let offset = i32::from(value.offset_minutes) + OFFSET_BIAS;
            // Writing to a text does not fail.
            let _ = write!(out, " {offset}");
        }
        (sql_type, array) => {
            let form = array.physical();
            return Err(Error::internal(format!("values of {sql_type} in the form {form:?}")));
        }
    }
    Ok(())
}

/// Appends nanoseconds as seconds with so many digits behind the point.
fn write_seconds(out: &mut String, nanos: i128, scale: u8) {
    let scale = scale.min(9);
    let unit = SECOND / 10_i128.pow(u32::from(scale));
    write_decimal(out, nanos.div_euclid(unit), scale);
}
