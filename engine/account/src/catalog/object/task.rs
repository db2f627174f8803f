//! Tasks.

use firn_types::ObjectId;

use crate::catalog::Header;

/// A task: a statement that runs by itself, on a schedule, after other tasks, or when a stream has data.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What all objects have.
    pub header: Header,
    /// The statement.
    pub body: String,
    /// The warehouse that it runs in.
    pub warehouse: Option<String>,
    /// When it runs, as written: `5 MINUTES`, `USING CRON 0 9 * * * UTC`.
    pub schedule: Option<String>,
    /// The tasks that it runs after.
    pub after: Vec<ObjectId>,
    /// The root task of the graph that it is the last one of.
    pub finalizes: Option<ObjectId>,
    /// WHEN: what must be true for it to run.
    pub condition: Option<String>,
    /// CONFIG: what the tasks of the graph may ask for, as JSON.
    pub config: Option<String>,
    /// Other options and session parameters, by name.
    pub options: Vec<(String, String)>,
    /// Whether it runs when it is due.
    pub started: bool,
    /// When it was last resumed, from where its schedule counts: nanoseconds since 1970 UTC.
    pub resumed_nanos: i64,
    /// When it was last suspended: nanoseconds since 1970 UTC.
    pub suspended_nanos: Option<i64>,
    /// Why, when it was not a user who did it.
    pub suspended_reason: Option<String>,
    /// How far it has come.
    pub progress: TaskProgress,
}

impl Task {
    /// Whether it is the first one of its graph, or alone.
    pub fn is_root(&self) -> bool {
        self.after.is_empty() && self.finalizes.is_none()
    }

    /// The value of an option.
    pub fn option(&self, name: &str) -> Option<&str> {
        let found = self.options.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// How far a root task has come. It changes with the runs, not with the definition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskProgress {
    /// The last time of its schedule for which it has begun to run: nanoseconds since 1970 UTC.
    pub scheduled_nanos: i64,
    /// Runs of the graph that have failed since the last one that has not.
    pub failures: u32,
    /// A run that somebody has asked for.
    pub requested: Option<TaskRequest>,
    /// The run that has begun and not ended.
    pub run: Option<GraphRun>,
    /// The last run that has ended, where it has failed: what RETRY LAST goes on with.
    pub failed_run: Option<GraphRun>,
}

/// EXECUTE TASK.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskRequest {
    /// RETRY LAST.
    pub retry_last: bool,
    /// USING CONFIG.
    pub config: Option<String>,
}

/// A run of a graph of tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphRun {
    /// For when it was due: nanoseconds since 1970 UTC. It is also what it is known by.
    pub scheduled_nanos: i64,
    /// Why it runs: `SCHEDULE`, `EXECUTE TASK`, `TRIGGER`.
    pub reason: String,
    /// How often it was begun: 1 at first.
    pub attempt: u32,
    /// The configuration that it was asked for with, instead of the root task's.
    pub config: Option<String>,
    /// The tasks of it that have ended.
    pub ended: Vec<TaskEnd>,
}

/// How a task has ended in a run of its graph.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskEnd {
    /// The task.
    pub task: ObjectId,
    /// How.
    pub state: TaskState,
    /// What SYSTEM$SET_RETURN_VALUE has set.
    pub value: Option<String>,
}

/// How the run of a task may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// Its statement has run.
    Succeeded,
    /// Its statement has failed.
    Failed,
    /// Its condition was not true, or a task before it was skipped.
    Skipped,
}

impl TaskState {
    /// The word for it in the history.
    pub fn word(self) -> &'static str {
        match self {
            TaskState::Succeeded => "SUCCEEDED",
            TaskState::Failed => "FAILED",
            TaskState::Skipped => "SKIPPED",
        }
    }
}
