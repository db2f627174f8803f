//! Functions that users make.

use firn_types::{Code, SqlType};

use crate::catalog::Header;

/// A function. Functions of one name are told apart by the types of their arguments, so the
/// name in the header is the [`signature`].
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// What all objects have; the parent is the schema in which the body's names resolve.
    pub header: Header,
    /// What it takes.
    pub parameters: Vec<Parameter>,
    /// What it gives.
    pub returns: Returns,
    /// What it does; in SQL, an expression, a query or a block.
    pub code: Code,
    /// What was said of it beside.
    pub traits: FunctionTraits,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name as stored.
    pub name: String,
    /// Its type.
    pub sql_type: SqlType,
    /// The SQL text of its DEFAULT.
    pub default: Option<String>,
    /// OUT: what it is in the end goes back to the caller's variable; of procedures in SQL.
    pub output: bool,
}

/// What a function gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Returns {
    /// A value.
    Value(SqlType),
    /// Rows of columns, each with its name and type.
    Table(Vec<(String, SqlType)>),
}

/// What is said of a function beside what it takes and gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionTraits {
    /// RETURNS .. NOT NULL.
    pub not_null: bool,
    /// RETURNS NULL ON NULL INPUT.
    pub strict: bool,
    /// VOLATILE.
    pub volatile: bool,
    /// MEMOIZABLE.
    pub memoizable: bool,
    /// Whether the body is hidden from those who do not own it.
    pub secure: bool,
    /// Whether it belongs to one session only.
    pub temporary: bool,
    /// Whether it gives a value for a group of rows.
    pub aggregate: bool,
}

impl Function {
    /// The name that it is called by.
    pub fn called(&self) -> &str {
        called(&self.header.name)
    }
}

impl Parameter {
    /// The types of some parameters.
    pub fn types(parameters: &[Parameter]) -> Vec<SqlType> {
        parameters.iter().map(|parameter| parameter.sql_type).collect()
    }
}

/// The name in a signature.
pub(super) fn called(signature: &str) -> &str {
    signature.rfind('(').map_or(signature, |end| &signature[..end])
}

/// What a function is found by in its schema: the name that it is called by with the types of its arguments,
/// without lengths and precisions, as in `F(NUMBER, VARCHAR)`.
pub fn signature(called: &str, types: &[SqlType]) -> String {
    let types: Vec<String> = types.iter().map(|sql_type| type_word(*sql_type)).collect();
    format!("{called}({})", types.join(", "))
}

/// A type without its length or precision: `NUMBER`.
pub fn type_word(sql_type: SqlType) -> String {
    let text = sql_type.to_string();
    text.split('(').next().unwrap_or_default().to_string()
}
