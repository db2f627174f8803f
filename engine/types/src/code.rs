//! The code of functions and procedures that users make.

use std::fmt;

/// The language of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// An expression, a query or a block of Snowflake Scripting.
    #[default]
    Sql,
    /// JavaScript.
    JavaScript,
}

impl Language {
    /// All of them.
    pub const ALL: &[Language] = &[Language::Sql, Language::JavaScript];

    /// The name in statements and listings.
    pub fn name(self) -> &'static str {
        match self {
            Language::Sql => "SQL",
            Language::JavaScript => "JAVASCRIPT",
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
    /// The text behind AS.
    pub body: String,
}

impl Code {
    /// A body in SQL.
    pub fn sql(body: impl Into<String>) -> Code {
        Code { language: Language::Sql, body: body.into() }
    }

    /// Whether somebody else than the engine has to run it.
    pub fn is_foreign(&self) -> bool {
        self.language != Language::Sql
    }
}
