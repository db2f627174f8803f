//! VALIDATE: the rows that an earlier COPY did not take.

use std::sync::Arc;

use firn_account::catalog::{Action, ObjectKind};
use firn_types::{Error, ErrorCode, Result};

use super::super::IntrospectionContext;
use super::super::listing::{Listing, number, optional, text};
use super::Arguments;
use crate::history::QueryRecord;

pub(super) const COLUMNS: &str = "ERROR, FILE, LINE:number, CHARACTER:number, BYTE_OFFSET:number, \
    CATEGORY, CODE:number, SQL_STATE, COLUMN_NAME, ROW_NUMBER:number, ROW_START_LINE:number, \
    REJECTED_RECORD";

/// What JOB_ID calls the last COPY into the table in this session.
const LAST: &str = "_last";

pub(super) fn rows(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let path = context.path(arguments.required_text("TABLE")?, "VALIDATE")?;
    let object = context.catalog.resolve(ObjectKind::Table, &path)?;
    context.catalog.authorize(Action::Insert, object)?;
    let table = object.id();
    let loaded = |record: &Arc<QueryRecord>| {
        record.details().rejected.as_ref().is_some_and(|(id, _)| *id == table)
    };
    let record = match arguments.required_text("JOB_ID")? {
        LAST => {
            let statements = context.shared.statements.newest_first();
            let mut own =
                statements.into_iter().filter(|record| record.session_id == context.session_id);
            match own.find(loaded) {
                Some(record) => record,
                None => return Ok(()),
            }
        }
        id => {
            let record = context.statement(id)?;
            if !loaded(&record) {
                let text = format!("Statement {id} did not load table '{path}'.");
                return Err(Error::new(ErrorCode::InvalidParameterValue, text));
            }
            record
        }
    };
    let rejected = record.details().rejected.clone();
    for error in rejected.iter().flat_map(|(_, errors)| errors.iter()) {
        listing.add(&[
            ("ERROR", text(error.message.as_str())),
            ("FILE", text(error.file.as_ref())),
            ("LINE", number(error.line)),
            ("CHARACTER", number(error.character)),
            ("BYTE_OFFSET", number(error.byte_offset)),
            ("CATEGORY", text(error.category.name())),
            ("CODE", number(error.code.number())),
            ("SQL_STATE", text(error.code.sqlstate())),
            ("COLUMN_NAME", optional(error.column.as_ref().map(|column| column.label.as_str()))),
            ("ROW_NUMBER", number(error.row_number)),
            ("ROW_START_LINE", number(error.row_start_line)),
            ("REJECTED_RECORD", text(error.record.as_str())),
        ]);
    }
    Ok(())
}
