//! Statements that change rows.

use firn_types::{Identifier, ObjectName, Span};

use super::{Expr, Name, Query, TableAlias, TableExpr, Values};

/// INSERT.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    /// OVERWRITE: the rows that are there go first.
    pub overwrite: bool,
    /// Into which table.
    pub table: Name,
    /// Into which columns; empty means all.
    pub columns: Vec<Identifier>,
    /// What.
    pub source: InsertSource,
}

/// What is inserted.
#[derive(Clone, Debug, PartialEq)]
pub enum InsertSource {
    /// VALUES; an item may be DEFAULT.
    Values(Values),
    /// A query.
    Query(Box<Query>),
}

/// INSERT ALL and INSERT FIRST.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiInsert {
    /// OVERWRITE.
    pub overwrite: bool,
    /// FIRST: only the first WHEN that is true.
    pub first: bool,
    /// INTO without condition.
    pub always: Vec<InsertTarget>,
    /// WHEN .. THEN INTO ..
    pub when: Vec<WhenInsert>,
    /// ELSE INTO ..
    pub otherwise: Vec<InsertTarget>,
    /// The rows.
    pub query: Box<Query>,
}

/// `INTO t (columns) VALUES (..)`.
#[derive(Clone, Debug, PartialEq)]
pub struct InsertTarget {
    /// Into which table.
    pub table: Name,
    /// Into which columns; empty means all.
    pub columns: Vec<Identifier>,
    /// What, in terms of the query's columns; without, all of them.
    pub values: Option<Vec<Expr>>,
    /// Where it was written.
    pub span: Span,
}

/// `WHEN condition THEN INTO ..`.
#[derive(Clone, Debug, PartialEq)]
pub struct WhenInsert {
    /// The condition.
    pub condition: Expr,
    /// Where to.
    pub targets: Vec<InsertTarget>,
}

/// UPDATE.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Which table.
    pub table: Name,
    /// Its alias.
    pub alias: Option<TableAlias>,
    /// SET.
    pub assignments: Vec<Assignment>,
    /// FROM.
    pub from: Vec<TableExpr>,
    /// WHERE.
    pub filter: Option<Expr>,
}

/// `column = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The column, perhaps qualified by the table or its alias.
    pub column: ObjectName,
    /// The value; DEFAULT is possible.
    pub value: Expr,
}

/// DELETE.
#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    /// Which table.
    pub table: Name,
    /// Its alias.
    pub alias: Option<TableAlias>,
    /// USING.
    pub using: Vec<TableExpr>,
    /// WHERE.
    pub filter: Option<Expr>,
}

/// MERGE.
#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// The target.
    pub table: Name,
    /// Its alias.
    pub alias: Option<TableAlias>,
    /// USING.
    pub source: TableExpr,
    /// ON.
    pub on: Expr,
    /// The clauses, in order.
    pub clauses: Vec<MergeClause>,
}

/// `WHEN [NOT] MATCHED [AND condition] THEN action`.
#[derive(Clone, Debug, PartialEq)]
pub struct MergeClause {
    /// MATCHED, or NOT MATCHED.
    pub matched: bool,
    /// AND.
    pub condition: Option<Expr>,
    /// THEN.
    pub action: MergeAction,
    /// Where it was written.
    pub span: Span,
}

/// What a clause of MERGE does.
#[derive(Clone, Debug, PartialEq)]
pub enum MergeAction {
    /// UPDATE SET ..
    Update(Vec<Assignment>),
    /// UPDATE ALL BY NAME.
    UpdateByName,
    /// DELETE.
    Delete,
    /// INSERT (columns) VALUES (..); no columns means all.
    Insert(Vec<Identifier>, Vec<Expr>),
    /// INSERT ALL BY NAME.
    InsertByName,
}

/// TRUNCATE.
#[derive(Clone, Debug, PartialEq)]
pub struct Truncate {
    /// Which table.
    pub table: Name,
    /// IF EXISTS.
    pub if_exists: bool,
}
