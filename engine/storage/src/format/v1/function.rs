//! Descriptions of functions and procedures.

use serde::{Deserialize, Serialize};

use super::partition::is_false;
use super::{Header, SqlType};

/// A function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// What all objects have; the types of the arguments are part of the name: `F(NUMBER)`.
    pub header: Header,
    /// What it takes.
    pub parameters: Vec<Parameter>,
    /// The type of its value; none of a table function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<SqlType>,
    /// The columns of a table function's rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<(String, SqlType)>,
    /// The body's text.
    pub body: String,
    /// The body's language; SQL without it.
    #[serde(default, skip_serializing_if = "is_sql")]
    pub language: Language,
    /// What is called in the body, of languages with handlers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<Handler>,
    /// RETURNS .. NOT NULL.
    #[serde(default, skip_serializing_if = "is_false")]
    pub not_null: bool,
    /// RETURNS NULL ON NULL INPUT.
    #[serde(default, skip_serializing_if = "is_false")]
    pub strict: bool,
    /// VOLATILE.
    #[serde(default, skip_serializing_if = "is_false")]
    pub volatile: bool,
    /// MEMOIZABLE.
    #[serde(default, skip_serializing_if = "is_false")]
    pub memoizable: bool,
    /// SECURE.
    #[serde(default, skip_serializing_if = "is_false")]
    pub secure: bool,
    /// AGGREGATE.
    #[serde(default, skip_serializing_if = "is_false")]
    pub aggregate: bool,
}

/// What is called in a body, and what it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handler {
    /// HANDLER.
    pub name: String,
    /// RUNTIME_VERSION.
    pub runtime_version: String,
    /// PACKAGES.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
    /// IMPORTS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<String>,
}

/// A procedure: all that a function has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Procedure {
    /// What a function has.
    pub function: Function,
    /// EXECUTE AS CALLER.
    #[serde(default, skip_serializing_if = "is_false")]
    pub as_caller: bool,
}

/// A function's parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its type.
    pub sql_type: SqlType,
    /// The SQL text of its DEFAULT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// OUT.
    #[serde(default, skip_serializing_if = "is_false")]
    pub output: bool,
}

/// The language of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// SQL and Snowflake Scripting.
    #[default]
    Sql,
    /// JavaScript.
    JavaScript,
    /// Python.
    Python,
}

fn is_sql(language: &Language) -> bool {
    *language == Language::Sql
}
