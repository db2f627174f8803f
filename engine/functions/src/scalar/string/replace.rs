//! REPLACE, TRANSLATE and INSERT.

use std::collections::HashMap;

use firn_types::{Error, ErrorCode, Result, SqlType};

use super::CATEGORY;
use super::substring::byte_of;
use crate::driver::{ints, null_propagating, texts};
use crate::text_buffer::TextBuffer;
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// REPLACE(text, from [, to])
pub(crate) const REPLACE: ScalarFunction = ScalarFunction::new(
    "REPLACE",
    Arity::between(2, 3),
    bind_replace,
    Documentation::of(
        CATEGORY,
        "The text with every occurrence of a text replaced, or removed without a replacement.",
        &[
            Example::of("REPLACE('down', 'down', 'up')", "up"),
            Example::of("REPLACE('Vacation in Athens', 'Athens', 'Rome')", "Vacation in Rome"),
            Example::of("REPLACE('abcd', 'bc')", "ad"),
        ],
    ),
);

/// TRANSLATE(text, from, to)
pub(crate) const TRANSLATE: ScalarFunction = ScalarFunction::new(
    "TRANSLATE",
    Arity::exactly(3),
    bind_translate,
    Documentation::of(
        CATEGORY,
        "The text with each character of one list replaced by its partner in another, or removed.",
        &[Example::of("TRANSLATE('❄a❄bX❄dX❄', 'Xd❄', 'cD')", "abcDc")],
    ),
);

/// INSERT(text, position, length, inserted)
pub(crate) const INSERT: ScalarFunction = ScalarFunction::new(
    "INSERT",
    Arity::exactly(4),
    bind_insert,
    Documentation::of(
        CATEGORY,
        "The text with some characters from a position replaced by another text.",
        &[Example::of("INSERT('abcdef', 3, 2, 'zzz')", "abzzzef")],
    ),
);

fn text_types(name: &str, arguments: &[Argument]) -> Result<Vec<SqlType>> {
    (0..arguments.len()).map(|position| accept::text(name, arguments, position)).collect()
}

fn bind_replace(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = text_types("REPLACE", arguments)?;
    let kernel = null_propagating(|rows, columns| {
        let (text, from) = (texts(&columns[0])?, texts(&columns[1])?);
        let to = columns.get(2).map(texts).transpose()?;
        rows.text(|at, out| {
            replace(text.get(at), from.get(at), to.map_or("", |to| to.get(at)), out);
            Ok(true)
        })
    });
    ScalarBinding::new(types, SqlType::TEXT, kernel)
}

fn replace(text: &str, from: &str, to: &str, out: &mut TextBuffer) {
    if from.is_empty() {
        return out.push_str(text);
    }
    let mut rest = 0;
    for (at, found) in text.match_indices(from) {
        if out.is_full() {
            return;
        }
        out.push_str(&text[rest..at]);
        out.push_str(to);
        rest = at + found.len();
    }
    out.push_str(&text[rest..]);
}

fn bind_translate(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = text_types("TRANSLATE", arguments)?;
    let returns = types[0];
    let kernel = null_propagating(|rows, columns| {
        let (text, from, to) = (texts(&columns[0])?, texts(&columns[1])?, texts(&columns[2])?);
        rows.text(|at, out| {
            translate(text.get(at), from.get(at), to.get(at), out);
            Ok(true)
        })
    });
    ScalarBinding::new(types, returns, kernel)
}

fn translate(text: &str, from: &str, to: &str, out: &mut TextBuffer) {
    let mut partners: HashMap<char, Option<char>> = HashMap::new();
    let mut to = to.chars();
    for c in from.chars() {
        // Of a character that is listed twice, the first partner counts.
        let partner = to.next();
        partners.entry(c).or_insert(partner);
    }
    for c in text.chars() {
        out.extend(partners.get(&c).copied().unwrap_or(Some(c)));
    }
}

fn bind_insert(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = vec![
        accept::text("INSERT", arguments, 0)?,
        accept::integer("INSERT", arguments, 1)?,
        accept::integer("INSERT", arguments, 2)?,
        accept::text("INSERT", arguments, 3)?,
    ];
    let kernel = null_propagating(|rows, columns| {
        let (text, inserted) = (texts(&columns[0])?, texts(&columns[3])?);
        let (position, length) = (ints(&columns[1])?, ints(&columns[2])?);
        rows.text(|at, out| {
            insert(text.get(at), position.get(at), length.get(at), inserted.get(at), out)?;
            Ok(true)
        })
    });
    ScalarBinding::new(types, SqlType::TEXT, kernel)
}

fn insert(
    text: &str,
    position: i64,
    length: i64,
    inserted: &str,
    out: &mut TextBuffer,
) -> Result<()> {
    let wrong = |what: &str, value: i64| {
        Error::new(ErrorCode::InvalidValue, format!("Invalid {what} {value} in the INSERT input"))
    };
    let skipped =
        usize::try_from(position.saturating_sub(1)).map_err(|_| wrong("position", position))?;
    let length = usize::try_from(length).map_err(|_| wrong("length", length))?;
    let (before, rest) = text.split_at(byte_of(text, skipped));
    out.push_str(before);
    out.push_str(inserted);
    out.push_str(&rest[byte_of(rest, length)..]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(f: impl FnOnce(&mut TextBuffer)) -> String {
        let mut out = TextBuffer::default();
        f(&mut out);
        out.to_string()
    }

    #[test]
    fn replacements() {
        assert_eq!(written(|out| replace("aXbXc", "X", "--", out)), "a--b--c");
        assert_eq!(written(|out| replace("abc", "", "z", out)), "abc");
        assert_eq!(written(|out| translate("abba", "ab", "x", out)), "xx");
        assert_eq!(written(|out| drop(insert("abc", 1, 2, "Z", out))), "Zc");
        assert_eq!(written(|out| drop(insert("abc", 4, 0, "Z", out))), "abcZ");
        assert!(insert("abc", 0, 0, "Z", &mut TextBuffer::default()).is_err());
        assert!(insert("abc", 1, -1, "Z", &mut TextBuffer::default()).is_err());
    }
}
