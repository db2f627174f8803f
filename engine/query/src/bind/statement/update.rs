//! UPDATE.

use std::sync::Arc;

use firn_account::catalog::Action;
use firn_expression::Expr;
use firn_types::{Error, ErrorCode, Result};

use super::assign::{assign, default_of, position};
use crate::bind::clause::Clause;
use crate::bind::context::Env;
use crate::bind::expr::{ExprBinder, Gathered, attach};
use crate::bind::query::{From, bind_from, protected_scan};
use crate::bind::scope::{Relation, Scope};
use crate::bind::{Binder, BoundQuery};
use firn_parse::ast::{self, Assignment, ExprKind, TableAlias, TableExpr};
use firn_plan::statement::{Target, Update};
use firn_plan::{Filter, Join, JoinKind, Plan, PlanColumn};

/// The rows of a target table with their locators, beside those of other sources, filtered.
pub(super) struct TargetRows {
    pub(super) plan: Plan,
    pub(super) scope: Scope<'static>,
    pub(super) columns: Vec<PlanColumn>,
    pub(super) locator: firn_types::ColumnId,
    pub(super) table: Arc<firn_account::catalog::Table>,
    pub(super) path: firn_account::catalog::ObjectPath,
}

/// Binds the target and what stands beside it.
pub(super) fn target_rows(
    binder: &Binder<'_>,
    name: &ast::Name,
    alias: Option<&TableAlias>,
    others: &[TableExpr],
    env: &Env<'_>,
    action: Action,
) -> Result<TargetRows> {
    let verb = if action == Action::Delete { "DELETE" } else { "UPDATE" };
    let (table, path) = binder.target_table(name, env, verb, &[action])?;
    let locator = binder.fresh();
    let snapshot = Arc::clone(&table.snapshot);
    let BoundQuery { mut plan, columns } =
        protected_scan(binder, (&table, snapshot), &path, Some(locator), env)?;
    let relation = target_relation(&path, alias, &columns);
    let mut relations = vec![relation];
    if !others.is_empty() {
        let From { plan: other, relations: more } = bind_from(binder, others, &[], env)?;
        plan = Plan::Join(Box::new(Join {
            kind: JoinKind::Inner,
            left: Box::new(plan),
            right: Box::new(other),
            keys: Vec::new(),
            conditions: Vec::new(),
        }));
        relations.extend(more);
    }
    let scope = Scope { relations, outer: None };
    Ok(TargetRows { plan, scope, columns, locator, table, path })
}

/// The target as a source of its statement's names.
pub(super) fn target_relation(
    path: &firn_account::catalog::ObjectPath,
    alias: Option<&TableAlias>,
    columns: &[PlanColumn],
) -> Relation {
    let name = alias.map_or(&path.name, |alias| &alias.name.name);
    let mut relation = Relation::new(name, columns.to_vec());
    if alias.is_none() {
        relation.path = vec![path.database.clone(), path.schema.clone()];
    }
    relation
}

/// Keeps the rows for which a condition is TRUE.
pub(super) fn keep(
    binder: &Binder<'_>,
    plan: Plan,
    scope: &Scope<'_>,
    condition: Option<&ast::Expr>,
    env: &Env<'_>,
) -> Result<Plan> {
    let Some(condition) = condition else { return Ok(plan) };
    let mut gathered = Gathered::default();
    let condition = {
        ExprBinder::new(binder, env, scope, Clause::Where, &mut gathered)
            .bind_condition(condition)?
    };
    let input = Box::new(attach(plan, gathered.applies));
    Ok(Plan::Filter(Filter { input, conditions: condition.into_conjuncts() }))
}

pub(super) fn bind_update(
    binder: &Binder<'_>,
    update: &ast::Update,
    env: &Env<'_>,
) -> Result<Update> {
    let alias = update.alias.as_ref();
    let rows = target_rows(binder, &update.table, alias, &update.from, env, Action::Update)?;
    let plan = keep(binder, rows.plan, &rows.scope, update.filter.as_ref(), env)?;
    let mut gathered = Gathered::default();
    let (row, is_set) = set_row(
        binder,
        (&rows.table, &rows.path),
        &rows.columns,
        &update.assignments,
        &rows.scope,
        &mut gathered,
        env,
    )?;
    Ok(Update {
        target: Target { name: rows.table.header.name.clone(), table: rows.table },
        source: attach(plan, gathered.applies),
        locator: rows.locator,
        set: positions_of(&is_set),
        assignments: only(row, &is_set),
    })
}

/// The positions that are set.
pub(super) fn positions_of(is_set: &[bool]) -> Vec<usize> {
    is_set.iter().enumerate().filter(|(_, set)| **set).map(|(position, _)| position).collect()
}

/// The values of a row at the positions that are set.
pub(super) fn only(row: Vec<Expr>, is_set: &[bool]) -> Vec<Expr> {
    row.into_iter().zip(is_set).filter(|(_, set)| **set).map(|(value, _)| value).collect()
}

/// The whole new row: what SET says, and the old values elsewhere; and which columns it sets.
#[allow(clippy::too_many_arguments)]
pub(super) fn set_row(
    binder: &Binder<'_>,
    (table, path): (&firn_account::catalog::Table, &firn_account::catalog::ObjectPath),
    old: &[PlanColumn],
    assignments: &[Assignment],
    scope: &Scope<'_>,
    gathered: &mut Gathered,
    env: &Env<'_>,
) -> Result<(Vec<Expr>, Vec<bool>)> {
    let mut row: Vec<Expr> = old.iter().map(PlanColumn::expr).collect();
    let mut set = vec![false; row.len()];
    for assignment in assignments {
        let name = assignment.column.object();
        let position = position(table, name)?;
        if std::mem::replace(&mut set[position], true) {
            let text = format!("duplicate column name '{name}'");
            return Err(Error::new(ErrorCode::DuplicateColumn, text).at(name.span));
        }
        let column = &table.columns[position];
        row[position] = match assignment.value.kind {
            ExprKind::Default => default_of(binder, column, path)?,
            _ => {
                let value = ExprBinder::new(binder, env, scope, Clause::Single, gathered)
                    .bind(&assignment.value)?;
                assign(value, column)?
            }
        };
    }
    Ok((row, set))
}
