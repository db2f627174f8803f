//! Moving files and rows between tables, stages and the local disk.

use firn_types::Identifier;

use super::{Name, Query, StageLocation, StatementOption};

/// COPY INTO a table.
#[derive(Clone, Debug, PartialEq)]
pub struct CopyIntoTable {
    /// Which table.
    pub table: Name,
    /// Which columns; empty means all.
    pub columns: Vec<Identifier>,
    /// From where; nothing means the table's own stage.
    pub source: Option<CopySource>,
    /// FILES, PATTERN, FILE_FORMAT, ON_ERROR and the others, as written.
    pub options: Vec<StatementOption>,
}

/// What COPY INTO a table reads.
#[derive(Clone, Debug, PartialEq)]
pub enum CopySource {
    /// Staged files.
    Stage(StageLocation),
    /// A query over staged files.
    Query(Box<Query>),
}

/// COPY INTO a stage or URL.
#[derive(Clone, Debug, PartialEq)]
pub struct CopyIntoLocation {
    /// To where.
    pub location: StageLocation,
    /// What.
    pub source: UnloadSource,
    /// PARTITION BY.
    pub partition_by: Option<super::Expr>,
    /// FILE_FORMAT, HEADER, SINGLE and the others, as written.
    pub options: Vec<StatementOption>,
}

/// What COPY INTO a location writes.
#[derive(Clone, Debug, PartialEq)]
pub enum UnloadSource {
    /// A whole table.
    Table(Name),
    /// A query's rows.
    Query(Box<Query>),
}

/// PUT: local files to a stage.
pub type Put = FileTransfer;
/// GET: a stage's files to a local folder.
pub type Get = FileTransfer;

/// PUT or GET.
#[derive(Clone, Debug, PartialEq)]
pub struct FileTransfer {
    /// The local path as written after `file://`: absolute, relative to the working folder, or a glob.
    pub path: String,
    /// The stage.
    pub stage: StageLocation,
    /// Options.
    pub options: Vec<StatementOption>,
}

/// COPY FILES INTO: from one stage to another.
#[derive(Clone, Debug, PartialEq)]
pub struct CopyFiles {
    /// To where.
    pub to: StageLocation,
    /// From where.
    pub from: StageLocation,
    /// FILES, PATTERN, DETAILED_OUTPUT.
    pub options: Vec<StatementOption>,
}

/// LIST or REMOVE.
#[derive(Clone, Debug, PartialEq)]
pub struct StageFiles {
    /// Which files.
    pub location: StageLocation,
    /// PATTERN.
    pub pattern: Option<String>,
}
