//! WITH, also recursive.

use std::sync::Arc;

use firn_types::limits::NUMBER_PRECISION_MAX;
use firn_types::{Error, ErrorCode, Field, Identifier, Result, SqlType};

use super::{bind_body, bind_query, narrowed};
use crate::bind::context::{CteEntry, CteScope, Env};
use crate::bind::expr::cast;
use crate::bind::{Binder, BoundQuery};
use firn_parse::ast::{
    Cte, Query, QueryBody, SetOperator, TableExpr, TableKind, With as WithClause,
};
use firn_plan::{Plan, PlanColumn, Project, ProjectItem, RecursiveCte, With};

/// Binds the named queries, then the body that sees them.
pub(super) fn bind_with(
    binder: &Binder<'_>,
    with: &WithClause,
    env: &Env<'_>,
    body: impl FnOnce(&Env<'_>) -> Result<BoundQuery>,
) -> Result<BoundQuery> {
    let mut scope = CteScope { parent: env.ctes, entries: Vec::new() };
    for cte in &with.ctes {
        let number = binder.fresh_cte();
        let (plan, columns) = bind_cte(binder, cte, number, &env.with_ctes(&scope))?;
        let fields = columns.iter().map(PlanColumn::field).collect();
        let definition = Some(Arc::new(plan));
        scope.entries.push(CteEntry {
            name: cte.name.name.clone(),
            cte: number,
            fields,
            definition,
        });
    }
    let bound = body(&env.with_ctes(&scope))?;
    let plan = scope.entries.into_iter().rev().fold(bound.plan, |body, entry| {
        let Some(definition) = entry.definition else { return body };
        let definition = Box::new(Arc::unwrap_or_clone(definition));
        Plan::With(Box::new(With { cte: entry.cte, definition, body: Box::new(body) }))
    });
    Ok(BoundQuery { plan, columns: bound.columns })
}

/// The query of a view that may name the view.
pub(crate) fn bind_recursive_view(
    binder: &Binder<'_>,
    (name, columns): (&str, &[Identifier]),
    query: &Query,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let is_plain = query.with.is_none() && query.order_by.is_none() && query.limit.is_none();
    if let QueryBody::Query(inner) = &query.body
        && is_plain
    {
        return bind_recursive_view(binder, (name, columns), inner, env);
    }
    let name = Identifier::exact(name);
    let cte = Cte { name, columns: columns.to_vec(), query: Box::new(query.clone()) };
    let (plan, columns) = bind_cte(binder, &cte, binder.fresh_cte(), env)?;
    Ok(BoundQuery { plan, columns })
}

/// One named query: a plan of exactly its columns.
fn bind_cte(
    binder: &Binder<'_>,
    cte: &Cte,
    number: u32,
    env: &Env<'_>,
) -> Result<(Plan, Vec<PlanColumn>)> {
    let bound = match &cte.query.body {
        QueryBody::SetOperation(operation) if refers_to(&cte.query, &cte.name.name) => {
            if operation.operator != SetOperator::Union || !operation.all {
                let text = "UNION not yet supported within a Recursive CTE";
                return Err(Error::new(ErrorCode::RecursiveUnion, text).at(operation.span));
            }
            bind_recursive(binder, cte, &operation.branches, number, env)?
        }
        _ => narrowed(binder, bind_query(binder, &cte.query, env)?),
    };
    let mut columns = bound.columns;
    if cte.columns.len() > columns.len() {
        let text = format!(
            "CTE '{}' declares {} columns, but its query has {}",
            cte.name,
            cte.columns.len(),
            columns.len()
        );
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(cte.name.span));
    }
    for (column, name) in columns.iter_mut().zip(&cte.columns) {
        column.name = name.name.clone();
    }
    Ok((bound.plan, columns))
}

/// `anchor UNION ALL step`, where the step reads the rows of the round before.
fn bind_recursive(
    binder: &Binder<'_>,
    cte: &Cte,
    branches: &[QueryBody],
    number: u32,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let is_step = |branch: &&QueryBody| body_refers_to(branch, &cte.name.name);
    let (steps, anchors): (Vec<_>, Vec<_>) = branches.iter().partition(is_step);
    let Some((first, more)) = anchors.split_first() else {
        let text = format!("recursive CTE '{}' has no anchor", cte.name);
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(cte.name.span));
    };
    let mut anchor = narrowed(binder, bind_body(binder, first, env)?);
    for (column, name) in anchor.columns.iter_mut().zip(&cte.columns) {
        column.name = name.name.clone();
    }
    let untyped = anchor.columns.iter().any(|column| column.sql_type == SqlType::Null);
    let types = match untyped {
        true => typed_by_steps(binder, (cte, number), &anchor.columns, &steps, env)?,
        false => anchor.columns.iter().map(|column| grown(column.sql_type)).collect(),
    };
    let columns: Vec<PlanColumn> = anchor
        .columns
        .iter()
        .zip(types)
        .map(|(column, sql_type)| binder.fresh_column(&column.name, sql_type, true))
        .collect();
    let fields: Vec<Field> = columns.iter().map(PlanColumn::field).collect();

    let mut scope = CteScope { parent: env.ctes, entries: Vec::new() };
    let name = cte.name.name.clone();
    scope.entries.push(CteEntry { name, cte: number, fields, definition: None });
    let inner = env.with_ctes(&scope);
    let fitted = |body: &QueryBody, env: &Env<'_>| -> Result<Plan> {
        fit(binder, bind_body(binder, body, env)?, &columns, cte)
    };
    let mut anchors = vec![match untyped {
        true => fit(binder, anchor, &columns, cte)?,
        false => anchor.plan,
    }];
    for body in more {
        anchors.push(fitted(body, env)?);
    }
    let mut plans = Vec::with_capacity(steps.len());
    for body in steps {
        plans.push(fitted(body, &inner)?);
    }
    let plan = Plan::RecursiveCte(Box::new(RecursiveCte {
        cte: number,
        anchor: Box::new(union(binder, anchors, &columns)),
        step: Box::new(union(binder, plans, &columns)),
        columns: columns.clone(),
    }));
    Ok(BoundQuery { plan, columns })
}

/// The types of recursive columns where the anchor has NULL alone in some: those take the step's.
fn typed_by_steps(
    binder: &Binder<'_>,
    (cte, number): (&Cte, u32),
    anchor: &[PlanColumn],
    steps: &[&QueryBody],
    env: &Env<'_>,
) -> Result<Vec<SqlType>> {
    let mut types: Vec<SqlType> = anchor.iter().map(|column| grown(column.sql_type)).collect();
    let fields = anchor.iter().map(PlanColumn::field).collect();
    let name = cte.name.name.clone();
    let entry = CteEntry { name, cte: number, fields, definition: None };
    let scope = CteScope { parent: env.ctes, entries: vec![entry] };
    for body in steps {
        let bound = bind_body(binder, body, &env.with_ctes(&scope))?;
        for (sql_type, column) in types.iter_mut().zip(&bound.columns) {
            if *sql_type == SqlType::Null {
                *sql_type = grown(column.sql_type);
            }
        }
    }
    Ok(types)
}

/// The type of a recursive column: the anchor's, where numbers and texts have room to grow.
fn grown(sql_type: SqlType) -> SqlType {
    match sql_type {
        SqlType::Number { scale, .. } => SqlType::Number { precision: NUMBER_PRECISION_MAX, scale },
        SqlType::Varchar { collation, .. } => SqlType::TEXT.with_collation(collation),
        other => other,
    }
}

/// The plan's rows with the columns' types.
fn fit(binder: &Binder<'_>, bound: BoundQuery, columns: &[PlanColumn], cte: &Cte) -> Result<Plan> {
    if bound.columns.len() != columns.len() {
        let text = format!(
            "invalid number of result columns for set operator input branches, expected {}, got {} \
             in branch 2",
            columns.len(),
            bound.columns.len()
        );
        return Err(Error::new(ErrorCode::SetOperationWidth, text).at(cte.name.span));
    }
    let items = bound.columns.iter().zip(columns).map(|(column, wanted)| ProjectItem {
        id: binder.fresh(),
        name: wanted.name.clone(),
        expr: cast(column.expr(), wanted.sql_type),
    });
    Ok(Plan::Project(Project { items: items.collect(), input: Box::new(bound.plan) }))
}

fn union(binder: &Binder<'_>, mut plans: Vec<Plan>, columns: &[PlanColumn]) -> Plan {
    if plans.len() == 1 {
        return plans.remove(0);
    }
    let columns = columns
        .iter()
        .map(|column| binder.fresh_column(&column.name, column.sql_type, true))
        .collect();
    let operator = firn_plan::SetOperator::UnionAll;
    Plan::SetOperation(firn_plan::SetOperation { operator, inputs: plans, columns })
}

/// Whether a query reads a source of this name anywhere in its FROM clauses.
fn refers_to(query: &Query, name: &str) -> bool {
    body_refers_to(&query.body, name)
}

fn body_refers_to(body: &QueryBody, name: &str) -> bool {
    match body {
        QueryBody::Select(select) => select.from.iter().any(|source| reads(source, name)),
        QueryBody::Query(query) => refers_to(query, name),
        QueryBody::SetOperation(operation) => {
            operation.branches.iter().any(|branch| body_refers_to(branch, name))
        }
        QueryBody::Values(_) => false,
    }
}

fn reads(source: &TableExpr, name: &str) -> bool {
    match &source.kind {
        TableKind::Table { name: firn_parse::ast::Name::Plain(table), .. } => {
            table.parts.len() == 1 && table.object().as_str() == name
        }
        TableKind::Subquery { query, .. } => refers_to(query, name),
        TableKind::Join(join) => reads(&join.left, name) || reads(&join.right, name),
        TableKind::Pivot(pivot) => reads(&pivot.source, name),
        TableKind::Unpivot(unpivot) => reads(&unpivot.source, name),
        TableKind::MatchRecognize(clause) => reads(&clause.source, name),
        TableKind::Table { .. }
        | TableKind::Function(_)
        | TableKind::Values(_)
        | TableKind::Stage { .. } => false,
    }
}
