//! CREATE.

use firn_types::{Identifier, Span};

use super::{
    Attachment, ChangeAttachments, Expr, Name, ObjectKind, Query, StatementOption, TimeTravel,
    TypeName,
};

/// What happens when the object exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CreateMode {
    /// OR REPLACE.
    pub or_replace: bool,
    /// OR ALTER.
    pub or_alter: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
}

/// How long a table and its history stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TableLifetime {
    /// With full time travel.
    #[default]
    Permanent,
    /// With little time travel.
    Transient,
    /// As long as the session.
    Temporary,
    /// As long as the procedure that makes it runs.
    Procedure,
}

/// CREATE TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTable {
    /// What happens when it exists.
    pub mode: CreateMode,
    /// Permanent, transient or temporary.
    pub lifetime: TableLifetime,
    /// Its name.
    pub name: Name,
    /// Its columns. With AS SELECT they may lack types.
    pub columns: Vec<ColumnDefinition>,
    /// Constraints of the table and of its columns.
    pub constraints: Vec<Constraint>,
    /// CLUSTER BY; their text is that of their spans.
    pub cluster_by: Vec<Expr>,
    /// What it is made of.
    pub source: TableSource,
    /// COPY GRANTS.
    pub copy_grants: bool,
    /// `NAME = value`, COMMENT among them.
    pub options: Vec<StatementOption>,
    /// WITH TAG and policies, of columns too.
    pub attachments: Vec<ChangeAttachments>,
}

/// What a table is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum TableSource {
    /// Its columns.
    Columns,
    /// LIKE.
    Like(Name),
    /// CLONE.
    Clone(CloneOf),
    /// AS query, and the place of the query's text.
    Query(Box<Query>, Span),
    /// USING TEMPLATE (query).
    Template(Box<Query>),
}

/// `CLONE name [AT | BEFORE (..)]`.
#[derive(Clone, Debug, PartialEq)]
pub struct CloneOf {
    /// What is cloned.
    pub source: Name,
    /// As of when.
    pub at: Option<TimeTravel>,
}

/// A column of CREATE TABLE or ADD COLUMN.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDefinition {
    /// Its name.
    pub name: Identifier,
    /// Its type; absent only where AS SELECT gives it.
    pub data_type: Option<TypeName>,
    /// NOT NULL.
    pub not_null: bool,
    /// COLLATE.
    pub collation: Option<String>,
    /// COMMENT.
    pub comment: Option<String>,
    /// DEFAULT; its text is that of its span.
    pub default: Option<Expr>,
    /// AUTOINCREMENT or IDENTITY.
    pub identity: Option<Identity>,
    /// AS (expr): a computed column.
    pub computed: Option<Expr>,
    /// Where it was written.
    pub span: Span,
    /// WITH TAG and policies.
    pub attachments: Vec<Attachment>,
}

/// AUTOINCREMENT or IDENTITY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The first value.
    pub start: i64,
    /// What is added each time.
    pub increment: i64,
    /// ORDER or NOORDER, where written.
    pub order: Option<bool>,
}

/// A constraint, of a column or of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    /// CONSTRAINT name.
    pub name: Option<Identifier>,
    /// What it says.
    pub kind: ConstraintKind,
    /// ENFORCED or NOT ENFORCED, where written.
    pub enforced: Option<bool>,
    /// RELY or NORELY, where written.
    pub rely: Option<bool>,
    /// Where it was written.
    pub span: Span,
}

/// What a constraint says.
#[derive(Clone, Debug, PartialEq)]
pub enum ConstraintKind {
    /// PRIMARY KEY.
    PrimaryKey(Vec<Identifier>),
    /// UNIQUE.
    Unique(Vec<Identifier>),
    /// FOREIGN KEY (columns) REFERENCES table (columns).
    ForeignKey {
        /// The columns here.
        columns: Vec<Identifier>,
        /// The other table.
        table: Name,
        /// The columns there; empty means its primary key.
        referred: Vec<Identifier>,
    },
    /// CHECK.
    Check(Expr),
}

/// CREATE VIEW and CREATE MATERIALIZED VIEW.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateView {
    /// What happens when it exists.
    pub mode: CreateMode,
    /// Its name.
    pub name: Name,
    /// MATERIALIZED.
    pub materialized: bool,
    /// SECURE.
    pub secure: bool,
    /// TEMPORARY.
    pub temporary: bool,
    /// RECURSIVE.
    pub recursive: bool,
    /// The names of its columns; empty means those of the query.
    pub columns: Vec<ViewColumn>,
    /// CLUSTER BY.
    pub cluster_by: Vec<Expr>,
    /// COPY GRANTS.
    pub copy_grants: bool,
    /// `NAME = value`, COMMENT among them.
    pub options: Vec<StatementOption>,
    /// The query.
    pub query: Box<Query>,
    /// The place of the query's text, as the user wrote it.
    pub query_span: Span,
    /// WITH TAG and policies, of columns too.
    pub attachments: Vec<ChangeAttachments>,
}

/// A column in a view's column list.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewColumn {
    /// Its name.
    pub name: Identifier,
    /// COMMENT.
    pub comment: Option<String>,
}

/// CREATE of a database, schema, sequence, stage, file format, integration, warehouse, role or user.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateObject {
    /// Of what.
    pub kind: ObjectKind,
    /// What happens when it exists.
    pub mode: CreateMode,
    /// Its name.
    pub name: Name,
    /// TRANSIENT (databases, schemas) or TEMPORARY (stages, file formats).
    pub lifetime: TableLifetime,
    /// CLONE.
    pub clone: Option<CloneOf>,
    /// `NAME = value`. A sequence has START, INCREMENT and ORDER among them, a schema
    /// WITH_MANAGED_ACCESS.
    pub options: Vec<StatementOption>,
    /// WITH TAG and policies, of columns too.
    pub attachments: Vec<ChangeAttachments>,
}
