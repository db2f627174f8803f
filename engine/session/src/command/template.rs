//! CREATE TABLE .. USING TEMPLATE: the columns are the answer of a query, usually over INFER_SCHEMA.

use firn_account::catalog::{Header, Table, TableColumn};
use firn_parse::{self, ast};
use firn_types::variant::value::Item;
use firn_types::variant::view::Variant;
use firn_types::{Error, ErrorCode, Result, Value};

use super::table::{NewTable, check_names};
use crate::lifecycle::StatementContext;

/// The table that a template describes: one array of objects with COLUMN_NAME, TYPE and NULLABLE, in the
/// order of ORDER_ID where that is given.
///
/// # Errors
/// When the query gives something else, or a type does not exist.
pub(super) fn from_template(
    running: &mut StatementContext,
    query: &ast::Query,
    header: Header,
) -> Result<NewTable> {
    let columns: Vec<TableColumn> =
        described(running, query)?.into_iter().map(|described| described.column).collect();
    check_names(&columns, &[])?;
    Ok(NewTable { table: Table::new(header, columns), sequences: Vec::new() })
}

/// A column that a template describes.
pub(super) struct Described {
    /// The column.
    pub(super) column: TableColumn,
    /// EXPRESSION: how it is computed of a row of the files, where that is given.
    pub(super) expression: Option<String>,
    /// ORDER_ID; without it the places are equal, and the array's order stays.
    order: i128,
}

/// The columns that a template describes, in order.
///
/// # Errors
/// When the query gives something else, or a type does not exist.
pub(super) fn described(
    running: &mut StatementContext,
    query: &ast::Query,
) -> Result<Vec<Described>> {
    let query = running.plan_query(query)?;
    let answer = running.rows_of(&query)?;
    let cell = match (answer.fields.as_slice(), answer.batches.iter().find(|b| b.rows() > 0)) {
        ([field], Some(batch)) => batch.column(0).value(0, field.sql_type),
        _ => return Err(no_template()),
    };
    let Value::Variant(bytes) = &cell else { return Err(no_template()) };
    let elements = Variant::new(bytes).as_array().ok_or_else(no_template)?;
    let mut described = Vec::with_capacity(elements.len());
    for element in elements.iter() {
        described.push(described_column(running, element)?);
    }
    if described.is_empty() {
        return Err(no_template());
    }
    described.sort_by_key(|described| described.order);
    Ok(described)
}

fn described_column(running: &StatementContext, element: Variant<'_>) -> Result<Described> {
    let text = |key: &str| match element.get(key).map(Variant::item) {
        Some(Item::Text(text)) => Ok(text),
        _ => Err(no_template()),
    };
    let written = firn_parse::parse_type(text("TYPE")?).map_err(Error::without_span)?;
    let functions = running.function_context();
    let sql_type = running.with_binder(&functions, |binder| binder.resolve_type(&written))?;
    let mut column = TableColumn::new(text("COLUMN_NAME")?, sql_type);
    column.nullable =
        !matches!(element.get("NULLABLE").map(Variant::item), Some(Item::Boolean(false)));
    let order = match element.get("ORDER_ID").map(Variant::item) {
        Some(Item::Number(number)) => number.unscaled,
        _ => 0,
    };
    let expression = match element.get("EXPRESSION").map(Variant::item) {
        Some(Item::Text(text)) => Some(text.to_string()),
        _ => None,
    };
    Ok(Described { column, expression, order })
}

fn no_template() -> Error {
    let text = "The template must be one array of objects with COLUMN_NAME and TYPE, as \
                ARRAY_AGG(OBJECT_CONSTRUCT(*)) over INFER_SCHEMA gives it.";
    Error::new(ErrorCode::InvalidStatement, text)
}
