//! VALUES.

use firn_expression::Expr;
use firn_types::{Error, ErrorCode, Result, SqlType, coerce};

use crate::bind::clause::Clause;
use crate::bind::context::Env;
use crate::bind::expr::{ExprBinder, Gathered, cast, unify};
use crate::bind::scope::Scope;
use crate::bind::{Binder, BoundQuery, TypedValue, walk};
use firn_parse::ast::{self, BinaryOperator, ExprKind, Name};
use firn_plan::{Plan, PlanColumn, Values};

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
        let (exprs, sql_type) = meet(column)?;
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
    let rows = rows.collect::<Vec<_>>().into();
    Ok(BoundQuery { plan: Plan::Values(Values { columns: columns.clone(), rows }), columns })
}

/// The type at which the values of one column meet, and the values as it: the first value decides which
/// others may stand below it.
///
/// # Errors
/// `InvalidValuesExpression` for one that may not.
pub(crate) fn meet(column: Vec<Expr>) -> Result<(Vec<Expr>, SqlType)> {
    let types: Vec<SqlType> = column.iter().map(Expr::sql_type).collect();
    let mut written = types.iter().filter(|sql_type| **sql_type != SqlType::Null);
    let first = written.next().copied().unwrap_or(SqlType::Null);
    if first == SqlType::Boolean && written.clone().any(|sql_type| sql_type.is_numeric()) {
        let fits = |sql_type: &SqlType| sql_type.is_numeric() || *sql_type == SqlType::Boolean;
        if written.clone().all(fits) {
            return Ok((column.into_iter().map(|expr| cast(expr, first)).collect(), first));
        }
    }
    unify("VALUES", column).map_err(|_| {
        let other = written.find(|other| coerce::common_type(&[first, **other]).is_none());
        let text = format!("Invalid data type [{}] in VALUES clause", other.unwrap_or(&first));
        Error::new(ErrorCode::InvalidValuesExpression, text)
    })
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
        if let Some(refused) = row.iter().find(|expr| walk::any(expr, &is_no_constant)) {
            let text = refused.span.of(env.text);
            let text = format!("Invalid expression [{text}] in VALUES clause");
            return Err(Error::new(ErrorCode::InvalidValuesExpression, text));
        }
    }
    let mut expressions = ExprBinder::new(binder, env, &scope, Clause::Values, &mut gathered);
    binder.context.placeholders.for_each_row(|| {
        for row in &values.rows {
            rows.push(row.iter().map(|expr| expressions.bind(expr)).collect::<Result<_>>()?);
        }
        Ok(())
    })?;
    if !gathered.applies.is_empty() {
        let text = "Invalid expression [subquery] in VALUES clause";
        return Err(Error::new(ErrorCode::InvalidValuesExpression, text).at(values.span));
    }
    Ok(rows)
}

/// Functions that Snowflake does not take for constants in VALUES.
const NO_CONSTANTS: &[&str] = &[
    "ARRAY_CONSTRUCT",
    "BITAND",
    "CEIL",
    "HASH",
    "OBJECT_CONSTRUCT",
    "PARSE_JSON",
    "POWER",
    "ROUND",
    "SIGN",
    "SQRT",
    "TO_VARIANT",
    "TRUNC",
];

/// Whether an expression does not count as a constant in VALUES, though it may be one elsewhere.
fn is_no_constant(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ExprKind::Binary(BinaryOperator::Divide, ..) => true,
        ExprKind::Function(call) => match &call.name {
            Name::Plain(name) => NO_CONSTANTS.contains(&name.object().as_str()),
            Name::Identifier(_) => false,
        },
        _ => false,
    }
}

/// The rows of an array of values that came with the statement, for a SELECT without FROM: it then answers once for
/// each, and its places are columns. None when no array came, or it was taken already.
///
/// # Errors
/// When the values of one place have no common type.
pub(super) fn array_of_values(binder: &Binder<'_>, env: &Env<'_>) -> Result<Option<Plan>> {
    let placeholders = binder.context.placeholders;
    let Some(values) = placeholders.take_rows().filter(|_| env.of_session) else { return Ok(None) };
    let mut columns = Vec::new();
    let mut typed = Vec::new();
    let width = values.first().map_or(0, Vec::len);
    for index in 0..width {
        let literal = |row: &Vec<TypedValue>| row.get(index).map(TypedValue::literal);
        let (exprs, sql_type) = meet(values.iter().filter_map(literal).collect())?;
        columns.push(binder.fresh_column(format!("COLUMN{}", index + 1), sql_type, true));
        typed.push(exprs.into_iter());
    }
    let rows = values.iter().map(|_| {
        let row = typed
            .iter_mut()
            .zip(&columns)
            .filter_map(|(exprs, column)| exprs.next().map(|expr| cast(expr, column.sql_type)));
        row.collect()
    });
    let rows = rows.collect::<Vec<_>>().into();
    placeholders.stand_for(columns.iter().map(PlanColumn::expr).collect());
    Ok(Some(Plan::Values(Values { columns, rows })))
}
