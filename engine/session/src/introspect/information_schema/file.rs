//! STAGES, FILE_FORMATS and SEQUENCES.

use firn_account::catalog::{
    Database, FileFormat, Header, Namespace, Object, Schema, StageLocation,
};

use super::super::IntrospectionContext;
use super::super::listing::{Cell, Listing, number, optional, text, time, y_n, yes_no};
use super::container::present;
use super::schemas;

pub(super) const STAGES: &str = "STAGE_CATALOG, STAGE_SCHEMA, STAGE_NAME, STAGE_URL, STAGE_REGION, \
    STAGE_TYPE, STAGE_OWNER, COMMENT, CREATED:time, LAST_ALTERED:time, ENDPOINT, \
    DIRECTORY_ENABLED, STORAGE_INTEGRATION";

pub(super) const SEQUENCES: &str = "SEQUENCE_CATALOG, SEQUENCE_SCHEMA, SEQUENCE_NAME, \
    SEQUENCE_OWNER, DATA_TYPE, NUMERIC_PRECISION:number, NUMERIC_PRECISION_RADIX:number, \
    NUMERIC_SCALE:number, START_VALUE, MINIMUM_VALUE, MAXIMUM_VALUE, NEXT_VALUE, INCREMENT, \
    CYCLE_OPTION, CREATED:time, LAST_ALTERED:time, ORDERED, COMMENT";

pub(super) const FILE_FORMATS: &str = "FILE_FORMAT_CATALOG, FILE_FORMAT_SCHEMA, FILE_FORMAT_NAME, \
    FILE_FORMAT_OWNER, FILE_FORMAT_TYPE, RECORD_DELIMITER, FIELD_DELIMITER, SKIP_HEADER:number, \
    DATE_FORMAT, TIME_FORMAT, TIMESTAMP_FORMAT, BINARY_FORMAT, ESCAPE, ESCAPE_UNENCLOSED_FIELD, \
    TRIM_SPACE, FIELD_OPTIONALLY_ENCLOSED_BY, NULL_IF, COMPRESSION, \
    ERROR_ON_COLUMN_COUNT_MISMATCH, CREATED:time, LAST_ALTERED:time, COMMENT";

/// Options of a file format that have a column of their name.
const SHOWN_OPTIONS: &[&str] = &[
    "RECORD_DELIMITER",
    "FIELD_DELIMITER",
    "DATE_FORMAT",
    "TIME_FORMAT",
    "TIMESTAMP_FORMAT",
    "BINARY_FORMAT",
    "ESCAPE",
    "ESCAPE_UNENCLOSED_FIELD",
    "TRIM_SPACE",
    "FIELD_OPTIONALLY_ENCLOSED_BY",
    "NULL_IF",
    "COMPRESSION",
    "ERROR_ON_COLUMN_COUNT_MISMATCH",
];

/// Calls `add` with each object of a kind in a database.
pub(super) fn each(
    context: &IntrospectionContext,
    database: &Database,
    kind: Namespace,
    add: &mut dyn FnMut(&Schema, &Object),
) {
    for schema in schemas(context, database) {
        let children = context.catalog.children(kind, schema.header.id);
        children.into_iter().for_each(|object| add(schema, object));
    }
}

/// When an object was made and changed, and its comment.
pub(super) fn dates(header: &Header) -> [Cell<'static>; 3] {
    [
        ("CREATED", time(header.created_nanos)),
        ("LAST_ALTERED", time(header.altered_nanos)),
        ("COMMENT", present(&header.comment)),
    ]
}

pub(super) fn stages(context: &IntrospectionContext, database: &Database, listing: &mut Listing) {
    each(context, database, Namespace::Stage, &mut |schema, object| {
        let Object::Stage(stage) = object else { return };
        let (kind, url, integration, endpoint) = match &stage.location {
            StageLocation::Internal => ("Internal Named", None, None, None),
            StageLocation::External { url, integration, endpoint, .. } => {
                ("External Named", Some(url.as_str()), integration.as_deref(), endpoint.as_deref())
            }
        };
        let mut cells = vec![
            ("STAGE_CATALOG", text(database.header.name.as_str())),
            ("STAGE_SCHEMA", text(schema.header.name.as_str())),
            ("STAGE_NAME", text(object.name())),
            ("STAGE_CATALOG_ID", number(database.header.id.0)),
            ("STAGE_SCHEMA_ID", number(schema.header.id.0)),
            ("STAGE_ID", number(object.id().0)),
            ("STAGE_URL", optional(url)),
            ("STAGE_TYPE", text(kind)),
            ("STAGE_OWNER", text(context.catalog.name_of(stage.header.owner))),
            ("ENDPOINT", optional(endpoint)),
            ("DIRECTORY_ENABLED", y_n(stage.directory.is_some())),
            ("STORAGE_INTEGRATION", optional(integration)),
        ];
        cells.extend(dates(&stage.header));
        listing.add(&cells);
    });
}

pub(super) fn sequences(
    context: &IntrospectionContext,
    database: &Database,
    listing: &mut Listing,
) {
    each(context, database, Namespace::Sequence, &mut |schema, object| {
        let Object::Sequence(sequence) = object else { return };
        let next = context.shared.account.next_value(sequence);
        let mut cells = vec![
            ("SEQUENCE_CATALOG", text(database.header.name.as_str())),
            ("SEQUENCE_SCHEMA", text(schema.header.name.as_str())),
            ("SEQUENCE_NAME", text(object.name())),
            ("SEQUENCE_CATALOG_ID", number(database.header.id.0)),
            ("SEQUENCE_SCHEMA_ID", number(schema.header.id.0)),
            ("SEQUENCE_ID", number(object.id().0)),
            ("SEQUENCE_OWNER", text(context.catalog.name_of(sequence.header.owner))),
            ("DATA_TYPE", text("NUMBER")),
            ("NUMERIC_PRECISION", number(38)),
            ("NUMERIC_PRECISION_RADIX", number(10)),
            ("NUMERIC_SCALE", number(0)),
            ("MINIMUM_VALUE", text(i64::MIN.to_string())),
            ("MAXIMUM_VALUE", text(i64::MAX.to_string())),
            ("NEXT_VALUE", text(next.to_string())),
            ("INCREMENT", text(sequence.step.to_string())),
            ("CYCLE_OPTION", yes_no(false)),
            ("ORDERED", yes_no(sequence.ordered)),
        ];
        cells.extend(dates(&sequence.header));
        listing.add(&cells);
    });
}

pub(super) fn file_formats(
    context: &IntrospectionContext,
    database: &Database,
    listing: &mut Listing,
) {
    each(context, database, Namespace::FileFormat, &mut |schema, object| {
        let Object::FileFormat(format) = object else { return };
        let mut cells = vec![
            ("FILE_FORMAT_CATALOG", text(database.header.name.as_str())),
            ("FILE_FORMAT_SCHEMA", text(schema.header.name.as_str())),
            ("FILE_FORMAT_NAME", text(object.name())),
            ("FILE_FORMAT_CATALOG_ID", number(database.header.id.0)),
            ("FILE_FORMAT_SCHEMA_ID", number(schema.header.id.0)),
            ("FILE_FORMAT_ID", number(object.id().0)),
            ("FILE_FORMAT_OWNER", text(context.catalog.name_of(format.header.owner))),
            ("FILE_FORMAT_TYPE", text(format.format_type.as_str())),
        ];
        cells.extend(options(format));
        cells.extend(dates(&format.header));
        listing.add(&cells);
    });
}

/// The options that have columns; those that the format does not have are absent.
fn options(format: &FileFormat) -> Vec<Cell<'static>> {
    // A format that cannot be read any more has no options to show.
    let definition = crate::stages::stored_format(&format.format_type, &format.options);
    let mut cells = Vec::new();
    for row in definition.map(|definition| definition.describe()).unwrap_or_default() {
        match SHOWN_OPTIONS.iter().find(|name| **name == row.property) {
            Some(name) => cells.push((*name, text(row.value))),
            None if row.property == "SKIP_HEADER" => {
                cells.push((
                    "SKIP_HEADER",
                    row.value.parse::<i64>().map_or_else(|_| number(0), number),
                ));
            }
            None => {}
        }
    }
    cells
}
