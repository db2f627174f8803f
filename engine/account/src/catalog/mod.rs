//! Descriptions: what exists in the account, at one version.
//!
//! A [`Catalog`] is immutable and cheap to clone; a statement holds one and sees nothing else. Names are
//! found in two steps: a container's id, then a name in it; outside of this crate only through a
//! [`VisibleCatalog`], which knows whose eyes look. Objects of a session (temporary tables, views,
//! stages) lie in an overlay above and hide the account's objects of the same name.
//!
//! Nothing here reads data or understands SQL: views, defaults and clustering keys are texts.

mod attachment;
mod change;
mod entry;
mod grant;
pub mod names;
mod object;
mod overlay;
pub mod privilege;
mod retention;
mod system_role;
mod visible;

use std::sync::Arc;

use firn_types::{Error, ErrorCode, ObjectId, Result};

pub use attachment::{Attached, Attachments, EffectiveTag, PolicyUse};
pub(crate) use change::CommitStamp;
pub use change::{CatalogChange, CreateMode};
pub use entry::{ACCOUNT, Header, NOBODY, fresh_id};
pub(crate) use grant::Grants;
pub use grant::{Grant, GrantTarget, Grantee};
pub use names::{CurrentPath, ObjectPath, Place};
pub use object::*;
pub(crate) use overlay::CatalogOverlay;
pub use privilege::Action;
pub use system_role::*;
pub use visible::{Rights, SNOWFLAKE, VisibleCatalog, insufficient};

/// The version of what is not committed yet.
pub const PENDING: u64 = u64::MAX;

/// All descriptions of the account at one version. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Catalog {
    version: u64,
    /// The hash of the version's object in the log, where it is known.
    commit: Option<Arc<str>>,
    account: Arc<CatalogOverlay>,
    session: Arc<CatalogOverlay>,
}

/// A name that can stand in FROM.
#[derive(Clone, Copy, Debug)]
pub enum Relation<'a> {
    /// A table.
    Table(&'a Arc<Table>),
    /// A view.
    View(&'a Arc<View>),
    /// A materialized view.
    MaterializedView(&'a Arc<MaterializedView>),
}

impl Catalog {
    pub(crate) fn new(
        version: u64,
        account: Arc<CatalogOverlay>,
        session: Arc<CatalogOverlay>,
    ) -> Catalog {
        Catalog { version, commit: None, account, session }
    }

    /// An account in which nothing is.
    pub fn empty() -> Catalog {
        Catalog::new(0, Default::default(), Default::default())
    }

    /// The commit that made this version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The hash of the object in the log that made this version, where it is known.
    pub(crate) fn commit_hash(&self) -> Option<&Arc<str>> {
        self.commit.as_ref()
    }

    /// Says which commit made this version.
    pub(crate) fn set_commit(&mut self, version: u64, hash: Option<Arc<str>>) {
        self.version = version;
        self.commit = hash;
    }

    /// The same version of the account with a session's objects above it.
    pub(crate) fn with_session(&self, session: Arc<CatalogOverlay>) -> Catalog {
        Catalog {
            version: self.version,
            commit: self.commit.clone(),
            account: Arc::clone(&self.account),
            session,
        }
    }

    pub(crate) fn account_overlay(&self) -> &Arc<CatalogOverlay> {
        &self.account
    }

    pub(crate) fn session_overlay(&self) -> &Arc<CatalogOverlay> {
        &self.session
    }

    /// The overlay that an object with this mark belongs to, to be changed.
    pub(crate) fn overlay_mut(&mut self, temporary: bool) -> &mut CatalogOverlay {
        Arc::make_mut(if temporary { &mut self.session } else { &mut self.account })
    }

    /// The object of this id, dropped or not.
    pub fn object(&self, id: ObjectId) -> Option<&Object> {
        self.session.get(id).or_else(|| self.account.get(id))
    }

    /// The live object of exactly this name in a container; a session's object hides the account's.
    pub(crate) fn find(
        &self,
        namespace: Namespace,
        parent: ObjectId,
        name: &str,
    ) -> Option<&Object> {
        let session = self.session.find(namespace, parent, name);
        session.or_else(|| self.account.find(namespace, parent, name))
    }

    /// Live objects of a namespace in a container, by name; a session's object hides the account's.
    pub(crate) fn children(&self, namespace: Namespace, parent: ObjectId) -> Vec<&Object> {
        let account = self.account.children(namespace, parent);
        if self.session.is_empty() {
            return account.collect();
        }
        let hidden =
            |object: &&Object| self.session.find(namespace, parent, object.name()).is_none();
        let mut objects: Vec<&Object> = account.filter(hidden).collect();
        objects.extend(self.session.children(namespace, parent));
        objects.sort_by(|a, b| a.name().cmp(b.name()));
        objects
    }

    /// Dropped objects of a namespace in a container, by name and then the newest first.
    pub(crate) fn dropped(&self, namespace: Namespace, parent: ObjectId) -> Vec<&Object> {
        self.account.dropped_children(namespace, parent).collect()
    }

    /// All objects of the account and the session, dropped ones too, in no useful order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Object> {
        self.account.all().chain(self.session.all())
    }

    /// The live database of this name.
    #[cfg(test)]
    pub(crate) fn database(&self, name: &str) -> Option<&Arc<Database>> {
        self.find(Namespace::Database, ACCOUNT, name)?.as_database()
    }

    /// The live schema of this name.
    #[cfg(test)]
    pub(crate) fn schema(&self, database: ObjectId, name: &str) -> Option<&Arc<Schema>> {
        self.find(Namespace::Schema, database, name)?.as_schema()
    }

    /// The table of this id, dropped or not.
    pub fn table(&self, id: ObjectId) -> Option<&Arc<Table>> {
        self.object(id)?.as_table()
    }

    /// The materialized view of this id, dropped or not.
    pub fn materialized_view(&self, id: ObjectId) -> Option<&Arc<MaterializedView>> {
        self.object(id)?.as_materialized_view()
    }

    /// The role of this name. Roles are known to all: anybody may give something to one.
    pub fn role(&self, name: &str) -> Option<&Arc<Role>> {
        self.find(Namespace::Role, ACCOUNT, name)?.as_role()
    }

    /// The user of this name, known to all like roles.
    pub fn user(&self, name: &str) -> Option<&Arc<User>> {
        self.find(Namespace::User, ACCOUNT, name)?.as_user()
    }

    /// The grants on a target, the oldest first.
    pub fn grants_on(&self, target: &GrantTarget) -> Vec<&Grant> {
        in_order(self.account.grants().on(target))
    }

    /// The grants on what is created later in a schema or database, the oldest first.
    pub fn future_grants_in(&self, container: ObjectId) -> Vec<&Grant> {
        in_order(self.account.grants().future_in(container))
    }

    /// What a role or user has, the oldest first.
    pub fn grants_to(&self, grantee: Grantee) -> Vec<&Grant> {
        in_order(self.account.grants().to(&grantee))
    }

    /// The grant of a privilege on a target to a role or user.
    pub fn grant(&self, privilege: &str, target: &GrantTarget, to: Grantee) -> Option<&Grant> {
        self.account.grants().get(privilege, target, to).map(Arc::as_ref)
    }

    /// The roles granted to a role or user themselves.
    pub fn roles_of(&self, grantee: Grantee) -> Vec<ObjectId> {
        let grants = self.account.grants().to(&grantee);
        let role = |grant: &Arc<Grant>| match grant.target {
            GrantTarget::Object(id) => {
                let kind = self.object(id)?.kind();
                let is_role = matches!(kind, ObjectKind::Role | ObjectKind::DatabaseRole);
                is_role.then_some(id)
            }
            _ => None,
        };
        grants.filter_map(role).collect()
    }

    /// The name of a live object, such as the role that owns another one; empty when there is none.
    pub fn name_of(&self, id: ObjectId) -> &str {
        let object = self.object(id).filter(|object| object.header().dropped_nanos.is_none());
        object.map_or("", Object::name)
    }

    /// The value of a parameter set on an object, or on [`ACCOUNT`]; names in upper case.
    pub fn parameter(&self, on: ObjectId, name: &str) -> Option<&str> {
        self.account.parameters().get(&(on, name.to_string())).map(String::as_str)
    }

    /// The parameters set on an object, or on [`ACCOUNT`], by name.
    pub fn parameters(&self, on: ObjectId) -> impl Iterator<Item = (&str, &str)> {
        let from = (on, String::new());
        let all = self.account.parameters().range(from..).take_while(move |((id, _), _)| *id == on);
        all.map(|((_, name), value)| (name.as_str(), value.as_str()))
    }

    /// Whether the object and all that it lives in are there and not dropped.
    pub fn is_live(&self, id: ObjectId) -> bool {
        let mut next = id;
        while next != ACCOUNT {
            match self.object(next) {
                Some(object) if object.header().dropped_nanos.is_none() => {
                    next = object.header().parent;
                }
                _ => return false,
            }
        }
        true
    }

    /// The object's name with its containers': `DATABASE.SCHEMA.NAME`.
    pub fn full_name(&self, id: ObjectId) -> String {
        let mut parts = Vec::new();
        let mut next = id;
        while let Some(object) = self.object(next) {
            parts.push(object.name());
            next = object.header().parent;
        }
        parts.reverse();
        parts.join(".")
    }

    /// Where an object of a schema is, by its header.
    ///
    /// # Errors
    /// An internal error when its schema is gone.
    pub fn path_of(&self, header: &Header) -> Result<ObjectPath> {
        let schema = self.object_or_err(header.parent)?.header();
        let database = self.object_or_err(schema.parent)?.header();
        Ok(ObjectPath {
            database: database.name.clone(),
            schema: schema.name.clone(),
            name: header.name.clone(),
        })
    }

    /// The database that an object lives in; the object itself for a database.
    pub fn database_of(&self, id: ObjectId) -> Option<&Arc<Database>> {
        let mut object = self.object(id)?;
        while object.header().parent != ACCOUNT {
            object = self.object(object.header().parent)?;
        }
        object.as_database()
    }

    /// The object of an id that a plan or a transaction holds.
    ///
    /// # Errors
    /// `ObjectNotFound` when another transaction dropped it for good.
    pub fn object_or_err(&self, id: ObjectId) -> Result<&Object> {
        self.object(id).ok_or_else(|| {
            Error::new(
                ErrorCode::ObjectNotFound,
                format!("Object {id} does not exist or not authorized."),
            )
        })
    }
}

/// Grants by the time when they were given.
fn in_order<'g>(grants: impl Iterator<Item = &'g Arc<Grant>>) -> Vec<&'g Grant> {
    let mut grants: Vec<&Grant> = grants.map(Arc::as_ref).collect();
    grants.sort_by_key(|grant| grant.created_nanos);
    grants
}
