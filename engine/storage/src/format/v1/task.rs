//! Descriptions of tasks, and how far they have come.

use serde::{Deserialize, Serialize};

use super::Header;
use super::partition::is_false;

/// A task. Times are nanoseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// What all objects have.
    pub header: Header,
    /// The statement.
    pub body: String,
    /// The warehouse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warehouse: Option<String>,
    /// SCHEDULE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// AFTER.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<u64>,
    /// FINALIZE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finalizes: Option<u64>,
    /// WHEN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// CONFIG.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// Other options.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<(String, String)>,
    /// Whether it runs when it is due.
    #[serde(default, skip_serializing_if = "is_false")]
    pub started: bool,
    /// When it was last resumed.
    pub resumed_nanos: i64,
    /// When it was last suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_nanos: Option<i64>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_reason: Option<String>,
    /// How far it has come.
    #[serde(default)]
    pub progress: TaskProgress,
}

/// How far a task has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskProgress {
    /// The last time of its schedule for which it has begun.
    #[serde(default)]
    pub scheduled_nanos: i64,
    /// Runs that have failed in a row.
    #[serde(default)]
    pub failures: u32,
    /// Whether somebody has asked for a run.
    #[serde(default, skip_serializing_if = "is_false")]
    pub requested: bool,
    /// Whether it is to go on with the last one, which failed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub retry_last: bool,
    /// The configuration that it was asked for with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_config: Option<String>,
    /// The run that has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<GraphRun>,
    /// The last run, where it has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_run: Option<GraphRun>,
}

/// A run of a graph of tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphRun {
    /// For when it was due.
    pub scheduled_nanos: i64,
    /// Why it runs.
    pub reason: String,
    /// How often it was begun.
    pub attempt: u32,
    /// The configuration that it was asked for with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The tasks that have ended: `succeeded`, `failed`, `skipped`, and what each returned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<(u64, String, Option<String>)>,
}

/// A run of a task that has ended, for the history. Times are nanoseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskRun {
    /// The task, and the root task of its graph.
    pub task: [u64; 2],
    /// Its name, schema and database.
    pub name: [String; 3],
    /// The role that owned it.
    pub owner: String,
    /// The statement, and its id where it has run.
    pub text: String,
    /// The id of its statement, where it has run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_id: Option<String>,
    /// WHEN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// How it ended: `SUCCEEDED`.
    pub state: String,
    /// The code and the message of its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<(i32, String)>,
    /// For when its graph's run was due.
    pub scheduled_nanos: i64,
    /// When its statement started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_nanos: Option<i64>,
    /// When it ended.
    pub ended_nanos: i64,
    /// What it returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Why it ran.
    pub reason: String,
    /// How often its graph's run was begun.
    pub attempt: u32,
    /// The configuration of its graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
}
