//! SET and UNSET of session variables.

use std::sync::Arc;

use firn_parse::ast::{Expr, ExprKind, SetVariables};
use firn_query::bind::Variable;
use firn_types::{Error, ErrorCode, Identifier, Result, SqlType, Value};

use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// Bytes that a variable's text may have.
const VARIABLE_BYTES_MAX: usize = 16_384;

/// Sets variables; all values are computed before any variable changes.
///
/// # Errors
/// When there are not as many values as names, a query gives several rows, or a value is too long.
pub(super) fn set(running: &mut StatementContext, ast: &SetVariables) -> Result<Rows> {
    let mut values: Vec<(Value, SqlType)> = Vec::with_capacity(ast.names.len());
    for expr in &ast.values {
        values.extend(values_of(running, expr)?);
    }
    if values.len() != ast.names.len() {
        let text = format!("expected {} values, got {}", ast.names.len(), values.len());
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(ast.span));
    }
    for (value, _) in &values {
        let bytes = match value {
            Value::Text(text) => text.len(),
            Value::Binary(bytes) => bytes.len(),
            _ => 0,
        };
        if bytes > VARIABLE_BYTES_MAX {
            let text = format!("Assignment to a variable exceeds {VARIABLE_BYTES_MAX} bytes");
            return Err(Error::new(ErrorCode::ValueTooLarge, text).at(ast.span));
        }
    }
    for (name, (value, sql_type)) in ast.names.iter().zip(values) {
        let (name, now) = (name.name.to_uppercase(), running.start_nanos);
        let created = running.session.variables.get(&name).map(|variable| variable.created_nanos);
        let created_nanos = created.unwrap_or(now);
        let variable = Variable { value, sql_type, created_nanos, updated_nanos: now };
        running.change_session(|session| {
            Arc::make_mut(&mut session.variables).insert(name.clone(), variable.clone());
            Ok(())
        })?;
    }
    Ok(Rows::done())
}

/// The value of an expression, or the values of a query's only row.
fn values_of(running: &mut StatementContext, expr: &Expr) -> Result<Vec<(Value, SqlType)>> {
    if let ExprKind::Subquery(query) = &expr.kind {
        let query = running.plan_query(query)?;
        let answer = running.rows_of(&query)?;
        let rows: usize = answer.batches.iter().map(firn_column::Batch::rows).sum();
        if rows > 1 {
            let text = "Single-row subquery returns more than one row.";
            return Err(Error::new(ErrorCode::SubqueryManyRows, text).at(expr.span));
        }
        let row = answer.batches.iter().find(|batch| batch.rows() > 0);
        let values = answer.fields.iter().enumerate().map(|(position, field)| {
            let value =
                row.map_or(Value::Null, |batch| batch.column(position).value(0, field.sql_type));
            (value, field.sql_type)
        });
        return Ok(values.collect());
    }
    // Any other expression may hold subqueries too: it is a query of one row.
    let text = format!("select {}", expr.span.of(&running.sql));
    let query = firn_parse::parse_query(&text).map_err(Error::without_span)?;
    let own = running.placeholders.from(&text, expr.span.start);
    let outer = std::mem::replace(&mut running.placeholders, own);
    let functions = running.function_context();
    let plan = running.with_binder(&functions, |binder| {
        let query = binder.bind_query(&query, &text).map_err(Error::without_span)?;
        running.optimized(query, binder.next_column_id())
    });
    running.placeholders = outer;
    let answer = running.rows_of(&plan?)?;
    let value = answer.batches.iter().find(|batch| batch.rows() > 0);
    let sql_type = answer.fields[0].sql_type;
    Ok(vec![(value.map_or(Value::Null, |batch| batch.column(0).value(0, sql_type)), sql_type)])
}

/// Forgets variables.
pub(super) fn unset(running: &mut StatementContext, names: &[Identifier]) -> Result<Rows> {
    for name in names {
        let name = name.name.to_uppercase();
        running.change_session(|session| {
            Arc::make_mut(&mut session.variables).remove(&name);
            Ok(())
        })?;
    }
    Ok(Rows::done())
}
