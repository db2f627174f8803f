//! The catalog as somebody sees it: the one door through which statements find objects by name.
//!
//! Who has no privilege on an object does not see it, whatever asks: for them it does not exist. Who lacks
//! USAGE on a database or schema sees nothing in it. A holder of MANAGE GRANTS sees everything, but may not
//! do more with it than others.

use std::ops::Deref;
use std::sync::Arc;

use firn_types::{Error, ErrorCode, ObjectId, Result};

use super::privilege::{
    self, APPLIED, Action, IMPORTED_PRIVILEGES, MANAGE_GRANTS, OWNERSHIP, USAGE,
};
use super::{
    ACCOUNT, ACCOUNTADMIN, Catalog, Database, GrantTarget, Grantee, Grants, Integration, Namespace,
    Object, ObjectKind, ObjectPath, PUBLIC_ROLE, Relation, SYSTEM_ROLES, Schema, Warehouse,
};

/// The database of ACCOUNT_USAGE.
pub const SNOWFLAKE: &str = "SNOWFLAKE";

/// Whose rights count: roles with all that were granted to them.
#[derive(Clone, Debug)]
pub struct Rights {
    /// What they were made of.
    grants: Arc<Grants>,
    /// Sorted.
    roles: Vec<ObjectId>,
    sees_all: bool,
    /// Kinds of tags and policies that they may attach to everything.
    applies: Vec<ObjectKind>,
    /// Of the engine itself: nothing is refused.
    unlimited: bool,
}

impl Rights {
    /// The rights of some roles together, in a version of the account; PUBLIC's are always among them.
    pub fn of(catalog: &Catalog, roles: impl IntoIterator<Item = ObjectId>) -> Rights {
        let mut all: Vec<ObjectId> = roles.into_iter().collect();
        all.push(PUBLIC_ROLE);
        let mut next = 0;
        while let Some(role) = all.get(next).copied() {
            next += 1;
            for granted in catalog.roles_of(Grantee::Role(role)) {
                if !all.contains(&granted) {
                    all.push(granted);
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        let grants = Arc::clone(catalog.account_overlay().shared_grants());
        let (sees_all, unlimited, applies) = (false, false, Vec::new());
        let mut rights = Rights { grants, roles: all, sees_all, applies, unlimited };
        rights.sees_all = rights.on_account(catalog, MANAGE_GRANTS);
        let given = |kind: &ObjectKind| {
            rights.granted(catalog, &privilege::to_apply(*kind), &GrantTarget::Account)
        };
        rights.applies = APPLIED.iter().copied().filter(given).collect();
        rights
    }

    /// The rights of the engine itself, when it does what nobody asked for.
    pub fn of_engine() -> Rights {
        let (grants, roles, applies) = (Arc::default(), Vec::new(), Vec::new());
        Rights { grants, roles, sees_all: true, applies, unlimited: true }
    }

    /// Whether nothing has been granted or revoked in a version since these rights were made.
    pub fn hold_in(&self, catalog: &Catalog) -> bool {
        Arc::ptr_eq(&self.grants, catalog.account_overlay().shared_grants())
    }

    /// The roles whose rights these are, by id.
    pub fn roles(&self) -> &[ObjectId] {
        &self.roles
    }

    /// Whether a role is among them.
    pub fn includes(&self, role: ObjectId) -> bool {
        self.unlimited || self.roles.binary_search(&role).is_ok()
    }

    fn on_account(&self, catalog: &Catalog, privilege: &str) -> bool {
        let born = SYSTEM_ROLES.iter().filter(|role| self.includes(role.id));
        self.includes(ACCOUNTADMIN)
            || born.flat_map(|role| role.privileges).any(|own| *own == privilege)
            || self.granted(catalog, privilege, &GrantTarget::Account)
    }

    fn granted(&self, catalog: &Catalog, privilege: &str, target: &GrantTarget) -> bool {
        let mut grants = catalog.account_overlay().grants().on(target);
        grants.any(|grant| {
            grant.privilege == privilege
                && matches!(grant.grantee, Grantee::Role(r) if self.includes(r))
        })
    }
}

/// A version of the account as somebody sees it. What an id leads to is found as in the [`Catalog`]: whoever
/// has an id has been told of it.
#[derive(Clone, Debug)]
pub struct VisibleCatalog {
    catalog: Catalog,
    /// The version whose owners and grants count; another one for a look into the past.
    now: Catalog,
    rights: Arc<Rights>,
}

impl Deref for VisibleCatalog {
    type Target = Catalog;

    fn deref(&self) -> &Catalog {
        &self.catalog
    }
}

impl VisibleCatalog {
    /// A version as the holder of some rights sees it.
    pub fn new(catalog: Catalog, rights: Arc<Rights>) -> VisibleCatalog {
        VisibleCatalog { now: catalog.clone(), catalog, rights }
    }

    /// An earlier version: who sees it now may see what it was.
    pub fn past(&self, past: Catalog) -> VisibleCatalog {
        VisibleCatalog { catalog: past, now: self.now.clone(), rights: Arc::clone(&self.rights) }
    }

    /// The same version as a role alone sees it, such as the owner of a view.
    pub fn as_role(&self, role: ObjectId) -> VisibleCatalog {
        let rights = Arc::new(Rights::of(&self.now, [role]));
        VisibleCatalog { rights, ..self.clone() }
    }

    /// The same version with nothing hidden.
    pub fn as_engine(&self) -> VisibleCatalog {
        VisibleCatalog { rights: Arc::new(Rights::of_engine()), ..self.clone() }
    }

    /// Whose rights count.
    pub fn rights(&self) -> &Rights {
        &self.rights
    }

    fn owner(&self, object: &Object) -> ObjectId {
        self.now.object(object.id()).unwrap_or(object).header().owner
    }

    /// Whether one of the roles owns an object.
    pub fn owns(&self, object: &Object) -> bool {
        self.rights.includes(self.owner(object))
    }

    /// Whether one of the roles has a privilege on an object, or owns it.
    pub fn holds(&self, privilege: &str, object: &Object) -> bool {
        self.owns(object)
            || self.rights.granted(&self.now, privilege, &GrantTarget::Object(object.id()))
    }

    /// Whether one of the roles has a privilege on the account.
    pub fn holds_on_account(&self, privilege: &str) -> bool {
        self.rights.on_account(&self.now, privilege)
    }

    /// Whether an object exists for the roles: one of them has any privilege on it. Who may attach tags or policies to
    /// everything sees them, and all tables and views.
    pub fn sees(&self, object: &Object) -> bool {
        let is_role = matches!(object.kind(), ObjectKind::Role | ObjectKind::DatabaseRole);
        if self.rights.sees_all || is_role || self.owns(object) {
            return true;
        }
        let applies = &self.rights.applies;
        let relation = object.namespace() == Namespace::Relation;
        if applies.contains(&object.kind()) || relation && !applies.is_empty() {
            return true;
        }
        let target = GrantTarget::Object(object.id());
        let mut grants = self.now.account_overlay().grants().on(&target);
        grants.any(|grant| matches!(grant.grantee, Grantee::Role(r) if self.rights.includes(r)))
    }

    /// Whether the names in a container may be looked up.
    fn opens(&self, container: ObjectId) -> bool {
        self.rights.sees_all || self.enters(container)
    }

    /// Whether the roles have USAGE on a container and those around it.
    fn enters(&self, container: ObjectId) -> bool {
        let mut next = container;
        while let Some(object) = self.catalog.object(next) {
            if !self.holds(USAGE, object) {
                return false;
            }
            next = object.header().parent;
        }
        true
    }

    /// Lets an action on an object pass that is seen.
    ///
    /// # Errors
    /// `InsufficientPrivileges` when the roles have no privilege that the action needs.
    pub fn authorize(&self, action: Action, object: &Object) -> Result<()> {
        let mut needed = privilege::needed(action, object);
        let may = self.owns(object) || needed.any(|privilege| self.holds(privilege, object));
        if !may {
            return Err(insufficient(object));
        }
        let mut next = object.header().parent;
        while let Some(container) = self.catalog.object(next) {
            if !self.holds(USAGE, container) {
                return Err(insufficient(container));
            }
            next = container.header().parent;
        }
        Ok(())
    }

    /// Lets somebody create an object in its container, in the place of another one of the name when it
    /// `replaces`: that one's owner. A session's own objects need no privilege but to enter the container.
    ///
    /// # Errors
    /// `InsufficientPrivileges` when the roles may not.
    pub fn authorize_create(&self, object: &Object, replaces: bool) -> Result<()> {
        let privilege = privilege::to_create(object.kind());
        let parent = object.header().parent;
        match self.catalog.object(parent) {
            Some(container) => {
                let may = object.is_temporary() || self.holds(&privilege, container);
                if !may || !self.enters(parent) {
                    return Err(insufficient(container));
                }
            }
            None => self.authorize_on_account(&privilege)?,
        }
        match self.taken(object).filter(|_| replaces) {
            Some(old) if !self.owns(old) || SYSTEM_ROLES.iter().any(|role| role.id == old.id()) => {
                Err(insufficient(old))
            }
            _ => Ok(()),
        }
    }

    /// Lets an object move into another container.
    ///
    /// # Errors
    /// `InsufficientPrivileges` when the roles may not create such objects there.
    pub fn authorize_move(&self, object: &Object, parent: ObjectId) -> Result<()> {
        let privilege = privilege::to_create(object.kind());
        match self.catalog.object(parent).filter(|_| parent != object.header().parent) {
            Some(container) if !self.holds(&privilege, container) || !self.enters(parent) => {
                Err(insufficient(container))
            }
            _ => Ok(()),
        }
    }

    /// Lets only those pass who have a privilege on the account.
    ///
    /// # Errors
    /// `InsufficientPrivileges`.
    pub fn authorize_on_account(&self, privilege: &str) -> Result<()> {
        match self.holds_on_account(privilege) {
            true => Ok(()),
            false => Err(insufficient_on_account()),
        }
    }

    /// Whether a path leads into SNOWFLAKE.ACCOUNT_USAGE, which is stored nowhere: a database of the name that
    /// somebody has made hides it.
    pub fn is_account_usage(&self, path: &ObjectPath) -> bool {
        path.database == SNOWFLAKE
            && path.schema == "ACCOUNT_USAGE"
            && self.catalog.find(Namespace::Database, ACCOUNT, SNOWFLAKE).is_none()
    }

    /// Whether one of the roles may read SNOWFLAKE.ACCOUNT_USAGE.
    pub fn has_imported_privileges(&self) -> bool {
        self.rights.includes(ACCOUNTADMIN)
            || self.rights.granted(&self.now, IMPORTED_PRIVILEGES, &GrantTarget::Account)
    }

    /// Lets only ACCOUNTADMIN pass.
    ///
    /// # Errors
    /// `InsufficientPrivileges`.
    pub fn authorize_admin(&self) -> Result<()> {
        match self.rights.includes(ACCOUNTADMIN) {
            true => Ok(()),
            false => Err(insufficient_on_account()),
        }
    }

    /// Lets somebody give or take a privilege on an object: its owner, in a schema with managed access the
    /// schema's owner, whoever has the privilege WITH GRANT OPTION, and holders of MANAGE GRANTS.
    ///
    /// # Errors
    /// `InsufficientPrivileges`.
    pub fn authorize_grant(&self, privilege: &str, object: &Object) -> Result<()> {
        if self.rights.sees_all {
            return Ok(());
        }
        let container = self.catalog.object(object.header().parent);
        let managed = container
            .filter(|parent| parent.as_schema().is_some_and(|schema| schema.managed_access));
        let target = GrantTarget::Object(object.id());
        let mut grants = self.now.account_overlay().grants().on(&target);
        let may_pass_on = grants.any(|grant| {
            (grant.privilege == privilege || privilege == OWNERSHIP && grant.privilege == OWNERSHIP)
                && grant.grant_option
                && matches!(grant.grantee, Grantee::Role(r) if self.rights.includes(r))
        });
        match self.owns(managed.unwrap_or(object)) || may_pass_on {
            true => Ok(()),
            false => Err(insufficient(object)),
        }
    }

    /// The object that has a name, whether it is seen or not: the name is taken, among the session's own
    /// objects or the account's.
    pub fn taken(&self, object: &Object) -> Option<&Object> {
        let overlay = match object.is_temporary() {
            true => self.catalog.session_overlay(),
            false => self.catalog.account_overlay(),
        };
        overlay.find(object.namespace(), object.header().parent, object.name())
    }

    /// The live object of exactly this name in a container; a session's object hides the account's.
    pub fn find(&self, namespace: Namespace, parent: ObjectId, name: &str) -> Option<&Object> {
        let found = self.catalog.find(namespace, parent, name)?;
        (self.opens(parent) && self.sees(found)).then_some(found)
    }

    /// Live objects of a namespace in a container, by name; a session's object hides the account's.
    pub fn children(&self, namespace: Namespace, parent: ObjectId) -> Vec<&Object> {
        if !self.opens(parent) {
            return Vec::new();
        }
        let mut children = self.catalog.children(namespace, parent);
        children.retain(|object| self.sees(object));
        children
    }

    /// Dropped objects of a namespace in a container, by name and then the newest first.
    pub fn dropped(&self, namespace: Namespace, parent: ObjectId) -> Vec<&Object> {
        if !self.opens(parent) {
            return Vec::new();
        }
        let mut dropped = self.catalog.dropped(namespace, parent);
        dropped.retain(|object| self.sees(object));
        dropped
    }

    /// All objects, dropped ones too, in no useful order.
    pub fn all(&self) -> impl Iterator<Item = &Object> {
        self.catalog.all().filter(|object| self.opens(object.header().parent) && self.sees(object))
    }

    /// Everything that a role owns, seen or not, dropped or not.
    pub fn owned_by(&self, role: ObjectId) -> impl Iterator<Item = &Object> {
        self.catalog.all().filter(move |object| object.header().owner == role)
    }

    /// The live database of this name.
    pub fn database(&self, name: &str) -> Option<&Arc<Database>> {
        self.find(Namespace::Database, ACCOUNT, name)?.as_database()
    }

    /// The live schema of this name.
    pub fn schema(&self, database: ObjectId, name: &str) -> Option<&Arc<Schema>> {
        self.find(Namespace::Schema, database, name)?.as_schema()
    }

    /// The live table, view or materialized view of this name.
    pub fn relation(&self, schema: ObjectId, name: &str) -> Option<Relation<'_>> {
        match self.find(Namespace::Relation, schema, name)? {
            Object::Table(table) => Some(Relation::Table(table)),
            Object::View(view) => Some(Relation::View(view)),
            Object::MaterializedView(view) => Some(Relation::MaterializedView(view)),
            _ => None,
        }
    }

    /// The warehouse of this name.
    pub fn warehouse(&self, name: &str) -> Option<&Arc<Warehouse>> {
        self.find(Namespace::Warehouse, ACCOUNT, name)?.as_warehouse()
    }

    /// The integration of this name.
    pub fn integration(&self, name: &str) -> Option<&Arc<Integration>> {
        self.find(Namespace::Integration, ACCOUNT, name)?.as_integration()
    }
}

/// The error of one who sees an object and may not do that with it.
pub fn insufficient(object: &Object) -> Error {
    let kind = object.kind().title().to_lowercase();
    let text = format!("Insufficient privileges to operate on {kind} '{}'.", object.name());
    Error::new(ErrorCode::InsufficientPrivileges, text)
}

fn insufficient_on_account() -> Error {
    let text = "Insufficient privileges to operate on account 'FIRN'.";
    Error::new(ErrorCode::InsufficientPrivileges, text)
}
