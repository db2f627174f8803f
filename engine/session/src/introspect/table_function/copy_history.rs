//! COPY_HISTORY: the files that were loaded into a table.

use std::sync::Arc;

use firn_account::catalog::LoadStatus;
use firn_account::catalog::{LoadRecord, Object, ObjectKind, Pipe, VisibleCatalog};
use firn_types::{ObjectId, Result};

use super::super::IntrospectionContext;
use super::super::listing::{Cell, Listing, number, optional, text, time};
use super::Arguments;

pub(super) const COLUMNS: &str = "FILE_NAME, STAGE_LOCATION, LAST_LOAD_TIME:time, ROW_COUNT:number, \
    ROW_PARSED:number, FILE_SIZE:number, FIRST_ERROR_MESSAGE, FIRST_ERROR_LINE_NUMBER:number, \
    FIRST_ERROR_CHARACTER_POS:number, FIRST_ERROR_COLUMN_NAME, ERROR_COUNT:number, \
    ERROR_LIMIT:number, STATUS, TABLE_CATALOG_NAME, TABLE_SCHEMA_NAME, TABLE_NAME, \
    PIPE_CATALOG_NAME, PIPE_SCHEMA_NAME, PIPE_NAME, PIPE_RECEIVED_TIME:time, BYTES_BILLED:number";

pub(super) const PARAMETERS: &[&str] = &["TABLE_NAME", "START_TIME", "END_TIME"];

pub(super) fn rows(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let path = context.path(arguments.required_text("TABLE_NAME")?, "COPY_HISTORY")?;
    let found = context.catalog.resolve(ObjectKind::Table, &path)?;
    let start = arguments.required_time("START_TIME")?;
    let end = arguments.time("END_TIME")?;
    let Some(table) = found.as_table() else { return Ok(()) };
    let in_range = |nanos: i64| {
        let nanos = i128::from(nanos);
        nanos >= start && end.is_none_or(|end| nanos <= end)
    };
    let own = table.loads.read()?.records();
    let mut records: Vec<Load<'_>> = own.map(|record| (record, None)).collect();
    let engine = context.catalog.as_engine();
    records.extend(
        by_pipes(&engine)?
            .into_iter()
            .filter(|(record, _)| record.by_pipe.is_some_and(|load| load.table == table.header.id)),
    );
    records.retain(|(record, _)| in_range(record.loaded_nanos));
    records.sort_by_key(|(record, _)| record.loaded_nanos);
    for (record, pipe) in records {
        let mut cells = cells(context, record);
        cells.extend(pipe_cells(context, record, pipe));
        cells.extend([
            ("TABLE_CATALOG_NAME", text(path.database.as_str())),
            ("TABLE_SCHEMA_NAME", text(path.schema.as_str())),
            ("TABLE_NAME", text(path.name.as_str())),
        ]);
        listing.add(&cells);
    }
    Ok(())
}

/// A load, and the pipe that made it.
pub(in crate::introspect) type Load<'c> = (&'c Arc<LoadRecord>, Option<&'c Arc<Pipe>>);

/// All loads of the pipes that there are.
///
/// # Errors
/// A load history that cannot be read.
pub(in crate::introspect) fn by_pipes(catalog: &VisibleCatalog) -> Result<Vec<Load<'_>>> {
    let pipes = catalog.all().filter_map(Object::as_pipe);
    let mut loads = Vec::new();
    for pipe in pipes.filter(|pipe| catalog.is_live(pipe.header.id)) {
        loads.extend(pipe.loads.read()?.records().map(|record| (record, Some(pipe))));
    }
    Ok(loads)
}

/// The cells about the pipe of a load, whose name those see who see the pipe.
pub(in crate::introspect) fn pipe_cells(
    context: &IntrospectionContext,
    record: &LoadRecord,
    pipe: Option<&Arc<Pipe>>,
) -> Vec<Cell<'static>> {
    let (Some(pipe), Some(load)) = (pipe, record.by_pipe) else { return Vec::new() };
    let mut cells = vec![("PIPE_RECEIVED_TIME", time(load.received_nanos))];
    let catalog = &context.catalog;
    let seen = catalog.object(pipe.header.id).is_some_and(|pipe| catalog.sees(pipe));
    if let Some(path) = catalog.path_of(&pipe.header).ok().filter(|_| seen) {
        cells.extend([
            ("PIPE_CATALOG_NAME", text(path.database)),
            ("PIPE_SCHEMA_NAME", text(path.schema)),
            ("PIPE_NAME", text(path.name)),
        ]);
    }
    cells
}

/// The cells of a load, but for the table's and the pipe's.
pub(in crate::introspect) fn cells(
    context: &IntrospectionContext,
    record: &LoadRecord,
) -> Vec<Cell<'static>> {
    let status = match record.status {
        LoadStatus::Loaded => "Loaded",
        LoadStatus::Failed => "Load failed",
        LoadStatus::Partial => "Partially loaded",
    };
    let (location, file) = place(context, &record.path);
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
pub(crate) fn place(context: &IntrospectionContext, path: &str) -> (String, String) {
    if let Some((id, rest)) = path.strip_prefix("stages/").and_then(|path| path.split_once('/')) {
        let object = id.parse().ok().and_then(|id| context.catalog.object(ObjectId(id)));
        let location = match object {
            Some(Object::Table(table)) => format!("@%{}", table.header.name),
            Some(stage) => format!("@{}", context.catalog.full_name(stage.id())),
            None => "@~".to_string(),
        };
        return (location, rest.to_string());
    }
    match path.rsplit_once('/') {
        Some((folder, file)) => (format!("{folder}/"), file.to_string()),
        None => (String::new(), path.to_string()),
    }
}
