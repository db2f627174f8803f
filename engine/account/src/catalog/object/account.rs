//! What lives in the account itself: warehouses, roles, integrations.

use crate::catalog::Header;

/// A warehouse: a pool of workers with a memory budget. Whether it runs is known to each process.
#[derive(Clone, Debug, PartialEq)]
pub struct Warehouse {
    /// What all objects have.
    pub header: Header,
    /// The size as SHOW prints it: `X-Small`.
    pub size: String,
    /// Seconds of idleness after which it suspends; none for never.
    pub auto_suspend_seconds: Option<u64>,
    /// Whether a statement wakes it.
    pub auto_resume: bool,
    /// Whether it is suspended, as the last ALTER WAREHOUSE said.
    pub suspended: bool,
    /// Further properties as name and value; names in upper case.
    pub properties: Vec<(String, String)>,
}

/// A role: what privileges are granted to.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// What all objects have.
    pub header: Header,
}

/// A role of a database: granted to roles, never taken by a user.
#[derive(Clone, Debug, PartialEq)]
pub struct DatabaseRole {
    /// What all objects have; the parent is the database.
    pub header: Header,
}

/// An integration: named access to storage elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Integration {
    /// What all objects have.
    pub header: Header,
    /// The kind as SHOW prints it: `EXTERNAL_STAGE`.
    pub integration_type: String,
    /// The category as SHOW prints it: `STORAGE`.
    pub category: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// Further properties as name and value, in the order written; names in upper case.
    pub properties: Vec<(String, String)>,
}

impl Warehouse {
    /// A running warehouse of the smallest size that suspends after ten minutes.
    pub fn new(header: Header) -> Warehouse {
        Warehouse {
            header,
            size: "X-Small".to_string(),
            auto_suspend_seconds: Some(600),
            auto_resume: true,
            suspended: false,
            properties: Vec::new(),
        }
    }
}

impl Role {
    /// A role.
    pub fn new(header: Header) -> Role {
        Role { header }
    }
}

impl DatabaseRole {
    /// A role of the database that is the header's parent.
    pub fn new(header: Header) -> DatabaseRole {
        DatabaseRole { header }
    }
}
