//! INFER_SCHEMA: the columns that staged files seem to have.

use firn_account::catalog::{Action, Namespace, Object, ObjectPath};
use firn_loader::infer_schema::{InferRequest, infer_schema};
use firn_loader::stage::{FileSelection, not_found, select};
use firn_parse::{self, ast::StageKind};
use firn_plan::StageLocation;
use firn_types::{Error, ErrorCode, Result};

use super::super::IntrospectionContext;
use super::super::listing::{Listing, boolean, number, text};
use super::Arguments;
use crate::stages;

pub(super) const COLUMNS: &str =
    "COLUMN_NAME, TYPE, NULLABLE:boolean, EXPRESSION, FILENAMES, ORDER_ID:number";

pub(super) const PARAMETERS: &[&str] = &[
    "LOCATION",
    "FILE_FORMAT",
    "FILES",
    "IGNORE_CASE",
    "MAX_FILE_COUNT",
    "MAX_RECORDS_PER_FILE",
    "KIND",
];

pub(super) fn rows(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let location = firn_parse::parse_location(arguments.required_text("LOCATION")?)
        .map_err(Error::without_span)?;
    let place = match &location.kind {
        StageKind::User => StageLocation::User,
        StageKind::Named(name) => {
            let path = context.current.complete(name, "SELECT")?;
            match context.catalog.find_path(Namespace::Stage, &path) {
                Some(object @ Object::Stage(stage)) => {
                    context.catalog.authorize(Action::ReadFiles, object)?;
                    StageLocation::Named(stage.header.id)
                }
                _ => return Err(missing("Stage", &path)),
            }
        }
        StageKind::Table(_) | StageKind::Url(_) => {
            return Err(Error::not_supported("INFER_SCHEMA of anything but a named stage"));
        }
    };
    let path = context.path(arguments.required_text("FILE_FORMAT")?, "SELECT")?;
    let Some(object @ Object::FileFormat(format)) =
        context.catalog.find_path(Namespace::FileFormat, &path)
    else {
        return Err(missing("File format", &path));
    };
    context.catalog.authorize(Action::Use, object)?;
    let format = stages::stored_format(&format.format_type, &format.options)?.typed()?;
    let (account, catalog) = (&context.shared.account, &context.catalog);
    let stage = stages::open(account, catalog, &context.stage_user, &place, &context.monitor)?;
    let files = Some(arguments.texts("FILES")?).filter(|files| !files.is_empty());
    let selection = FileSelection { prefix: location.path.clone(), files, pattern: None };
    let (files, absent) = select(stage.as_ref(), &selection)?;
    if let Some(path) = absent.first() {
        return Err(not_found(&stage.shown(path)));
    }
    let count = |name: &str| -> Result<Option<u64>> {
        Ok(arguments.number(name)?.and_then(|number| u64::try_from(number).ok()))
    };
    let request = InferRequest {
        max_file_count: count("MAX_FILE_COUNT")?.and_then(|count| usize::try_from(count).ok()),
        max_records_per_file: count("MAX_RECORDS_PER_FILE")?,
        ignore_case: arguments.boolean("IGNORE_CASE")?.unwrap_or(false),
    };
    for column in infer_schema(&stage, &files, &format, &request)? {
        listing.add(&[
            ("COLUMN_NAME", text(column.name.as_str())),
            ("TYPE", text(column.type_text())),
            ("NULLABLE", boolean(column.nullable)),
            ("EXPRESSION", text(column.expression.as_str())),
            ("FILENAMES", text(column.files.join(", "))),
            ("ORDER_ID", number(column.order_id as i128)),
        ]);
    }
    Ok(())
}

fn missing(kind: &str, path: &ObjectPath) -> Error {
    let text = format!("{kind} '{path}' does not exist or not authorized.");
    Error::new(ErrorCode::NotFound, text)
}
