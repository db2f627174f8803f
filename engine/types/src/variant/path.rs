//! Paths into a value: `a.b[0]['odd key']`, what stands behind the colon of `v:a.b[0]`.

use std::fmt;

use super::view::Variant;
use crate::{Error, ErrorCode, Result};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// To the value of a key, which is case-sensitive.
    Key(String),
    /// To an element, counted from 0; a negative one is never there.
    Index(i64),
}

/// The way to a value inside another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Path {
    /// The steps, outermost first.
    pub steps: Vec<Step>,
}

impl Path {
    /// Reads a path; an empty text is the path to the value itself.
    ///
    /// # Errors
    /// `InvalidValue` when the text is no path.
    pub fn parse(text: &str) -> Result<Path> {
        let mut reader = Reader { text, rest: text };
        let mut steps = Vec::new();
        while !reader.rest.is_empty() {
            let first = steps.is_empty();
            steps.push(reader.step(first)?);
        }
        Ok(Path { steps })
    }

    /// Appends a step to an element to the text of a path.
    pub fn append_index(text: &mut String, index: i64) {
        text.push('[');
        text.push_str(&index.to_string());
        text.push(']');
    }

    /// Appends a step to a key to the text of a path: `.key`, or `['odd key']`.
    pub fn append_key(text: &mut String, key: &str) {
        if is_name(key) {
            if !text.is_empty() {
                text.push('.');
            }
            return text.push_str(key);
        }
        text.push_str("['");
        for character in key.chars() {
            if matches!(character, '\\' | '\'') {
                text.push('\\');
            }
            text.push(character);
        }
        text.push_str("']");
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for step in &self.steps {
            match step {
                Step::Key(key) => Path::append_key(&mut text, key),
                Step::Index(index) => Path::append_index(&mut text, *index),
            }
        }
        f.write_str(&text)
    }
}

/// Walks one path through many values. The values of a column mostly have a key at the same place, so
/// that is where it looks first.
#[derive(Clone, Debug)]
pub struct Walker<'p> {
    steps: &'p [Step],
    /// Where each step's key was the last time.
    places: Vec<usize>,
}

impl<'p> Walker<'p> {
    /// A walker of these steps.
    pub fn new(steps: &'p [Step]) -> Walker<'p> {
        Walker { steps, places: vec![0; steps.len()] }
    }

    /// As [`Variant::walk`].
    pub fn walk<'a>(&mut self, value: Variant<'a>) -> Option<Variant<'a>> {
        let mut here = value;
        for (step, place) in self.steps.iter().zip(&mut self.places) {
            here = match step {
                Step::Key(key) => {
                    let fields = here.as_object()?;
                    *place = fields.position_from(key, *place)?;
                    fields.value(*place)
                }
                Step::Index(index) => here.at(usize::try_from(*index).ok()?)?,
            };
        }
        Some(here).filter(|value| !value.is_undefined())
    }
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn step(&mut self, first: bool) -> Result<Step> {
        if let Some(rest) = self.rest.strip_prefix('[') {
            self.rest = rest.trim_start();
            let step = self.bracket()?;
            self.rest = self.rest.trim_start();
            self.rest = self.rest.strip_prefix(']').ok_or_else(|| self.fault("']' expected"))?;
            return Ok(step);
        }
        match self.rest.strip_prefix(['.', ':']) {
            Some(rest) => self.rest = rest,
            None if first => {}
            None => return Err(self.fault("'.' or '[' expected")),
        }
        if self.rest.starts_with(['"', '\'']) {
            return self.quoted().map(Step::Key);
        }
        let name = self.take(|c| !matches!(c, '.' | '[' | ']' | ':' | '"' | '\''));
        match name.trim() {
            "" => Err(self.fault("field name expected")),
            name => Ok(Step::Key(name.to_string())),
        }
    }

    /// What stands in brackets.
    fn bracket(&mut self) -> Result<Step> {
        if self.rest.starts_with(['"', '\'']) {
            return self.quoted().map(Step::Key);
        }
        let digits = self.take(|c| c.is_ascii_digit() || c == '-');
        let index = digits.parse().map_err(|_| self.fault("index or field name expected"))?;
        Ok(Step::Index(index))
    }

    /// A key in quotes; a doubled quote or a backslash stands for the quote itself.
    fn quoted(&mut self) -> Result<String> {
        let mut characters = self.rest.chars();
        let quote = characters.next();
        let mut key = String::new();
        loop {
            match characters.next() {
                None => return Err(self.fault("unfinished field name")),
                Some('\\') => key.extend(characters.next()),
                c if c == quote && characters.clone().next() == quote => {
                    key.extend(characters.next());
                }
                c if c == quote => break,
                Some(c) => key.push(c),
            }
        }
        self.rest = characters.as_str();
        Ok(key)
    }

    fn take(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !keep(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn fault(&self, reason: &str) -> Error {
        let text = self.text;
        Error::new(ErrorCode::InvalidValue, format!("Invalid extraction path '{text}': {reason}"))
    }
}

/// Whether a key needs no quotes in a path.
fn is_name(key: &str) -> bool {
    let mut characters = key.chars();
    characters.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && characters.all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}
