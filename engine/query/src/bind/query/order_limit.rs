//! ORDER BY, LIMIT, OFFSET and TOP.

use firn_expression::Expr;
use firn_types::{Error, ErrorCode, Result, Span, Value};

use super::select::{Item, SelectBinder};
use crate::bind::clause::Clause;
use crate::bind::context::Env;
use crate::bind::expr::{ExprBinder, Gathered, Grouping, attach, not_in_order, sort_key};
use crate::bind::scope::{Relation, Scope};
use crate::bind::{Binder, BoundQuery};
use firn_parse::ast::{self, ExprKind, Literal, OrderBy, Select};
use firn_plan::{Limit, Plan, Sort, SortKey};

/// Binds a SELECT's order over the rows before its projection.
pub(super) fn bind_order(
    select: &mut SelectBinder<'_>,
    ast: &Select,
    order_by: Option<&OrderBy>,
    items: &[Item],
    grouping: Option<&Grouping>,
) -> Result<Vec<SortKey>> {
    let session_nulls_first = select.binder.context.nulls_first;
    match order_by {
        None => Ok(Vec::new()),
        Some(OrderBy::All { descending, nulls_first, span }) => {
            let aggregated = ast.items.iter().any(|item| match &item.kind {
                ast::SelectItemKind::Expr(expr, _) => select.has_aggregate(expr),
                ast::SelectItemKind::Star(_) => false,
            });
            if aggregated {
                let text = "ORDER BY ALL cannot be used with aggregates in the select list";
                return Err(Error::new(ErrorCode::InvalidStatement, text).at(*span));
            }
            let keys = items.iter().map(|item| {
                sort_key(item.expr.clone(), *descending, *nulls_first, session_nulls_first)
            });
            Ok(keys.collect())
        }
        Some(OrderBy::Items(order)) => {
            let mut keys = Vec::with_capacity(order.len());
            for item in order {
                let expr = match position_of(&item.expr, items.len())? {
                    Some(position) => items[position].expr.clone(),
                    None => match output_named(items, &item.expr)? {
                        Some(expr) => expr,
                        None => select.expressions(Clause::OrderBy, grouping).bind(&item.expr)?,
                    },
                };
                let shown = || items.iter().any(|item| item.expr == expr);
                if ast.distinct && expr.as_literal().is_none() && !shown() {
                    let name = expr.as_column().and_then(|id| select.scope.name_of(id));
                    let written = || item.expr.span.of(select.env.text).to_uppercase();
                    let name = name.unwrap_or_else(written);
                    return Err(not_in_order(&name).at(item.expr.span));
                }
                // A constant orders nothing.
                if expr.as_literal().is_none() {
                    let key =
                        sort_key(expr, item.descending, item.nulls_first, session_nulls_first);
                    keys.push(key);
                }
            }
            Ok(keys)
        }
    }
}

/// The output column that a bare name means.
///
/// # Errors
/// `AmbiguousColumn` when the name is carried by two.
fn output_named(items: &[Item], expr: &ast::Expr) -> Result<Option<Expr>> {
    let ExprKind::Column(name) = &expr.kind else { return Ok(None) };
    if name.parts.len() != 1 {
        return Ok(None);
    }
    let mut named = items.iter().filter(|item| item.name == name.object().name);
    let Some(first) = named.next() else { return Ok(None) };
    if named.next().is_some() {
        let text = format!("ambiguous column name '{}'", name.object());
        return Err(Error::new(ErrorCode::AmbiguousColumn, text).at(expr.span));
    }
    Ok(Some(first.expr.clone()))
}

/// The position in the select list that a whole number means.
fn position_of(expr: &ast::Expr, width: usize) -> Result<Option<usize>> {
    let ExprKind::Literal(Literal::Number(digits)) = &expr.kind else { return Ok(None) };
    match digits.parse::<usize>() {
        Ok(position) if (1..=width).contains(&position) => Ok(Some(position - 1)),
        Ok(_) => {
            let text = format!("Invalid column position '{digits}' in ORDER BY");
            Err(Error::new(ErrorCode::InvalidStatement, text).at(expr.span))
        }
        Err(_) => Ok(None),
    }
}

/// Orders a set operation or VALUES by its output columns.
pub(super) fn order_output(
    binder: &Binder<'_>,
    bound: BoundQuery,
    order_by: Option<&OrderBy>,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let Some(order_by) = order_by else { return Ok(bound) };
    let relations = vec![Relation::new("", bound.columns.clone())];
    let scope = Scope { relations, outer: env.outer };
    let mut gathered = Gathered::default();
    let session_nulls_first = binder.context.nulls_first;
    let mut keys = Vec::new();
    match order_by {
        OrderBy::All { descending, nulls_first, .. } => {
            keys.extend(bound.columns.iter().map(|column| {
                sort_key(column.expr(), *descending, *nulls_first, session_nulls_first)
            }));
        }
        OrderBy::Items(items) => {
            for item in items {
                let expr = match position_of(&item.expr, bound.columns.len())? {
                    Some(position) => bound.columns[position].expr(),
                    None => {
                        // There are no rows left to aggregate, nor to look at in windows.
                        let clause = Clause::Single;
                        ExprBinder::new(binder, env, &scope, clause, &mut gathered)
                            .bind(&item.expr)?
                    }
                };
                keys.push(sort_key(expr, item.descending, item.nulls_first, session_nulls_first));
            }
        }
    }
    let input = Box::new(attach(bound.plan, gathered.applies));
    Ok(BoundQuery { plan: Plan::Sort(Sort { input, keys, limit: None }), columns: bound.columns })
}

/// Binds LIMIT and OFFSET.
pub(super) fn limit(
    binder: &Binder<'_>,
    bound: BoundQuery,
    limit: Option<&ast::Limit>,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let Some(limit) = limit else { return Ok(bound) };
    let fetch = limit.count.as_ref().map(|expr| row_count(binder, expr, env)).transpose()?;
    let skip = limit.offset.as_ref().map(|expr| row_count(binder, expr, env)).transpose()?;
    Ok(limited(bound, skip.flatten().unwrap_or(0), fetch.flatten()))
}

/// Binds TOP.
pub(super) fn top(
    binder: &Binder<'_>,
    bound: BoundQuery,
    top: &ast::Expr,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let fetch = row_count(binder, top, env)?;
    Ok(limited(bound, 0, fetch))
}

fn limited(bound: BoundQuery, skip: u64, fetch: Option<u64>) -> BoundQuery {
    if skip == 0 && fetch.is_none() {
        return bound;
    }
    let plan = Plan::Limit(Limit { input: Box::new(bound.plan), skip, fetch });
    BoundQuery { plan, columns: bound.columns }
}

/// A number of rows; NULL and the empty text mean none was given.
fn row_count(binder: &Binder<'_>, expr: &ast::Expr, env: &Env<'_>) -> Result<Option<u64>> {
    let (value, _) = binder.bind_constant(expr, env)?;
    match value {
        Value::Null => Ok(None),
        Value::Text(text) if text.is_empty() => Ok(None),
        Value::Text(text) => match text.trim().parse() {
            Ok(count) => Ok(Some(count)),
            Err(_) => Err(invalid_count(&text, expr.span)),
        },
        Value::Number(number) if number.scale == 0 => match u64::try_from(number.unscaled) {
            Ok(count) => Ok(Some(count)),
            Err(_) => Err(invalid_count(&number.unscaled.to_string(), expr.span)),
        },
        _ => Err(invalid_count(expr.span.of(env.text), expr.span)),
    }
}

fn invalid_count(text: &str, span: Span) -> Error {
    let text = format!("Invalid row count '{text}' in limit clause");
    Error::new(ErrorCode::InvalidStatement, text).at(span)
}
