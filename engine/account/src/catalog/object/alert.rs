//! Alerts.

use crate::catalog::Header;

/// An alert: a statement that is run when another one, which runs on a schedule, has rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// What all objects have.
    pub header: Header,
    /// The warehouse that it runs in.
    pub warehouse: Option<String>,
    /// When it runs, as written: `5 MINUTES`, `USING CRON 0 9 * * * UTC`.
    pub schedule: String,
    /// The statement whose rows are looked for.
    pub condition: String,
    /// The statement that is run when there are any.
    pub action: String,
    /// Whether it runs when it is due.
    pub started: bool,
    /// When it was last resumed, from where its schedule counts: nanoseconds since 1970 UTC.
    pub resumed_nanos: i64,
    /// How far it has come.
    pub progress: AlertProgress,
}

/// How far an alert has come. It changes with the runs, not with the definition. Times are nanoseconds since 1970 UTC.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertProgress {
    /// The last time of its schedule for which it has begun to run.
    pub scheduled_nanos: i64,
    /// Whether somebody has asked for a run.
    pub requested: bool,
    /// The time for which it has begun to run, until that run has ended.
    pub running: Option<i64>,
    /// The last time for which it has run without an error.
    pub succeeded: Option<i64>,
}
