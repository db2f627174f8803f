//! Which privileges there are on what, and which statement needs which.

use super::ObjectKind::{
    AggregationPolicy, Alert, Database, DynamicTable, ExternalTable, FileFormat, Function,
    Integration, MaskingPolicy, MaterializedView, PasswordPolicy, Pipe, Procedure,
    ProjectionPolicy, RowAccessPolicy, Schema, Sequence, SessionPolicy, Stage, Stream, Table, Tag,
    Task, View, Warehouse,
};
use super::{Object, ObjectKind, StageLocation};
pub use firn_types::object_kind::USAGE;

/// The privilege of the one role that owns an object; it stands for all others, and is kept with the object.
pub const OWNERSHIP: &str = "OWNERSHIP";
/// The privilege to give and take grants on everything as if one owned it; who has it sees everything.
pub const MANAGE_GRANTS: &str = "MANAGE GRANTS";

/// The privilege to read SNOWFLAKE.ACCOUNT_USAGE. It is granted on database SNOWFLAKE, which is not stored, and so kept
/// as one on the account.
pub const IMPORTED_PRIVILEGES: &str = "IMPORTED PRIVILEGES";

/// What a statement does with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Rows are read.
    Select,
    /// Rows are added.
    Insert,
    /// Rows are changed.
    Update,
    /// Rows are deleted.
    Delete,
    /// All rows go.
    Truncate,
    /// A foreign key refers to it.
    Refer,
    /// Files of a stage are read.
    ReadFiles,
    /// Files of a stage are written or removed.
    WriteFiles,
    /// It is used: a sequence counts, a format reads a file, a statement runs in a warehouse.
    Use,
    /// Properties change that its privilege MODIFY is for.
    Modify,
    /// It is suspended, resumed or refreshed, or its statements are ended.
    Operate,
    /// Its definition, name or comment changes.
    Alter,
    /// It goes, or gives its name to another one.
    Drop,
    /// A tag or policy is attached to something that one owns, or taken off it.
    Apply,
}

/// Which privileges an action needs, one of them, on the kinds of objects that it is about. The object's
/// owner may do everything, and alone what is not listed.
const NEEDED: &[(Action, &[ObjectKind], &[&str])] = &[
    (
        Action::Select,
        &[Table, DynamicTable, ExternalTable, View, MaterializedView, Stream],
        &["SELECT"],
    ),
    (Action::Insert, &[Table], &["INSERT"]),
    (Action::Update, &[Table], &["UPDATE"]),
    (Action::Delete, &[Table], &["DELETE"]),
    (Action::Truncate, &[Table], &["TRUNCATE"]),
    (Action::Refer, &[Table, ExternalTable], &["REFERENCES"]),
    (Action::ReadFiles, &[Stage], &["READ", USAGE]),
    (Action::WriteFiles, &[Stage], &["WRITE", USAGE]),
    (Action::Use, &[Sequence, FileFormat, Function, Procedure, Integration, Warehouse], &[USAGE]),
    (Action::Modify, &[Database, Schema, Warehouse], &["MODIFY"]),
    (Action::Operate, &[Warehouse, Alert, Task, DynamicTable, Pipe], &["OPERATE"]),
    (Action::Operate, &[Stage], &["WRITE", USAGE]),
    (Action::Apply, APPLIED, &["APPLY"]),
];

/// What is attached to objects.
pub const APPLIED: &[ObjectKind] = &[
    Tag,
    AggregationPolicy,
    MaskingPolicy,
    PasswordPolicy,
    ProjectionPolicy,
    RowAccessPolicy,
    SessionPolicy,
];

/// The privileges one of which an action on an object needs; none when its owner alone may do it. Files of an
/// external stage, and its directory table, need USAGE, those of an internal one READ and WRITE.
pub fn needed(action: Action, object: &Object) -> impl Iterator<Item = &'static str> {
    let kind = object.kind();
    let found = NEEDED.iter().find(|(known, kinds, _)| *known == action && kinds.contains(&kind));
    let needed = found.map_or(&[] as &[&str], |(.., needed)| *needed);
    let files = match object {
        Object::Stage(stage) => Some(stage.location == StageLocation::Internal),
        _ => None,
    };
    let fits = move |privilege: &&str| files.is_none_or(|inside| inside == (*privilege != USAGE));
    needed.iter().copied().filter(fits)
}

/// The privilege to create an object of a kind in its container.
pub fn to_create(kind: ObjectKind) -> String {
    format!("CREATE {}", kind.words())
}

/// The privilege on the account to attach tags or policies of a kind to anything.
pub fn to_apply(kind: ObjectKind) -> String {
    format!("APPLY {}", kind.words())
}

/// Privileges on the account. ACCOUNTADMIN has them all.
pub const ON_ACCOUNT: &[&str] = &[
    "APPLY AGGREGATION POLICY",
    "APPLY MASKING POLICY",
    "APPLY PASSWORD POLICY",
    "APPLY PROJECTION POLICY",
    "APPLY ROW ACCESS POLICY",
    "APPLY SESSION POLICY",
    "APPLY TAG",
    "CREATE DATABASE",
    "CREATE INTEGRATION",
    "CREATE NETWORK POLICY",
    "CREATE ROLE",
    "CREATE USER",
    "CREATE WAREHOUSE",
    "EXECUTE ALERT",
    "EXECUTE MANAGED ALERT",
    "EXECUTE MANAGED TASK",
    "EXECUTE TASK",
    MANAGE_GRANTS,
    "MANAGE WAREHOUSES",
    "MONITOR",
    "MONITOR EXECUTION",
    "MONITOR USAGE",
];
