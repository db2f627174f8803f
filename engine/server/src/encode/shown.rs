//! Rows as people see them: what firn's own shell would print of each value, as JSON.

use firn_column::Batch;
use firn_engine::{Cell, StatementResult};
use firn_types::Result;
use firn_types::variant::json_write::write_quoted;

/// Appends the rows of a batch, each an array of texts, truth values and nulls, with commas between them and behind
/// what is there already.
///
/// # Errors
/// When a value cannot be printed.
pub(crate) fn write(result: &StatementResult, batch: &Batch, out: &mut String) -> Result<()> {
    result.print(batch, &mut |cells| {
        out.push_str(if out.is_empty() { "[" } else { ",[" });
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            match cell {
                Cell::Null => out.push_str("null"),
                Cell::Boolean(truth) => out.push_str(if *truth { "true" } else { "false" }),
                Cell::Text(text) => write_quoted(text, out),
            }
        }
        out.push(']');
    })
}
