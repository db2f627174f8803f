//! Tasks.

use super::{CloneOf, CreateMode, Name, StatementOption};

/// CREATE TASK.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTask {
    /// What happens when it exists.
    pub mode: CreateMode,
    /// Its name.
    pub name: Name,
    /// `NAME = value`; FINALIZE among them.
    pub options: Vec<StatementOption>,
    /// AFTER.
    pub after: Vec<Name>,
    /// The text of WHEN.
    pub condition: Option<String>,
    /// The text of its statement; nothing of a clone.
    pub body: String,
    /// CLONE of another task.
    pub clone: Option<CloneOf>,
}

/// EXECUTE TASK.
#[derive(Clone, Debug, PartialEq)]
pub struct ExecuteTask {
    /// Which.
    pub name: Name,
    /// RETRY LAST.
    pub retry_last: bool,
    /// USING CONFIG.
    pub config: Option<String>,
}

/// What ALTER TASK changes beside what all objects have.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskChange {
    /// ADD AFTER.
    AddAfter(Vec<Name>),
    /// REMOVE AFTER.
    RemoveAfter(Vec<Name>),
    /// MODIFY AS.
    Body(String),
    /// MODIFY WHEN, or REMOVE WHEN.
    Condition(Option<String>),
}
