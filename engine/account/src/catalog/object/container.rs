//! Databases and schemas.

use crate::catalog::Header;

/// A database: a set of schemas.
#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    /// What all objects have.
    pub header: Header,
    /// Whether its tables have no fail-safe and at most one day of retention.
    pub transient: bool,
    /// Days of time travel for what lives in it, where set.
    pub retention_days: Option<u32>,
}

/// A schema: a set of objects.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// What all objects have; the parent is the database.
    pub header: Header,
    /// Whether its tables have no fail-safe and at most one day of retention.
    pub transient: bool,
    /// Whether only the schema's owner grants privileges on its objects.
    pub managed_access: bool,
    /// Days of time travel for what lives in it, where set.
    pub retention_days: Option<u32>,
}

impl Database {
    /// A permanent database.
    pub fn new(header: Header) -> Database {
        Database { header, transient: false, retention_days: None }
    }
}

impl Schema {
    /// A permanent schema.
    pub fn new(header: Header) -> Schema {
        Schema { header, transient: false, managed_access: false, retention_days: None }
    }
}
