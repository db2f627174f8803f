//! Descriptions of alerts, how far they have come, and their runs.

use serde::{Deserialize, Serialize};

use super::Header;
use super::partition::is_false;

/// An alert. Times are nanoseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// What all objects have.
    pub header: Header,
    /// The warehouse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warehouse: Option<String>,
    /// SCHEDULE.
    pub schedule: String,
    /// The statement whose rows are looked for.
    pub condition: String,
    /// The statement that is run when there are any.
    pub action: String,
    /// Whether it runs when it is due.
    #[serde(default, skip_serializing_if = "is_false")]
    pub started: bool,
    /// When it was last resumed.
    pub resumed_nanos: i64,
    /// How far it has come.
    #[serde(default)]
    pub progress: AlertProgress,
}

/// How far an alert has come. Times are nanoseconds since 1970 UTC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertProgress {
    /// The last time of its schedule for which it has begun to run.
    #[serde(default)]
    pub scheduled_nanos: i64,
    /// Whether somebody has asked for a run.
    #[serde(default, skip_serializing_if = "is_false")]
    pub requested: bool,
    /// The time for which it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<i64>,
    /// The last time for which it has run without an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeded: Option<i64>,
}

/// A run of an alert that has ended, for the history. Times are nanoseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRun {
    /// The alert.
    pub alert: u64,
    /// Its database, schema and name.
    pub name: [String; 3],
    /// The condition and the action.
    pub texts: [String; 2],
    /// The ids of their statements, as far as they have run.
    pub query_ids: [Option<String>; 2],
    /// How it ended: `TRIGGERED`.
    pub state: String,
    /// The code and the message of its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<(i32, String)>,
    /// For when it was due.
    pub scheduled_nanos: i64,
    /// When it ended.
    pub ended_nanos: i64,
}
