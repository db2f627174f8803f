//! Reading a statement, lexeme by lexeme.
//!
//! Statements are read by firn's own descent in terms of words and punctuation; expressions and queries
//! inside them by sqlparser, on the same tokens, converted at once.

use std::ops::Range;

use firn_types::limits::NESTING_MAX;
use firn_types::{Error, ErrorCode, Identifier, ObjectName, Result, Span};
use sqlparser::ast as sq;
use sqlparser::parser::{Parser, ParserError};

use super::PlaceValue;
use super::ast::{
    Expr, Name, OptionValue, Query, StageLocation, TableAlias, TableExpr, TimeTravel, TypeName,
};
use super::convert::{Convert, too_deep};
use super::dialect::{FirnDialect, RESERVED, RESERVED_IN_FROM};
use super::literal;
use super::outline::Outline;
use super::scan::{Kind, Lexeme};
use super::stage::read_location;
use super::types::read_type;

/// Levels that sqlparser may descend: some of them for one level of nesting.
const DESCENT_MAX: usize = 3 * NESTING_MAX;

/// A place in a statement.
pub(super) struct Reader<'a> {
    outline: &'a Outline<'a>,
    dialect: &'a FirnDialect,
    inner: Parser<'a>,
    place_value: &'a PlaceValue<'a>,
    /// Where rows of VALUES begin that the outline leaves out.
    pub(super) rows_at: Option<usize>,
    /// How many statements this one stands in.
    pub(super) within: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of a statement. Errors: a lexeme that is no token.
    pub(super) fn new(
        outline: &'a Outline<'a>,
        dialect: &'a FirnDialect,
        place_value: &'a PlaceValue<'a>,
    ) -> Result<Reader<'a>> {
        let inner = Parser::new(dialect)
            .with_recursion_limit(DESCENT_MAX)
            .with_tokens_with_locations(outline.tokens()?);
        Ok(Reader { outline, dialect, inner, place_value, rows_at: None, within: 0 })
    }

    /// The whole statement.
    pub(super) fn text(&self) -> &'a str {
        self.outline.text
    }

    /// The number of the next lexeme.
    pub(super) fn index(&self) -> usize {
        self.inner.index()
    }

    /// Goes back to an earlier lexeme.
    pub(super) fn back_to(&mut self, index: usize) {
        while self.inner.index() > index {
            self.inner.prev_token();
        }
    }

    /// The next lexeme but `ahead`.
    pub(super) fn peek(&self, ahead: usize) -> Option<Lexeme> {
        self.outline.lexemes.get(self.index() + ahead).copied()
    }

    /// The next lexeme but `ahead` in upper case, when it is an unquoted word; else nothing.
    pub(super) fn peek_upper(&self, ahead: usize) -> Option<String> {
        let lexeme = self.peek(ahead).filter(|lexeme| lexeme.kind == Kind::Word)?;
        Some(lexeme.of(self.text()).to_uppercase())
    }

    /// Whether the next lexeme but `ahead` is this word.
    pub(super) fn is_word(&self, ahead: usize, word: &str) -> bool {
        self.outline.is_word(self.index() + ahead, word)
    }

    /// Whether lexeme number `index` is this word.
    pub(super) fn is_word_at(&self, index: usize, word: &str) -> bool {
        self.outline.is_word(index, word)
    }

    /// Whether the next lexeme but `ahead` is this punctuation.
    pub(super) fn is_symbol(&self, ahead: usize, symbol: &str) -> bool {
        self.outline.is_symbol(self.index() + ahead, symbol)
    }

    /// Passes over the next lexeme.
    pub(super) fn advance(&mut self) {
        self.inner.advance_token();
    }

    /// Passes over these words, if all of them come next.
    pub(super) fn eat(&mut self, words: &str) -> bool {
        let count = words.split(' ').count();
        let found = words.split(' ').enumerate().all(|(ahead, word)| self.is_word(ahead, word));
        if found {
            (0..count).for_each(|_| self.advance());
        }
        found
    }

    /// Passes over one of these words; says which.
    pub(super) fn eat_one(&mut self, words: &[&'static str]) -> Option<&'static str> {
        words.iter().find(|word| self.eat(word)).copied()
    }

    /// Passes over these words. Errors: something else comes.
    pub(super) fn expect_keywords(&mut self, words: &str) -> Result<()> {
        for word in words.split(' ') {
            if !self.eat(word) {
                return Err(self.unexpected());
            }
        }
        Ok(())
    }

    /// Passes over this punctuation, if it comes next.
    pub(super) fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(0, symbol);
        if found {
            self.advance();
        }
        found
    }

    /// Passes over this punctuation. Errors: something else comes.
    pub(super) fn expect_symbol(&mut self, symbol: &str) -> Result<()> {
        match self.eat_symbol(symbol) {
            true => Ok(()),
            false => Err(self.unexpected()),
        }
    }

    /// The lexemes of the statements that `->>` connects, outside of brackets: all of them where there is none.
    pub(super) fn piped_parts(&self) -> Vec<Range<usize>> {
        let (mut parts, mut start, mut index) = (Vec::new(), self.index(), self.index());
        while index < self.outline.lexemes.len() && !self.outline.is_symbol(index, ";") {
            if self.outline.is_symbol(index, "->>") {
                parts.push(start..index);
                start = index + 1;
            }
            index = self.outline.partner(index).max(index) + 1;
        }
        parts.push(start..index);
        parts
    }

    /// Whether the statement ends here.
    pub(super) fn at_end(&self) -> bool {
        self.peek(0).is_none() || self.is_symbol(0, ";")
    }

    /// The end of the statement, with or without a `;`. Errors: something comes.
    pub(super) fn expect_end(&mut self) -> Result<()> {
        self.eat_symbol(";");
        match self.peek(0) {
            None => Ok(()),
            Some(_) => Err(self.unexpected()),
        }
    }

    /// The syntax error about the next lexeme.
    pub(super) fn unexpected(&self) -> Error {
        self.outline.unexpected(self.index())
    }

    /// The place of the next lexeme.
    pub(super) fn here(&self) -> Span {
        self.outline.span(self.index())
    }

    /// The place from lexeme `from` up to the next one.
    pub(super) fn since(&self, from: usize) -> Span {
        self.outline.range(from, self.index())
    }

    /// A name of one part. Errors: a reserved word, or no name.
    pub(super) fn identifier(&mut self) -> Result<Identifier> {
        let Some(lexeme) = self.peek(0) else { return Err(self.unexpected()) };
        let source = lexeme.of(self.text());
        let identifier = match lexeme.kind {
            Kind::Word if !RESERVED.iter().any(|word| word.eq_ignore_ascii_case(source)) => {
                Identifier::folded(source)
            }
            Kind::Quoted => Identifier::exact(literal::unquote(source)),
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(identifier.at(lexeme.span()))
    }

    /// A dotted name; `db..object` has an empty middle part.
    pub(super) fn object_name(&mut self) -> Result<ObjectName> {
        let mut parts = vec![self.identifier()?];
        while self.eat_symbol(".") {
            if self.is_symbol(0, ".") {
                parts.push(Identifier::exact("").at(self.here()));
                continue;
            }
            // Behind a point no word is reserved.
            let lexeme = self.peek(0).filter(|lexeme| lexeme.kind == Kind::Word);
            parts.push(match lexeme {
                Some(lexeme) => {
                    self.advance();
                    Identifier::folded(lexeme.of(self.text())).at(lexeme.span())
                }
                None => self.identifier()?,
            });
        }
        Ok(ObjectName { parts })
    }

    /// A name or IDENTIFIER().
    pub(super) fn name(&mut self) -> Result<Name> {
        if self.is_word(0, "IDENTIFIER") && self.is_symbol(1, "(") {
            self.advance();
            self.advance();
            let expr = self.expr()?;
            self.expect_symbol(")")?;
            return Ok(Name::Identifier(Box::new(expr)));
        }
        self.object_name().map(Name::Plain)
    }

    /// A string, unescaped.
    pub(super) fn string(&mut self) -> Result<String> {
        let text = self.peek(0).and_then(|lexeme| string_value(lexeme, self.text()));
        match text {
            Some(text) => {
                self.advance();
                Ok(text)
            }
            None => Err(self.unexpected()),
        }
    }

    /// A whole number, perhaps with a sign.
    pub(super) fn integer(&mut self) -> Result<i64> {
        let negative = self.eat_symbol("-");
        if !negative {
            self.eat_symbol("+");
        }
        let lexeme = self.peek(0).filter(|lexeme| lexeme.kind == Kind::Number);
        let sign = if negative { "-" } else { "" };
        let number =
            lexeme.and_then(|lexeme| format!("{sign}{}", lexeme.of(self.text())).parse().ok());
        match number {
            Some(number) => {
                self.advance();
                Ok(number)
            }
            None => Err(self.unexpected()),
        }
    }

    /// `item, item`.
    pub(super) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat_symbol(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// `(item, item)`.
    pub(super) fn parenthesized<T>(
        &mut self,
        item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.expect_symbol("(")?;
        let items = self.list(item)?;
        self.expect_symbol(")")?;
        Ok(items)
    }

    /// `(name, name)`, or nothing when no parenthesis comes.
    pub(super) fn column_list(&mut self) -> Result<Vec<Identifier>> {
        match self.is_symbol(0, "(") {
            true => self.parenthesized(Reader::identifier),
            false => Ok(Vec::new()),
        }
    }

    /// `[AS] alias`, or nothing; `not` are words that are no alias here.
    pub(super) fn alias(&mut self, not: &[&str]) -> Result<Option<TableAlias>> {
        if !self.eat("AS") {
            let Some(lexeme) = self.peek(0) else { return Ok(None) };
            let word = lexeme.of(self.text());
            let reserved = |words: &[&str]| words.iter().any(|w| w.eq_ignore_ascii_case(word));
            let named = lexeme.kind == Kind::Quoted
                || (lexeme.kind == Kind::Word
                    && ![&RESERVED[..], &RESERVED_IN_FROM, not].into_iter().any(reserved));
            if !named {
                return Ok(None);
            }
        }
        let name = self.identifier()?;
        Ok(Some(TableAlias { name, columns: Vec::new() }))
    }

    /// An expression.
    pub(super) fn expr(&mut self) -> Result<Expr> {
        let expr = self.sql(|parser| parser.parse_expr())?;
        self.convert().expr(expr)
    }

    /// A query.
    pub(super) fn query(&mut self) -> Result<Query> {
        let query = self.sql(|parser| parser.parse_query())?;
        self.convert().query(*query)
    }

    /// Sources between commas, with their joins.
    pub(super) fn tables(&mut self) -> Result<Vec<TableExpr>> {
        self.list(|reader| {
            let table = reader.sql(|parser| parser.parse_table_and_joins())?;
            reader.convert().table_with_joins(table)
        })
    }

    /// One source, without joins.
    pub(super) fn table(&mut self) -> Result<TableExpr> {
        let table = self.sql(|parser| parser.parse_table_factor())?;
        self.convert().table(table)
    }

    /// AT or BEFORE (..), or nothing.
    pub(super) fn time_travel(&mut self) -> Result<Option<TimeTravel>> {
        match self.sql(|parser| parser.maybe_parse_table_version())? {
            Some(sq::TableVersion::Function(call)) => self.convert().time_travel(call).map(Some),
            Some(_) => Err(self.unexpected()),
            None => Ok(None),
        }
    }

    /// A type.
    pub(super) fn data_type(&mut self) -> Result<TypeName> {
        self.sql(read_type)
    }

    /// A stage or URL.
    pub(super) fn location(&mut self) -> Result<StageLocation> {
        let Some(lexeme) = self.peek(0) else { return Err(self.unexpected()) };
        if let Some(OptionValue::Text(text)) = self.eat_place() {
            return read_location(&text, lexeme.span());
        }
        let Some(text) = string_value(lexeme, self.text()) else { return Err(self.unexpected()) };
        self.advance();
        read_location(&text, lexeme.span())
    }

    /// A place, `?` or `:1`, for whose value there is one.
    pub(super) fn eat_place(&mut self) -> Option<OptionValue> {
        let first = self.peek(0)?;
        let named = self.is_symbol(0, ":");
        if !named && first.of(self.text()) != "?" {
            return None;
        }
        let end = if named { self.peek(1)?.end } else { first.end };
        let source = self.text().get(first.start..end)?;
        let value = (self.place_value)(source, first.span().start)?;
        self.advance();
        if named {
            self.advance();
        }
        Some(value)
    }

    fn convert(&self) -> Convert<'a> {
        Convert::new(self.outline, self.dialect)
    }

    /// Lets sqlparser read something.
    fn sql<T>(
        &mut self,
        read: impl FnOnce(&mut Parser<'a>) -> Result<T, ParserError>,
    ) -> Result<T> {
        read(&mut self.inner).map_err(|error| {
            let from = self.inner.index();
            self.error(error, from)
        })
    }

    /// sqlparser's error as Snowflake words it, at the right place.
    fn error(&self, error: ParserError, at: usize) -> Error {
        match error {
            ParserError::RecursionLimitExceeded => too_deep(),
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => {
                let index = self.place(&text, at);
                let index = self.inner_place(index);
                let empty = index > 0 && self.outline.is_word(index - 1, "SELECT");
                let ended = index >= self.outline.lexemes.len()
                    || self.outline.is_word(index, "FROM")
                    || [";", ")"].iter().any(|end| self.outline.is_symbol(index, end));
                if empty && ended {
                    return Error::new(ErrorCode::NoColumns, "SELECT with no columns");
                }
                self.outline.unexpected(index)
            }
        }
    }

    /// The number of the lexeme that an error is about.
    fn place(&self, text: &str, at: usize) -> usize {
        match text
            .rsplit_once(", Column: ")
            .and_then(|(_, column)| column.trim().parse::<u32>().ok())
        {
            Some(column) => self.outline.at(column.saturating_sub(1)),
            None if text.contains("found: EOF") => self.outline.lexemes.len(),
            None => at.min(self.outline.lexemes.len()),
        }
    }

    /// The place of an error inside of subqueries: sqlparser tries what else a parenthesis might hold, and
    /// then complains about that. Each subquery around the place is read on its own instead.
    fn inner_place(&self, index: usize) -> usize {
        let Ok(tokens) = self.outline.tokens() else { return index };
        let mut place = index;
        let mut from = 0;
        while let Some((start, end)) = self.subquery_around(place, from) {
            let part = tokens.get(start..end).unwrap_or_default().to_vec();
            let mut parser = Parser::new(self.dialect)
                .with_recursion_limit(DESCENT_MAX)
                .with_tokens_with_locations(part);
            place = match parser.parse_query() {
                Ok(_) if start + parser.index() >= end => return place,
                Ok(_) => start + parser.index(),
                Err(ParserError::ParserError(text)) => {
                    self.place(&text, start + parser.index()).min(end)
                }
                Err(_) => return place,
            };
            from = start;
        }
        place
    }

    /// The outermost subquery that holds lexeme `index` and begins behind lexeme `from`.
    fn subquery_around(&self, index: usize, from: usize) -> Option<(usize, usize)> {
        (from + 1..=index.min(self.outline.lexemes.len())).find_map(|start| {
            let opens = self.outline.is_symbol(start - 1, "(");
            let query =
                self.outline.is_word(start, "SELECT") || self.outline.is_word(start, "WITH");
            let end = self.outline.partner(start - 1);
            (opens && query && end > index.max(start)).then_some((start, end))
        })
    }
}

/// The value of a string, stage or URL lexeme.
pub(super) fn string_value(lexeme: Lexeme, text: &str) -> Option<String> {
    let source = lexeme.of(text);
    match lexeme.kind {
        Kind::Text => Some(literal::unescape(source).into_owned()),
        Kind::Raw => source.get(2..source.len().saturating_sub(2)).map(str::to_string),
        Kind::Stage | Kind::Url => Some(source.to_string()),
        _ => None,
    }
}
