//! Pipes.

use super::{CopyIntoTable, CreateMode, Name, StatementOption};

/// CREATE PIPE.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatePipe {
    /// What happens when it exists.
    pub mode: CreateMode,
    /// Its name.
    pub name: Name,
    /// `NAME = value`.
    pub options: Vec<StatementOption>,
    /// The statement that loads.
    pub copy: CopyIntoTable,
    /// Its text.
    pub definition: String,
}
