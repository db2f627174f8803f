//! Text to statements: the only part of firn that knows SQL's grammar.
//!
//! A script is cut into statements ([`split`]); a statement's text becomes firn's own syntax tree
//! ([`ast`]), in which names are folded, strings are unescaped and expressions know their place.
//!
//! The way of a statement: `scan` finds lexemes, `outline` makes tokens of them, `reader` walks over them
//! for `statement`, which reads every kind of statement by words; expressions and queries inside are read
//! by sqlparser under `dialect` and turned into firn's tree by `convert`.

pub mod ast;
mod convert;
mod dialect;
mod literal;
mod options;
mod outline;
mod reader;
mod scan;
mod secret;
pub mod split;
mod stage;
mod statement;
mod types;
mod values;

pub use secret::{blot_secrets, hide_secrets, hide_secrets_of};

use firn_types::limits::NESTING_MAX;
use firn_types::{Error, ErrorCode, ObjectName, Result, stack};

use dialect::FirnDialect;
use outline::Outline;
use reader::Reader;

/// Levels of nesting that need no more stack than their text says.
const NESTING_PLAIN: usize = 8;
/// Statements that one may stand in: what a task or an alert runs may make another one, and each is read anew.
const WITHIN_MAX: usize = 8;

/// The statement that `text` holds, with or without a `;` at its end.
///
/// Spans count bytes in `text`. Errors: [`firn_types::ErrorCode::Syntax`] with the place, or
/// [`firn_types::ErrorCode::UnsupportedFeature`] for what is recognized and not done.
pub fn parse_statement(text: &str) -> Result<ast::Statement> {
    parse_with_values(text, &|_, _| None)
}

/// What stands for a place, such as `?` or `:1`, at this byte of a text.
pub type PlaceValue<'p> = dyn Fn(&str, u32) -> Option<ast::OptionValue> + 'p;

/// As [`parse_statement`]; where the grammar takes only constants, namely as values of options and as stages, what
/// `place_value` gives stands for a place.
pub fn parse_with_values(text: &str, place_value: &PlaceValue<'_>) -> Result<ast::Statement> {
    parse_within(text, place_value, 0)
}

/// As [`parse_with_values`], of a statement that stands in so many others.
fn parse_within(text: &str, place_value: &PlaceValue<'_>, within: usize) -> Result<ast::Statement> {
    if within > WITHIN_MAX {
        let text = format!("a statement may stand in {WITHIN_MAX} others at most");
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    // Rows with another statement behind them are read like anything else.
    let rows_at = if text.contains("->>") { None } else { values::rows_at(text) };
    let outline = Outline::part(text, 0, rows_at.unwrap_or(text.len()))?;
    read(&outline, place_value, |reader| {
        (reader.rows_at, reader.within) = (rows_at, within);
        let statement = reader.statement()?;
        reader.expect_end()?;
        Ok(statement)
    })
}

/// The query that `text` holds: the stored text of a view.
pub fn parse_query(text: &str) -> Result<ast::Query> {
    whole(text, |reader| reader.query())
}

/// The body of a function that `text` holds.
pub fn parse_function_body(text: &str) -> Result<ast::FunctionBody> {
    whole(text, |reader| reader.function_body())
}

/// The block that `text` holds, or its only step: the stored body of a procedure.
pub fn parse_block(text: &str) -> Result<ast::Block> {
    whole(text, |reader| match is_block(text) {
        true => reader.block(),
        false => reader.only_step(),
    })
}

/// Whether the body of a function in SQL is a block, by its first word.
pub fn is_block(text: &str) -> bool {
    let first = scan::Scanner::new(text).next().ok().flatten();
    first.is_some_and(|lexeme| {
        let word = lexeme.of(text);
        lexeme.kind == scan::Kind::Word
            && ["BEGIN", "DECLARE"].iter().any(|begins| word.eq_ignore_ascii_case(begins))
    })
}

/// The expression that `text` holds: the stored text of a default or a cluster key.
pub fn parse_expression(text: &str) -> Result<ast::Expr> {
    whole(text, |reader| reader.expr())
}

/// The expressions that `text` holds, between commas: the stored text of a cluster key.
pub fn parse_expressions(text: &str) -> Result<Vec<ast::Expr>> {
    whole(text, |reader| reader.list(|reader| reader.expr()))
}

/// The name that `text` holds, as IDENTIFIER() reads it: `a.b`, `"a b".c`.
pub fn parse_object_name(text: &str) -> Result<ObjectName> {
    whole(text, |reader| reader.object_name())
}

/// The name of a function with the types of its arguments that `text` holds: `a.f(NUMBER, VARCHAR)`.
pub fn parse_signature(text: &str) -> Result<(ObjectName, Vec<ast::TypeName>)> {
    whole(text, |reader| Ok((reader.object_name()?, reader.signature()?)))
}

/// The type that `text` holds.
pub fn parse_type(text: &str) -> Result<ast::TypeName> {
    whole(text, |reader| reader.data_type())
}

/// The stage or URL that `text` holds: the text of a string that names files.
pub fn parse_location(text: &str) -> Result<ast::StageLocation> {
    stage::read_location(text, firn_types::Span::new(0, text.len()))
}

/// Where the `?` of a text stand that values come for, in bytes; up to the first thing that is no SQL.
pub fn question_marks(text: &str) -> Vec<u32> {
    let mut marks = Vec::new();
    if !text.contains('?') {
        return marks;
    }
    // In the PATTERN of a MATCH_RECOGNIZE they are quantifiers.
    let (mut searches, mut begins, mut depth) = (false, false, 0_usize);
    let mut scanner = scan::Scanner::new(text);
    while let Ok(Some(lexeme)) = scanner.next() {
        let word = lexeme.of(text);
        match word {
            "(" if depth > 0 || begins => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            "?" if depth == 0 => marks.push(lexeme.span().start),
            _ => searches |= word.eq_ignore_ascii_case("match_recognize"),
        }
        begins = searches && word.eq_ignore_ascii_case("pattern");
    }
    marks
}

/// Reads something that is all of `text`.
fn whole<T>(text: &str, f: impl FnOnce(&mut Reader<'_>) -> Result<T>) -> Result<T> {
    let outline = Outline::part(text, 0, text.len())?;
    read(&outline, &|_, _| None, |reader| {
        let result = f(reader)?;
        reader.expect_end()?;
        Ok(result)
    })
}

/// Reads from an outline, on a stack that is deep enough for it.
fn read<T>(
    outline: &Outline<'_>,
    place_value: &PlaceValue<'_>,
    f: impl FnOnce(&mut Reader<'_>) -> Result<T>,
) -> Result<T> {
    if outline.nesting > NESTING_MAX {
        return Err(convert::too_deep());
    }
    // sqlparser and the conversion need far more stack for a level of nesting than for a link of a chain.
    let deep = outline.nesting > NESTING_PLAIN;
    let text_bytes = if deep { usize::MAX } else { outline.text.len() };
    stack::with_room(text_bytes, || {
        let dialect = FirnDialect::default();
        f(&mut Reader::new(outline, &dialect, place_value)?)
    })
}

#[cfg(test)]
mod tests;
