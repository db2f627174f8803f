//! CREATE VIEW and CREATE MATERIALIZED VIEW.

use firn_account::catalog::{CurrentPath, MaterializedView, Object, ObjectKind, View, ViewColumn};
use firn_functions::Volatility;
use firn_parse::ast::{self, CreateView, ExprKind, QueryBody, SelectItemKind};
use firn_plan::Plan;
use firn_plan::statement::Query;
use firn_types::{Error, ErrorCode, Identifier, ObjectId, Result, SqlType};

use super::attach;
use super::option_table::{self, Place};
use super::refresh;
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// Creates a view; its query must compile now.
///
/// # Errors
/// When the query does not compile, an item of it has no name, or the name is taken.
pub(super) fn create(running: &mut StatementContext, ast: &CreateView) -> Result<Rows> {
    let verb = if ast.materialized { "CREATE MATERIALIZED VIEW" } else { "CREATE VIEW" };
    let kind = if ast.materialized { ObjectKind::MaterializedView } else { ObjectKind::View };
    option_table::check(kind, Place::Create, &ast.options)?;
    let path = running.path(&ast.name, verb)?;
    let schema = running.catalog().resolve_schema(&path)?;
    let functions = running.function_context();
    let own =
        CurrentPath { database: Some(path.database.clone()), schema: Some(path.schema.clone()) };
    let named: Vec<Identifier> = ast.columns.iter().map(|column| column.name.clone()).collect();
    if ast.recursive && named.is_empty() {
        let text = "A recursive view must name its columns: CREATE RECURSIVE VIEW name (column, ..) AS query";
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(ast.name.span()));
    }
    let itself = ast.recursive.then_some((path.name.as_str(), named.as_slice()));
    let (query, mut stars) = running.with_binder(&functions, |binder| {
        let (query, stars) = binder.bind_view(&ast.query, &running.sql, &own, itself)?;
        if ast.materialized {
            refuse_changing(&query, binder.meets_policies(), ast)?;
        }
        Ok((running.optimized(query, binder.next_column_id())?, stars))
    })?;
    let columns = columns(ast, &query)?;
    let header = running.header(schema, &path.name, &ast.options);
    let text = running.sql.trim().trim_end_matches(';').to_string();
    let body = ast.query_span.of(&running.sql);
    // The view keeps the query's text alone.
    let before = body.len() - body.trim_start().len() + ast.query_span.start as usize;
    let before = u32::try_from(before).unwrap_or(u32::MAX);
    stars.iter_mut().for_each(|star| star.start = star.start.saturating_sub(before));
    let body = body.trim().to_string();
    let object: Object = if ast.materialized {
        let base = base_table(&query, ast)?;
        let mut view = MaterializedView::new(header, text, body, columns, base);
        view.secure = ast.secure;
        view.stars = stars;
        let key = |key: &ast::Expr| key.span.of(&running.sql).to_string();
        view.cluster_by = ast.cluster_by.iter().map(key).collect();
        view.into()
    } else {
        let mut view = View::new(header, text, body, columns);
        view.secure = ast.secure;
        view.stars = stars;
        view.recursive = ast.recursive;
        view.temporary = ast.temporary;
        view.into()
    };
    let object = attach::attached(running, &object, &ast.attachments)?;
    let (materialized, id) = (ast.materialized, object.id());
    let rows = running.create_copying(object, ast.mode, ast.copy_grants)?;
    if materialized {
        // Whoever reads the view finds out when this fails.
        refresh::refresh_all(running, &[id]);
    }
    Ok(rows)
}

/// The view's columns: the query's, under the names that are written.
fn columns(ast: &CreateView, query: &Query) -> Result<Vec<ViewColumn>> {
    let fields = query.fields();
    if !ast.columns.is_empty() && ast.columns.len() != fields.len() {
        return Err(Error::new(ErrorCode::InvalidStatement, "Invalid column definition list"));
    }
    if ast.columns.is_empty()
        && let QueryBody::Select(select) = &ast.query.body
    {
        for item in &select.items {
            if let SelectItemKind::Expr(expr, None) = &item.kind
                && !matches!(expr.kind, ExprKind::Column(_) | ExprKind::Position(..))
            {
                let text = "Missing column specification";
                return Err(Error::new(ErrorCode::InvalidStatement, text));
            }
        }
    }
    let mut columns: Vec<ViewColumn> = Vec::with_capacity(fields.len());
    for (index, field) in fields.iter().enumerate() {
        let written = ast.columns.get(index);
        let name = written.map_or(&field.name, |column| &column.name.name);
        if columns.iter().any(|other| other.name == *name) {
            let text = format!("duplicate column name '{name}'");
            return Err(Error::new(ErrorCode::DuplicateColumn, text));
        }
        let sql_type = match field.sql_type {
            SqlType::Null => SqlType::TEXT,
            other => other,
        };
        let mut column = ViewColumn::new(name, sql_type);
        column.nullable = field.nullable;
        column.comment = written.and_then(|column| column.comment.clone()).unwrap_or_default();
        columns.push(column);
    }
    Ok(columns)
}

/// What is stored must not depend on when it was computed, or for whom.
fn refuse_changing(query: &Query, protected: bool, ast: &CreateView) -> Result<()> {
    let mut changing = false;
    query.plan.visit(&mut |node| {
        let expressions = node.expressions();
        changing |= expressions.iter().any(|expr| expr.volatility() != Volatility::Immutable);
    });
    if protected {
        let text = "Invalid materialized view definition. Its table is protected by policies";
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(ast.query_span));
    }
    if changing {
        let text =
            "Invalid materialized view definition. Non-deterministic functions are not allowed";
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(ast.query_span));
    }
    Ok(())
}

/// The one table that a materialized view is over; what it may not hold is refused.
fn base_table(query: &Query, ast: &CreateView) -> Result<ObjectId> {
    let refuse = |what: &str| {
        let text = format!("Invalid materialized view definition. {what}");
        Err(Error::new(ErrorCode::InvalidStatement, text).at(ast.query_span))
    };
    if ast.query.limit.is_some() || ast.query.order_by.is_some() {
        return refuse("ORDER BY and LIMIT are not allowed");
    }
    let mut tables = Vec::new();
    let mut wrong = None;
    query.plan.visit(&mut |node| match node {
        Plan::Scan(scan) => tables.push(scan.table.id()),
        Plan::Join(_) | Plan::Apply(_) => wrong = Some("Joins and subqueries are not allowed"),
        Plan::Window(_) => wrong = Some("Window functions are not allowed"),
        Plan::SetOperation(_) => wrong = Some("Set operators are not allowed"),
        Plan::Aggregate(node) if node.grouping_sets.is_some() => {
            wrong = Some("GROUPING SETS are not allowed");
        }
        Plan::StageScan(scan) if scan.registered.is_some() => {
            tables.extend(scan.registered.iter().map(|files| files.table.header.id));
        }
        Plan::VirtualScan(_) | Plan::StageScan(_) | Plan::RecursiveCte(_) => {
            wrong = Some("Only a table can be its source");
        }
        _ => {}
    });
    if let Some(what) = wrong {
        return refuse(what);
    }
    match tables.as_slice() {
        [table] => Ok(*table),
        _ => refuse("It must be over exactly one table"),
    }
}
