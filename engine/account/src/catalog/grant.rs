//! Grants: who may do what, as a plain list.

use firn_types::ObjectId;

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
    /// The role that gave it.
    pub granted_by: String,
    /// When: nanoseconds since 1970 UTC.
    pub created_nanos: i64,
}

/// What a grant is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantTarget {
    /// The account.
    Account,
    /// One object; for a granted role, the role.
    Object(ObjectId),
    /// Every object of a kind that is created later in a schema or database.
    Future {
        /// The kind as written, in the singular and upper case: `TABLE`.
        kind: String,
        /// The schema or database.
        container: ObjectId,
    },
}

/// Who receives a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grantee {
    /// A role, by name.
    Role(String),
    /// A user, by name.
    User(String),
}

impl Grant {
    /// Whether both give the same to the same, whoever gave it and when.
    pub fn is_same(&self, other: &Grant) -> bool {
        self.privilege == other.privilege
            && self.target == other.target
            && self.grantee == other.grantee
    }
}
