//! Reading `NAME = value` lists: one routine for every statement that has them.

use firn_types::limits::NESTING_MAX;
use firn_types::{Identifier, Result};

use super::ast::{OptionValue, StatementOption};
use super::dialect::RESERVED;
use super::reader::{Reader, string_value};
use super::scan::Kind;

impl Reader<'_> {
    /// Whether `NAME =` comes next.
    pub(super) fn at_option(&self) -> bool {
        self.peek(0).is_some_and(|lexeme| lexeme.kind == Kind::Word) && self.is_symbol(1, "=")
    }

    /// As many `NAME = value` as come, with or without commas between them.
    pub(super) fn options(&mut self) -> Result<Vec<StatementOption>> {
        let mut options = Vec::new();
        while self.at_option() {
            options.push(self.option()?);
            if self.is_symbol(0, ",") && self.is_symbol(2, "=") {
                self.advance();
            }
        }
        Ok(options)
    }

    /// One `NAME = value`. Errors: another shape.
    pub(super) fn option(&mut self) -> Result<StatementOption> {
        let start = self.index();
        let name = self.peek_upper(0).ok_or_else(|| self.unexpected())?;
        self.advance();
        self.expect_symbol("=")?;
        let value = self.option_value(0)?;
        Ok(StatementOption { name, value, span: self.since(start) })
    }

    /// The value of an option.
    fn option_value(&mut self, depth: usize) -> Result<OptionValue> {
        if let Some(value) = self.eat_place() {
            return Ok(value);
        }
        let Some(lexeme) = self.peek(0) else { return Err(self.unexpected()) };
        let source = lexeme.of(self.text());
        match lexeme.kind {
            Kind::Text | Kind::Raw | Kind::Url | Kind::Stage => {
                let text = string_value(lexeme, self.text()).unwrap_or_default();
                self.advance();
                Ok(OptionValue::Text(text))
            }
            Kind::Number => {
                // `2X-LARGE` is read as a number and a word.
                self.advance();
                let joined = self.peek(0).filter(|next| next.start == lexeme.end);
                match joined.map(|next| next.kind) {
                    Some(Kind::Word) => {
                        Ok(OptionValue::Word(format!("{source}{}", self.hyphenated())))
                    }
                    _ => Ok(OptionValue::Number(source.to_string())),
                }
            }
            Kind::Hex => {
                self.advance();
                Ok(OptionValue::Text(source[2..source.len() - 1].to_string()))
            }
            Kind::Placeholder if source.starts_with('$') => {
                let name = Identifier::folded(&source[1..]).at(lexeme.span());
                self.advance();
                Ok(OptionValue::Variable(name))
            }
            Kind::Word | Kind::Quoted => self.word_value(),
            Kind::Symbol => match source {
                "-" | "+" => {
                    self.advance();
                    match self.peek(0) {
                        Some(number) if number.kind == Kind::Number => {
                            self.advance();
                            let digits = number.of(self.text());
                            let sign = if source == "-" { "-" } else { "" };
                            Ok(OptionValue::Number(format!("{sign}{digits}")))
                        }
                        _ => Err(self.unexpected()),
                    }
                }
                "(" if depth < NESTING_MAX / 10 => self.group(depth),
                _ => Err(self.unexpected()),
            },
            Kind::Placeholder => Err(self.unexpected()),
        }
    }

    /// A word, a name, TRUE, FALSE or NULL.
    fn word_value(&mut self) -> Result<OptionValue> {
        let quoted = self.peek(0).is_some_and(|lexeme| lexeme.kind == Kind::Quoted);
        if quoted || self.is_symbol(1, ".") {
            return self.object_name().map(OptionValue::Name);
        }
        let word = self.peek_upper(0).unwrap_or_default();
        match word.as_str() {
            "TRUE" | "FALSE" => {
                self.advance();
                Ok(OptionValue::Boolean(word == "TRUE"))
            }
            "NULL" => {
                self.advance();
                Ok(OptionValue::Null)
            }
            // ALL, ANY, ROW and the like are values of options too.
            _ if RESERVED.contains(&word.as_str()) && self.is_symbol(1, "=") => {
                Err(self.unexpected())
            }
            _ => Ok(OptionValue::Word(self.hyphenated())),
        }
    }

    /// A word with the hyphens that belong to it, as in `X-SMALL`.
    fn hyphenated(&mut self) -> String {
        let mut text = String::new();
        let mut end = None;
        while let Some(lexeme) = self.peek(0) {
            let source = lexeme.of(self.text());
            let joined = end.is_none_or(|end| end == lexeme.start);
            let part = matches!(lexeme.kind, Kind::Word | Kind::Number) || source == "-";
            if !joined || !part {
                break;
            }
            text.push_str(source);
            end = Some(lexeme.end);
            self.advance();
        }
        text
    }

    /// `(NAME = value ..)`, `('name' = value ..)` or `(value, value)`.
    fn group(&mut self, depth: usize) -> Result<OptionValue> {
        self.advance();
        // The names of SECRETS are texts.
        let text = |reader: &Self| {
            let lexeme = reader.peek(0).filter(|_| reader.is_symbol(1, "="))?;
            string_value(lexeme, reader.text())
        };
        if self.at_option() || text(self).is_some() {
            let mut options = Vec::new();
            while !self.is_symbol(0, ")") {
                let start = self.index();
                let name = text(self).or_else(|| self.peek_upper(0));
                let name = name.ok_or_else(|| self.unexpected())?;
                self.advance();
                self.expect_symbol("=")?;
                let value = self.option_value(depth + 1)?;
                options.push(StatementOption { name, value, span: self.since(start) });
                self.eat_symbol(",");
            }
            self.advance();
            return Ok(OptionValue::Nested(options));
        }
        let mut values = Vec::new();
        while !self.is_symbol(0, ")") {
            values.push(self.option_value(depth + 1)?);
            if !self.eat_symbol(",") {
                break;
            }
        }
        self.expect_symbol(")")?;
        Ok(OptionValue::List(values))
    }

    /// `COMMENT = 'text'` or `COMMENT 'text'`; nothing when neither comes.
    pub(super) fn comment(&mut self) -> Result<Option<String>> {
        if !self.is_word(0, "COMMENT") {
            return Ok(None);
        }
        self.advance();
        self.eat_symbol("=");
        self.string().map(Some)
    }

    /// An option that is made of other words than `NAME = value`.
    pub(super) fn made_option(
        &self,
        name: &str,
        value: OptionValue,
        start: usize,
    ) -> StatementOption {
        StatementOption { name: name.to_string(), value, span: self.since(start) }
    }
}
