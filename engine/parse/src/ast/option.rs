//! `NAME = value` lists, the one shape of every option in SQL. What an option means, and whether it
//! exists, is told by the tables of those who own it.

use firn_types::{Identifier, ObjectName, Span};

/// One `NAME = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementOption {
    /// The name in upper case.
    pub name: String,
    /// The value.
    pub value: OptionValue,
    /// The place of name and value.
    pub span: Span,
}

/// What an option is set to.
#[derive(Clone, Debug, PartialEq)]
pub enum OptionValue {
    /// A bare word as written, such as `CSV`, `XSMALL`, `X-SMALL` or `AUTO_DETECT`.
    Word(String),
    /// A dotted or quoted name.
    Name(ObjectName),
    /// A string literal, unescaped.
    Text(String),
    /// A number's text, with its sign.
    Number(String),
    /// TRUE or FALSE.
    Boolean(bool),
    /// NULL.
    Null,
    /// `(a, b)`.
    List(Vec<OptionValue>),
    /// `(NAME = value ...)`.
    Nested(Vec<StatementOption>),
    /// `$name`: a session variable.
    Variable(Identifier),
}

impl OptionValue {
    /// The text of a word, name, string, number or boolean, as written; nothing for lists and NULL.
    pub fn as_text(&self) -> Option<String> {
        match self {
            OptionValue::Word(text) | OptionValue::Text(text) | OptionValue::Number(text) => {
                Some(text.clone())
            }
            OptionValue::Name(name) => Some(name.to_string()),
            OptionValue::Boolean(true) => Some("TRUE".to_string()),
            OptionValue::Boolean(false) => Some("FALSE".to_string()),
            _ => None,
        }
    }

    /// The value of TRUE and FALSE, also written as a string.
    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            OptionValue::Boolean(value) => Some(*value),
            OptionValue::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            OptionValue::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// The whole number that is written.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            OptionValue::Number(text) | OptionValue::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The object's name that is written, bare; a string's text is read with
    /// [`crate::parse_object_name`] instead.
    pub fn as_name(&self) -> Option<ObjectName> {
        match self {
            OptionValue::Word(word) => Some(ObjectName::single(Identifier::folded(word))),
            OptionValue::Name(name) => Some(name.clone()),
            _ => None,
        }
    }
}
