//! VALUES.

use firn_expression::Expr;
use firn_types::{Error, ErrorCode, Result, SqlType};

use crate::bind::clause::Clause;
use crate::bind::context::Env;
use crate::bind::expr::{ExprBinder, Gathered, cast, unify};
use crate::bind::scope::Scope;
use crate::bind::{Binder, BoundQuery};
use crate::parse::ast;
use crate::plan::{Plan, Values};

/// VALUES as a source of rows: its columns are COLUMN1, COLUMN2, .. and each has the type at which its
/// rows meet.
pub(super) fn bind_values(
    binder: &Binder<'_>,
    values: &ast::Values,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let rows = bind_rows(binder, values, env)?;
    let width = rows.first().map_or(0, Vec::len);
    let mut columns = Vec::with_capacity(width);
    let mut by_column: Vec<Vec<Expr>> = (0..width).map(|_| Vec::new()).collect();
    let count = rows.len();
    for row in rows {
        row.into_iter().zip(&mut by_column).for_each(|(expr, column)| column.push(expr));
    }
    let mut typed = Vec::with_capacity(width);
    for (index, column) in by_column.into_iter().enumerate() {
        let (exprs, sql_type) = unify("VALUES", column).map_err(|error| error.at(values.span))?;
        let nullable = exprs.iter().any(Expr::nullable);
        columns.push(binder.fresh_column(format!("COLUMN{}", index + 1), sql_type, nullable));
        typed.push(exprs.into_iter());
    }
    let rows = (0..count).map(|_| {
        let row = typed.iter_mut().zip(&columns).map(|(exprs, column)| {
            let expr = exprs.next().unwrap_or_else(|| Expr::null(SqlType::Null));
            cast(expr, column.sql_type)
        });
        row.collect()
    });
    let rows = rows.collect();
    Ok(BoundQuery { plan: Plan::Values(Values { columns: columns.clone(), rows }), columns })
}

/// The rows of VALUES, bound one by one; DEFAULT is not possible.
///
/// # Errors
/// Compilation errors; rows of different width.
pub(crate) fn bind_rows(
    binder: &Binder<'_>,
    values: &ast::Values,
    env: &Env<'_>,
) -> Result<Vec<Vec<Expr>>> {
    let scope = Scope { relations: Vec::new(), outer: env.outer };
    let mut gathered = Gathered::default();
    let width = values.rows.first().map_or(0, Vec::len);
    let mut rows = Vec::with_capacity(values.rows.len());
    for row in &values.rows {
        if row.len() != width {
            let text = format!(
                "invalid number of values in a row of VALUES, expected {width}, got {}",
                row.len()
            );
            let span = row.first().map_or(values.span, |expr| expr.span);
            return Err(Error::new(ErrorCode::InvalidStatement, text).at(span));
        }
        let mut expressions = ExprBinder::new(binder, env, &scope, Clause::Values, &mut gathered);
        rows.push(row.iter().map(|expr| expressions.bind(expr)).collect::<Result<_>>()?);
    }
    if !gathered.applies.is_empty() {
        let text = "Invalid expression [subquery] in VALUES clause";
        return Err(Error::new(ErrorCode::InvalidValuesExpression, text).at(values.span));
    }
    Ok(rows)
}
