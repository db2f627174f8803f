//! Who owns, and who has grants. Before format 3 roles and users were persisted by their names, which are
//! replaced by ids as soon as they are read: a name means whoever had it in that version of the account.

use std::collections::HashMap;

use firn_storage::format::v1::{self, Change, Grantee, Principal};
use firn_types::ObjectId;

use crate::catalog::{ACCOUNT, ACCOUNTADMIN, Catalog, NOBODY, Namespace, Object};

/// A role or user as it is persisted.
pub(super) fn principal_to(id: ObjectId) -> Principal {
    Principal::Id(id.0)
}

/// The role or user of its persisted form.
pub(super) fn principal_from(principal: &Principal) -> ObjectId {
    match principal {
        Principal::Id(id) => ObjectId(*id),
        Principal::Name(_) => NOBODY,
    }
}

/// What the names of roles and users meant in one version of the account.
pub(in crate::txn) enum Names<'a> {
    /// The version itself.
    Of(&'a Catalog),
    /// The roles and users of a checkpoint.
    Read(HashMap<(Namespace, String), ObjectId>),
}

impl Names<'_> {
    /// The names of the live roles and users among the objects of a checkpoint.
    pub(in crate::txn) fn among<'o>(objects: impl Iterator<Item = &'o v1::Object>) -> Self {
        let named = objects.filter_map(|object| {
            let namespace = match object {
                v1::Object::Role(_) => Namespace::Role,
                v1::Object::User(_) => Namespace::User,
                _ => return None,
            };
            let header = object.header();
            let is_live = header.dropped_nanos.is_none();
            is_live.then(|| ((namespace, header.name.clone()), ObjectId(header.id)))
        });
        Names::Read(named.collect())
    }

    fn find(&self, namespace: Namespace, name: &str) -> Option<ObjectId> {
        match self {
            Names::Of(catalog) => catalog.find(namespace, ACCOUNT, name).map(Object::id),
            Names::Read(known) => known.get(&(namespace, name.to_string())).copied(),
        }
    }

    /// Replaces the name of an object's owner. What a role owned that is gone by now is ACCOUNTADMIN's.
    pub(in crate::txn) fn resolve_object(&self, object: &mut v1::Object) {
        let owner = &mut object.header_mut().owner;
        if let Principal::Name(name) = owner {
            *owner = principal_to(self.find(Namespace::Role, name).unwrap_or(ACCOUNTADMIN));
        }
    }

    /// Replaces the names of a grant; tells whether there is anybody who has it.
    pub(in crate::txn) fn resolve_grant(&self, grant: &mut v1::Grant) -> bool {
        if let Principal::Name(name) = &grant.granted_by {
            let giver = self.find(Namespace::Role, name).unwrap_or(NOBODY);
            grant.granted_by = principal_to(giver);
        }
        let (namespace, grantee) = match &mut grant.grantee {
            Grantee::Role(role) => (Namespace::Role, role),
            Grantee::User(user) => (Namespace::User, user),
        };
        let Principal::Name(name) = grantee else { return true };
        let Some(found) = self.find(namespace, name) else { return false };
        *grantee = principal_to(found);
        true
    }

    /// Replaces the names in a change; tells whether anything is left of it.
    pub(in crate::txn) fn resolve(&self, change: &mut Change) -> bool {
        match change {
            Change::Create { object, .. } | Change::Alter { object } => {
                self.resolve_object(object);
                true
            }
            Change::Grant(grant) | Change::Revoke(grant) => self.resolve_grant(grant),
            _ => true,
        }
    }
}
