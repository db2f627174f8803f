//! FILE FORMAT and COPY options as tables of entries.
//!
//! One table says for each option its name, what values it takes and its default. Parsing, errors,
//! DESC, SHOW and the persisted form all read the same table; the typed structs ([`CsvOptions`],
//! [`CopyOptions`] ...) are made from a checked [`OptionSet`] and hold nothing that has no entry.

mod convert;
mod copy;
mod file_format;
mod pictures;
#[cfg(test)]
mod tests;
mod text;
mod typed;
mod unload;

pub use convert::{from_plan, to_stored};
pub use copy::{CopyOptions, MatchByColumnName, OnError, ValidationMode};
pub use file_format::{FormatDefinition, FormatType};
pub use pictures::Pictures;
pub(crate) use text::escaped as shown_text;
pub use typed::{ArrowOptions, AvroOptions, CsvOptions, FileFormat, JsonOptions, ParquetOptions};
pub use unload::UnloadOptions;

use std::fmt;

use firn_types::{Error, ErrorCode, Result};

use crate::compression::Compression;

/// A value as the statement gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum OptionValue {
    /// A bare word such as `CSV` or `NONE`.
    Word(String),
    /// A quoted text, its SQL escapes already resolved.
    Text(String),
    /// A whole number.
    Number(i64),
    /// TRUE or FALSE.
    Boolean(bool),
    /// A list in parentheses.
    List(Vec<OptionValue>),
}

/// An option of a statement: its name in upper case, and its value.
pub type NamedOption = (String, OptionValue);

/// As in a statement: texts keep their quotes.
impl fmt::Display for OptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OptionValue::Word(word) => f.write_str(word),
            OptionValue::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            OptionValue::Number(number) => write!(f, "{number}"),
            OptionValue::Boolean(truth) => f.write_str(if *truth { "TRUE" } else { "FALSE" }),
            OptionValue::List(items) => {
                f.write_str("(")?;
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str(")")
            }
        }
    }
}

/// What values an option takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptionKind {
    /// TRUE or FALSE.
    Boolean,
    /// A whole number of at least this.
    Number(i64),
    /// A whole number of at least this, or NULL for none.
    NumberOrNull(i64),
    /// Any text; `NONE` and `NULL` stand for none.
    Text,
    /// A delimiter of up to 20 characters, or NONE; hexadecimal and octal forms are resolved.
    Delimiter,
    /// One single-byte character, or NONE.
    Character,
    /// NONE or one of these characters.
    OneOf(&'static [&'static str]),
    /// One of these words, quoted or not.
    Choice(&'static [&'static str]),
    /// Texts.
    TextList,
    /// ON_ERROR's own grammar.
    OnError,
}

/// The value of an option that the statement does not give.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptionDefault {
    /// None, NULL or NONE.
    Nothing,
    /// TRUE or FALSE.
    Boolean(bool),
    /// A number.
    Number(i64),
    /// A word or text.
    Text(&'static str),
    /// Texts.
    List(&'static [&'static str]),
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct OptionEntry {
    /// The name in upper case.
    pub name: &'static str,
    /// What it takes.
    pub kind: OptionKind,
    /// What it is when not given.
    pub default: OptionDefault,
}

/// An entry of a table, on one line.
pub(crate) const fn entry(
    name: &'static str,
    kind: OptionKind,
    default: OptionDefault,
) -> OptionEntry {
    OptionEntry { name, kind, default }
}

/// A table of options.
pub type OptionTable = &'static [OptionEntry];

/// Checked values for the options of a table; what is not set has its default.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionSet {
    table: &'static [OptionEntry],
    set: Vec<Option<OptionValue>>,
}

impl PartialEq for OptionEntry {
    fn eq(&self, other: &OptionEntry) -> bool {
        self.name == other.name
    }
}

/// One row of DESC FILE FORMAT or DESC STAGE.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionRow {
    /// The option's name.
    pub property: &'static str,
    /// `String`, `Integer`, `Boolean` or `List`.
    pub property_type: &'static str,
    /// Its value as text.
    pub value: String,
    /// Its default as text.
    pub default: String,
}

impl OptionSet {
    /// All defaults.
    pub fn new(table: OptionTable) -> OptionSet {
        OptionSet { table, set: vec![None; table.len()] }
    }

    /// Checks and sets one option; a later value replaces an earlier one.
    ///
    /// # Errors
    /// An unknown name, or a value that the option does not take.
    pub fn set(&mut self, name: &str, value: &OptionValue) -> Result<()> {
        let Some(position) = self.table.iter().position(|entry| entry.name == name) else {
            return Err(invalid_parameter(name));
        };
        self.set[position] = Some(check(&self.table[position], value)?);
        Ok(())
    }

    /// Whether the table has an option of this name.
    pub fn knows(&self, name: &str) -> bool {
        self.table.iter().any(|entry| entry.name == name)
    }

    /// The options that `over` sets, and for the rest those of `self`.
    pub fn merged(&self, over: &OptionSet) -> OptionSet {
        let mut merged = self.clone();
        for (mine, theirs) in merged.set.iter_mut().zip(&over.set) {
            if theirs.is_some() {
                mine.clone_from(theirs);
            }
        }
        merged
    }

    /// The options that were set, to be persisted or shown as SQL.
    pub fn pairs(&self) -> Vec<NamedOption> {
        let set = self.table.iter().zip(&self.set);
        set.filter_map(|(entry, value)| Some((entry.name.to_owned(), value.clone()?))).collect()
    }

    /// Whether the statement set the option.
    pub fn is_set(&self, name: &str) -> bool {
        self.find(name).is_some_and(|(_, value)| value.is_some())
    }

    /// The rows of DESC, in the table's order.
    pub fn describe(&self) -> Vec<OptionRow> {
        let set = self.table.iter().zip(&self.set);
        let rows = set.map(|(entry, value)| {
            let default = value_of_default(entry.default);
            OptionRow {
                property: entry.name,
                property_type: property_type(entry.kind),
                value: text::shown(value.as_ref().unwrap_or(&default)),
                default: text::shown(&default),
            }
        });
        rows.collect()
    }

    /// All options and their values as members of a JSON object, in the table's order.
    fn json_members(&self) -> Vec<String> {
        let set = self.table.iter().zip(&self.set);
        let members = set.map(|(entry, value)| {
            let default = value_of_default(entry.default);
            let value = value.as_ref().unwrap_or(&default);
            let absent = entry.kind == OptionKind::Text && matches!(value, OptionValue::Word(_));
            let json = if absent { serde_json::Value::Null } else { text::to_json(value) };
            format!("\"{}\":{json}", entry.name)
        });
        members.collect()
    }

    /// An option of TRUE or FALSE.
    pub(crate) fn boolean(&self, name: &str) -> bool {
        matches!(self.value(name), OptionValue::Boolean(true))
    }

    /// A whole number, if there is one.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        match self.value(name) {
            OptionValue::Number(number) => u64::try_from(number).ok(),
            _ => None,
        }
    }

    /// A text or word, if it is not NONE.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.value(name) {
            OptionValue::Text(text) => Some(text),
            OptionValue::Word(word) if word != "NONE" && word != "NULL" => Some(word),
            _ => None,
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        match self.value(name) {
            OptionValue::List(items) => items
                .into_iter()
                .filter_map(|item| match item {
                    OptionValue::Text(text) | OptionValue::Word(text) => Some(text),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// A compression, for the entries that name one.
    pub(crate) fn compression(&self, name: &str) -> Compression {
        let text = self.text(name);
        text.and_then(|text| Compression::from_name(&text)).unwrap_or(Compression::None)
    }

    fn find(&self, name: &str) -> Option<(&OptionEntry, &Option<OptionValue>)> {
        self.table.iter().zip(&self.set).find(|(entry, _)| entry.name == name)
    }

    fn value(&self, name: &str) -> OptionValue {
        match self.find(name) {
            Some((_, Some(value))) => value.clone(),
            Some((entry, None)) => value_of_default(entry.default),
            None => OptionValue::Word("NONE".to_owned()),
        }
    }
}

/// The error for an option that does not exist.
pub fn invalid_parameter(name: &str) -> Error {
    Error::new(ErrorCode::InvalidParameterValue, format!("invalid parameter '{name}'"))
}

/// The error for a value that an option does not take.
pub fn invalid_value(name: &str, value: &OptionValue) -> Error {
    let detail = format!("invalid value [{value}] for parameter '{name}'");
    Error::new(ErrorCode::InvalidParameterValue, detail)
}

fn value_of_default(default: OptionDefault) -> OptionValue {
    match default {
        OptionDefault::Nothing => OptionValue::Word("NONE".to_owned()),
        OptionDefault::Boolean(truth) => OptionValue::Boolean(truth),
        OptionDefault::Number(number) => OptionValue::Number(number),
        OptionDefault::Text(text) => OptionValue::Text(text.to_owned()),
        OptionDefault::List(texts) => OptionValue::List(
            texts.iter().map(|text| OptionValue::Text((*text).to_owned())).collect(),
        ),
    }
}

fn property_type(kind: OptionKind) -> &'static str {
    match kind {
        OptionKind::Boolean => "Boolean",
        OptionKind::Number(_) | OptionKind::NumberOrNull(_) => "Integer",
        OptionKind::TextList => "List",
        _ => "String",
    }
}

/// The value in its canonical form.
fn check(entry: &OptionEntry, value: &OptionValue) -> Result<OptionValue> {
    let wrong = || invalid_value(entry.name, value);
    let word = match value {
        OptionValue::Word(word) | OptionValue::Text(word) => Some(word.as_str()),
        _ => None,
    };
    let none = matches!(value, OptionValue::Word(w) if is_none(w))
        || matches!(value, OptionValue::Text(w) if w.eq_ignore_ascii_case("NONE"));
    let checked = match entry.kind {
        OptionKind::Boolean => match value {
            OptionValue::Boolean(truth) => Some(OptionValue::Boolean(*truth)),
            _ => word.and_then(text::boolean).map(OptionValue::Boolean),
        },
        OptionKind::NumberOrNull(_) if none => Some(OptionValue::Word("NULL".to_owned())),
        OptionKind::Number(least) | OptionKind::NumberOrNull(least) => match value {
            OptionValue::Number(number) if *number >= least => Some(value.clone()),
            _ => None,
        },
        OptionKind::Text | OptionKind::Delimiter | OptionKind::Character if none => {
            Some(OptionValue::Word("NONE".to_owned()))
        }
        OptionKind::Text => word.map(|word| OptionValue::Text(word.to_owned())),
        OptionKind::Delimiter => word
            .and_then(text::resolved)
            .filter(|text| !text.is_empty() && text.chars().count() <= 20)
            .map(OptionValue::Text),
        OptionKind::Character => {
            word.and_then(text::resolved).filter(|text| text.len() == 1).map(OptionValue::Text)
        }
        OptionKind::OneOf(_) if none || word == Some("") => {
            Some(OptionValue::Word("NONE".to_owned()))
        }
        OptionKind::OneOf(allowed) => word
            .and_then(text::resolved)
            .filter(|text| allowed.contains(&text.as_str()))
            .map(OptionValue::Text),
        OptionKind::Choice(allowed) => {
            let upper = word.map(str::to_ascii_uppercase);
            upper.filter(|word| allowed.contains(&word.as_str())).map(OptionValue::Text)
        }
        OptionKind::TextList => text_list(value),
        OptionKind::OnError => {
            word.and_then(OnError::from_name).map(|mode| OptionValue::Text(mode.to_string()))
        }
    };
    checked.ok_or_else(wrong)
}

fn is_none(word: &str) -> bool {
    word.eq_ignore_ascii_case("NONE") || word.eq_ignore_ascii_case("NULL")
}

/// A list of texts; a single text stands for a list of one.
fn text_list(value: &OptionValue) -> Option<OptionValue> {
    match value {
        OptionValue::Text(_) => Some(OptionValue::List(vec![value.clone()])),
        OptionValue::Word(word) if is_none(word) => Some(OptionValue::List(Vec::new())),
        OptionValue::List(items) => {
            let texts = items.iter().all(|item| matches!(item, OptionValue::Text(_)));
            texts.then(|| value.clone())
        }
        _ => None,
    }
}
