//! Which roles a role brings with it.

use firn_account::Catalog;
use firn_account::catalog::{GrantTarget, Grantee, Object};

/// The role that everyone has.
const PUBLIC: &str = "PUBLIC";

/// The role, the roles granted to it, those granted to them and so on, and PUBLIC; the role first.
pub(crate) fn inherited(catalog: &Catalog, role: &str) -> Vec<String> {
    let mut found = vec![role.to_string()];
    let mut next = 0;
    while let Some(role) = found.get(next).cloned() {
        next += 1;
        for name in granted(catalog, &Grantee::Role(role)) {
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    if !found.iter().any(|name| name == PUBLIC) {
        found.push(PUBLIC.to_string());
    }
    found
}

/// The roles that a user may take, and those that come with them; by name.
pub(crate) fn available(catalog: &Catalog, user: &str) -> Vec<String> {
    let mut found = vec![PUBLIC.to_string()];
    for role in granted(catalog, &Grantee::User(user.to_string())) {
        found.extend(inherited(catalog, &role));
    }
    found.sort();
    found.dedup();
    found
}

/// The roles granted to someone.
fn granted(catalog: &Catalog, to: &Grantee) -> Vec<String> {
    let roles = catalog.grants().iter().filter(|grant| grant.grantee == *to);
    roles
        .filter_map(|grant| match grant.target {
            GrantTarget::Object(id) => catalog.object(id).and_then(Object::as_role),
            _ => None,
        })
        .filter(|role| role.header.dropped_nanos.is_none())
        .map(|role| role.header.name.clone())
        .collect()
}
