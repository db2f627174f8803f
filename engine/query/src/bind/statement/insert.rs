//! INSERT, also into several tables.

use std::sync::Arc;

use firn_account::catalog::{Action, ObjectPath, Table};
use firn_expression::Expr;
use firn_types::{Error, Result};

use super::assign::{assign, default_of, positions, whole_row, width_error};
use crate::bind::clause::Clause;
use crate::bind::context::Env;
use crate::bind::expr::{ExprBinder, Gathered, attach};
use crate::bind::query::{bind_query, bind_rows, meet};
use crate::bind::scope::{Relation, Scope};
use crate::bind::{Binder, BoundQuery};
use firn_parse::ast::{self, ExprKind, InsertSource, InsertTarget};
use firn_plan::statement::{Insert, InsertBranch, InsertMany, Query, Target};
use firn_plan::{Plan, PlanColumn, Values};

pub(super) fn bind_insert(
    binder: &Binder<'_>,
    insert: &ast::Insert,
    env: &Env<'_>,
) -> Result<Insert> {
    let actions = actions(insert.overwrite);
    let (table, path) = binder.target_table(&insert.table, env, "INSERT", actions)?;
    let positions = positions(&table, &insert.columns)?;
    let bound = match &insert.source {
        InsertSource::Query(query) => bind_query(binder, query, env)?,
        InsertSource::Values(values) => {
            bind_values(binder, values, &table, &path, &positions, env)?
        }
    };
    if bound.columns.len() != positions.len() {
        return Err(width_error(positions.len(), bound.columns.len()));
    }
    let values = bound.columns.iter().map(PlanColumn::expr).collect();
    let assignments = whole_row(binder, &table, &path, &positions, values)?;
    let reads_target = binder.reads(&bound.plan, &table);
    let target = Target { name: table.header.name.clone(), table };
    let (overwrite, source) = (insert.overwrite, bound.plan);
    Ok(Insert { target, overwrite, reads_target, source, assignments })
}

impl Binder<'_> {
    /// Whether a bound plan reads a table, itself or as it is stored in a materialized view.
    fn reads(&self, plan: &Plan, table: &Table) -> bool {
        let mut reads = false;
        plan.visit(&mut |node| {
            let Plan::Scan(scan) = node else { return };
            let view = self.context.catalog.materialized_view(scan.table.id());
            reads |= scan.table.id() == table.id()
                || view.is_some_and(|view| view.base_table == table.id());
        });
        reads
    }
}

/// The rows of a query into a table, column by column: CREATE TABLE .. AS SELECT.
///
/// # Errors
/// `ColumnTypeMismatch` when a column's type does not take the query's.
pub fn insert_query(query: Query, table: Arc<Table>) -> Result<Insert> {
    let values = query.output.iter().zip(&table.columns).map(|(output, column)| {
        let expr = Expr::Column {
            id: output.id,
            sql_type: output.field.sql_type,
            nullable: output.field.nullable,
        };
        assign(expr, column)
    });
    let assignments = values.collect::<Result<_>>()?;
    let target = Target { name: table.header.name.clone(), table };
    Ok(Insert { target, overwrite: false, reads_target: false, source: query.plan, assignments })
}

/// VALUES, in which DEFAULT is possible. Each column has the type at which its rows meet.
fn bind_values(
    binder: &Binder<'_>,
    values: &ast::Values,
    table: &Arc<Table>,
    path: &ObjectPath,
    positions: &[usize],
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let width = values.rows.first().map_or(0, Vec::len);
    if width != positions.len() {
        return Err(width_error(positions.len(), width));
    }
    let has_default = |row: &Vec<ast::Expr>| row.iter().any(|e| e.kind == ExprKind::Default);
    let mut by_column: Vec<Vec<Expr>> =
        (0..width).map(|_| Vec::with_capacity(values.rows.len())).collect();
    let placeholders = binder.context.placeholders;
    if values.rows.iter().any(has_default) {
        if placeholders.check_rows().is_err() {
            return Err(Error::not_supported("DEFAULT beside an array of values"));
        }
        for row in &values.rows {
            let single = |expr: &ast::Expr| ast::Values {
                rows: vec![vec![expr.clone()]],
                span: values.span,
            };
            for (index, expr) in row.iter().enumerate() {
                let column = &table.columns[positions[index.min(positions.len() - 1)]];
                let bound = match expr.kind {
                    ExprKind::Default => default_of(binder, column, path)?,
                    _ => bind_rows(binder, &single(expr), env)?.remove(0).remove(0),
                };
                by_column.get_mut(index).ok_or_else(|| width_error(width, row.len()))?.push(bound);
            }
        }
    } else {
        for row in bind_rows(binder, values, env)? {
            row.into_iter().zip(&mut by_column).for_each(|(expr, column)| column.push(expr));
        }
    }
    let mut columns = Vec::with_capacity(width);
    let mut typed = Vec::with_capacity(width);
    for (index, column) in by_column.into_iter().enumerate() {
        let (exprs, sql_type) = meet(column)?;
        columns.push(binder.fresh_column(format!("COLUMN{}", index + 1), sql_type, true));
        typed.push(exprs.into_iter());
    }
    let count = typed.first().map_or(0, ExactSizeIterator::len);
    let mut rows = Vec::with_capacity(count);
    for _ in 0..count {
        let mut row = Vec::with_capacity(width);
        row.extend(typed.iter_mut().filter_map(Iterator::next));
        rows.push(row);
    }
    let values = Values { columns: columns.clone(), rows: rows.into() };
    Ok(BoundQuery { plan: Plan::Values(values), columns })
}

/// What is done with the target.
fn actions(overwrite: bool) -> &'static [Action] {
    match overwrite {
        true => &[Action::Insert, Action::Delete],
        false => &[Action::Insert],
    }
}

pub(super) fn bind_insert_many(
    binder: &Binder<'_>,
    insert: &ast::MultiInsert,
    env: &Env<'_>,
) -> Result<InsertMany> {
    let bound = bind_query(binder, &insert.query, env)?;
    let scope = Scope { relations: vec![Relation::new("", bound.columns.clone())], outer: None };
    let mut gathered = Gathered::default();
    let mut branches = Vec::new();
    {
        let into = |gathered: &mut Gathered, targets: &[InsertTarget]| {
            let bind = |target: &InsertTarget| {
                insert_target(binder, target, &scope, gathered, env, actions(insert.overwrite))
            };
            targets.iter().map(bind).collect::<Result<Vec<_>>>()
        };
        if !insert.always.is_empty() {
            let into = into(&mut gathered, &insert.always)?;
            branches.push(InsertBranch { condition: None, into });
        }
        for when in &insert.when {
            let condition = {
                ExprBinder::new(binder, env, &scope, Clause::Single, &mut gathered)
                    .bind_condition(&when.condition)?
            };
            let into = into(&mut gathered, &when.targets)?;
            branches.push(InsertBranch { condition: Some(condition), into });
        }
        if !insert.otherwise.is_empty() {
            let into = into(&mut gathered, &insert.otherwise)?;
            branches.push(InsertBranch { condition: None, into });
        }
    }
    let source = attach(bound.plan, gathered.applies);
    let targets = branches.iter().flat_map(|branch: &InsertBranch| &branch.into);
    let tables = targets.map(|(target, _)| &target.table);
    let read = tables.filter(|table| binder.reads(&source, table)).map(|table| table.id());
    Ok(InsertMany {
        read_targets: read.collect(),
        source,
        overwrite: insert.overwrite,
        first: insert.first,
        branches,
        has_else: !insert.otherwise.is_empty(),
    })
}

fn insert_target(
    binder: &Binder<'_>,
    target: &InsertTarget,
    scope: &Scope<'_>,
    gathered: &mut Gathered,
    env: &Env<'_>,
    actions: &[Action],
) -> Result<(Target, Vec<Expr>)> {
    let (table, path) = binder.target_table(&target.table, env, "INSERT", actions)?;
    let positions = positions(&table, &target.columns)?;
    let values: Vec<Expr> = match &target.values {
        None => scope.star(None)?.iter().map(PlanColumn::expr).collect(),
        Some(exprs) => {
            let mut values = Vec::with_capacity(exprs.len());
            for (index, expr) in exprs.iter().enumerate() {
                values.push(match (&expr.kind, positions.get(index)) {
                    (ExprKind::Default, Some(&position)) => {
                        default_of(binder, &table.columns[position], &path)?
                    }
                    _ => {
                        ExprBinder::new(binder, env, scope, Clause::Single, gathered).bind(expr)?
                    }
                });
            }
            values
        }
    };
    if values.len() != positions.len() {
        return Err(width_error(positions.len(), values.len()).at(target.span).without_span());
    }
    let row = whole_row(binder, &table, &path, &positions, values)?;
    Ok((Target { name: table.header.name.clone(), table }, row))
}
