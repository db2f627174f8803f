//! The shape of rows: names and types in order.

use crate::SqlType;

/// One column's name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name as stored.
    pub name: String,
    /// The type.
    pub sql_type: SqlType,
    /// Whether NULL may occur.
    pub nullable: bool,
}

impl Field {
    /// A nullable field.
    pub fn new(name: impl Into<String>, sql_type: SqlType) -> Field {
        Field { name: name.into(), sql_type, nullable: true }
    }

    /// The same field without NULLs.
    pub fn required(mut self) -> Field {
        self.nullable = false;
        self
    }
}

/// Fields in order; names need not differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// The fields.
    pub fields: Vec<Field>,
}

impl Schema {
    /// A schema of these fields.
    pub fn new(fields: Vec<Field>) -> Schema {
        Schema { fields }
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The position of the first field of exactly this name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }
}
