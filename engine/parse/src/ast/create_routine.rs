//! CREATE FUNCTION and CREATE PROCEDURE.

use firn_types::{Identifier, Language};

use super::{CreateMode, Expr, Name, Query, StatementOption, TypeName};

/// CREATE FUNCTION or CREATE PROCEDURE.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateRoutine {
    /// What happens when it exists.
    pub mode: CreateMode,
    /// The name that it is called by.
    pub name: Name,
    /// SECURE.
    pub secure: bool,
    /// TEMPORARY.
    pub temporary: bool,
    /// AGGREGATE; of functions.
    pub aggregate: bool,
    /// What it takes.
    pub parameters: Vec<FunctionParameter>,
    /// What it gives.
    pub returns: FunctionReturns,
    /// RETURNS .. NOT NULL.
    pub not_null: bool,
    /// RETURNS NULL ON NULL INPUT, or STRICT.
    pub strict: bool,
    /// VOLATILE or, FALSE, IMMUTABLE, where one of them is said; of functions.
    pub volatile: Option<bool>,
    /// MEMOIZABLE; of functions.
    pub memoizable: bool,
    /// EXECUTE AS CALLER; of procedures.
    pub as_caller: bool,
    /// COPY GRANTS.
    pub copy_grants: bool,
    /// `NAME = value`, COMMENT among them.
    pub options: Vec<StatementOption>,
    /// The language of the body.
    pub language: Language,
    /// The text behind AS.
    pub body: String,
    /// Where that text stands in the statement as it is; none where escapes make it another one.
    pub body_start: Option<u32>,
}

/// A parameter of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionParameter {
    /// Its name.
    pub name: Identifier,
    /// Its type.
    pub data_type: TypeName,
    /// DEFAULT; its text is that of its span.
    pub default: Option<Expr>,
    /// OUT: its value goes back to the caller's variable; of procedures.
    pub output: bool,
}

/// What a function gives.
#[derive(Clone, Debug, PartialEq)]
pub enum FunctionReturns {
    /// A value of a type.
    Value(TypeName),
    /// RETURNS TABLE: rows of columns.
    Table(Vec<(Identifier, TypeName)>),
}

/// The body of a function.
#[derive(Clone, Debug, PartialEq)]
pub enum FunctionBody {
    /// An expression.
    Expr(Expr),
    /// A query.
    Query(Box<Query>),
}
