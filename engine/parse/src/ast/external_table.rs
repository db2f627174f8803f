//! CREATE EXTERNAL TABLE, and what ALTER does with its files.

use firn_types::{Identifier, Span};

use super::{
    ChangeAttachments, ColumnDefinition, Constraint, CreateMode, Name, Query, StageLocation,
    StatementOption,
};

/// CREATE EXTERNAL TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateExternalTable {
    /// What happens when it exists.
    pub mode: CreateMode,
    /// Its name.
    pub name: Name,
    /// The columns, each with its expression.
    pub columns: Vec<ColumnDefinition>,
    /// Keys, which nothing keeps.
    pub constraints: Vec<Constraint>,
    /// USING TEMPLATE.
    pub template: Option<Box<Query>>,
    /// PARTITION BY.
    pub partition_by: Vec<Identifier>,
    /// LOCATION.
    pub location: StageLocation,
    /// `NAME = value`.
    pub options: Vec<StatementOption>,
    /// COPY GRANTS.
    pub copy_grants: bool,
    /// Tags and policies.
    pub attachments: Vec<ChangeAttachments>,
}

/// What ALTER EXTERNAL TABLE does with the files.
#[derive(Clone, Debug, PartialEq)]
pub enum ExternalFilesChange {
    /// ADD FILES.
    Add(Vec<String>),
    /// REMOVE FILES.
    Remove(Vec<String>),
    /// ADD PARTITION: the values by the columns' names, and the folder.
    AddPartition {
        /// Each column with its value.
        values: Vec<(Identifier, String)>,
        /// LOCATION.
        location: String,
        /// The place of the values.
        span: Span,
    },
    /// DROP PARTITION of a folder.
    DropPartition(String),
}
