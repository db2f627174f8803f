//! TABLES, COLUMNS, VIEWS and LOAD_HISTORY.

use firn_account::catalog::{ColumnDefault, Database, Header, Object, Schema, Table, TableKind};
use firn_account::txn::LoadStatus;
use firn_types::{ObjectId, SqlType, Value};

use super::super::Described;
use super::super::listing::{Listing, number, optional, text, time, yes_no};
use super::container::comment;
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

pub(super) const VIEWS: &str = "TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, TABLE_OWNER, \
    VIEW_DEFINITION, CHECK_OPTION, IS_UPDATABLE, INSERTABLE_INTO, IS_SECURE, CREATED:time, \
    LAST_ALTERED:time, LAST_DDL:time, LAST_DDL_BY, COMMENT";

pub(super) const LOAD_HISTORY: &str = "SCHEMA_NAME, FILE_NAME, TABLE_NAME, LAST_LOAD_TIME:time, \
    STATUS, ROW_COUNT:number, ROW_PARSED:number, FIRST_ERROR_MESSAGE, \
    FIRST_ERROR_LINE_NUMBER:number, FIRST_ERROR_CHARACTER_POSITION:number, FIRST_ERROR_COL_NAME, \
    ERROR_COUNT:number, ERROR_LIMIT:number";

/// Bytes of UTF-8 that a character may take.
const BYTES_PER_CHARACTER: u32 = 4;

pub(super) fn tables(described: &Described, database: &Database, listing: &mut Listing) {
    for (schema, object) in relations(described, database) {
        let header = object.header();
        let table = object.as_table();
        let kind = match object {
            Object::Table(table) if table.is_temporary() => "TEMPORARY TABLE",
            Object::Table(_) => "BASE TABLE",
            Object::MaterializedView(_) => "MATERIALIZED VIEW",
            _ => "VIEW",
        };
        let transient = table.is_some_and(|table| table.kind == TableKind::Transient);
        let mut cells = names(database, schema, header);
        cells.extend([
            ("TABLE_OWNER", text(header.owner.as_str())),
            ("TABLE_TYPE", text(kind)),
            ("IS_TRANSIENT", yes_no(transient)),
            ("CLUSTERING_KEY", table.map_or(Value::Null, |table| clustering_key(table))),
            ("ROW_COUNT", table.map_or(Value::Null, |table| number(table.snapshot.rows()))),
            ("BYTES", table.map_or(Value::Null, |table| number(table.snapshot.bytes()))),
            ("IS_INSERTABLE_INTO", yes_no(table.is_some())),
            ("IS_TYPED", yes_no(true)),
            ("CREATED", time(header.created_nanos)),
            ("LAST_ALTERED", time(header.altered_nanos)),
            ("LAST_DDL", time(header.altered_nanos)),
            ("AUTO_CLUSTERING_ON", yes_no(false)),
            ("COMMENT", comment(&header.comment)),
            ("IS_TEMPORARY", yes_no(object.is_temporary())),
            ("IS_ICEBERG", yes_no(false)),
            ("IS_DYNAMIC", yes_no(false)),
            ("IS_IMMUTABLE", yes_no(false)),
            ("IS_HYBRID", yes_no(false)),
        ]);
        if let Some(table) = table {
            let days = described.catalog.retention_days(table);
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
    ]
}

fn clustering_key(table: &Table) -> Value {
    let keys = Some(&table.cluster_by).filter(|keys| !keys.is_empty());
    optional(keys.map(|keys| format!("LINEAR({})", keys.join(", "))))
}

/// A column as all kinds of relations have it.
struct Column<'c> {
    name: &'c str,
    sql_type: SqlType,
    nullable: bool,
    comment: &'c str,
    default: Option<&'c ColumnDefault>,
}

fn columns_of(object: &Object) -> Vec<Column<'_>> {
    match object {
        Object::Table(table) => table
            .columns
            .iter()
            .map(|column| Column {
                name: &column.name,
                sql_type: column.sql_type,
                nullable: column.nullable,
                comment: &column.comment,
                default: column.default.as_ref(),
            })
            .collect(),
        Object::View(view) => view.columns.iter().map(view_column).collect(),
        Object::MaterializedView(view) => view.columns.iter().map(view_column).collect(),
        _ => Vec::new(),
    }
}

fn view_column(column: &firn_account::catalog::ViewColumn) -> Column<'_> {
    Column {
        name: &column.name,
        sql_type: column.sql_type,
        nullable: column.nullable,
        comment: &column.comment,
        default: None,
    }
}

pub(super) fn columns(described: &Described, database: &Database, listing: &mut Listing) {
    for (schema, object) in relations(described, database) {
        for (position, column) in (1_u64..).zip(columns_of(object)) {
            let mut cells = names(database, schema, object.header());
            cells.extend([
                ("COLUMN_NAME", text(column.name)),
                ("ORDINAL_POSITION", number(position)),
                ("IS_NULLABLE", yes_no(column.nullable)),
                ("DATA_TYPE", text(base_name(column.sql_type))),
                ("IS_SELF_REFERENCING", yes_no(false)),
                ("IS_IDENTITY", yes_no(false)),
                ("COMMENT", comment(column.comment)),
                ("KIND", text("COLUMN")),
            ]);
            cells.extend(sizes(column.sql_type));
            match column.default {
                Some(ColumnDefault::Text(default)) => {
                    cells.push(("COLUMN_DEFAULT", text(default.as_str())));
                }
                Some(ColumnDefault::Identity { start, step, ordered, .. }) => {
                    cells.retain(|(name, _)| *name != "IS_IDENTITY");
                    cells.extend([
                        ("IS_IDENTITY", yes_no(true)),
                        ("IDENTITY_GENERATION", text("BY DEFAULT")),
                        ("IDENTITY_START", text(start.to_string())),
                        ("IDENTITY_INCREMENT", text(step.to_string())),
                        ("IDENTITY_CYCLE", yes_no(false)),
                        ("IDENTITY_ORDERED", yes_no(*ordered)),
                    ]);
                }
                None => {}
            }
            listing.add(&cells);
        }
    }
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
        SqlType::Varchar { length } => vec![
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

pub(super) fn views(described: &Described, database: &Database, listing: &mut Listing) {
    for (schema, object) in relations(described, database) {
        let (definition, secure) = match object {
            Object::View(view) => (view.text.as_str(), view.secure),
            Object::MaterializedView(view) => (view.text.as_str(), view.secure),
            _ => continue,
        };
        let header = object.header();
        let mut cells = names(database, schema, header);
        cells.extend([
            ("TABLE_OWNER", text(header.owner.as_str())),
            ("VIEW_DEFINITION", text(definition)),
            ("CHECK_OPTION", text("NONE")),
            ("IS_UPDATABLE", yes_no(false)),
            ("INSERTABLE_INTO", yes_no(false)),
            ("IS_SECURE", yes_no(secure)),
            ("CREATED", time(header.created_nanos)),
            ("LAST_ALTERED", time(header.altered_nanos)),
            ("LAST_DDL", time(header.altered_nanos)),
            ("COMMENT", comment(&header.comment)),
        ]);
        listing.add(&cells);
    }
}

pub(super) fn load_history(described: &Described, database: &Database, listing: &mut Listing) {
    for (schema, object) in relations(described, database) {
        let Some(table) = object.as_table() else { continue };
        for record in table.loads.records() {
            let status = match record.status {
                LoadStatus::Loaded => "LOADED",
                LoadStatus::Failed => "LOAD FAILED",
                LoadStatus::Partial => "PARTIALLY LOADED",
            };
            let mut cells = vec![
                ("SCHEMA_NAME", text(schema.header.name.as_str())),
                ("FILE_NAME", text(shown_file(described, &record.path))),
                ("TABLE_NAME", text(table.header.name.as_str())),
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
}

/// A loaded file as LIST names it: an internal stage's folder goes by the stage's name.
fn shown_file(described: &Described, path: &str) -> String {
    let Some((id, rest)) = path.strip_prefix("stages/").and_then(|rest| rest.split_once('/'))
    else {
        return path.to_string();
    };
    let stage = id.parse().ok().and_then(|id| described.catalog.object(ObjectId(id)));
    match stage {
        Some(Object::Stage(stage)) => format!("{}/{rest}", stage.header.name.to_lowercase()),
        _ => rest.to_string(),
    }
}
