//! TABLES, COLUMNS and VIEWS, which list the views of INFORMATION_SCHEMA too.

use firn_account::catalog::{ColumnDefault, Database, Header, Object, Schema, TableKind};
use firn_types::{SqlType, Value};

use super::super::IntrospectionContext;
use super::super::column::{Column, columns_of};
use super::super::kind;
use super::super::listing::{Cell, Listing, number, text, time, totals, yes_no};
use super::super::show::{is_reclustered, linear};
use super::container::present;
use super::relations;

pub(super) const TABLES: &str = "TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, TABLE_OWNER, TABLE_TYPE, \
    IS_TRANSIENT, CLUSTERING_KEY, ROW_COUNT:number, BYTES:number, RETENTION_TIME:number, \
    SELF_REFERENCING_COLUMN_NAME, REFERENCE_GENERATION, USER_DEFINED_TYPE_CATALOG, \
    USER_DEFINED_TYPE_SCHEMA, USER_DEFINED_TYPE_NAME, IS_INSERTABLE_INTO, IS_TYPED, COMMIT_ACTION, \
    CREATED:time, LAST_ALTERED:time, LAST_DDL:time, LAST_DDL_BY, AUTO_CLUSTERING_ON, COMMENT, \
    IS_TEMPORARY, IS_ICEBERG, IS_DYNAMIC, IS_IMMUTABLE, IS_HYBRID";

pub(super) const COLUMNS: &str = "TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, \
    ORDINAL_POSITION:number, COLUMN_DEFAULT, IS_NULLABLE, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH:number, \
    CHARACTER_OCTET_LENGTH:number, NUMERIC_PRECISION:number, NUMERIC_PRECISION_RADIX:number, \
    NUMERIC_SCALE:number, DATETIME_PRECISION:number, INTERVAL_TYPE, INTERVAL_PRECISION, \
    CHARACTER_SET_CATALOG, CHARACTER_SET_SCHEMA, CHARACTER_SET_NAME, COLLATION_CATALOG, \
    COLLATION_SCHEMA, COLLATION_NAME, DOMAIN_CATALOG, DOMAIN_SCHEMA, DOMAIN_NAME, UDT_CATALOG, \
    UDT_SCHEMA, UDT_NAME, SCOPE_CATALOG, SCOPE_SCHEMA, SCOPE_NAME, MAXIMUM_CARDINALITY, \
    DTD_IDENTIFIER, IS_SELF_REFERENCING, IS_IDENTITY, IDENTITY_GENERATION, IDENTITY_START, \
    IDENTITY_INCREMENT, IDENTITY_MAXIMUM, IDENTITY_MINIMUM, IDENTITY_CYCLE, IDENTITY_ORDERED, \
    SCHEMA_EVOLUTION_RECORD, COMMENT, DATA_TYPE_ALIAS, EXPRESSION, KIND";

pub(super) const EXTERNAL_TABLES: &str = "TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, TABLE_OWNER, \
    CREATED:time, LAST_ALTERED:time, LAST_DDL:time, LAST_DDL_BY, COMMENT, LOCATION, \
    FILE_FORMAT_NAME, FILE_FORMAT_TYPE";

pub(super) const VIEWS: &str = "TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, TABLE_OWNER, \
    VIEW_DEFINITION, CHECK_OPTION, IS_UPDATABLE, INSERTABLE_INTO, IS_SECURE, CREATED:time, \
    LAST_ALTERED:time, LAST_DDL:time, LAST_DDL_BY, COMMENT";

/// Bytes of UTF-8 that a character may take.
const BYTES_PER_CHARACTER: u32 = 4;

pub(super) fn tables(context: &IntrospectionContext, database: &Database, listing: &mut Listing) {
    for (schema, object) in &relations(context, database) {
        let header = object.header();
        let table = object.as_table();
        let kind = match object {
            Object::Table(table) if table.is_temporary() => "TEMPORARY TABLE",
            Object::Table(_) => "BASE TABLE",
            Object::MaterializedView(_) => "MATERIALIZED VIEW",
            Object::ExternalTable(_) => "EXTERNAL TABLE",
            _ => "VIEW",
        };
        let transient = table.is_some_and(|table| table.kind == TableKind::Transient);
        let mut cells = names(database, schema, header);
        cells.extend([
            ("TABLE_OWNER", present(context.catalog.name_of(header.owner))),
            ("TABLE_TYPE", text(kind)),
            ("IS_TRANSIENT", yes_no(transient)),
            ("IS_INSERTABLE_INTO", yes_no(table.is_some())),
            ("IS_TYPED", yes_no(true)),
            ("CREATED", time(header.created_nanos)),
            ("LAST_ALTERED", time(header.altered_nanos)),
            ("LAST_DDL", time(header.altered_nanos)),
            ("COMMENT", present(&header.comment)),
            ("IS_TEMPORARY", yes_no(object.is_temporary())),
            ("IS_ICEBERG", yes_no(false)),
            ("IS_DYNAMIC", yes_no(false)),
            ("IS_IMMUTABLE", yes_no(false)),
            ("IS_HYBRID", yes_no(false)),
        ]);
        cells.extend(stored_cells(object));
        if let Some(table) = table {
            let days = context.catalog.retention_days(table);
            cells.push(("RETENTION_TIME", number(days)));
        }
        listing.add(&cells);
    }
}

fn names(database: &Database, schema: &Schema, header: &Header) -> Vec<(&'static str, Value)> {
    vec![
        ("TABLE_CATALOG", text(database.header.name.as_str())),
        ("TABLE_SCHEMA", text(schema.header.name.as_str())),
        ("TABLE_NAME", text(header.name.as_str())),
        // Only ACCOUNT_USAGE has columns for these.
        ("TABLE_CATALOG_ID", number(database.header.id.0)),
        ("TABLE_SCHEMA_ID", number(schema.header.id.0)),
        ("TABLE_ID", number(header.id.0)),
    ]
}

/// What is stored of a table or a materialized view.
fn stored_cells(object: &Object) -> Vec<Cell<'static>> {
    let (cluster_by, is_reclustered, snapshot) = match object {
        Object::Table(table) => (&table.cluster_by, is_reclustered(table), &table.snapshot),
        Object::MaterializedView(view) => {
            (&view.cluster_by, !view.cluster_by.is_empty(), &view.state.snapshot)
        }
        _ => return vec![("AUTO_CLUSTERING_ON", yes_no(false))],
    };
    let [rows, bytes] = totals(snapshot);
    vec![
        ("CLUSTERING_KEY", present(&linear(cluster_by))),
        ("AUTO_CLUSTERING_ON", yes_no(is_reclustered)),
        ("ROW_COUNT", rows),
        ("BYTES", bytes),
    ]
}

pub(super) fn external_tables(
    context: &IntrospectionContext,
    database: &Database,
    listing: &mut Listing,
) {
    for (schema, object) in &relations(context, database) {
        let Object::ExternalTable(table) = object else { continue };
        let header = &table.header;
        let [format_name, format_type] = kind::format_of(&context.catalog, table);
        let mut cells = names(database, schema, header);
        cells.extend([
            ("TABLE_OWNER", present(context.catalog.name_of(header.owner))),
            ("CREATED", time(header.created_nanos)),
            ("LAST_ALTERED", time(header.altered_nanos)),
            ("LAST_DDL", time(header.altered_nanos)),
            ("COMMENT", present(&header.comment)),
            ("LOCATION", text(kind::location_of(&context.catalog, table))),
            ("FILE_FORMAT_NAME", present(&format_name)),
            ("FILE_FORMAT_TYPE", present(&format_type)),
        ]);
        listing.add(&cells);
    }
}

pub(super) fn columns(context: &IntrospectionContext, database: &Database, listing: &mut Listing) {
    for (schema, object) in &relations(context, database) {
        for (position, column) in (1_u64..).zip(columns_of(object)) {
            let mut cells = names(database, schema, object.header());
            cells.extend(column_cells(position, &column));
            listing.add(&cells);
        }
    }
}

fn column_cells(position: u64, column: &Column<'_>) -> Vec<Cell<'static>> {
    let identity = matches!(column.default, Some(ColumnDefault::Identity { .. }));
    let mut cells = vec![
        ("COLUMN_NAME", text(column.name)),
        ("ORDINAL_POSITION", number(position)),
        ("IS_NULLABLE", yes_no(column.nullable)),
        ("DATA_TYPE", text(base_name(column.sql_type))),
        ("IS_SELF_REFERENCING", yes_no(false)),
        ("IS_IDENTITY", yes_no(identity)),
        ("COMMENT", present(column.comment)),
        ("KIND", text("COLUMN")),
    ];
    cells.extend(sizes(column.sql_type));
    match column.default {
        Some(ColumnDefault::Text(default)) => {
            cells.push(("COLUMN_DEFAULT", text(default.as_str())));
        }
        Some(ColumnDefault::Identity { start, step, ordered, .. }) => cells.extend([
            ("IDENTITY_GENERATION", text("BY DEFAULT")),
            ("IDENTITY_START", text(start.to_string())),
            ("IDENTITY_INCREMENT", text(step.to_string())),
            ("IDENTITY_CYCLE", yes_no(false)),
            ("IDENTITY_ORDERED", yes_no(*ordered)),
        ]),
        None => {}
    }
    cells
}

/// The type's name without parameters, as this view has it: TEXT for VARCHAR.
fn base_name(sql_type: SqlType) -> String {
    let whole = sql_type.to_string();
    match whole.split('(').next().unwrap_or_default() {
        "VARCHAR" => "TEXT".to_string(),
        name => name.to_string(),
    }
}

/// Lengths, precisions and scales.
fn sizes(sql_type: SqlType) -> Vec<(&'static str, Value)> {
    match sql_type {
        SqlType::Varchar { length, collation } => vec![
            ("COLLATION_NAME", present(&collation.specification())),
            ("CHARACTER_MAXIMUM_LENGTH", number(length)),
            (
                "CHARACTER_OCTET_LENGTH",
                number(
                    length
                        .saturating_mul(BYTES_PER_CHARACTER)
                        .min(firn_types::limits::VARCHAR_LENGTH_DEFAULT.max(length)),
                ),
            ),
        ],
        SqlType::Binary { length } => vec![("CHARACTER_OCTET_LENGTH", number(length))],
        SqlType::Number { precision, scale } => vec![
            ("NUMERIC_PRECISION", number(precision)),
            ("NUMERIC_PRECISION_RADIX", number(10)),
            ("NUMERIC_SCALE", number(scale)),
        ],
        SqlType::Time { scale }
        | SqlType::TimestampNtz { scale }
        | SqlType::TimestampLtz { scale }
        | SqlType::TimestampTz { scale } => vec![("DATETIME_PRECISION", number(scale))],
        _ => Vec::new(),
    }
}

pub(super) fn views(context: &IntrospectionContext, database: &Database, listing: &mut Listing) {
    for (schema, object) in &relations(context, database) {
        let (definition, secure) = match object {
            Object::View(view) => (view.text.as_str(), view.secure),
            Object::MaterializedView(view) => (view.text.as_str(), view.secure),
            _ => continue,
        };
        let header = object.header();
        let hidden = secure && !context.catalog.owns(object);
        let mut cells = names(database, schema, header);
        cells.extend([
            ("TABLE_OWNER", present(context.catalog.name_of(header.owner))),
            ("VIEW_DEFINITION", present(if hidden { "" } else { definition })),
            ("CHECK_OPTION", text("NONE")),
            ("IS_UPDATABLE", yes_no(false)),
            ("INSERTABLE_INTO", yes_no(false)),
            ("IS_SECURE", yes_no(secure)),
            ("CREATED", time(header.created_nanos)),
            ("LAST_ALTERED", time(header.altered_nanos)),
            ("LAST_DDL", time(header.altered_nanos)),
            ("COMMENT", present(&header.comment)),
        ]);
        listing.add(&cells);
    }
}
