//! Rows of VALUES in INSERT: constants are read straight from the text.
//!
//! A statement may bring a hundred thousand rows. Most items are plain constants, which need neither
//! tokens nor a grammar; the others are cut out and read like any expression.

use std::sync::Arc;

use firn_types::{Result, Span};

use super::ast::{Expr, ExprKind, Literal, UnaryOperator, Values};
use super::literal;
use super::outline::Outline;
use super::reader::Reader;
use super::scan::{Kind, Lexeme, Scanner, unexpected};

/// Lexemes between INSERT and VALUES: names of columns above all.
const HEADER_MAX: usize = 10_000;

/// Where the rows of `INSERT INTO .. VALUES` begin, when `text` is one.
pub(super) fn rows_at(text: &str) -> Option<usize> {
    let mut scanner = Scanner::new(text);
    let mut next = || scanner.next().ok().flatten().map(|lexeme| (lexeme, lexeme.of(text)));
    if !next()?.1.eq_ignore_ascii_case("insert") {
        return None;
    }
    for _ in 0..HEADER_MAX {
        let (lexeme, source) = next()?;
        if lexeme.kind != Kind::Word {
            continue;
        }
        match source.to_ascii_uppercase().as_str() {
            "VALUES" => return Some(lexeme.end),
            "SELECT" | "WITH" | "ALL" | "FIRST" | "WHEN" => return None,
            _ => {}
        }
    }
    None
}

/// The rows from byte `start` to the end of the statement.
pub(super) fn read_rows(text: &str, start: usize) -> Result<Values> {
    let mut rows = Rows { text, scanner: Scanner::from(text, start) };
    let mut read: Vec<Vec<Expr>> = Vec::new();
    loop {
        let width = read.last().map_or(8, Vec::len);
        read.push(rows.row(width)?);
        match rows.scanner.next()? {
            Some(lexeme) if lexeme.of(text) == "," => {}
            Some(lexeme) if lexeme.of(text) == ";" => match rows.scanner.next()? {
                None => break,
                Some(extra) => return Err(unexpected(extra.of(text), extra.span())),
            },
            Some(lexeme) => return Err(unexpected(lexeme.of(text), lexeme.span())),
            None => break,
        }
    }
    Ok(Values { rows: read, span: Span::new(start, text.trim_end().len()) })
}

struct Rows<'a> {
    text: &'a str,
    scanner: Scanner<'a>,
}

impl<'a> Rows<'a> {
    fn next(&mut self) -> Result<Lexeme> {
        let end = self.text.len();
        self.scanner.next()?.ok_or_else(|| unexpected("<EOF>", Span::new(end, end)))
    }

    /// `(item, item)`.
    fn row(&mut self, width: usize) -> Result<Vec<Expr>> {
        let open = self.next()?;
        if open.of(self.text) != "(" {
            return Err(unexpected(open.of(self.text), open.span()));
        }
        let mut row = Vec::with_capacity(width);
        loop {
            let before = self.scanner.clone();
            let (item, end) = self.item(before)?;
            row.push(item);
            match end.of(self.text) {
                "," => {}
                ")" => return Ok(row),
                other => return Err(unexpected(other, end.span())),
            }
        }
    }

    /// One item and the lexeme behind it.
    fn item(&mut self, before: Scanner<'a>) -> Result<(Expr, Lexeme)> {
        let first = self.next()?;
        let mut sign = None;
        let mut value = first;
        if first.kind == Kind::Symbol && first.of(self.text) == "-" {
            sign = Some(UnaryOperator::Minus);
            value = self.next()?;
        }
        let constant = match sign {
            Some(_) if value.kind != Kind::Number => None,
            _ => constant(value, self.text).map(|kind| (kind, value.span())),
        };
        let constant = match constant {
            None if first.kind == Kind::Word => self.typed(first)?,
            other => other,
        };
        if let Some((kind, span)) = constant {
            let end = self.next()?;
            if matches!(end.of(self.text), "," | ")") && end.kind == Kind::Symbol {
                let expr = Expr::new(kind, span);
                return Ok(match sign {
                    None => (expr, end),
                    Some(sign) => {
                        let span = first.span().to(span);
                        (Expr::new(ExprKind::Unary(sign, Box::new(expr)), span), end)
                    }
                });
            }
        }
        self.scanner = before;
        self.expression()
    }

    /// `DATE '..'` and its kin, of which the word has been read.
    fn typed(&mut self, word: Lexeme) -> Result<Option<(ExprKind, Span)>> {
        let text = self.next()?;
        if text.kind != Kind::Text {
            return Ok(None);
        }
        let value = literal::unescape(text.of(self.text));
        let literal = literal::typed(word.of(self.text), value.as_ref().into());
        Ok(literal.map(|literal| (ExprKind::Literal(literal), word.span().to(text.span()))))
    }

    /// An item that is no constant: cut out up to its comma or parenthesis, and read.
    fn expression(&mut self) -> Result<(Expr, Lexeme)> {
        let start = self.scanner.position();
        let mut depth = 0_usize;
        let end = loop {
            let lexeme = self.next()?;
            match lexeme.of(self.text) {
                "(" | "[" | "{" => depth += 1,
                "," if depth == 0 => break lexeme,
                ")" | "]" | "}" if depth == 0 => break lexeme,
                ")" | "]" | "}" => depth -= 1,
                ";" => return Err(unexpected(";", lexeme.span())),
                _ => {}
            }
        };
        let outline = Outline::part(self.text, start, end.start)?;
        if outline.lexemes.is_empty() {
            return Err(unexpected(end.of(self.text), end.span()));
        }
        let expr = super::read(&outline, &|_, _| None, |reader: &mut Reader<'_>| {
            let expr = reader.expr()?;
            reader.expect_end()?;
            Ok(expr)
        });
        // What ends too early ends at the comma or parenthesis.
        let expr = expr.map_err(|error| match error.detail() {
            "unexpected '<EOF>'." => unexpected(end.of(self.text), end.span()),
            _ => error,
        })?;
        Ok((expr, end))
    }
}

/// The constant that a lexeme is, when it is one.
fn constant(lexeme: Lexeme, text: &str) -> Option<ExprKind> {
    let source = lexeme.of(text);
    let literal = match lexeme.kind {
        Kind::Number => Literal::Number(source.into()),
        Kind::Text => Literal::Text(Arc::from(literal::unescape(source).as_ref())),
        Kind::Raw => Literal::Text(Arc::from(source.get(2..source.len() - 2)?)),
        Kind::Word if source.eq_ignore_ascii_case("null") => Literal::Null,
        Kind::Word if source.eq_ignore_ascii_case("true") => Literal::Boolean(true),
        Kind::Word if source.eq_ignore_ascii_case("false") => Literal::Boolean(false),
        Kind::Word if source.eq_ignore_ascii_case("default") => return Some(ExprKind::Default),
        _ => return None,
    };
    Some(ExprKind::Literal(literal))
}
