//! Alerts.

use super::{CreateMode, Name, StatementOption};

/// CREATE ALERT.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateAlert {
    /// What happens when it exists.
    pub mode: CreateMode,
    /// Its name.
    pub name: Name,
    /// `NAME = value`.
    pub options: Vec<StatementOption>,
    /// The text of the statement in EXISTS.
    pub condition: String,
    /// The text of the statement behind THEN.
    pub action: String,
}

/// What ALTER ALERT changes beside what all objects have.
#[derive(Clone, Debug, PartialEq)]
pub enum AlertChange {
    /// MODIFY CONDITION EXISTS.
    Condition(String),
    /// MODIFY ACTION.
    Action(String),
}
