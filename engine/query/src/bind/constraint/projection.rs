//! Projection policies: what is put out has no value of a column that may not be projected, by whatever expression,
//! view or subquery it comes. Such a column may be filtered, joined, grouped and ordered by.

use std::collections::HashMap;

use firn_expression::Expr;
use firn_plan::statement::Query;
use firn_plan::{Plan, PlanColumn, Project, ProjectItem};
use firn_types::{ColumnId, Result};

use super::{Constraints, Hidden, refused};
use crate::bind::Binder;

/// Columns whose values come from those that may not be put out.
pub(super) type HiddenColumns = HashMap<ColumnId, Hidden>;

/// All columns of a plan whose values come from hidden ones.
pub(super) fn hidden_columns(plan: &Plan, constraints: &Constraints) -> HiddenColumns {
    let mut hidden = constraints.hidden.clone();
    if hidden.is_empty() {
        return hidden;
    }
    // Rounds of recursive queries, and queries that are read before they are met, need more than one pass.
    loop {
        let before = hidden.len();
        let mut definitions = HashMap::new();
        follow(plan, &mut hidden, &mut definitions);
        if hidden.len() == before {
            return hidden;
        }
    }
}

/// Notes which columns of a node come from hidden ones, those below it first. `definitions` are the columns that each
/// named query gives.
fn follow(plan: &Plan, hidden: &mut HiddenColumns, definitions: &mut HashMap<u32, Vec<ColumnId>>) {
    match plan {
        Plan::With(node) => {
            follow(&node.definition, hidden, definitions);
            definitions.insert(node.cte, ids(&node.definition));
            return follow(&node.body, hidden, definitions);
        }
        Plan::RecursiveCte(node) => {
            let own = node.columns.iter().map(|column| column.id).collect();
            definitions.insert(node.cte, own);
        }
        _ => {}
    }
    plan.inputs().into_iter().for_each(|input| follow(input, hidden, definitions));
    let found: Vec<(ColumnId, Option<Hidden>)> = match plan {
        Plan::Project(node) => {
            node.items.iter().map(|item| (item.id, source(&item.expr, hidden))).collect()
        }
        Plan::Aggregate(node) => {
            let groups = node.groups.iter().map(|item| (item.id, source(&item.expr, hidden)));
            let calls = node.aggregates.iter().map(|call| {
                let order = call.order_by.iter().map(|key| &key.expr);
                (call.id, first(call.arguments.iter().chain(order), hidden))
            });
            groups.chain(calls).collect()
        }
        Plan::Window(node) => {
            node.calls.iter().map(|call| (call.id, first(&call.arguments, hidden))).collect()
        }
        Plan::LateralFunction(node) => {
            let from = first(&node.arguments, hidden);
            node.columns.iter().map(|column| (column.id, from.clone())).collect()
        }
        Plan::ForeignTable(node) => {
            let from = first(&node.arguments, hidden);
            node.columns.iter().map(|column| (column.id, from.clone())).collect()
        }
        Plan::SetOperation(node) => {
            let inputs: Vec<Vec<ColumnId>> = node.inputs.iter().map(ids).collect();
            by_place(&node.columns, &inputs, hidden)
        }
        Plan::RecursiveCte(node) => {
            let inputs = [ids(&node.anchor), ids(&node.step)];
            by_place(&node.columns, &inputs, hidden)
        }
        Plan::CteRef(node) => {
            let definition = definitions.get(&node.cte).cloned().unwrap_or_default();
            by_place(&node.columns, &[definition], hidden)
        }
        _ => return,
    };
    for (id, from) in found {
        if let Some(from) = from {
            hidden.entry(id).or_insert(from);
        }
    }
}

fn ids(plan: &Plan) -> Vec<ColumnId> {
    plan.columns().into_iter().map(|column| column.id).collect()
}

/// Each column comes from those in its place.
fn by_place(
    columns: &[PlanColumn],
    inputs: &[Vec<ColumnId>],
    hidden: &HiddenColumns,
) -> Vec<(ColumnId, Option<Hidden>)> {
    let from = |place: usize| inputs.iter().find_map(|input| hidden.get(input.get(place)?));
    let columns = columns.iter().enumerate();
    columns.map(|(place, column)| (column.id, from(place).cloned())).collect()
}

/// The hidden column that an expression reads.
fn source(expr: &Expr, hidden: &HiddenColumns) -> Option<Hidden> {
    let mut found: Vec<&Hidden> =
        expr.columns_used().iter().filter_map(|id| hidden.get(id)).collect();
    // One that makes the statement fail counts before one that is NULL.
    found.sort_by_key(|hidden| (hidden.nulls, &hidden.column));
    found.first().map(|hidden| (*hidden).clone())
}

fn first<'e>(exprs: impl IntoIterator<Item = &'e Expr>, hidden: &HiddenColumns) -> Option<Hidden> {
    exprs.into_iter().find_map(|expr| source(expr, hidden))
}

/// What is put out of an expression: NULL where it would show a hidden column.
///
/// # Errors
/// When the column's policy says that the statement fails.
pub(super) fn shown(expr: Expr, hidden: &HiddenColumns) -> Result<Expr> {
    match source(&expr, hidden) {
        None => Ok(expr),
        Some(Hidden { nulls: true, .. }) => Ok(Expr::null(expr.sql_type())),
        Some(Hidden { column, .. }) => Err(refused(format!(
            "Column '{column}' has a projection policy that does not allow it to be projected."
        ))),
    }
}

/// The query with NULL in the place of hidden columns.
///
/// # Errors
/// As [`shown`].
pub(super) fn without_hidden(
    binder: &Binder<'_>,
    mut query: Query,
    constraints: &Constraints,
) -> Result<Query> {
    let hidden = hidden_columns(&query.plan, constraints);
    if !query.output.iter().any(|column| hidden.contains_key(&column.id)) {
        return Ok(query);
    }
    let mut items: Vec<ProjectItem> = query.plan.columns().iter().map(ProjectItem::pass).collect();
    for output in &mut query.output {
        if !hidden.contains_key(&output.id) {
            continue;
        }
        let sql_type = output.field.sql_type;
        let expr = Expr::Column { id: output.id, sql_type, nullable: true };
        output.id = binder.fresh();
        let name = output.field.name.clone();
        items.push(ProjectItem { id: output.id, name, expr: shown(expr, &hidden)? });
    }
    query.plan = Plan::Project(Project { input: Box::new(query.plan), items });
    Ok(query)
}
