//! The roles that every account is born with.

use firn_types::ObjectId;

/// A role that every account is born with.
#[derive(Clone, Copy, Debug)]
pub struct SystemRole {
    /// Its id, the same in every account.
    pub id: ObjectId,
    /// Its name.
    pub name: &'static str,
    /// The role that it is granted to; the first user has the others.
    pub granted_to: Option<ObjectId>,
}

/// The role that owns what an account is born with.
pub const ACCOUNTADMIN: ObjectId = ObjectId(5);
/// The role that gives and takes every grant.
pub const SECURITYADMIN: ObjectId = ObjectId(7);
/// The role that makes databases and warehouses.
pub const SYSADMIN: ObjectId = ObjectId(8);
/// The role that makes users and roles.
pub const USERADMIN: ObjectId = ObjectId(9);
/// The role that everybody has.
pub const PUBLIC_ROLE: ObjectId = ObjectId(10);

/// All of them, by id.
pub const SYSTEM_ROLES: [SystemRole; 6] = [
    SystemRole { id: ACCOUNTADMIN, name: "ACCOUNTADMIN", granted_to: None },
    SystemRole { id: ObjectId(6), name: "ORGADMIN", granted_to: None },
    SystemRole { id: SECURITYADMIN, name: "SECURITYADMIN", granted_to: Some(ACCOUNTADMIN) },
    SystemRole { id: SYSADMIN, name: "SYSADMIN", granted_to: Some(ACCOUNTADMIN) },
    SystemRole { id: USERADMIN, name: "USERADMIN", granted_to: Some(SECURITYADMIN) },
    SystemRole { id: PUBLIC_ROLE, name: "PUBLIC", granted_to: None },
];
