//! How a result's row is written in an `.slt` file: cells between bars.

use firn_engine::Cell;

/// The row on one line, its cells separated by `|`.
pub fn written_row(cells: &[Cell]) -> String {
    let texts: Vec<String> = cells.iter().map(written_cell).collect();
    texts.join("|")
}

/// The cell as a client of the server gets it: `NULL`, `true`, `false`, `(empty)` for an empty text, and
/// a text of several lines with its lines trimmed and joined, which makes indented JSON one line.
pub fn written_cell(cell: &Cell) -> String {
    match cell {
        Cell::Null => "NULL".to_string(),
        Cell::Boolean(value) => value.to_string(),
        Cell::Text(text) if text.is_empty() => "(empty)".to_string(),
        Cell::Text(text) if text.contains('\n') => text.lines().map(str::trim).collect(),
        Cell::Text(text) => text.clone(),
    }
}
