//! Columns as answers describe them.

use firn_engine::{Field, SqlType};
use firn_types::VectorElement;
use serde_json::{Map, Value, json};

/// Most bytes of a text without a length of its own.
const TEXT_BYTES: u32 = 16_777_216;

/// What a type is limited to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Digits, of numbers.
    pub(crate) precision: Option<u8>,
    /// Digits behind the point, of numbers and times.
    pub(crate) scale: Option<u8>,
    /// Characters, or bytes of binaries.
    pub(crate) length: Option<u32>,
    /// Bytes.
    pub(crate) byte_length: Option<u32>,
}

/// What a type is limited to.
pub(crate) fn limits(sql_type: SqlType) -> Limits {
    match sql_type {
        SqlType::Number { precision, scale } => {
            Limits { precision: Some(precision), scale: Some(scale), ..Limits::default() }
        }
        SqlType::Time { scale }
        | SqlType::TimestampNtz { scale }
        | SqlType::TimestampLtz { scale }
        | SqlType::TimestampTz { scale } => {
            Limits { precision: Some(0), scale: Some(scale), ..Limits::default() }
        }
        SqlType::Null => {
            Limits { length: Some(TEXT_BYTES), byte_length: Some(TEXT_BYTES), ..Limits::default() }
        }
        SqlType::Varchar { length, .. } => {
            let bytes = length.saturating_mul(4).min(TEXT_BYTES.max(length));
            Limits { length: Some(length), byte_length: Some(bytes), ..Limits::default() }
        }
        SqlType::Binary { length } => {
            Limits { length: Some(length), byte_length: Some(length), ..Limits::default() }
        }
        _ => Limits::default(),
    }
}

/// The description of a column. Every member is always there: clients look for each.
pub(crate) fn column(field: &Field) -> Value {
    let limits = limits(field.sql_type);
    let mut described = json!({
        "name": field.name,
        "database": "",
        "schema": "",
        "table": "",
        "nullable": field.nullable,
        "type": field.sql_type.client_name(),
        "precision": limits.precision,
        "scale": limits.scale,
        "length": limits.length,
        "byteLength": limits.byte_length,
        "collation": Some(field.sql_type.collation().specification()).filter(|text| !text.is_empty()),
    });
    if let (SqlType::Vector { element, dimension }, Some(members)) =
        (field.sql_type, described.as_object_mut())
    {
        let element = match element {
            VectorElement::Float => SqlType::Float,
            VectorElement::Int => SqlType::INTEGER,
        };
        let element = column(&Field { nullable: false, ..Field::new("", element) });
        members.insert("vectorDimension".to_string(), dimension.into());
        members.insert("fields".to_string(), vec![element].into());
    }
    described
}

/// Puts the description of all columns into an answer's data.
pub(crate) fn describe(fields: &[Field], data: &mut Map<String, Value>) {
    let columns: Vec<Value> = fields.iter().map(column).collect();
    data.insert("rowtype".to_string(), columns.into());
}
