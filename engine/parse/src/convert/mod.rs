//! sqlparser's tree to firn's own.
//!
//! The tree is consumed, level by level, and long chains of operators are taken apart in loops, so that
//! neither converting nor dropping it needs a deep stack. What Snowflake does not have is refused here.

mod expr;
mod function;
mod literal;
mod match_recognize;
mod query;
mod select;
mod table;

use firn_types::limits::NESTING_MAX;
use firn_types::{Error, ErrorCode, Identifier, ObjectName, Result, Span};
use sqlparser::ast as sq;

use super::ast::Name;
use super::dialect::{FirnDialect, is_reserved};
use super::outline::{Outline, span_of};

/// Converts the parts of one statement.
pub(super) struct Convert<'a> {
    outline: &'a Outline<'a>,
    dialect: &'a FirnDialect,
    /// Levels of expressions and queries around the current one.
    depth: usize,
}

impl<'a> Convert<'a> {
    /// A converter for a statement's text.
    pub(super) fn new(outline: &'a Outline<'a>, dialect: &'a FirnDialect) -> Convert<'a> {
        Convert { outline, dialect, depth: 0 }
    }

    /// Runs `f` one level deeper; an error beyond the limit.
    fn deeper<T>(&mut self, levels: usize, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth + levels > NESTING_MAX {
            return Err(too_deep());
        }
        self.depth += levels;
        let result = f(self);
        self.depth -= levels;
        result
    }

    /// A name, folded unless it was quoted.
    fn identifier(&self, ident: sq::Ident) -> Result<Identifier> {
        let span = span_of(ident.span);
        match ident.quote_style {
            None => Ok(Identifier::folded(&ident.value).at(span)),
            Some('"') => Ok(Identifier::exact(ident.value).at(span)),
            Some(_) => Err(self.unexpected_at(span)),
        }
    }

    /// A new name, which no reserved word can be.
    fn alias_name(&self, ident: sq::Ident) -> Result<Identifier> {
        let plain = ident.quote_style.is_none();
        let name = self.identifier(ident)?;
        match plain && is_reserved(name.as_str()) {
            true => Err(self.unexpected_at(name.span)),
            false => Ok(name),
        }
    }

    fn identifiers(&self, idents: Vec<sq::Ident>) -> Result<Vec<Identifier>> {
        idents.into_iter().map(|ident| self.identifier(ident)).collect()
    }

    /// A dotted name without IDENTIFIER().
    fn object_name(&mut self, name: sq::ObjectName) -> Result<ObjectName> {
        match self.name(name)? {
            Name::Plain(name) => Ok(name),
            Name::Identifier(expr) => Err(self.unexpected_at(expr.span)),
        }
    }

    /// A dotted name or IDENTIFIER().
    fn name(&mut self, name: sq::ObjectName) -> Result<Name> {
        let mut parts = Vec::with_capacity(name.0.len());
        let alone = name.0.len() == 1;
        for part in name.0 {
            match part {
                sq::ObjectNamePart::Identifier(ident) => parts.push(self.identifier(ident)?),
                sq::ObjectNamePart::Function(function) => {
                    let span = span_of(function.name.span);
                    let mut arguments = function.args.into_iter();
                    let (Some(argument), None, true) = (arguments.next(), arguments.next(), alone)
                    else {
                        return Err(self.unexpected_at(span));
                    };
                    return match argument {
                        sq::FunctionArg::Unnamed(sq::FunctionArgExpr::Expr(expr)) => {
                            Ok(Name::Identifier(Box::new(self.expr(expr)?)))
                        }
                        _ => Err(self.unexpected_at(span)),
                    };
                }
            }
        }
        Ok(Name::Plain(ObjectName { parts }))
    }

    /// The syntax error that what stands at `span` may not stand there.
    fn unexpected_at(&self, span: Span) -> Error {
        self.outline.unexpected(self.outline.at(span.start))
    }

    /// Refuses what sqlparser takes and Snowflake does not: the error is about the first such word from
    /// `start` on.
    fn refuse(&self, present: bool, word: &str, start: Span) -> Result<()> {
        if present { Err(self.unexpected_word(word, start)) } else { Ok(()) }
    }

    /// The syntax error about a word that sqlparser takes and Snowflake does not, for which the tree has
    /// no place: its first occurrence from `start` on.
    fn unexpected_word(&self, word: &str, start: Span) -> Error {
        let from = self.outline.at(start.start);
        let found = (from..self.outline.lexemes.len())
            .find(|index| self.outline.word(*index).eq_ignore_ascii_case(word));
        self.outline.unexpected(found.unwrap_or(from))
    }
}

/// The error for what is nested too deep.
pub(super) fn too_deep() -> Error {
    Error::new(ErrorCode::InvalidStatement, format!("nesting exceeds {NESTING_MAX} levels"))
}

/// The smallest place that covers all that have one.
fn cover(spans: impl IntoIterator<Item = Span>) -> Span {
    spans.into_iter().filter(|span| span.end > 0).reduce(Span::to).unwrap_or_default()
}
