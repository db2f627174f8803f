//! What must parse, what it must become, and what must not.

mod accepted;
mod limits;
mod refused;
mod tree;

use super::ast::{Expr, Query, QueryBody, Select, SelectItemKind, Statement, TableExpr};
use super::{parse_expression, parse_query, parse_statement};

/// The statement, or a failure that shows it.
fn statement(text: &str) -> Statement {
    parse_statement(text).unwrap_or_else(|error| panic!("{}\n  in: {text}", error.render(text)))
}

/// The query, or a failure that shows it.
fn query(text: &str) -> Query {
    parse_query(text).unwrap_or_else(|error| panic!("{}\n  in: {text}", error.render(text)))
}

/// The query's SELECT.
fn select(text: &str) -> Select {
    match query(text).body {
        QueryBody::Select(select) => *select,
        other => panic!("no SELECT: {other:?}"),
    }
}

/// The first source of the query's FROM.
fn table(text: &str) -> TableExpr {
    select(text).from.remove(0)
}

/// The expression, or a failure that shows it.
fn expr(text: &str) -> Expr {
    parse_expression(text).unwrap_or_else(|error| panic!("{}\n  in: {text}", error.render(text)))
}

/// The headers' source texts of a query's expressions.
fn sources(text: &str) -> Vec<&str> {
    let items = select(text).items;
    let expressions = items.iter().filter(|i| matches!(i.kind, SelectItemKind::Expr(_, None)));
    expressions.map(|item| item.span.of(text)).collect()
}
