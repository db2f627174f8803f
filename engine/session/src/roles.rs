//! Which roles a user has.

use firn_account::Catalog;
use firn_account::catalog::{FIRST_USER, Grantee, Rights};
use firn_types::ObjectId;

/// The user of a name. Who is no user of the account, but has opened it, counts as its first one.
pub(crate) fn user(catalog: &Catalog, name: &str) -> ObjectId {
    catalog.user(name).map_or(FIRST_USER, |user| user.header.id)
}

/// The roles granted to a user.
pub(crate) fn granted_to_user(catalog: &Catalog, name: &str) -> Vec<ObjectId> {
    catalog.roles_of(Grantee::User(user(catalog, name)))
}

/// The roles that a user may take: those granted to them with all that come with those, and PUBLIC; by id.
pub(crate) fn available(catalog: &Catalog, user: &str) -> Vec<ObjectId> {
    Rights::of(catalog, granted_to_user(catalog, user)).roles().to_vec()
}

/// The names of roles, in order.
pub(crate) fn names(catalog: &Catalog, roles: &[ObjectId]) -> Vec<String> {
    let mut names: Vec<String> =
        roles.iter().map(|role| catalog.name_of(*role).to_string()).collect();
    names.sort_unstable();
    names
}
