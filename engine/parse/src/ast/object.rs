//! Statements about whole objects: drop, alter, comment, privileges.

use firn_types::{Identifier, ObjectKind, Span};

use super::{AlertChange, Name, StatementOption, TaskChange, TypeName};

/// DROP.
#[derive(Clone, Debug, PartialEq)]
pub struct Drop {
    /// Of what.
    pub kind: ObjectKind,
    /// IF EXISTS.
    pub if_exists: bool,
    /// Its name.
    pub name: Name,
    /// The argument types that a function's or procedure's name goes with.
    pub signature: Option<Vec<TypeName>>,
    /// CASCADE is true, RESTRICT is false, where written.
    pub cascade: Option<bool>,
}

/// UNDROP.
#[derive(Clone, Debug, PartialEq)]
pub struct Undrop {
    /// Of what.
    pub kind: ObjectKind,
    /// Its name.
    pub name: Name,
}

/// ALTER of anything but a table or the session.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterObject {
    /// Of what.
    pub kind: ObjectKind,
    /// IF EXISTS.
    pub if_exists: bool,
    /// Its name; `ALTER ACCOUNT` has none.
    pub name: Option<Name>,
    /// The argument types that a function's name goes with.
    pub signature: Option<Vec<TypeName>>,
    /// What is changed.
    pub action: AlterObjectAction,
}

/// What ALTER changes about an object.
#[derive(Clone, Debug, PartialEq)]
pub enum AlterObjectAction {
    /// RENAME TO.
    Rename(Name),
    /// SWAP WITH.
    Swap(Name),
    /// SET name = value ..; `SET SECURE` is the option SECURE = TRUE.
    Set(Vec<StatementOption>),
    /// UNSET name, ..
    Unset(Vec<Identifier>),
    /// SUSPEND.
    Suspend,
    /// RESUME, and whether IF SUSPENDED.
    Resume(bool),
    /// REFRESH, with `name = value` behind it.
    Refresh(Vec<StatementOption>),
    /// ABORT ALL QUERIES.
    AbortAllQueries,
    /// CLUSTER BY.
    ClusterBy(Vec<super::Expr>),
    /// DROP CLUSTERING KEY.
    DropClusteringKey,
    /// SUSPEND RECLUSTER is false, RESUME RECLUSTER is true.
    Recluster(bool),
    /// ENABLE MANAGED ACCESS is true, DISABLE is false.
    ManagedAccess(bool),
    /// What only external tables have.
    Files(super::ExternalFilesChange),
    /// What only tasks have.
    Task(TaskChange),
    /// What only alerts have.
    Alert(AlertChange),
    /// Something is done with a programmatic access token of a user.
    AccessToken(AccessTokenChange),
    /// SET TAG, MODIFY COLUMN .. SET MASKING POLICY and their like.
    Attach(Vec<super::ChangeAttachments>),
    /// SET BODY of a policy: the place of the body.
    SetBody(Span),
    /// ADD ALLOWED_VALUES is true, DROP ALLOWED_VALUES is false.
    AllowedValues(bool, Vec<String>),
}

/// What is done with a programmatic access token.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessTokenChange {
    /// The token.
    pub name: Identifier,
    /// IF NOT EXISTS of ADD, IF EXISTS of the others.
    pub if_needed: bool,
    /// What is done.
    pub action: AccessTokenAction,
}

/// See [`AccessTokenChange`].
#[derive(Clone, Debug, PartialEq)]
pub enum AccessTokenAction {
    /// ADD.
    Add(Vec<StatementOption>),
    /// MODIFY .. RENAME TO.
    Rename(Identifier),
    /// MODIFY .. SET.
    Set(Vec<StatementOption>),
    /// MODIFY .. UNSET.
    Unset(Vec<Identifier>),
    /// ROTATE.
    Rotate(Vec<StatementOption>),
    /// REMOVE.
    Remove,
}

/// `COMMENT [IF EXISTS] ON kind name IS 'text'`.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    /// On what.
    pub kind: ObjectKind,
    /// IF EXISTS.
    pub if_exists: bool,
    /// Its name; for a column the table's name with the column's behind it.
    pub name: Name,
    /// The argument types that a function's name goes with.
    pub signature: Option<Vec<TypeName>>,
    /// The text.
    pub text: String,
}

/// GRANT.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// What is granted, and on what.
    pub subject: GrantSubject,
    /// To whom.
    pub to: GrantTarget,
    /// WITH GRANT OPTION.
    pub grant_option: bool,
    /// With GRANT OWNERSHIP: COPY CURRENT GRANTS is true, REVOKE CURRENT GRANTS is false.
    pub current_grants: Option<bool>,
}

/// REVOKE.
#[derive(Clone, Debug, PartialEq)]
pub struct Revoke {
    /// What is taken away, and on what.
    pub subject: GrantSubject,
    /// From whom.
    pub from: GrantTarget,
    /// GRANT OPTION FOR.
    pub grant_option_only: bool,
    /// CASCADE is true, RESTRICT is false, where written.
    pub cascade: Option<bool>,
}

/// What is granted.
#[derive(Clone, Debug, PartialEq)]
pub enum GrantSubject {
    /// ROLE name.
    Role(Name),
    /// DATABASE ROLE name.
    DatabaseRole(Name),
    /// Privileges on one object; an account has no name.
    Object {
        /// Which privileges.
        privileges: Vec<Privilege>,
        /// Its kind; a table or a view where none is written.
        kind: Option<ObjectKind>,
        /// On which one.
        name: Option<Name>,
        /// The argument types that a function's name goes with.
        signature: Option<Vec<TypeName>>,
    },
    /// Privileges on all objects, or all that will be made, of a kind in a container.
    Bulk {
        /// Which privileges.
        privileges: Vec<Privilege>,
        /// FUTURE instead of ALL.
        future: bool,
        /// Which kind.
        kind: ObjectKind,
        /// In a database instead of a schema.
        in_database: bool,
        /// Which one.
        container: Name,
    },
}

/// A privilege: its words in upper case, such as `SELECT`, `CREATE TABLE` or `ALL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Privilege {
    /// The words, one blank between them.
    pub words: String,
    /// Where it was written.
    pub span: Span,
}

/// To whom something is granted.
#[derive(Clone, Debug, PartialEq)]
pub enum GrantTarget {
    /// A role.
    Role(Name),
    /// A role of a database.
    DatabaseRole(Name),
    /// A user.
    User(Name),
}
