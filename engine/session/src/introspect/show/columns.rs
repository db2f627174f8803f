//! SHOW COLUMNS.

use firn_account::catalog::ColumnDefault;
use firn_types::structured::{Part, Structure};
use firn_types::variant::json_write::write_quoted;
use firn_types::{Result, SqlType, StructuredType, VectorElement};

use super::ShowContext;
use crate::introspect::column::columns_of;
use crate::introspect::listing::{Listing, text};

const COLUMNS: &str = "table_name, schema_name, column_name, data_type, null?, default, kind, \
                       expression, comment, database_name, autoincrement, schema_evolution_record";

/// Bytes of the longest text that the type's description tells of.
const TEXT_BYTES_MAX: u32 = 16_777_216;

impl ShowContext<'_> {
    /// SHOW COLUMNS.
    pub(super) fn columns(&self) -> Result<Listing> {
        let mut listing = Listing::show(COLUMNS);
        for found in self.scoped_relations()? {
            for column in columns_of(&found.object) {
                let (default, autoincrement) = match column.default {
                    Some(ColumnDefault::Identity { .. }) => {
                        (String::new(), default_text(column.default).unwrap_or_default())
                    }
                    other => (default_text(other).unwrap_or_default(), String::new()),
                };
                let cells = [
                    ("table_name", text(found.object.name())),
                    ("schema_name", text(found.place.schema())),
                    ("column_name", text(column.name)),
                    ("data_type", text(type_json(column.sql_type, column.nullable))),
                    ("null?", text(if column.nullable { "true" } else { "NOT_NULL" })),
                    ("default", text(default)),
                    ("kind", text("COLUMN")),
                    ("comment", text(column.comment)),
                    ("database_name", text(found.place.database())),
                    ("autoincrement", text(autoincrement)),
                ];
                self.add(&mut listing, column.name, &cells);
            }
        }
        Ok(listing)
    }
}

/// A default as SHOW and DESCRIBE print it.
pub(in crate::introspect) fn default_text(default: Option<&ColumnDefault>) -> Option<String> {
    match default? {
        ColumnDefault::Text(text) => Some(text.clone()),
        ColumnDefault::Identity { start, step, ordered, .. } => {
            let order = if *ordered { "ORDER" } else { "NOORDER" };
            Some(format!("IDENTITY START {start} INCREMENT {step} {order}"))
        }
    }
}

/// A type as SHOW COLUMNS describes it in JSON.
fn type_json(sql_type: SqlType, nullable: bool) -> String {
    let timed = |name: &str, scale: u8| {
        format!("{{\"type\":\"{name}\",\"precision\":0,\"scale\":{scale},\"nullable\":{nullable}}}")
    };
    let plain = |name: &str| format!("{{\"type\":\"{name}\",\"nullable\":{nullable}}}");
    match sql_type {
        SqlType::Number { precision, scale } => format!(
            "{{\"type\":\"FIXED\",\"precision\":{precision},\"scale\":{scale},\"nullable\":{nullable}}}"
        ),
        SqlType::Varchar { length, collation } => {
            let bytes = length.saturating_mul(4).min(TEXT_BYTES_MAX.max(length));
            let rules = match collation.is_none() {
                true => String::new(),
                false => format!(",\"collation\":\"{}\"", collation.specification()),
            };
            format!(
                "{{\"type\":\"TEXT\",\"length\":{length},\"byteLength\":{bytes},\
                 \"nullable\":{nullable},\"fixed\":false{rules}}}"
            )
        }
        SqlType::Binary { length } => format!(
            "{{\"type\":\"BINARY\",\"length\":{length},\"byteLength\":{length},\
             \"nullable\":{nullable},\"fixed\":true}}"
        ),
        SqlType::Time { scale } => timed("TIME", scale),
        SqlType::TimestampNtz { scale } => timed("TIMESTAMP_NTZ", scale),
        SqlType::TimestampLtz { scale } => timed("TIMESTAMP_LTZ", scale),
        SqlType::TimestampTz { scale } => timed("TIMESTAMP_TZ", scale),
        SqlType::Float => plain("REAL"),
        SqlType::Boolean => plain("BOOLEAN"),
        SqlType::Date => plain("DATE"),
        SqlType::Variant => plain("VARIANT"),
        SqlType::Object => plain("OBJECT"),
        SqlType::Array => plain("ARRAY"),
        SqlType::Null => plain("NULL"),
        SqlType::Structured(of) => structured_json(of, nullable),
        SqlType::Vector { element, dimension } => {
            let element = match element {
                VectorElement::Float => SqlType::Float,
                VectorElement::Int => SqlType::INTEGER,
            };
            let element = type_json(element, false);
            format!(
                "{{\"type\":\"VECTOR\",\"nullable\":{nullable},\"dimension\":{dimension},\
                 \"element\":{element}}}"
            )
        }
    }
}

/// A structured type with its parts.
fn structured_json(of: StructuredType, nullable: bool) -> String {
    let part = |part: &Part| type_json(part.sql_type, part.nullable);
    match &*of.structure() {
        Structure::Array(of) => {
            format!("{{\"type\":\"ARRAY\",\"nullable\":{nullable},\"element\":{}}}", part(of))
        }
        Structure::Map(key, of) => {
            let (key, value) = (type_json(*key, false), part(of));
            format!("{{\"type\":\"MAP\",\"nullable\":{nullable},\"key\":{key},\"value\":{value}}}")
        }
        Structure::Object(fields) => {
            let field = |(key, of): &(String, Part)| {
                let mut name = String::new();
                write_quoted(key, &mut name);
                format!("{{\"fieldName\":{name},\"fieldType\":{}}}", part(of))
            };
            let fields: Vec<String> = fields.iter().map(field).collect();
            format!(
                "{{\"type\":\"OBJECT\",\"nullable\":{nullable},\"fields\":[{}]}}",
                fields.join(",")
            )
        }
    }
}
