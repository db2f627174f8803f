//! CREATE STREAM.

use super::{CloneOf, CreateMode, Name, ObjectKind, StatementOption, TimeTravel};

/// CREATE STREAM.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateStream {
    /// What happens when it exists.
    pub mode: CreateMode,
    /// Its name.
    pub name: Name,
    /// Where its changes come from.
    pub source: StreamSource,
    /// COPY GRANTS.
    pub copy_grants: bool,
    /// `NAME = value`.
    pub options: Vec<StatementOption>,
}

/// Where a stream's changes come from.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamSource {
    /// `ON TABLE t [AT | BEFORE (..)]`, or ON VIEW.
    Object {
        /// TABLE, VIEW, or a kind that has no streams here.
        kind: ObjectKind,
        /// Its name.
        name: Name,
        /// From when on.
        at: Option<TimeTravel>,
    },
    /// CLONE of another stream.
    Clone(CloneOf),
}
