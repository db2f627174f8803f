//! MERGE: the source's rows, each with its matches in the target, and what is done with them.

use std::sync::Arc;

use firn_account::catalog::{Action, ObjectPath, Table};
use firn_expression::Expr;
use firn_types::{Error, ErrorCode, Identifier, Result};

use super::assign::{default_of, positions, whole_row, width_error};
use super::update::{only, positions_of, set_row, target_relation};
use crate::bind::clause::Clause;
use crate::bind::context::Env;
use crate::bind::expr::{ExprBinder, Gathered, attach};
use crate::bind::query::{bind_from, protected_scan};
use crate::bind::scope::{Relation, Scope};
use crate::bind::{Binder, BoundQuery};
use firn_parse::ast::{self, ExprKind};
use firn_plan::statement::{Merge, MergeAction, MergeClause, Target};
use firn_plan::{Join, JoinKind, Plan, PlanColumn};

/// What the clauses of a MERGE are bound over.
struct Sides<'m> {
    binder: &'m Binder<'m>,
    env: &'m Env<'m>,
    table: Arc<Table>,
    path: ObjectPath,
    /// The target's columns.
    target: Vec<PlanColumn>,
    /// The source's columns alone: what NOT MATCHED sees.
    source: Scope<'m>,
    /// Both sides' columns.
    both: Scope<'m>,
}

pub(super) fn bind_merge(binder: &Binder<'_>, merge: &ast::Merge, env: &Env<'_>) -> Result<Merge> {
    let mut actions = vec![Action::Select];
    actions.extend(merge.clauses.iter().map(|clause| match clause.action {
        ast::MergeAction::Insert(..) | ast::MergeAction::InsertByName => Action::Insert,
        ast::MergeAction::Update(_) | ast::MergeAction::UpdateByName => Action::Update,
        ast::MergeAction::Delete => Action::Delete,
    }));
    let (table, path) = binder.target_table(&merge.table, env, "MERGE", &actions)?;
    let source = bind_from(binder, std::slice::from_ref(&merge.source), &[], env)?;
    let locator = binder.fresh();
    let snapshot = Arc::clone(&table.snapshot);
    let BoundQuery { plan: scan, columns: mut target } =
        protected_scan(binder, (&table, snapshot), &path, Some(locator), env)?;
    let mut relations: Vec<Relation> = vec![target_relation(&path, merge.alias.as_ref(), &target)];
    relations.extend(source.relations.clone());
    let both = Scope { relations, outer: None };

    let mut gathered = Gathered::default();
    let on = {
        ExprBinder::new(binder, env, &both, Clause::From, &mut gathered)
            .bind_condition(&merge.on)?
    };
    if !gathered.applies.is_empty() {
        return Err(Error::not_supported("a subquery in ON of MERGE").at(merge.on.span));
    }
    let inserts = merge.clauses.iter().any(|clause| !clause.matched);
    let kind = if inserts { JoinKind::Left } else { JoinKind::Inner };
    target.iter_mut().for_each(|column| column.nullable |= inserts);
    let joined = Plan::Join(Box::new(Join {
        kind,
        left: Box::new(source.plan),
        right: Box::new(scan),
        keys: Vec::new(),
        conditions: on.into_conjuncts(),
    }));
    let source = Scope { relations: source.relations, outer: None };
    let sides = Sides { binder, env, table, path, target, source, both };
    let mut clauses = Vec::with_capacity(merge.clauses.len());
    check_order(&merge.clauses)?;
    let mut is_set = vec![false; sides.target.len()];
    for clause in &merge.clauses {
        clauses.push(sides.bind_clause(clause, &mut gathered, &mut is_set)?);
    }
    for clause in &mut clauses {
        if let MergeAction::Update(row) = &mut clause.action {
            *row = only(std::mem::take(row), &is_set);
        }
    }
    Ok(Merge {
        target: Target { name: sides.table.header.name.clone(), table: sides.table },
        source: attach(joined, gathered.applies),
        locator,
        set: positions_of(&is_set),
        clauses,
    })
}

/// A clause without a condition must be the last of its kind.
fn check_order(clauses: &[ast::MergeClause]) -> Result<()> {
    for (index, clause) in clauses.iter().enumerate() {
        let later = clauses[index + 1..].iter().any(|other| other.matched == clause.matched);
        if clause.condition.is_none() && later {
            let kind = if clause.matched { "MATCHED" } else { "NOT MATCHED" };
            let text = format!(
                "An unconditional WHEN {kind} clause must be the last WHEN {kind} clause of MERGE"
            );
            return Err(Error::new(ErrorCode::InvalidStatement, text).at(clause.span));
        }
    }
    Ok(())
}

impl Sides<'_> {
    /// Binds a clause, of an UPDATE the whole row, and marks the columns that it sets.
    fn bind_clause(
        &self,
        clause: &ast::MergeClause,
        gathered: &mut Gathered,
        is_set: &mut [bool],
    ) -> Result<MergeClause> {
        let scope = if clause.matched { &self.both } else { &self.source };
        let condition = match &clause.condition {
            Some(condition) => Some(self.expressions(scope, gathered).bind_condition(condition)?),
            None => None,
        };
        let misplaced = |action: &str| {
            let text = format!("unexpected '{action}'.");
            Err(Error::new(ErrorCode::Syntax, text).at(clause.span))
        };
        let target = (self.table.as_ref(), &self.path);
        let action = match (&clause.action, clause.matched) {
            (ast::MergeAction::Delete, true) => MergeAction::Delete,
            (ast::MergeAction::Update(set), true) => {
                let (binder, env) = (self.binder, self.env);
                let (row, sets) = set_row(binder, target, &self.target, set, scope, gathered, env)?;
                is_set.iter_mut().zip(sets).for_each(|(is_set, sets)| *is_set |= sets);
                MergeAction::Update(row)
            }
            (ast::MergeAction::UpdateByName, true) => {
                is_set.fill(true);
                MergeAction::Update(self.row_by_name()?)
            }
            (ast::MergeAction::Insert(columns, values), false) => {
                MergeAction::Insert(self.insert_row(columns, values, gathered)?)
            }
            (ast::MergeAction::InsertByName, false) => MergeAction::Insert(self.row_by_name()?),
            (ast::MergeAction::Delete, false) => return misplaced("DELETE"),
            (ast::MergeAction::Update(_) | ast::MergeAction::UpdateByName, false) => {
                return misplaced("UPDATE");
            }
            (ast::MergeAction::Insert(..) | ast::MergeAction::InsertByName, true) => {
                return misplaced("INSERT");
            }
        };
        Ok(MergeClause { matched: clause.matched, condition, action })
    }

    fn expressions<'x>(
        &'x self,
        scope: &'x Scope<'x>,
        gathered: &'x mut Gathered,
    ) -> ExprBinder<'x> {
        ExprBinder::new(self.binder, self.env, scope, Clause::Single, gathered)
    }

    fn insert_row(
        &self,
        columns: &[Identifier],
        values: &[ast::Expr],
        gathered: &mut Gathered,
    ) -> Result<Vec<Expr>> {
        let positions = positions(&self.table, columns)?;
        if positions.len() != values.len() {
            return Err(width_error(positions.len(), values.len()));
        }
        let mut bound = Vec::with_capacity(values.len());
        for (value, &position) in values.iter().zip(&positions) {
            bound.push(match value.kind {
                ExprKind::Default => {
                    default_of(self.binder, &self.table.columns[position], &self.path)?
                }
                _ => self.expressions(&self.source, gathered).bind(value)?,
            });
        }
        whole_row(self.binder, &self.table, &self.path, &positions, bound)
    }

    /// ALL BY NAME: every column of the target from the source's column of the same name.
    fn row_by_name(&self) -> Result<Vec<Expr>> {
        let source = self.source.star(None)?;
        let mut values = Vec::with_capacity(self.table.columns.len());
        for column in &self.table.columns {
            let Some(found) = source.iter().find(|other| other.name == column.name) else {
                let text = format!("the source of MERGE has no column '{}'", column.name);
                return Err(Error::new(ErrorCode::InvalidStatement, text));
            };
            values.push(found.expr());
        }
        let positions: Vec<usize> = (0..values.len()).collect();
        whole_row(self.binder, &self.table, &self.path, &positions, values)
    }
}
