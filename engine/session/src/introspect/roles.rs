//! Which roles a role brings with it.

use firn_account::Catalog;
use firn_account::catalog::{GrantTarget, Grantee, PUBLIC_ROLE};
use firn_types::ObjectId;

/// The role, the roles granted to it, those granted to them and so on, and PUBLIC; the role first.
pub(crate) fn inherited(catalog: &Catalog, role: ObjectId) -> Vec<ObjectId> {
    let mut found = vec![role];
    let mut next = 0;
    while let Some(role) = found.get(next).copied() {
        next += 1;
        for granted in granted(catalog, Grantee::Role(role)) {
            if !found.contains(&granted) {
                found.push(granted);
            }
        }
    }
    if !found.contains(&PUBLIC_ROLE) {
        found.push(PUBLIC_ROLE);
    }
    found
}

/// The roles that a user may take, and those that come with them.
pub(crate) fn available(catalog: &Catalog, user: &str) -> Vec<ObjectId> {
    let mut found = vec![PUBLIC_ROLE];
    let roles = catalog.user(user).map(|user| granted(catalog, Grantee::User(user.header.id)));
    for role in roles.unwrap_or_default() {
        found.extend(inherited(catalog, role));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The roles granted to someone.
pub(crate) fn granted(catalog: &Catalog, to: Grantee) -> Vec<ObjectId> {
    let roles = catalog.grants_to(to).into_iter().filter_map(|grant| match grant.target {
        GrantTarget::Object(id) => catalog.object(id),
        _ => None,
    });
    roles.filter_map(|object| object.as_role()).map(|role| role.header.id).collect()
}

/// The names of roles, in order.
pub(crate) fn names(catalog: &Catalog, roles: &[ObjectId]) -> Vec<String> {
    let mut names: Vec<String> =
        roles.iter().map(|role| catalog.name_of(*role).to_string()).collect();
    names.sort_unstable();
    names
}
