//! Reading types.

use firn_types::Identifier;
use firn_types::limits::NESTING_MAX;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use super::ast::{TypeArgument, TypeName};
use super::outline::span_of;

/// Reads a type: its words, its arguments, `WITH TIME ZONE`.
pub(super) fn read_type(parser: &mut Parser<'_>) -> Result<TypeName, ParserError> {
    read_inner(parser, 0)
}

/// Reads a type that stands inside of so many others.
fn read_inner(parser: &mut Parser<'_>, depth: usize) -> Result<TypeName, ParserError> {
    if depth > NESTING_MAX {
        return Err(ParserError::RecursionLimitExceeded);
    }
    let first = parser.next_token();
    let Some(mut name) = plain_word(&first) else {
        return parser.expected("a data type", first);
    };
    let mut span = span_of(first.span);
    for (before, after) in [
        ("DOUBLE", "PRECISION"),
        ("CHARACTER", "VARYING"),
        ("CHAR", "VARYING"),
        ("NCHAR", "VARYING"),
    ] {
        if name == before && peek_word(parser, 0, after) {
            span = span.to(span_of(parser.next_token().span));
            name = format!("{name} {after}");
        }
    }
    let mut arguments = Vec::new();
    if parser.peek_token_ref().token == Token::LParen {
        parser.advance_token();
        loop {
            arguments.push(read_argument(parser, &name, depth)?);
            if !parser.consume_token(&Token::Comma) {
                break;
            }
        }
        span = span.to(span_of(parser.expect_token(&Token::RParen)?.span));
    }
    if matches!(name.as_str(), "TIMESTAMP" | "TIME" | "DATETIME") {
        for zone in [
            &["WITH", "TIME", "ZONE"][..],
            &["WITHOUT", "TIME", "ZONE"],
            &["WITH", "LOCAL", "TIME", "ZONE"],
        ] {
            if zone.iter().enumerate().all(|(at, word)| peek_word(parser, at, word)) {
                for word in zone {
                    span = span.to(span_of(parser.next_token().span));
                    name = format!("{name} {word}");
                }
            }
        }
    }
    Ok(TypeName { name, arguments, span })
}

/// One argument: a number, a type, or the field of a structured object.
fn read_argument(
    parser: &mut Parser<'_>,
    name: &str,
    depth: usize,
) -> Result<TypeArgument, ParserError> {
    let token = parser.peek_token_ref().clone();
    if let Token::Number(digits, _) = &token.token {
        let Ok(number) = digits.parse() else {
            return parser.expected("a whole number", token);
        };
        parser.advance_token();
        return Ok(TypeArgument::Number(number));
    }
    if name != "OBJECT" {
        let of = read_inner(parser, depth + 1)?;
        return Ok(TypeArgument::Type(of, read_not_null(parser)));
    }
    let Token::Word(Word { value, .. }) = &token.token else {
        return parser.expected("a field", token);
    };
    // Keys are as they are written: they are no names of columns.
    let field = Identifier::exact(value.clone());
    parser.advance_token();
    let of = read_inner(parser, depth + 1)?;
    Ok(TypeArgument::Field(field.at(span_of(token.span)), of, read_not_null(parser)))
}

fn read_not_null(parser: &mut Parser<'_>) -> bool {
    let found = peek_word(parser, 0, "NOT") && peek_word(parser, 1, "NULL");
    if found {
        parser.advance_token();
        parser.advance_token();
    }
    found
}

/// Whether the token `ahead` is this unquoted word.
pub(super) fn peek_word(parser: &Parser<'_>, ahead: usize, word: &str) -> bool {
    matches!(&parser.peek_nth_token_ref(ahead).token,
        Token::Word(Word { value, quote_style: None, .. }) if value.eq_ignore_ascii_case(word))
}

fn plain_word(token: &TokenWithSpan) -> Option<String> {
    match &token.token {
        Token::Word(Word { value, quote_style: None, .. }) => Some(value.to_uppercase()),
        _ => None,
    }
}
