//! Grants: who may do what. They belong to the ids of those who have them, not to names.

use std::sync::Arc;

use firn_types::ObjectId;
use rpds::RedBlackTreeMapSync as Map;

/// One privilege, or one role, given to a role or a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What is given: a privilege in upper case, or `USAGE` for a role.
    pub privilege: String,
    /// On what.
    pub target: GrantTarget,
    /// To whom.
    pub grantee: Grantee,
    /// Whether the receiver may give it on.
    pub grant_option: bool,
    /// The role that gave it; [`NOBODY`](super::NOBODY) for what an account is born with.
    pub granted_by: ObjectId,
    /// When: nanoseconds since 1970 UTC.
    pub created_nanos: i64,
}

/// What a grant is on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GrantTarget {
    /// The account.
    Account,
    /// One object; for a granted role, the role.
    Object(ObjectId),
    /// Every object of a kind that is created later in a schema or database.
    Future {
        /// The schema or database.
        container: ObjectId,
        /// The kind as written, in the singular and upper case: `TABLE`.
        kind: String,
    },
}

/// Who receives a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grantee {
    /// A role.
    Role(ObjectId),
    /// A user.
    User(ObjectId),
}

impl Grantee {
    /// The role or user.
    pub fn id(self) -> ObjectId {
        match self {
            Grantee::Role(id) | Grantee::User(id) => id,
        }
    }
}

/// All grants, found by what they are on and by who has them. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grants {
    on: Map<GrantTarget, Map<(Grantee, String), Arc<Grant>>>,
    to: Map<Grantee, Map<(GrantTarget, String), Arc<Grant>>>,
}

impl Grants {
    /// Adds a grant in the place of one that gives the same to the same.
    pub(crate) fn insert(&mut self, grant: Grant) {
        let Grant { privilege, target, grantee, .. } = grant.clone();
        let grant = Arc::new(grant);
        let mut on = self.on.get(&target).cloned().unwrap_or_default();
        on.insert_mut((grantee, privilege.clone()), Arc::clone(&grant));
        self.on.insert_mut(target.clone(), on);
        let mut to = self.to.get(&grantee).cloned().unwrap_or_default();
        to.insert_mut((target, privilege), grant);
        self.to.insert_mut(grantee, to);
    }

    /// Takes out the grant that gives the same to the same, whoever gave it and when.
    pub(crate) fn remove(&mut self, grant: &Grant) {
        let Grant { privilege, target, grantee, .. } = grant;
        if let Some(on) = self.on.get(target) {
            let on = on.remove(&(*grantee, privilege.clone()));
            match on.is_empty() {
                true => _ = self.on.remove_mut(target),
                false => self.on.insert_mut(target.clone(), on),
            }
        }
        if let Some(to) = self.to.get(grantee) {
            let to = to.remove(&(target.clone(), privilege.clone()));
            match to.is_empty() {
                true => _ = self.to.remove_mut(grantee),
                false => self.to.insert_mut(*grantee, to),
            }
        }
    }

    /// Whether anything was given on an object or in it, or to it.
    pub(crate) fn knows(&self, id: ObjectId) -> bool {
        let to = [Grantee::Role(id), Grantee::User(id)];
        self.on.contains_key(&GrantTarget::Object(id))
            || self.future_in(id).next().is_some()
            || to.iter().any(|grantee| self.to.contains_key(grantee))
    }

    /// Takes out all that was given on an object or in it, and to it.
    pub(crate) fn forget(&mut self, id: ObjectId) {
        let mut gone: Vec<Arc<Grant>> = Vec::new();
        gone.extend(self.on(&GrantTarget::Object(id)).cloned());
        gone.extend(self.future_in(id).cloned());
        gone.extend(
            [Grantee::Role(id), Grantee::User(id)].iter().flat_map(|to| self.to(to)).cloned(),
        );
        gone.iter().for_each(|grant| self.remove(grant));
    }

    /// The grants on a target, by who has them.
    pub(crate) fn on(&self, target: &GrantTarget) -> impl Iterator<Item = &Arc<Grant>> {
        self.on.get(target).into_iter().flat_map(|grants| grants.values())
    }

    /// The grants on what is created later in a container.
    pub(crate) fn future_in(&self, container: ObjectId) -> impl Iterator<Item = &Arc<Grant>> {
        let from = GrantTarget::Future { container, kind: String::new() };
        let is_here = move |target: &GrantTarget| matches!(target, GrantTarget::Future { container: other, .. } if *other == container);
        let all = self.on.range(from..).take_while(move |(target, _)| is_here(target));
        all.flat_map(|(_, grants)| grants.values())
    }

    /// What a role or user has, by what it is on.
    pub(crate) fn to(&self, grantee: &Grantee) -> impl Iterator<Item = &Arc<Grant>> {
        self.to.get(grantee).into_iter().flat_map(|grants| grants.values())
    }

    /// The grant of a privilege on a target to a role or user.
    pub(crate) fn get(
        &self,
        privilege: &str,
        target: &GrantTarget,
        grantee: Grantee,
    ) -> Option<&Arc<Grant>> {
        self.on.get(target)?.get(&(grantee, privilege.to_string()))
    }

    /// All grants.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Grant>> {
        self.on.values().flat_map(|grants| grants.values())
    }
}
