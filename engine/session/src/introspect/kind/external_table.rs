//! What is told of external tables.

use std::sync::Arc;

use firn_account::catalog::{
    ExternalFormat, ExternalTable, Namespace, Object, StageLocation, VisibleCatalog,
};
use firn_query::bind::invalid_reason;
use firn_types::{Identifier, Result, Value};

use super::another;
use crate::introspect::IntrospectionContext;
use crate::introspect::ddl::{Writer, comment, quoted, sql_options};
use crate::introspect::describe::{self, Describing};
use crate::introspect::listing::{Listing, optional, text, time, true_false, y_n};
use crate::introspect::show::ShowContext;
use crate::result::Rows;

const EXTERNAL_TABLES: &str = "created_on:time, name, database_name, schema_name, invalid, \
                               invalid_reason, owner, comment, stage, location, file_format_name, \
                               file_format_type, cloud, region, notification_channel, \
                               last_refreshed_on:time, table_format, last_refresh_details, \
                               owner_role_type";

/// SHOW EXTERNAL TABLES.
pub(super) fn show(show: &ShowContext<'_>) -> Result<Listing> {
    let mut listing = show.listing(EXTERNAL_TABLES);
    for found in show.scoped_objects(Namespace::Relation)? {
        let Object::ExternalTable(table) = &found.object else { continue };
        let header = &table.header;
        let reason = invalid_reason(&show.catalog, table);
        let [format_name, format_type] = format_of(&show.catalog, table);
        let is_s3 = url_of(&show.catalog, table).is_some_and(|url| url.starts_with("s3"));
        let cells = [
            ("created_on", time(header.created_nanos)),
            ("name", text(header.name.as_str())),
            ("kind", text("EXTERNAL_TABLE")),
            ("database_name", text(found.place.database())),
            ("schema_name", text(found.place.schema())),
            ("invalid", true_false(reason.is_some())),
            ("invalid_reason", optional(reason)),
            ("owner", show.owner(header)),
            ("comment", text(header.comment.as_str())),
            ("stage", text(show.catalog.as_engine().full_name(table.stage))),
            ("location", text(location_of(&show.catalog, table))),
            ("file_format_name", text(format_name)),
            ("file_format_type", text(format_type)),
            ("cloud", text(if is_s3 { "AWS" } else { "" })),
            ("last_refreshed_on", table.refreshed_nanos.map_or(Value::Null, time)),
            ("table_format", text("UNSPECIFIED")),
            ("owner_role_type", text("ROLE")),
        ];
        show.add(&mut listing, &header.name, &cells);
    }
    Ok(listing)
}

/// The stage and the folder: `@DB.SCHEMA.STAGE/folder/`.
pub(in crate::introspect) fn location_of(
    catalog: &VisibleCatalog,
    table: &ExternalTable,
) -> String {
    format!("@{}/{}", catalog.as_engine().full_name(table.stage), table.path)
}

fn url_of(catalog: &VisibleCatalog, table: &ExternalTable) -> Option<String> {
    match catalog.as_engine().object(table.stage) {
        Some(Object::Stage(stage)) => match &stage.location {
            StageLocation::External { url, .. } => Some(url.clone()),
            StageLocation::Internal => None,
        },
        _ => None,
    }
}

/// The name of the file format, and its type.
pub(in crate::introspect) fn format_of(
    catalog: &VisibleCatalog,
    table: &ExternalTable,
) -> [String; 2] {
    match &table.format {
        ExternalFormat::Named(id) => match catalog.as_engine().object(*id) {
            Some(Object::FileFormat(format)) => {
                [catalog.as_engine().full_name(*id), format.format_type.clone()]
            }
            _ => [String::new(), String::new()],
        },
        ExternalFormat::Options(options) => {
            let known = options.iter().find(|(name, _)| name == "TYPE");
            let kind = known.map_or("CSV", |(_, value)| value.trim_matches('\''));
            [String::new(), kind.to_uppercase()]
        }
    }
}

/// The columns: VALUE, and those that are computed.
pub(super) fn describe(describing: &Describing<'_>, object: &Object) -> Result<Rows> {
    let Object::ExternalTable(table) = object else { return Err(another()) };
    let mut listing = Listing::nulls(describe::COLUMNS);
    for column in table.all_columns() {
        let is_value = column.expression.is_empty();
        listing.add(&[
            ("name", text(column.name.as_str())),
            ("type", text(column.sql_type.to_string())),
            ("kind", text(if is_value { "COLUMN" } else { "VIRTUAL" })),
            ("null?", y_n(column.nullable)),
            ("primary key", y_n(false)),
            ("unique key", y_n(false)),
            ("expression", optional((!is_value).then_some(column.expression.as_str()))),
            ("comment", optional((!column.comment.is_empty()).then_some(column.comment.as_str()))),
            ("policy name", describe::mask_of(describing.catalog, &table.header, column.field_id)),
        ]);
    }
    Ok(listing.rows())
}

/// The statement that makes an external table again.
pub(super) fn define(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let Object::ExternalTable(table) = object else { return Err(another()) };
    let columns = table.columns.iter().map(|column| {
        let name = Identifier::to_sql(&column.name);
        let not_null = if column.nullable { "" } else { " NOT NULL" };
        let comment = match column.comment.as_str() {
            "" => String::new(),
            comment => format!(" COMMENT {}", quoted(comment)),
        };
        format!("\n\t{name} {} AS ({}){not_null}{comment}", column.sql_type, column.expression)
    });
    let columns: Vec<String> = columns.collect();
    let mut text = format!("create or replace external table {}", writer.name(&table.header));
    if !columns.is_empty() {
        text.push_str(&format!("({})", columns.join(",")));
    }
    let partition_by = table.partition_by.iter().filter_map(|field| {
        let column = table.columns.iter().find(|column| column.field_id == *field)?;
        Some(Identifier::to_sql(&column.name))
    });
    let partition_by: Vec<String> = partition_by.collect();
    if !partition_by.is_empty() {
        text.push_str(&format!("\npartition by ({})", partition_by.join(", ")));
    }
    text.push_str(&format!("\nlocation={}", written_location(writer.context, table)));
    match table.user_partitions {
        true => text.push_str("\npartition_type=user_specified"),
        false => text.push_str(&format!("\nauto_refresh={}", table.auto_refresh)),
    }
    if let Some(pattern) = &table.pattern {
        text.push_str(&format!("\npattern={}", quoted(pattern)));
    }
    text.push_str(&format!("\nfile_format=({})", written_format(writer.context, table)?));
    if let Some(comment) = comment(&table.header) {
        text.push_str(&format!("\n{comment}"));
    }
    Ok(text + "\n;")
}

fn written_location(context: &IntrospectionContext, table: &ExternalTable) -> String {
    let name = written_name(context, table.stage);
    match table.path.as_str() {
        "" => format!("@{name}"),
        path if path.contains([' ', '\'']) => quoted(&format!("@{name}/{path}")),
        path => format!("@{name}/{path}"),
    }
}

/// The name of an object of a schema with its database and schema, as in SQL.
fn written_name(context: &IntrospectionContext, id: firn_types::ObjectId) -> String {
    let engine = context.catalog.as_engine();
    let mut parts = Vec::new();
    let mut next = id;
    while let Some(object) = engine.object(next) {
        parts.insert(0, Identifier::to_sql(object.name()));
        next = object.header().parent;
    }
    parts.join(".")
}

fn written_format(context: &IntrospectionContext, table: &ExternalTable) -> Result<String> {
    match &table.format {
        ExternalFormat::Named(id) => {
            Ok(format!("FORMAT_NAME={}", quoted(&written_name(context, *id))))
        }
        ExternalFormat::Options(options) => {
            Ok(sql_options(&crate::stages::stored_format("", options)?.pairs()))
        }
    }
}

/// An external table that the session sees.
///
/// # Errors
/// When there is none of the name.
pub(crate) fn named<'c>(
    context: &'c IntrospectionContext,
    name: &str,
) -> Result<&'c Arc<ExternalTable>> {
    let path = context.path(name, "SELECT")?;
    let found = context.catalog.find_path(Namespace::Relation, &path);
    match found {
        Some(Object::ExternalTable(table)) => Ok(table),
        _ => {
            let name = Identifier::to_sql(&path.name);
            let text = format!("External table '{name}' does not exist or not authorized.");
            Err(firn_types::Error::new(firn_types::ErrorCode::NotFound, text))
        }
    }
}
