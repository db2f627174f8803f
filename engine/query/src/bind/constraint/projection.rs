//! Projection policies: what is put out has no value of a column that may not be projected, by whatever expression,
//! view or subquery it comes. Such a column may be filtered, joined, grouped and ordered by.

use std::collections::HashMap;

use firn_expression::Expr;
use firn_plan::lineage::Lineage;
use firn_plan::statement::Query;
use firn_plan::{Plan, Project, ProjectItem};
use firn_types::{ColumnId, Result};

use super::{Constraints, Hidden, refused};
use crate::bind::Binder;

/// Columns that may not be put out, and what their values become.
pub(super) struct HiddenColumns<'c> {
    hidden: &'c HashMap<ColumnId, Hidden>,
    lineage: Lineage,
}

impl HiddenColumns<'_> {
    /// The hidden columns of a plan.
    pub(super) fn of<'c>(plan: &Plan, constraints: &'c Constraints) -> HiddenColumns<'c> {
        let hidden = &constraints.hidden;
        let lineage = if hidden.is_empty() { Lineage::default() } else { Lineage::of(plan) };
        HiddenColumns { hidden, lineage }
    }

    /// The hidden column whose values are in these, but for that of the changed table at a position.
    fn among(
        &self,
        columns: impl IntoIterator<Item = ColumnId>,
        place: Option<usize>,
    ) -> Option<&Hidden> {
        let reached = self.lineage.reached(columns);
        let found = reached.iter().filter_map(|id| self.hidden.get(id));
        let found = found.filter(|hidden| place.is_none() || hidden.target != place);
        // One that makes the statement fail counts before one that is NULL.
        found.min_by_key(|hidden| (hidden.nulls, &hidden.column))
    }

    /// What is put out of an expression: NULL where it would show a hidden column. `place` is the position in the
    /// changed table that it is written to.
    ///
    /// # Errors
    /// When the column's policy says that the statement fails.
    pub(super) fn shown(&self, expr: Expr, place: Option<usize>) -> Result<Expr> {
        match self.among(expr.columns_used(), place) {
            None => Ok(expr),
            Some(Hidden { nulls: true, .. }) => Ok(Expr::null(expr.sql_type())),
            Some(Hidden { column, .. }) => Err(refused(format!(
                "Column '{column}' has a projection policy that does not allow it to be projected."
            ))),
        }
    }
}

/// The query with NULL in the place of hidden columns.
///
/// # Errors
/// As [`HiddenColumns::shown`].
pub(super) fn without_hidden(
    binder: &Binder<'_>,
    mut query: Query,
    constraints: &Constraints,
) -> Result<Query> {
    let hidden = HiddenColumns::of(&query.plan, constraints);
    let mut items: Vec<ProjectItem> = query.plan.columns().iter().map(ProjectItem::pass).collect();
    let passed = items.len();
    for output in query.output.iter_mut().filter(|output| hidden.among([output.id], None).is_some())
    {
        let sql_type = output.field.sql_type;
        let expr = Expr::Column { id: output.id, sql_type, nullable: true };
        output.id = binder.fresh();
        let name = output.field.name.clone();
        items.push(ProjectItem { id: output.id, name, expr: hidden.shown(expr, None)? });
    }
    if items.len() > passed {
        query.plan = Plan::Project(Project { input: Box::new(query.plan), items });
    }
    Ok(query)
}
