//! Values into columns: defaults, conversions, and what is refused.

use firn_account::catalog::{ColumnDefault, CurrentPath, ObjectPath, Table, TableColumn};
use firn_expression::Expr;
use firn_types::{Error, ErrorCode, Identifier, Result, SqlType, Value, coerce};

use crate::bind::Binder;
use crate::bind::clause::Clause;
use crate::bind::context::Env;
use crate::bind::expr::{ExprBinder, Gathered, cast};
use crate::bind::scope::Scope;

/// The expression as the column's type.
///
/// # Errors
/// `ColumnTypeMismatch` when no value of its type can be one of the column's without a cast.
pub(super) fn assign(expr: Expr, column: &TableColumn) -> Result<Expr> {
    let (from, to) = (expr.sql_type(), column.sql_type);
    if !coerce::can_coerce(from, to) {
        let text = format!(
            "Expression type does not match column data type, expecting {to} but got {from} for column \
             {}",
            column.name
        );
        return Err(Error::new(ErrorCode::ColumnTypeMismatch, text));
    }
    Ok(cast(expr, to))
}

/// What a row gets in a column that it does not give.
///
/// # Errors
/// When the default's text does not compile any more.
pub(super) fn default_of(
    binder: &Binder<'_>,
    column: &TableColumn,
    path: &ObjectPath,
) -> Result<Expr> {
    match &column.default {
        None => Ok(Expr::null(column.sql_type)),
        Some(ColumnDefault::Identity { sequence, .. }) => {
            let id = Value::integer(i128::from(sequence.0));
            let id = Expr::Literal { value: id, sql_type: SqlType::INTEGER };
            with_expressions(binder, path, "", |expressions| {
                let next = expressions.call_scalar("$NEXTVAL", vec![id])?;
                assign(next, column)
            })
        }
        Some(ColumnDefault::Text(text)) => {
            let ast = firn_parse::parse_expression(text).map_err(Error::without_span)?;
            with_expressions(binder, path, text, |expressions| {
                let bound = expressions.bind(&ast)?;
                if !bound.sql_type().collation().is_none() {
                    let text = format!(
                        "Default value data type does not match data type for column {}",
                        column.name
                    );
                    return Err(Error::new(ErrorCode::InvalidStatement, text));
                }
                assign(bound, column)
            })
            .map_err(Error::without_span)
        }
    }
}

/// Binds without any columns in sight, where the table is.
fn with_expressions(
    binder: &Binder<'_>,
    path: &ObjectPath,
    text: &str,
    f: impl FnOnce(&mut ExprBinder<'_>) -> Result<Expr>,
) -> Result<Expr> {
    let current =
        CurrentPath { database: Some(path.database.clone()), schema: Some(path.schema.clone()) };
    let env = Env::root(&binder.context.catalog, &current, text);
    let scope = Scope::default();
    let mut gathered = Gathered::default();
    f(&mut ExprBinder::new(binder, &env, &scope, Clause::Single, &mut gathered))
}

/// The positions of named columns in a table; of all columns when none is named.
///
/// # Errors
/// `InvalidIdentifier` for a name that no column has, `DuplicateColumn` for one that is given twice.
pub(super) fn positions(table: &Table, names: &[Identifier]) -> Result<Vec<usize>> {
    if names.is_empty() {
        return Ok((0..table.columns.len()).collect());
    }
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let position = position(table, name)?;
        if found.contains(&position) {
            let text = format!("duplicate column name '{name}'");
            return Err(Error::new(ErrorCode::DuplicateColumn, text).at(name.span));
        }
        found.push(position);
    }
    Ok(found)
}

/// The position of a named column in a table.
///
/// # Errors
/// `InvalidIdentifier` when there is none, with the one that may have been meant.
pub(super) fn position(table: &Table, name: &Identifier) -> Result<usize> {
    table.columns.iter().position(|column| column.name == name.name).ok_or_else(|| {
        let names = table.columns.iter().map(|column| column.name.as_str());
        let near = firn_account::catalog::names::nearest(&name.name, names);
        let hint = near.map_or(String::new(), |near| format!("\nDid you mean '{near}'?"));
        let text = format!("invalid identifier '{name}'{hint}");
        Error::new(ErrorCode::InvalidIdentifier, text).at(name.span)
    })
}

/// A whole row of a table: the given values at their positions, defaults elsewhere.
///
/// # Errors
/// As [`assign`] and [`default_of`].
pub(super) fn whole_row(
    binder: &Binder<'_>,
    table: &Table,
    path: &ObjectPath,
    positions: &[usize],
    values: Vec<Expr>,
) -> Result<Vec<Expr>> {
    let mut row: Vec<Option<Expr>> = table.columns.iter().map(|_| None).collect();
    for (&position, value) in positions.iter().zip(values) {
        row[position] = Some(assign(value, &table.columns[position])?);
    }
    let filled = row.into_iter().zip(&table.columns).map(|(value, column)| match value {
        Some(value) => Ok(value),
        None => default_of(binder, column, path),
    });
    filled.collect()
}

/// The error for a list of values of another length than the list of columns.
pub(super) fn width_error(expected: usize, given: usize) -> Error {
    let text = format!(
        "Insert value list does not match column list expecting {expected} but got {given}"
    );
    Error::new(ErrorCode::InsertWidth, text)
}
