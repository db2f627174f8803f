//! What has happened: statements that ran, and logins.

use serde::{Deserialize, Serialize};

use super::alert::AlertRun;
use super::task::TaskRun;

/// A file of the history; since format 4.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// The format.
    pub format: u32,
    /// Statements that have ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<RanStatement>,
    /// Logins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logins: Vec<LoginRecord>,
    /// Runs of tasks that have ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskRun>,
    /// Runs of alerts that have ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<AlertRun>,
    /// Refreshes of dynamic tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refreshes: Vec<RefreshRun>,
}

/// A refresh of a dynamic table. Times are nanoseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefreshRun {
    /// The table.
    pub table: u64,
    /// Its database, schema and name.
    pub name: [String; 3],
    /// What was done: `INCREMENTAL`.
    pub action: String,
    /// Rows inserted and deleted.
    pub rows: [u64; 2],
    /// The code and the message of its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<(i32, String)>,
    /// Why it was refreshed.
    pub reason: String,
    /// The time of the data that its rows reflect.
    pub data_nanos: i64,
    /// When it began.
    pub started_nanos: i64,
    /// When it ended.
    pub ended_nanos: i64,
    /// The statement.
    pub query_id: String,
}

/// A statement that ran. Times are nanoseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RanStatement {
    /// Its id.
    pub query_id: String,
    /// Its text, or the beginning of it, without secrets.
    pub text: String,
    /// What it is: `SELECT`.
    pub query_type: String,
    /// The session's number.
    pub session_id: u64,
    /// The user.
    pub user: String,
    /// QUERY_TAG.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tag: String,
    /// Database, schema, warehouse and role in use.
    pub current: [Option<String>; 4],
    /// When it started.
    pub start_nanos: i64,
    /// When its plan was ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_nanos: Option<i64>,
    /// Nanoseconds for which it waited for its warehouse.
    #[serde(default)]
    pub queued_nanos: i64,
    /// Nanoseconds for which it waited for the transactions of others.
    #[serde(default)]
    pub blocked_nanos: u64,
    /// What it has read and changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Box<Access>>,
    /// How it ended; nothing while it runs, which is never persisted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<StatementEnd>,
}

/// What a statement has read and changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// What it names itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub direct: Vec<AccessedObject>,
    /// What holds the rows that it has read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub base: Vec<AccessedObject>,
    /// Whose rows it has written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modified: Vec<AccessedObject>,
    /// From which columns the values come that it has written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lineage: Vec<ColumnLineage>,
    /// Whose definition it has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<ChangedDefinition>,
    /// Policies that were applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<AccessedPolicy>,
}

/// An object, with some of its columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessedObject {
    /// What it is: `Table`.
    pub domain: String,
    /// Its id.
    pub id: u64,
    /// Its whole name.
    pub name: String,
    /// Ids and names of columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<(u32, String)>,
}

/// From which columns the values of a column come, each by the id of its object and its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnLineage {
    /// The column that was written.
    pub column: (u64, u32),
    /// Columns of objects that the statement names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub direct: Vec<(u64, u32)>,
    /// Columns of objects that hold rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub base: Vec<(u64, u32)>,
}

/// A policy that was applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessedPolicy {
    /// What it protects.
    pub on: AccessedObject,
    /// Id and name of the column, where it protects one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<(u32, String)>,
    /// The policy.
    pub policy: AccessedObject,
}

/// An object whose definition was changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangedDefinition {
    /// The object.
    pub object: AccessedObject,
    /// How: `CREATE`.
    pub operation: String,
}

/// How a statement ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementEnd {
    /// When.
    pub nanos: i64,
    /// Rows given or affected.
    pub rows: u64,
    /// Bytes read from storage.
    pub bytes_read: u64,
    /// The code and the message of its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<(i32, String)>,
}

/// A login, or one that was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginRecord {
    /// Its number.
    pub id: u64,
    /// When: nanoseconds since 1970 UTC.
    pub nanos: i64,
    /// The user, or the name that nobody has.
    pub user: String,
    /// The address that it came from.
    pub from: String,
    /// What the client says of itself: its kind and version.
    pub client: [String; 2],
    /// What was shown: `PASSWORD`.
    pub factor: String,
    /// Why it was refused: the number of the error, and the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<(i32, String)>,
}
