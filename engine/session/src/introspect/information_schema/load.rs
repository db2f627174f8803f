//! LOAD_HISTORY.

use firn_account::catalog::LoadStatus;
use firn_account::catalog::{Database, Object};
use firn_types::{ObjectId, Result};

use super::super::IntrospectionContext;
use super::super::listing::{Listing, number, optional, text, time};
use super::relations;

pub(super) const LOAD_HISTORY: &str = "SCHEMA_NAME, FILE_NAME, TABLE_NAME, LAST_LOAD_TIME:time, \
    STATUS, ROW_COUNT:number, ROW_PARSED:number, FIRST_ERROR_MESSAGE, \
    FIRST_ERROR_LINE_NUMBER:number, FIRST_ERROR_CHARACTER_POSITION:number, FIRST_ERROR_COL_NAME, \
    ERROR_COUNT:number, ERROR_LIMIT:number";

pub(super) fn load_history(
    context: &IntrospectionContext,
    database: &Database,
    listing: &mut Listing,
) -> Result<()> {
    for (schema, object) in &relations(context, database) {
        let Some(table) = object.as_table() else { continue };
        for record in table.loads.read()?.records() {
            let status = match record.status {
                LoadStatus::Loaded => "LOADED",
                LoadStatus::Failed => "LOAD FAILED",
                LoadStatus::Partial => "PARTIALLY LOADED",
            };
            let mut cells = vec![
                ("SCHEMA_NAME", text(schema.header.name.as_str())),
                ("FILE_NAME", text(shown_file(context, &record.path))),
                ("TABLE_NAME", text(table.header.name.as_str())),
                ("CATALOG_NAME", text(database.header.name.as_str())),
                ("CATALOG_ID", number(database.header.id.0)),
                ("SCHEMA_ID", number(schema.header.id.0)),
                ("TABLE_ID", number(table.header.id.0)),
                ("LAST_LOAD_TIME", time(record.loaded_nanos)),
                ("STATUS", text(status)),
                ("ROW_COUNT", number(record.rows_loaded)),
                ("ROW_PARSED", number(record.rows_parsed)),
                ("ERROR_COUNT", number(record.error_count)),
                ("ERROR_LIMIT", number(record.error_limit)),
            ];
            if let Some(error) = &record.first_error {
                cells.extend([
                    ("FIRST_ERROR_MESSAGE", text(error.message.as_str())),
                    ("FIRST_ERROR_LINE_NUMBER", number(error.line)),
                    ("FIRST_ERROR_CHARACTER_POSITION", number(error.character)),
                    ("FIRST_ERROR_COL_NAME", optional(error.column.as_deref())),
                ]);
            }
            listing.add(&cells);
        }
    }
    Ok(())
}

/// A loaded file as LIST names it: an internal stage's folder goes by the stage's name.
fn shown_file(context: &IntrospectionContext, path: &str) -> String {
    let Some((id, rest)) = path.strip_prefix("stages/").and_then(|rest| rest.split_once('/'))
    else {
        return path.to_string();
    };
    let stage = id.parse().ok().and_then(|id| context.catalog.object(ObjectId(id)));
    match stage {
        Some(Object::Stage(stage)) => format!("{}/{rest}", stage.header.name.to_lowercase()),
        _ => rest.to_string(),
    }
}
