//! ALTER TABLE.

use firn_types::{Identifier, Span};

use super::{
    AttachmentChange, ChangeAttachments, ColumnDefinition, Constraint, Expr, Name, StatementOption,
    TypeName,
};

/// ALTER TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterTable {
    /// Which table.
    pub table: Name,
    /// IF EXISTS.
    pub if_exists: bool,
    /// What is changed.
    pub action: AlterTableAction,
}

/// What ALTER TABLE changes.
#[derive(Clone, Debug, PartialEq)]
pub enum AlterTableAction {
    /// RENAME TO.
    Rename(Name),
    /// SWAP WITH.
    Swap(Name),
    /// ADD [COLUMN] .., with constraints of these columns.
    AddColumns {
        /// IF NOT EXISTS.
        if_not_exists: bool,
        /// The columns.
        columns: Vec<ColumnDefinition>,
        /// Their constraints.
        constraints: Vec<Constraint>,
    },
    /// DROP [COLUMN] ..
    DropColumns {
        /// IF EXISTS.
        if_exists: bool,
        /// The columns.
        columns: Vec<Identifier>,
    },
    /// RENAME COLUMN a TO b.
    RenameColumn(Identifier, Identifier),
    /// ALTER | MODIFY [COLUMN] ..
    AlterColumns(Vec<AlterColumn>),
    /// ADD CONSTRAINT, ADD PRIMARY KEY ..
    AddConstraint(Constraint),
    /// DROP CONSTRAINT name.
    DropConstraint(Identifier),
    /// DROP PRIMARY KEY.
    DropPrimaryKey,
    /// DROP UNIQUE (columns).
    DropUnique(Vec<Identifier>),
    /// DROP FOREIGN KEY (columns).
    DropForeignKey(Vec<Identifier>),
    /// RENAME CONSTRAINT a TO b.
    RenameConstraint(Identifier, Identifier),
    /// CLUSTER BY; their text is that of their spans.
    ClusterBy(Vec<Expr>),
    /// DROP CLUSTERING KEY.
    DropClusteringKey,
    /// SUSPEND RECLUSTER.
    SuspendRecluster,
    /// RESUME RECLUSTER.
    ResumeRecluster,
    /// RECLUSTER.
    Recluster,
    /// SET name = value ..
    Set(Vec<StatementOption>),
    /// UNSET name, ..
    Unset(Vec<Identifier>),
    /// SET TAG, ADD ROW ACCESS POLICY and their like.
    Attach(Vec<ChangeAttachments>),
}

/// `column change`.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterColumn {
    /// Which column.
    pub column: Identifier,
    /// What is changed.
    pub change: ColumnChange,
    /// Where it was written.
    pub span: Span,
}

/// What changes about a column.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnChange {
    /// [SET DATA] TYPE [COLLATE].
    Type(TypeName, Option<String>),
    /// SET NOT NULL.
    SetNotNull,
    /// DROP NOT NULL.
    DropNotNull,
    /// SET DEFAULT.
    SetDefault(Expr),
    /// DROP DEFAULT.
    DropDefault,
    /// COMMENT.
    Comment(String),
    /// UNSET COMMENT.
    DropComment,
    /// SET or UNSET of tags and policies.
    Attach(AttachmentChange),
}
