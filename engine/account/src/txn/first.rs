//! What every account is born with.

use firn_types::ObjectId;

use super::operation::Operation;
use crate::catalog::{
    ACCOUNT, CatalogChange, Database, Grant, GrantTarget, Grantee, Header, Object, Role, Schema,
    User, Warehouse,
};

/// The role that owns what an account is born with.
const ADMIN: &str = "ACCOUNTADMIN";
/// The first user.
const USER: &str = "FIRN";
/// The system roles, and which role each is granted to.
const ROLES: [(&str, Option<&str>); 6] = [
    (ADMIN, None),
    ("ORGADMIN", None),
    ("SECURITYADMIN", Some(ADMIN)),
    ("SYSADMIN", Some(ADMIN)),
    ("USERADMIN", Some("SECURITYADMIN")),
    ("PUBLIC", None),
];

/// The first commit: database FIRN with schema PUBLIC, warehouse COMPUTE_WH, the system roles, a user.
pub(crate) fn first_operations(now_nanos: i64) -> Vec<Operation> {
    let mut next_id = 0;
    let mut header = |parent: ObjectId, name: &str| {
        next_id += 1;
        Header { id: ObjectId(next_id), ..Header::new(parent, name, ADMIN, now_nanos) }
    };
    let database = header(ACCOUNT, "FIRN");
    let schema = header(database.id, "PUBLIC");
    let warehouse = header(ACCOUNT, "COMPUTE_WH");
    let mut user = User::new(header(ACCOUNT, USER));
    user.properties = vec![
        ("DEFAULT_ROLE".to_string(), ADMIN.to_string()),
        ("DEFAULT_WAREHOUSE".to_string(), "COMPUTE_WH".to_string()),
        ("DEFAULT_NAMESPACE".to_string(), "FIRN.PUBLIC".to_string()),
    ];
    let mut objects: Vec<Object> = vec![
        Database::new(database).into(),
        Schema::new(schema).into(),
        Warehouse::new(warehouse).into(),
        user.into(),
    ];
    let mut grants = Vec::new();
    let mut grant = |role: ObjectId, grantee: Grantee| {
        grants.push(CatalogChange::Grant(Grant {
            privilege: "USAGE".to_string(),
            target: GrantTarget::Object(role),
            grantee,
            grant_option: false,
            granted_by: String::new(),
            created_nanos: now_nanos,
        }));
    };
    for (name, granted_to) in ROLES {
        let role = Role::new(header(ACCOUNT, name));
        match granted_to {
            Some(parent) => grant(role.header.id, Grantee::Role(parent.to_string())),
            None => grant(role.header.id, Grantee::User(USER.to_string())),
        }
        objects.push(role.into());
    }
    let creates = objects.into_iter().map(CatalogChange::create);
    creates.chain(grants).map(Operation::Catalog).collect()
}
