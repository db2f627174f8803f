//! Projection policies and aggregation policies: what a statement may do with rows that it may read.
//!
//! Where a relation is bound, its constraints are noted by the columns that it gives (`query/protect.rs`). They count
//! for the statement as a whole, whatever the rows go through, and so the whole plan is held to them when it is bound:
//! [`projection`] follows the values of columns to what is put out, [`aggregation`] the rows to where they are grouped.

mod aggregation;
mod note;
mod projection;

use std::collections::HashMap;

use firn_expression::Expr;
use firn_plan::statement::{MergeAction, Query, StatementPlan};
use firn_plan::{Plan, PlanColumn};
use firn_types::{ColumnId, Error, ErrorCode, Result};

pub(crate) use aggregation::relax;
pub(crate) use note::{note_groups, note_projection};

use self::projection::HiddenColumns;
use super::query::output_of;
use super::{Binder, BoundQuery};

/// What the statement's relations ask for.
#[derive(Debug, Default)]
pub(crate) struct Constraints {
    /// Columns that may not be put out.
    pub(crate) hidden: HashMap<ColumnId, Hidden>,
    /// What groups must have, each at the relation that gives its keys.
    pub(crate) groups: Vec<Requirement>,
}

/// A column that may not be put out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hidden {
    /// Its name, for the error.
    pub(crate) column: String,
    /// Whether NULL takes its place; otherwise the statement fails.
    pub(crate) nulls: bool,
    /// Its position in the table that the statement changes: it may be written where it stands, and nowhere else.
    pub(crate) target: Option<usize>,
}

/// What a group must have: so many different values of some columns.
#[derive(Clone, Debug)]
pub(crate) struct Requirement {
    /// The table or view, for errors.
    pub(crate) object: String,
    /// The columns.
    pub(crate) keys: Vec<PlanColumn>,
    /// How many values.
    pub(crate) least: u64,
}

impl Constraints {
    fn is_empty(&self) -> bool {
        self.hidden.is_empty() && self.groups.is_empty()
    }
}

impl Binder<'_> {
    /// How many constraints what was bound so far has.
    pub(crate) fn constraint_count(&self) -> usize {
        let constraints = self.constraints.borrow();
        constraints.hidden.len() + constraints.groups.len()
    }

    /// A bound query as what somebody gets to see, held to the policies of what it reads.
    ///
    /// # Errors
    /// When it does what they do not allow.
    pub(crate) fn output(&self, bound: BoundQuery) -> Result<Query> {
        self.constrained_query(output_of(bound))
    }

    /// The query, held to the policies of what it reads.
    ///
    /// # Errors
    /// As [`Binder::output`].
    pub(crate) fn constrained_query(&self, mut query: Query) -> Result<Query> {
        let constraints = self.constraints.borrow();
        if constraints.is_empty() {
            return Ok(query);
        }
        query = projection::without_hidden(self, query, &constraints)?;
        query.plan = aggregation::grouped(self, query.plan, &constraints)?;
        query.output.iter_mut().for_each(|column| column.field.nullable = true);
        Ok(query)
    }

    /// As [`Binder::output`], of a query that is read on.
    ///
    /// # Errors
    /// As [`Binder::output`].
    pub(crate) fn constrained_bound(&self, bound: BoundQuery) -> Result<BoundQuery> {
        if self.constraint_count() == 0 {
            return Ok(bound);
        }
        let Query { plan, output } = self.output(bound)?;
        let columns = output.into_iter().map(|column| PlanColumn {
            id: column.id,
            name: column.field.name,
            sql_type: column.field.sql_type,
            nullable: column.field.nullable,
        });
        Ok(BoundQuery { plan, columns: columns.collect() })
    }

    /// The statement, held to the policies of what it reads.
    ///
    /// # Errors
    /// As [`Binder::output`].
    pub(crate) fn constrained(&self, mut statement: StatementPlan) -> Result<StatementPlan> {
        if self.constraint_count() == 0 {
            return Ok(statement);
        }
        if let StatementPlan::Query(query) = statement {
            return self.constrained_query(query).map(StatementPlan::Query);
        }
        let constraints = self.constraints.borrow();
        if let StatementPlan::CopyIntoStage(copy) = &mut statement {
            let hidden = HiddenColumns::of(&copy.source.plan, &constraints);
            copy.partition_by = match copy.partition_by.take() {
                Some(by) => Some(hidden.shown(by, None)?),
                None => None,
            };
            copy.partition_by.iter_mut().for_each(relax);
            copy.source = self.constrained_query(copy.source.clone())?;
            return Ok(statement);
        }
        let Some(plan) = source_mut(&mut statement) else { return Ok(statement) };
        let hidden = HiddenColumns::of(plan, &constraints);
        let taken = std::mem::replace(plan, Plan::one_row());
        *plan = aggregation::grouped(self, taken, &constraints)?;
        for (place, expr) in put_out(&mut statement) {
            *expr = hidden.shown(std::mem::replace(expr, Expr::boolean(true)), place)?;
            relax(expr);
        }
        conditions(&mut statement).into_iter().for_each(relax);
        Ok(statement)
    }
}

/// Where the rows come from; none where nothing else is left to be done.
fn source_mut(statement: &mut StatementPlan) -> Option<&mut Plan> {
    match statement {
        StatementPlan::Insert(insert) => Some(&mut insert.source),
        StatementPlan::InsertMany(insert) => Some(&mut insert.source),
        StatementPlan::Update(update) => Some(&mut update.source),
        StatementPlan::Delete(delete) => Some(&mut delete.source),
        StatementPlan::Merge(merge) => Some(&mut merge.source),
        StatementPlan::Query(_)
        | StatementPlan::CopyIntoTable(_)
        | StatementPlan::CopyIntoStage(_) => None,
    }
}

/// The values that a statement writes; those of changed rows with the positions of their columns.
fn put_out(statement: &mut StatementPlan) -> Vec<(Option<usize>, &mut Expr)> {
    match statement {
        StatementPlan::Insert(insert) => {
            insert.assignments.iter_mut().map(|value| (None, value)).collect()
        }
        StatementPlan::Update(update) => {
            let places = update.set.iter().map(|place| Some(*place));
            places.zip(&mut update.assignments).collect()
        }
        StatementPlan::InsertMany(insert) => {
            let targets = insert.branches.iter_mut().flat_map(|branch| &mut branch.into);
            targets.flat_map(|(_, row)| row).map(|value| (None, value)).collect()
        }
        StatementPlan::Merge(merge) => {
            let set = &merge.set;
            let actions = merge.clauses.iter_mut().map(|clause| &mut clause.action);
            let values = actions.flat_map(|action| match action {
                MergeAction::Update(row) => {
                    set.iter().map(|place| Some(*place)).zip(row).collect::<Vec<_>>()
                }
                MergeAction::Insert(row) => row.iter_mut().map(|value| (None, value)).collect(),
                MergeAction::Delete => Vec::new(),
            });
            values.collect()
        }
        _ => Vec::new(),
    }
}

/// What decides which rows a statement writes, besides its source.
fn conditions(statement: &mut StatementPlan) -> Vec<&mut Expr> {
    match statement {
        StatementPlan::InsertMany(insert) => {
            insert.branches.iter_mut().filter_map(|branch| branch.condition.as_mut()).collect()
        }
        StatementPlan::Merge(merge) => {
            merge.clauses.iter_mut().filter_map(|clause| clause.condition.as_mut()).collect()
        }
        _ => Vec::new(),
    }
}

/// The error of a statement that does what a policy does not allow.
fn refused(text: String) -> Error {
    Error::new(ErrorCode::InsufficientPrivileges, text)
}
