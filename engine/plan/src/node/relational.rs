//! Nodes over one input or none: filter, project, sort, limit, values, set operations, CTEs.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use firn_expression::Expr;
use firn_functions::{Argument, ForeignFunction, TableFunction};
use firn_types::ColumnId;

use crate::{Plan, PlanColumn};

/// Rows written in the statement. Every row has one expression per column, of the column's type and
/// without columns. Order is kept.
#[derive(Clone, Debug)]
pub struct Values {
    /// What it gives.
    pub columns: Vec<PlanColumn>,
    /// The rows.
    pub rows: SharedRows,
}

/// Rows of expressions, of which there may be very many. Cloning shares them; who changes shared ones
/// copies them first.
#[derive(Clone, Debug, Default)]
pub struct SharedRows(Arc<Vec<Vec<Expr>>>);

impl From<Vec<Vec<Expr>>> for SharedRows {
    fn from(rows: Vec<Vec<Expr>>) -> SharedRows {
        SharedRows(Arc::new(rows))
    }
}

impl Deref for SharedRows {
    type Target = Vec<Vec<Expr>>;

    fn deref(&self) -> &Vec<Vec<Expr>> {
        &self.0
    }
}

impl DerefMut for SharedRows {
    fn deref_mut(&mut self) -> &mut Vec<Vec<Expr>> {
        Arc::make_mut(&mut self.0)
    }
}

/// `rows` rows without columns.
#[derive(Clone, Debug)]
pub struct Generate {
    /// How many.
    pub rows: u64,
}

/// The rows for which every condition is TRUE. Order is kept.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Where the rows come from.
    pub input: Box<Plan>,
    /// Conditions, all BOOLEAN; a row passes when all are TRUE.
    pub conditions: Vec<Expr>,
}

/// The rows of a table that policies protect, or of a secure view, as they are shown. Nothing from above that could
/// fail is computed below it, where there are values that are not shown; and nobody sees what is below it in
/// EXPLAIN, in profiles, or in errors.
#[derive(Clone, Debug)]
pub struct Secure {
    /// The rows as they are shown.
    pub input: Box<Plan>,
    /// The table or view: `DATABASE.SCHEMA.NAME`.
    pub object: String,
}

/// For each row the values of `items`, and nothing else. Order is kept.
#[derive(Clone, Debug)]
pub struct Project {
    /// Where the rows come from.
    pub input: Box<Plan>,
    /// What each row becomes.
    pub items: Vec<ProjectItem>,
}

/// One expression with the column that it becomes. A column may keep its id when it is only passed on.
#[derive(Clone, Debug)]
pub struct ProjectItem {
    /// The column that it becomes.
    pub id: ColumnId,
    /// A name for EXPLAIN and headers.
    pub name: String,
    /// What is computed.
    pub expr: Expr,
}

impl ProjectItem {
    /// The column that it becomes.
    pub fn column(&self) -> PlanColumn {
        PlanColumn {
            id: self.id,
            name: self.name.clone(),
            sql_type: self.expr.sql_type(),
            nullable: self.expr.nullable(),
        }
    }

    /// The column passed on unchanged.
    pub fn pass(column: &PlanColumn) -> ProjectItem {
        ProjectItem { id: column.id, name: column.name.clone(), expr: column.expr() }
    }
}

/// The rows in the order of `keys`; with `limit`, at most that many of the first. The order of rows with
/// equal keys is not defined. Buffers all rows, or `limit` of them.
#[derive(Clone, Debug)]
pub struct Sort {
    /// Where the rows come from.
    pub input: Box<Plan>,
    /// First key first.
    pub keys: Vec<SortKey>,
    /// How many rows are wanted, when not all are (top-k).
    pub limit: Option<u64>,
}

/// One key of an order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SortKey {
    /// What is ordered by.
    pub expr: Expr,
    /// Largest first.
    pub descending: bool,
    /// NULLs before everything else.
    pub nulls_first: bool,
}

/// The rows after the first `skip`, at most `fetch` of them.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Where the rows come from.
    pub input: Box<Plan>,
    /// How many are left out first.
    pub skip: u64,
    /// How many are given; all when absent.
    pub fetch: Option<u64>,
}

/// Rows of several inputs put together. Position `i` of every input has the type of `columns[i]`.
#[derive(Clone, Debug)]
pub struct SetOperation {
    /// How.
    pub operator: SetOperator,
    /// Two or more for UNION ALL, two for the others.
    pub inputs: Vec<Plan>,
    /// What it gives, with fresh ids.
    pub columns: Vec<PlanColumn>,
}

/// How rows of several inputs are put together. NULLs count as equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOperator {
    /// All rows.
    UnionAll,
    /// The different rows of the left input that the right one has too.
    Intersect,
    /// The different rows of the left input that the right one does not have.
    Except,
}

/// Each input row with the rows that a table function makes of it; gives the input's columns, then the
/// function's. A row of which the function makes none is left out, unless it is preserved (OUTER is the
/// function's business).
#[derive(Clone, Debug)]
pub struct LateralFunction {
    /// Where the rows come from.
    pub input: Box<Plan>,
    /// Which function.
    pub function: &'static TableFunction,
    /// For which arguments.
    pub given: Vec<Argument>,
    /// Its arguments, over the input's columns, of the types that it takes.
    pub arguments: Vec<Expr>,
    /// Whether an input row that the function makes nothing of comes out once, with NULLs: LEFT JOIN.
    pub preserves_input: bool,
    /// The function's columns.
    pub columns: Vec<PlanColumn>,
}

/// The rows that a table function in another language than SQL makes of partitions of its input; gives the input's
/// columns, then the function's. A row that the function makes at the end of a partition has of the input's columns
/// those by which it is partitioned, and NULL for the others.
#[derive(Clone, Debug)]
pub struct ForeignTable {
    /// Where the rows come from.
    pub input: Box<Plan>,
    /// Which function.
    pub function: Arc<ForeignFunction>,
    /// Its arguments, over the input's columns, of its parameters' types.
    pub arguments: Vec<Expr>,
    /// Rows with the same values of these are a partition; all rows are one without them.
    pub partition_by: Vec<Expr>,
    /// The order of rows in a partition; any without keys.
    pub order_by: Vec<SortKey>,
    /// Whether an input row that the function makes nothing of comes out once, with NULLs: LEFT JOIN.
    pub preserves_input: bool,
    /// The function's columns.
    pub columns: Vec<PlanColumn>,
}

/// A query whose rows are computed once, and read by every [`CteRef`] of the same number in `body`.
#[derive(Clone, Debug)]
pub struct With {
    /// Its number, unique in the statement.
    pub cte: u32,
    /// The query.
    pub definition: Box<Plan>,
    /// What reads it.
    pub body: Box<Plan>,
}

/// The rows of a [`With`] or, inside a [`RecursiveCte`]'s step, of the last step. Position `i` is
/// position `i` of the definition, under a fresh id.
#[derive(Clone, Debug)]
pub struct CteRef {
    /// Whose rows.
    pub cte: u32,
    /// What it gives.
    pub columns: Vec<PlanColumn>,
}

/// The rows of `anchor`, then those of `step` over the rows of the last round, until there are none.
/// Position `i` of both has the type of `columns[i]`.
#[derive(Clone, Debug)]
pub struct RecursiveCte {
    /// Its number, for the step's [`CteRef`].
    pub cte: u32,
    /// The first round.
    pub anchor: Box<Plan>,
    /// Every further round.
    pub step: Box<Plan>,
    /// What it gives, with fresh ids.
    pub columns: Vec<PlanColumn>,
}

/// A random part of the rows.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Where the rows come from.
    pub input: Box<Plan>,
    /// How much.
    pub size: SampleSize,
    /// SEED or REPEATABLE.
    pub seed: Option<u64>,
}

/// How much of the rows a sample takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SampleSize {
    /// Each row with this probability in percent.
    Percent(f64),
    /// This many rows.
    Rows(u64),
}
