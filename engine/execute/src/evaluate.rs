//! Expressions over the batches of a stream: column ids become positions here, once.

use std::collections::HashMap;

use firn_column::{Batch, Column, Selection};
use firn_expression::Expr;
use firn_expression::{Evaluator, Predicate};
use firn_types::{ColumnId, Error, Result, SqlType};

use crate::context::QueryContext;

/// Which column stands where in a stream's batches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    columns: Vec<(ColumnId, SqlType)>,
}

impl Layout {
    pub(crate) fn new(columns: Vec<(ColumnId, SqlType)>) -> Layout {
        Layout { columns }
    }

    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }

    pub(crate) fn types(&self) -> Vec<SqlType> {
        self.columns.iter().map(|(_, sql_type)| *sql_type).collect()
    }

    pub(crate) fn ids(&self) -> Vec<ColumnId> {
        self.columns.iter().map(|(id, _)| *id).collect()
    }

    pub(crate) fn position(&self, id: ColumnId) -> Result<usize> {
        let position = self.columns.iter().position(|(column, _)| *column == id);
        position.ok_or_else(|| Error::internal(format!("column {id} is not given below")))
    }

    fn by_id(&self) -> HashMap<ColumnId, usize> {
        self.columns.iter().enumerate().map(|(position, (id, _))| (*id, position)).collect()
    }

    pub(crate) fn positions(&self, ids: &[ColumnId]) -> Result<Vec<usize>> {
        ids.iter().map(|id| self.position(*id)).collect()
    }

    /// The positions of the columns for which `wanted` holds.
    pub(crate) fn positions_where(&self, wanted: impl Fn(ColumnId) -> bool) -> Vec<usize> {
        (0..self.columns.len()).filter(|&position| wanted(self.columns[position].0)).collect()
    }

    /// The layout after the columns at `positions` were picked.
    pub(crate) fn project(&self, positions: &[usize]) -> Layout {
        Layout { columns: positions.iter().map(|&position| self.columns[position]).collect() }
    }

    /// This layout's columns, then the other's.
    pub(crate) fn joined(&self, other: &Layout) -> Layout {
        Layout { columns: self.columns.iter().chain(&other.columns).copied().collect() }
    }
}

/// Expressions whose values become columns.
#[derive(Default)]
pub(crate) struct Expressions {
    types: Vec<SqlType>,
    evaluator: Evaluator,
}

impl Expressions {
    pub(crate) fn new(exprs: Vec<Expr>, layout: &Layout) -> Result<Expressions> {
        let types = exprs.iter().map(Expr::sql_type).collect();
        Ok(Expressions { types, evaluator: Evaluator::compile(&exprs, &layout.by_id())? })
    }

    pub(crate) fn len(&self) -> usize {
        self.types.len()
    }

    pub(crate) fn types(&self) -> &[SqlType] {
        &self.types
    }

    pub(crate) fn evaluate(&self, batch: &Batch, context: &QueryContext) -> Result<Vec<Column>> {
        if self.types.is_empty() {
            return Ok(Vec::new());
        }
        self.evaluator.evaluate(batch, &context.functions)
    }
}

/// Conditions that rows must meet.
pub(crate) struct Conditions {
    predicate: Option<Predicate>,
}

impl Conditions {
    pub(crate) fn new(conditions: Vec<Expr>, layout: &Layout) -> Result<Conditions> {
        let predicate = match conditions.is_empty() {
            true => None,
            false => Some(Predicate::compile(&Expr::all(conditions), &layout.by_id())?),
        };
        Ok(Conditions { predicate })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.predicate.is_none()
    }

    /// The rows for which all conditions are TRUE.
    pub(crate) fn select(&self, batch: &Batch, context: &QueryContext) -> Result<Selection> {
        match &self.predicate {
            None => Ok(Selection::All),
            Some(predicate) => predicate.select(batch, &context.functions),
        }
    }
}
