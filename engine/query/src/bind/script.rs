//! Expressions of Snowflake Scripting: over the variables of blocks.
//!
//! A variable is a column of one row of values, so that the rules of names, types and casts are those of
//! queries. Without subqueries the expression is computed from the row alone, as often as it is asked for;
//! with them it is a query over that row.

use std::collections::HashMap;

use firn_expression::{Evaluator, Expr};
use firn_parse::ast;
use firn_plan::statement::Query;
use firn_plan::{Plan, PlanColumn, Project, ProjectItem, Values};
use firn_types::{ColumnId, Result, SqlType};

use super::clause::Clause;
use super::context::Env;
use super::expr::{ExprBinder, Gathered, attach};
use super::placeholder::TypedValue;
use super::scope::{Relation, Scope};
use super::{Binder, BoundQuery};

/// A variable as an expression may name it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptVariable {
    /// The row variable that it is a column of.
    pub row: Option<String>,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: TypedValue,
}

/// A bound expression.
#[derive(Debug)]
pub enum ScriptExpr {
    /// It is computed from the values of variables.
    Computed(ComputedExpr),
    /// It holds subqueries: a query of one row and one column.
    Query(Query, SqlType),
}

/// An expression over the values of variables.
#[derive(Debug)]
pub struct ComputedExpr {
    /// The expression.
    pub expr: Expr,
    /// The columns that stand for its inputs, in order.
    pub columns: Vec<ColumnId>,
    /// Computes it, from a batch of the inputs in order.
    pub evaluator: Evaluator,
    /// Which variables it reads: their positions among those it was bound over.
    pub inputs: Vec<usize>,
    /// The type of its value.
    pub sql_type: SqlType,
}

impl Binder<'_> {
    /// Binds an expression of a block over the variables in sight, of which inner ones come first.
    ///
    /// # Errors
    /// Compilation errors with their place in `text`.
    pub fn bind_script(
        &self,
        expr: &ast::Expr,
        text: &str,
        variables: &[ScriptVariable],
    ) -> Result<ScriptExpr> {
        let columns: Vec<PlanColumn> = variables
            .iter()
            .map(|variable| self.fresh_column(&variable.name, variable.value.sql_type, true))
            .collect();
        let scope = Scope { relations: relations(variables, &columns), outer: None };
        let root = Env::root(&self.context.catalog, &self.context.path, text);
        let env = Env { script: Some(&scope), ..root };
        let mut gathered = Gathered::default();
        let bound =
            ExprBinder::new(self, &env, &scope, Clause::Single, &mut gathered).bind(expr)?;
        let sql_type = bound.sql_type();
        if gathered.applies.is_empty() {
            return computed(&bound, &columns).map(ScriptExpr::Computed);
        }
        let literal = |variable: &ScriptVariable| Expr::Literal {
            value: variable.value.value.clone(),
            sql_type: variable.value.sql_type,
        };
        let row = variables.iter().map(literal).collect();
        let row = Plan::Values(Values { columns, rows: vec![row].into() });
        let item = ProjectItem { id: self.fresh(), name: "VALUE".to_string(), expr: bound };
        let columns = vec![item.column()];
        let input = Box::new(attach(row, gathered.applies));
        let plan = Plan::Project(Project { input, items: vec![item] });
        Ok(ScriptExpr::Query(self.output(BoundQuery { plan, columns })?, sql_type))
    }
}

/// Variables by themselves, and each row's.
fn relations(variables: &[ScriptVariable], columns: &[PlanColumn]) -> Vec<Relation> {
    let mut plain: Vec<PlanColumn> = Vec::new();
    let mut rows: Vec<(String, Vec<PlanColumn>)> = Vec::new();
    for (variable, column) in variables.iter().zip(columns) {
        match &variable.row {
            // An inner variable hides an outer one of its name.
            None if plain.iter().all(|other| other.name != column.name) => {
                plain.push(column.clone());
            }
            None => {}
            Some(row) => match rows.iter_mut().find(|(name, _)| name == row) {
                Some((_, columns)) => columns.push(column.clone()),
                None => rows.push((row.clone(), vec![column.clone()])),
            },
        }
    }
    let mut relations = vec![Relation::new("", plain)];
    relations.extend(rows.into_iter().map(|(name, columns)| {
        let mut relation = Relation::new(name, columns);
        relation.columns.iter_mut().for_each(|column| column.unqualified = false);
        relation
    }));
    relations
}

fn computed(bound: &Expr, columns: &[PlanColumn]) -> Result<ComputedExpr> {
    let used = bound.columns_used();
    let inputs: Vec<usize> = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| used.contains(&column.id))
        .map(|(position, _)| position)
        .collect();
    let layout: HashMap<_, _> =
        inputs.iter().map(|&position| columns[position].id).zip(0..).collect();
    let evaluator = Evaluator::compile(std::slice::from_ref(bound), &layout)?;
    let columns = inputs.iter().map(|&position| columns[position].id).collect();
    let (expr, sql_type) = (bound.clone(), bound.sql_type());
    Ok(ComputedExpr { expr, columns, evaluator, inputs, sql_type })
}
