//! COPY_HISTORY: the files that were loaded into a table.

use firn_account::catalog::LoadStatus;
use firn_account::catalog::{LoadRecord, Object, ObjectKind};
use firn_types::{ObjectId, Result};

use super::super::Described;
use super::super::listing::{Cell, Listing, number, optional, text, time};
use super::Arguments;

pub(super) const COLUMNS: &str = "FILE_NAME, STAGE_LOCATION, LAST_LOAD_TIME:time, ROW_COUNT:number, \
    ROW_PARSED:number, FILE_SIZE:number, FIRST_ERROR_MESSAGE, FIRST_ERROR_LINE_NUMBER:number, \
    FIRST_ERROR_CHARACTER_POS:number, FIRST_ERROR_COLUMN_NAME, ERROR_COUNT:number, \
    ERROR_LIMIT:number, STATUS, TABLE_CATALOG_NAME, TABLE_SCHEMA_NAME, TABLE_NAME, \
    PIPE_CATALOG_NAME, PIPE_SCHEMA_NAME, PIPE_NAME, PIPE_RECEIVED_TIME:time, BYTES_BILLED:number";

pub(super) const PARAMETERS: &[&str] = &["TABLE_NAME", "START_TIME", "END_TIME"];

pub(super) fn rows(
    described: &Described,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let path = described.path(arguments.expect_text("TABLE_NAME")?, "COPY_HISTORY")?;
    let found = described.catalog.expect_path(ObjectKind::Table, &path)?;
    let start = arguments.expect_time("START_TIME")?;
    let end = arguments.time("END_TIME")?;
    let Some(table) = found.as_table() else { return Ok(()) };
    let in_range = |nanos: i64| {
        let nanos = i128::from(nanos);
        nanos >= start && end.is_none_or(|end| nanos <= end)
    };
    let mut records: Vec<_> = table.loads.records().collect();
    records.retain(|record| in_range(record.loaded_nanos));
    records.sort_by_key(|record| record.loaded_nanos);
    for record in records {
        let mut cells = cells(described, record);
        cells.extend([
            ("TABLE_CATALOG_NAME", text(path.database.as_str())),
            ("TABLE_SCHEMA_NAME", text(path.schema.as_str())),
            ("TABLE_NAME", text(path.name.as_str())),
        ]);
        listing.add(&cells);
    }
    Ok(())
}

/// The cells of a load, but for the table's.
pub(in crate::introspect) fn cells(
    described: &Described,
    record: &LoadRecord,
) -> Vec<Cell<'static>> {
    let status = match record.status {
        LoadStatus::Loaded => "Loaded",
        LoadStatus::Failed => "Load failed",
        LoadStatus::Partial => "Partially loaded",
    };
    let (location, file) = place(described, &record.path);
    let mut cells = vec![
        ("FILE_NAME", text(file)),
        ("STAGE_LOCATION", text(location)),
        ("LAST_LOAD_TIME", time(record.loaded_nanos)),
        ("ROW_COUNT", number(record.rows_loaded)),
        ("ROW_PARSED", number(record.rows_parsed)),
        ("FILE_SIZE", number(record.size)),
        ("ERROR_COUNT", number(record.error_count)),
        ("ERROR_LIMIT", number(record.error_limit)),
        ("STATUS", text(status)),
    ];
    if let Some(error) = &record.first_error {
        cells.extend([
            ("FIRST_ERROR_MESSAGE", text(error.message.as_str())),
            ("FIRST_ERROR_LINE_NUMBER", number(error.line)),
            ("FIRST_ERROR_CHARACTER_POS", number(error.character)),
            ("FIRST_ERROR_COLUMN_NAME", optional(error.column.as_deref())),
        ]);
    }
    cells
}

/// A loaded file's stage, and the file's path within it.
fn place(described: &Described, path: &str) -> (String, String) {
    if let Some((id, rest)) = path.strip_prefix("stages/").and_then(|path| path.split_once('/')) {
        let object = id.parse().ok().and_then(|id| described.catalog.object(ObjectId(id)));
        let location = match object {
            Some(Object::Table(table)) => format!("@%{}", table.header.name),
            Some(stage) => format!("@{}", described.catalog.full_name(stage.id())),
            None => "@~".to_string(),
        };
        return (location, rest.to_string());
    }
    match path.rsplit_once('/') {
        Some((folder, file)) => (format!("{folder}/"), file.to_string()),
        None => (String::new(), path.to_string()),
    }
}
