//! What a statement does with the rows of its plan.

use std::sync::Arc;

use firn_account::catalog::Table;
use firn_expression::Expr;
use firn_types::options::NamedOption;
use firn_types::{ColumnId, Field, ObjectId, Span};

use super::{Plan, StageLocation};

/// A statement that reads or writes rows.
#[derive(Clone, Debug)]
pub enum StatementPlan {
    /// Rows for the client.
    Query(Query),
    /// New rows into one table.
    Insert(Insert),
    /// New rows into several tables.
    InsertMany(InsertMany),
    /// Changed rows.
    Update(Update),
    /// Deleted rows.
    Delete(Delete),
    /// Changed, deleted and new rows in one.
    Merge(Merge),
    /// Rows of staged files into a table.
    CopyIntoTable(CopyIntoTable),
    /// Rows into staged files.
    CopyIntoStage(CopyIntoStage),
}

impl StatementPlan {
    /// What becomes of the rows of its plan, as EXPLAIN and profiles name it.
    pub fn operation(&self) -> &'static str {
        match self {
            StatementPlan::Query(_) => "Result",
            StatementPlan::Insert(_) => "Insert",
            StatementPlan::InsertMany(_) => "MultiTableInsert",
            StatementPlan::Update(_) => "Update",
            StatementPlan::Delete(_) => "Delete",
            StatementPlan::Merge(_) => "Merge",
            StatementPlan::CopyIntoTable(_) => "Copy",
            StatementPlan::CopyIntoStage(_) => "Unload",
        }
    }

    /// Where its rows come from; a COPY into a table reads files, without a plan.
    pub fn source(&self) -> Option<&Plan> {
        match self {
            StatementPlan::Query(query) => Some(&query.plan),
            StatementPlan::Insert(insert) => Some(&insert.source),
            StatementPlan::InsertMany(insert) => Some(&insert.source),
            StatementPlan::Update(update) => Some(&update.source),
            StatementPlan::Delete(delete) => Some(&delete.source),
            StatementPlan::Merge(merge) => Some(&merge.source),
            StatementPlan::CopyIntoTable(_) => None,
            StatementPlan::CopyIntoStage(copy) => Some(&copy.source.plan),
        }
    }
}

/// Rows for the client.
#[derive(Clone, Debug)]
pub struct Query {
    /// Where the rows come from, in their order.
    pub plan: Plan,
    /// The columns that the client sees, in order; a column may be seen twice.
    pub output: Vec<OutputColumn>,
}

/// One column that the client sees.
#[derive(Clone, Debug)]
pub struct OutputColumn {
    /// Which column of the plan.
    pub id: ColumnId,
    /// Its header, type and nullability.
    pub field: Field,
}

impl Query {
    /// The columns that the client sees, as fields.
    pub fn fields(&self) -> Vec<Field> {
        self.output.iter().map(|column| column.field.clone()).collect()
    }
}

/// A table that a statement writes.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its description in the version that the statement was bound to.
    pub table: Arc<Table>,
    /// Its name as errors and result columns show it: `T`.
    pub name: String,
}

/// New rows: for each source row one row of `assignments`, one expression per column of the table, each
/// of the column's type. They are computed one by one, so that an error can name its column.
#[derive(Clone, Debug)]
pub struct Insert {
    /// Where they go.
    pub target: Target,
    /// Whether the table is emptied first.
    pub overwrite: bool,
    /// Whether the rows come, also, from the table that they go to.
    pub reads_target: bool,
    /// Where the rows come from.
    pub source: Plan,
    /// The new row, over the source's columns.
    pub assignments: Vec<Expr>,
}

/// New rows into several tables from one source.
#[derive(Clone, Debug)]
pub struct InsertMany {
    /// Where the rows come from.
    pub source: Plan,
    /// Whether every target is emptied first.
    pub overwrite: bool,
    /// The targets from which the rows come, also.
    pub read_targets: Vec<ObjectId>,
    /// Whether only the first branch whose condition is TRUE takes a row.
    pub first: bool,
    /// Conditions, over the source's columns, with where the rows go; the condition of ELSE and of
    /// branches without one is absent.
    pub branches: Vec<InsertBranch>,
    /// Whether the last branch is ELSE.
    pub has_else: bool,
}

/// One branch of a multi-table INSERT.
#[derive(Clone, Debug)]
pub struct InsertBranch {
    /// Which rows; every row without it.
    pub condition: Option<Expr>,
    /// Where they go, with the new row as in [`Insert`].
    pub into: Vec<(Target, Vec<Expr>)>,
}

/// Changed rows: each source row names a row of the table by its locator and gives the new values of the
/// columns that are set. When several source rows name one locator, one of them wins.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which table.
    pub target: Target,
    /// Where the rows come from.
    pub source: Plan,
    /// The source's column with the row's locator.
    pub locator: ColumnId,
    /// The positions of the table's columns that are set, ascending.
    pub set: Vec<usize>,
    /// The new value of each of them, over the source's columns; see [`Insert`].
    pub assignments: Vec<Expr>,
}

/// Deleted rows: each source row names a row of the table by its locator.
#[derive(Clone, Debug)]
pub struct Delete {
    /// Which table.
    pub target: Target,
    /// Where the rows come from.
    pub source: Plan,
    /// The source's column with the row's locator.
    pub locator: ColumnId,
}

/// MERGE: each source row is a pair of a source row and a target row, or a unmatched source row, whose
/// locator is NULL. The first clause that fits a row decides.
#[derive(Clone, Debug)]
pub struct Merge {
    /// Which table.
    pub target: Target,
    /// Where the rows come from.
    pub source: Plan,
    /// The source's column with the target row's locator, or NULL.
    pub locator: ColumnId,
    /// The positions of the table's columns that some clause sets, ascending.
    pub set: Vec<usize>,
    /// The clauses, in order.
    pub clauses: Vec<MergeClause>,
}

/// One WHEN of a MERGE.
#[derive(Clone, Debug)]
pub struct MergeClause {
    /// Whether it is for rows with a match.
    pub matched: bool,
    /// What must be TRUE besides.
    pub condition: Option<Expr>,
    /// What is done.
    pub action: MergeAction,
}

/// What a MERGE clause does.
#[derive(Clone, Debug)]
pub enum MergeAction {
    /// The target row gets these values in the columns that the MERGE sets.
    Update(Vec<Expr>),
    /// The target row goes.
    Delete,
    /// A new row; see [`Insert`].
    Insert(Vec<Expr>),
}

/// Rows of staged files into a table.
#[derive(Clone, Debug)]
pub struct CopyIntoTable {
    /// Where they go.
    pub target: Target,
    /// Where the files are.
    pub location: StageLocation,
    /// The prefix below it.
    pub path: String,
    /// FILES
    pub files: Option<Vec<String>>,
    /// PATTERN
    pub pattern: Option<String>,
    /// The file format's options, merged from table, stage and statement.
    pub format: Vec<NamedOption>,
    /// The copy options, merged from stage and statement.
    pub options: Vec<NamedOption>,
    /// VALIDATION_MODE, as written, upper case.
    pub validation_mode: Option<String>,
    /// What is read of a record; with a transforming SELECT, all that it uses.
    pub fields: Vec<super::StageColumn>,
    /// The new row, over `fields`; without a transforming SELECT each is the cast of one field.
    pub assignments: Vec<Expr>,
    /// Whether a SELECT was written.
    pub transformed: bool,
    /// The positions of the table's columns that the file's fields go to, in order.
    pub columns: Vec<usize>,
    /// The pipe that runs it, whose load history counts instead of the table's.
    pub pipe: Option<ObjectId>,
    /// The place of the statement's location, for errors.
    pub span: Span,
}

/// Rows into staged files.
#[derive(Clone, Debug)]
pub struct CopyIntoStage {
    /// Where the rows come from.
    pub source: Query,
    /// Where the files go.
    pub location: StageLocation,
    /// The prefix below it.
    pub path: String,
    /// PARTITION BY, VARCHAR, over the source's columns.
    pub partition_by: Option<Expr>,
    /// The file format's options, merged from stage and statement.
    pub format: Vec<NamedOption>,
    /// The copy options.
    pub options: Vec<NamedOption>,
}
