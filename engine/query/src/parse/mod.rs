//! Text to statements: the only part of firn that knows SQL's grammar.
//!
//! A script is cut into statements ([`split`]); a statement's text becomes firn's own syntax tree
//! ([`ast`]), in which names are folded, strings are unescaped and expressions know their place.

pub mod ast;
pub mod split;

use firn_types::{Error, ObjectName, Result};

/// The statement that `text` holds, with or without a `;` at its end.
///
/// Spans count bytes in `text`. Errors: [`firn_types::ErrorCode::Syntax`] with the place, or
/// [`firn_types::ErrorCode::UnsupportedFeature`] for what is recognized and not done.
pub fn parse_statement(text: &str) -> Result<ast::Statement> {
    Err(Error::not_supported(text))
}

/// The query that `text` holds: the stored text of a view.
pub fn parse_query(text: &str) -> Result<ast::Query> {
    Err(Error::not_supported(text))
}

/// The expression that `text` holds: the stored text of a default or a cluster key.
pub fn parse_expression(text: &str) -> Result<ast::Expr> {
    Err(Error::not_supported(text))
}

/// The expressions that `text` holds, between commas: the stored text of a cluster key.
pub fn parse_expressions(text: &str) -> Result<Vec<ast::Expr>> {
    Err(Error::not_supported(text))
}

/// The name that `text` holds, as IDENTIFIER() reads it: `a.b`, `"a b".c`.
pub fn parse_object_name(text: &str) -> Result<ObjectName> {
    Err(Error::not_supported(text))
}

/// The type that `text` holds.
pub fn parse_type(text: &str) -> Result<ast::TypeName> {
    Err(Error::not_supported(text))
}
