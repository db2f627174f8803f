//! `NAME = value` options as statements write them, before anyone has looked at their meaning.

/// The value of one option.
#[derive(Clone, Debug, PartialEq)]
pub enum OptionValue {
    /// An unquoted word or a dotted name, as written.
    Word(String),
    /// A quoted text.
    Text(String),
    /// A number, as written.
    Number(String),
    /// TRUE or FALSE.
    Boolean(bool),
    /// A value as the catalog keeps it: the text of any of the others; lists as `(a, b)`.
    Stored(String),
    /// `(a, b, ..)`
    List(Vec<OptionValue>),
    /// `(NAME = value ..)`
    Nested(Vec<NamedOption>),
}

/// One option: its upper-case name and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedOption {
    /// The name, upper case.
    pub name: String,
    /// The value.
    pub value: OptionValue,
}

impl OptionValue {
    /// The text of a word, a text, a number or a boolean; none for lists.
    pub fn as_text(&self) -> Option<String> {
        match self {
            OptionValue::Word(text)
            | OptionValue::Text(text)
            | OptionValue::Number(text)
            | OptionValue::Stored(text) => Some(text.clone()),
            OptionValue::Boolean(value) => Some(value.to_string().to_uppercase()),
            OptionValue::List(_) | OptionValue::Nested(_) => None,
        }
    }
}
