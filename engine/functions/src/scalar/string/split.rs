//! SPLIT_PART and STRTOK.

use firn_types::{Result, SqlType};

use super::CATEGORY;
use crate::driver::{ints, null_propagating, texts};
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// SPLIT_PART(text, delimiter, number)
pub(crate) const SPLIT_PART: ScalarFunction = ScalarFunction::new(
    "SPLIT_PART",
    Arity::exactly(3),
    bind_split_part,
    Documentation::of(
        CATEGORY,
        "One of the parts between delimiters, from 1, or from -1 backwards; empty beyond the last.",
        &[
            Example::of("SPLIT_PART('11.22.33', '.', 1)", "11"),
            Example::of("SPLIT_PART('127.0.0.1', '.', -1)", "1"),
            Example::of("SPLIT_PART('aaa--bbb-BBB--ccc', '--', 2)", "bbb-BBB"),
        ],
    ),
);

/// STRTOK(text [, delimiters [, number]])
pub(crate) const STRTOK: ScalarFunction = ScalarFunction::new(
    "STRTOK",
    Arity::between(1, 3),
    bind_strtok,
    Documentation::of(
        CATEGORY,
        "One of the parts between any of the delimiting characters; empty parts do not count.",
        &[
            Example::of("STRTOK('a.b.c', '.', 2)", "b"),
            Example::of("STRTOK('user@example.com', '@.', 3)", "com"),
            Example::of("STRTOK('a b', ' ', 3)", "NULL"),
        ],
    ),
);

fn bind_split_part(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = vec![
        accept::text("SPLIT_PART", arguments, 0)?,
        accept::text("SPLIT_PART", arguments, 1)?,
        accept::integer("SPLIT_PART", arguments, 2)?,
    ];
    let returns = types[0];
    let kernel = null_propagating(|rows, columns| {
        let (text, delimiter) = (texts(&columns[0])?, texts(&columns[1])?);
        let number = ints(&columns[2])?;
        rows.slices(|at| Ok(Some(split_part(text.get(at), delimiter.get(at), number.get(at)))))
    });
    ScalarBinding::new(types, returns, kernel)
}

fn split_part<'a>(text: &'a str, delimiter: &str, number: i64) -> &'a str {
    if delimiter.is_empty() {
        return if matches!(number, -1..=1) { text } else { "" };
    }
    let index = usize::try_from(number.unsigned_abs().saturating_sub(1)).unwrap_or(usize::MAX);
    let part = if number < 0 {
        text.rsplit(delimiter).nth(index)
    } else {
        text.split(delimiter).nth(index)
    };
    part.unwrap_or("")
}

fn bind_strtok(arguments: &[Argument]) -> Result<ScalarBinding> {
    let mut types: Vec<SqlType> = Vec::new();
    for position in 0..arguments.len() {
        types.push(match position {
            0 | 1 => accept::text("STRTOK", arguments, position)?,
            _ => accept::integer("STRTOK", arguments, position)?,
        });
    }
    let returns = types[0];
    let kernel = null_propagating(|rows, columns| {
        let text = texts(&columns[0])?;
        let delimiters = columns.get(1).map(texts).transpose()?;
        let number = columns.get(2).map(ints).transpose()?;
        rows.slices(|at| {
            let delimiters = delimiters.map_or(" ", |delimiters| delimiters.get(at));
            Ok(token(text.get(at), delimiters, number.map_or(1, |number| number.get(at))))
        })
    });
    ScalarBinding::new(types, returns, kernel)
}

fn token<'a>(text: &'a str, delimiters: &str, number: i64) -> Option<&'a str> {
    let index = usize::try_from(number.checked_sub(1)?).ok()?;
    text.split(|c| delimiters.contains(c)).filter(|part| !part.is_empty()).nth(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_tokens() {
        let parts = [
            ("|a|b|", "|", 1, ""),
            ("|a|b|", "|", 2, "a"),
            ("|a|b|", "|", 0, ""),
            ("|a|b|", "|", -1, ""),
            ("|a|b|", "|", -2, "b"),
            ("|a|b|", "|", 9, ""),
            ("abc", "", 1, "abc"),
            ("abc", "", -1, "abc"),
            ("abc", "", 2, ""),
            ("abc", "|", i64::MIN, ""),
        ];
        for (text, delimiter, number, expected) in parts {
            assert_eq!(split_part(text, delimiter, number), expected, "{text} {number}");
        }
        assert_eq!(token("", "", 1), None);
        assert_eq!(token("a.b", "", 1), Some("a.b"));
        assert_eq!(token("..a", ".", 1), Some("a"));
        assert_eq!(token("a", ".", 0), None);
    }
}
