//! UNION, INTERSECT and EXCEPT.

use firn_types::{Error, ErrorCode, Result, SqlType, coerce};

use super::asof::numbered;
use super::bind_body;
use super::select::distinct;
use crate::bind::context::Env;
use crate::bind::expr::cast;
use crate::bind::{Binder, BoundQuery};
use firn_parse::ast;
use firn_plan::{Plan, PlanColumn, Project, ProjectItem, SetOperation, SetOperator};

pub(super) fn bind_set_operation(
    binder: &Binder<'_>,
    operation: &ast::SetOperation,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let mut branches = Vec::with_capacity(operation.branches.len());
    for branch in &operation.branches {
        branches.push(bind_body(binder, branch, env)?);
    }
    if operation.by_name {
        branches = match_by_name(binder, branches, operation)?;
    }
    check_width(&branches, operation)?;
    let types = common_types(&branches, operation)?;
    let names: Vec<String> = branches[0].columns.iter().map(|c| c.name.clone()).collect();
    let nullable: Vec<bool> = (0..types.len())
        .map(|position| branches.iter().any(|branch| branch.columns[position].nullable))
        .collect();
    let columns = || -> Vec<PlanColumn> {
        let parts = names.iter().zip(&types).zip(&nullable);
        parts.map(|((name, &t), &nullable)| binder.fresh_column(name, t, nullable)).collect()
    };
    let mut inputs: Vec<Plan> =
        branches.into_iter().map(|branch| fit(binder, branch, &types)).collect();
    let node = |operator, inputs| {
        let columns = columns();
        let operation = SetOperation { operator, inputs, columns: columns.clone() };
        BoundQuery { plan: Plan::SetOperation(operation), columns }
    };
    Ok(match operation.operator {
        ast::SetOperator::Union => {
            let mut bound = node(SetOperator::UnionAll, inputs);
            if !operation.all {
                bound.plan = distinct(bound.plan);
            }
            bound
        }
        ast::SetOperator::Intersect if operation.all => {
            chain_all(binder, inputs, SetOperator::Intersect, &columns)?
        }
        ast::SetOperator::Except if operation.all => {
            chain_all(binder, inputs, SetOperator::Except, &columns)?
        }
        ast::SetOperator::Intersect => chain(&mut inputs, SetOperator::Intersect, node),
        ast::SetOperator::Except => chain(&mut inputs, SetOperator::Except, node),
    })
}

/// Two at a time, from left to right, with duplicates: equal rows are numbered on both sides, and then differ.
fn chain_all(
    binder: &Binder<'_>,
    inputs: Vec<Plan>,
    operator: SetOperator,
    columns: &dyn Fn() -> Vec<PlanColumn>,
) -> Result<BoundQuery> {
    let mut rest = inputs.into_iter();
    let mut plan = rest.next().unwrap_or_else(Plan::one_row);
    for next in rest {
        let inputs = vec![equals_numbered(binder, plan)?, equals_numbered(binder, next)?];
        let number = inputs[0].columns().pop();
        let mut numbered = columns();
        numbered.extend(number.map(|n| binder.fresh_column(&n.name, n.sql_type, false)));
        let node = SetOperation { operator, inputs, columns: numbered.clone() };
        numbered.pop();
        let items = numbered.iter().map(ProjectItem::pass).collect();
        plan = Plan::Project(Project { items, input: Box::new(Plan::SetOperation(node)) });
    }
    let columns = plan.columns();
    Ok(BoundQuery { plan, columns })
}

/// The rows with one more column, which numbers those that are equal.
fn equals_numbered(binder: &Binder<'_>, input: Plan) -> Result<Plan> {
    let number = binder.fresh_column("ROW_NUMBER", SqlType::number(18, 0), false);
    let partition_by = input.columns().iter().map(PlanColumn::expr).collect();
    numbered(input, &number, partition_by)
}

/// Two at a time, from left to right.
fn chain(
    inputs: &mut Vec<Plan>,
    operator: SetOperator,
    node: impl Fn(SetOperator, Vec<Plan>) -> BoundQuery,
) -> BoundQuery {
    let mut rest = inputs.drain(..);
    let first = rest.next().unwrap_or_else(Plan::one_row);
    let second = rest.next().unwrap_or_else(Plan::one_row);
    let mut bound = node(operator, vec![first, second]);
    for next in rest {
        bound = node(operator, vec![bound.plan, next]);
    }
    bound
}

fn check_width(branches: &[BoundQuery], operation: &ast::SetOperation) -> Result<()> {
    let expected = branches[0].columns.len();
    let odd = branches.iter().position(|branch| branch.columns.len() != expected);
    let Some(index) = odd else { return Ok(()) };
    let text = format!(
        "invalid number of result columns for set operator input branches, expected {expected}, got \
         {} in branch {}",
        branches[index].columns.len(),
        index + 1
    );
    Err(Error::new(ErrorCode::SetOperationWidth, text).at(operation.span).without_span())
}

fn common_types(branches: &[BoundQuery], operation: &ast::SetOperation) -> Result<Vec<SqlType>> {
    (0..branches[0].columns.len())
        .map(|position| {
            let types: Vec<SqlType> =
                branches.iter().map(|branch| branch.columns[position].sql_type).collect();
            coerce::common_type(&types).ok_or_else(|| {
                let odd = types.iter().position(|t| coerce::common_type(&[types[0], *t]).is_none());
                let odd = odd.unwrap_or(1);
                let text = format!(
                    "inconsistent data type for result columns for set operator input branches, \
                     expected {}, got {} for expression [{}] branch {}",
                    types[0],
                    types[odd],
                    branches[odd].columns[position].name,
                    odd + 1
                );
                Error::new(ErrorCode::SetOperationTypes, text).at(operation.span).without_span()
            })
        })
        .collect()
}

/// The branch's columns, each of the wanted type.
fn fit(binder: &Binder<'_>, branch: BoundQuery, types: &[SqlType]) -> Plan {
    let items = branch.columns.iter().zip(types).map(|(column, &wanted)| ProjectItem {
        id: binder.fresh(),
        name: column.name.clone(),
        expr: cast(column.expr(), wanted),
    });
    Plan::Project(Project { items: items.collect(), input: Box::new(branch.plan) })
}

/// UNION BY NAME: every name of any branch is a column, NULL where a branch does not have it.
fn match_by_name(
    binder: &Binder<'_>,
    branches: Vec<BoundQuery>,
    operation: &ast::SetOperation,
) -> Result<Vec<BoundQuery>> {
    let mut names: Vec<String> = Vec::new();
    for column in branches.iter().flat_map(|branch| &branch.columns) {
        if !names.contains(&column.name) {
            names.push(column.name.clone());
        }
    }
    let matched = branches.into_iter().map(|branch| {
        let mut items = Vec::with_capacity(names.len());
        for name in &names {
            let mut same = branch.columns.iter().filter(|column| column.name == *name);
            let expr = match same.next() {
                Some(column) => column.expr(),
                None => firn_expression::Expr::null(SqlType::Null),
            };
            if same.next().is_some() {
                let text = format!("ambiguous column name '{name}'");
                return Err(Error::new(ErrorCode::AmbiguousColumn, text).at(operation.span));
            }
            items.push(ProjectItem { id: binder.fresh(), name: name.clone(), expr });
        }
        let columns = items.iter().map(ProjectItem::column).collect();
        let plan = Plan::Project(Project { items, input: Box::new(branch.plan) });
        Ok(BoundQuery { plan, columns })
    });
    matched.collect()
}
