//! What every account is born with.

use firn_types::ObjectId;

use super::operation::Operation;
use crate::catalog::{
    ACCOUNT, ACCOUNTADMIN, CatalogChange, Database, FIRST_USER, Grant, GrantTarget, Grantee,
    Header, NOBODY, Object, Role, SYSTEM_ROLES, Schema, User, Warehouse,
};

/// The first user.
const USER: &str = "FIRN";

/// The first commit: database FIRN with schema PUBLIC, warehouse COMPUTE_WH, the system roles, a user.
pub(crate) fn first_operations(now_nanos: i64) -> Vec<Operation> {
    let header = |id: u64, parent: ObjectId, name: &str| Header {
        id: ObjectId(id),
        ..Header::new(parent, name, ACCOUNTADMIN, now_nanos)
    };
    let database = header(1, ACCOUNT, "FIRN");
    let schema = header(2, database.id, "PUBLIC");
    let warehouse = header(3, ACCOUNT, "COMPUTE_WH");
    let mut user = User::new(header(FIRST_USER.0, ACCOUNT, USER));
    user.properties = vec![
        ("DEFAULT_ROLE".to_string(), "ACCOUNTADMIN".to_string()),
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
    for role in SYSTEM_ROLES {
        objects.push(Role::new(header(role.id.0, ACCOUNT, role.name)).into());
        grants.push(CatalogChange::Grant(Grant {
            privilege: "USAGE".to_string(),
            target: GrantTarget::Object(role.id),
            grantee: role.granted_to.map_or(Grantee::User(FIRST_USER), Grantee::Role),
            grant_option: false,
            granted_by: NOBODY,
            created_nanos: now_nanos,
        }));
    }
    let creates = objects.into_iter().map(CatalogChange::create);
    creates.chain(grants).map(Operation::Catalog).collect()
}
