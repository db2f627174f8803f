//! The code of functions and procedures that users make.

use std::fmt;
use std::sync::Arc;

/// The language of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// An expression, a query or a block of Snowflake Scripting.
    #[default]
    Sql,
    /// JavaScript.
    JavaScript,
    /// Python.
    Python,
}

impl Language {
    /// All of them.
    pub const ALL: &[Language] = &[Language::Sql, Language::JavaScript, Language::Python];

    /// The name in statements and listings.
    pub fn name(self) -> &'static str {
        match self {
            Language::Sql => "SQL",
            Language::JavaScript => "JAVASCRIPT",
            Language::Python => "PYTHON",
        }
    }

    /// The language of a name, in any case.
    pub fn find(name: &str) -> Option<Language> {
        Language::ALL.iter().copied().find(|language| language.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a function or procedure does: a text in a language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Code {
    /// The language.
    pub language: Language,
    /// The text behind AS; empty where the code is imported.
    pub body: String,
    /// What is called in it, and what that needs; of languages with handlers, such as Python.
    pub handler: Option<Arc<Handler>>,
}

/// What is called in code, and what it needs to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Handler {
    /// HANDLER: the name of a function or class, behind its module's where it is imported.
    pub name: String,
    /// RUNTIME_VERSION, such as `3.11`.
    pub runtime_version: String,
    /// PACKAGES, each with what is said of its version.
    pub packages: Vec<String>,
    /// IMPORTS: files of stages, with the stages' whole names, such as `@"DB"."SCHEMA"."STAGE"/folder/file.py`.
    pub imports: Vec<String>,
}

impl Code {
    /// A body in SQL.
    pub fn sql(body: impl Into<String>) -> Code {
        Code { language: Language::Sql, body: body.into(), handler: None }
    }

    /// Whether somebody else than the engine has to run it.
    pub fn is_foreign(&self) -> bool {
        self.language != Language::Sql
    }
}
