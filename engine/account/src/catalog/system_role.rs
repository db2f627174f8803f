//! The roles that every account is born with.

use firn_types::ObjectId;

use super::privilege::MANAGE_GRANTS;

/// A role that every account is born with.
#[derive(Clone, Copy, Debug)]
pub struct SystemRole {
    /// Its id, the same in every account.
    pub id: ObjectId,
    /// Its name.
    pub name: &'static str,
    /// The role that it is granted to; the first user has the others.
    pub granted_to: Option<ObjectId>,
    /// What it may do on the account; ACCOUNTADMIN may do everything.
    pub privileges: &'static [&'static str],
}

const fn role(
    id: ObjectId,
    name: &'static str,
    granted_to: Option<ObjectId>,
    privileges: &'static [&'static str],
) -> SystemRole {
    SystemRole { id, name, granted_to, privileges }
}

/// The user that every account is born with, who has the system roles.
pub const FIRST_USER: ObjectId = ObjectId(4);
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
    role(ACCOUNTADMIN, "ACCOUNTADMIN", None, super::privilege::ON_ACCOUNT),
    role(ObjectId(6), "ORGADMIN", None, &[]),
    role(
        SECURITYADMIN,
        "SECURITYADMIN",
        Some(ACCOUNTADMIN),
        &["CREATE NETWORK POLICY", MANAGE_GRANTS],
    ),
    role(SYSADMIN, "SYSADMIN", Some(ACCOUNTADMIN), &["CREATE DATABASE", "CREATE WAREHOUSE"]),
    role(USERADMIN, "USERADMIN", Some(SECURITYADMIN), &["CREATE ROLE", "CREATE USER"]),
    role(PUBLIC_ROLE, "PUBLIC", None, &[]),
];
