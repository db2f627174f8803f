//! SUBSTR, LEFT and RIGHT.

use std::ops::Range;

use firn_types::{Result, SqlType, TypeFamily};

use super::CATEGORY;
use super::length::characters;
use crate::driver::{blobs, ints, null_propagating, texts};
use crate::{
    Argument, Arity, Documentation, Example, Kernel, ScalarBinding, ScalarFunction, accept,
};

/// SUBSTR(text or bytes, start [, length])
pub(crate) const SUBSTR: ScalarFunction = ScalarFunction::new(
    "SUBSTR",
    Arity::between(2, 3),
    |arguments| bind("SUBSTR", arguments, |first, length| (first, length.unwrap_or(i64::MAX))),
    Documentation::of(
        CATEGORY,
        "A part of the text from a position, which counts from the end when it is negative.",
        &[
            Example::of("SUBSTR('testing 1 2 3', 9, 5)", "1 2 3"),
            Example::of("SUBSTR('mystring', -3, 3)", "ing"),
            Example::of("SUBSTR('mystring', 0, 2)", "my"),
        ],
    ),
)
.with_aliases(&["SUBSTRING"]);

/// LEFT(text or bytes, length)
pub(crate) const LEFT: ScalarFunction = ScalarFunction::new(
    "LEFT",
    Arity::exactly(2),
    |arguments| bind("LEFT", arguments, |length, _| (1, length)),
    Documentation::of(
        CATEGORY,
        "The first characters of the text.",
        &[Example::of("LEFT('ABCDEF', 3)", "ABC"), Example::of("LEFT('ABCDEF', 9)", "ABCDEF")],
    ),
);

/// RIGHT(text or bytes, length)
pub(crate) const RIGHT: ScalarFunction = ScalarFunction::new(
    "RIGHT",
    Arity::exactly(2),
    bind_right,
    Documentation::of(
        CATEGORY,
        "The last characters of the text.",
        &[Example::of("RIGHT('ABCDEFG', 3)", "EFG"), Example::of("RIGHT('ABC', 9)", "ABC")],
    ),
);

/// The start and the length that the arguments after the text mean.
type Place = fn(i64, Option<i64>) -> (i64, i64);

fn bind(name: &str, arguments: &[Argument], place: Place) -> Result<ScalarBinding> {
    let types = argument_types(name, arguments)?;
    let kernel = if types[0].family() == TypeFamily::Binary {
        bytes_kernel(move |len, first, length| {
            let (start, length) = place(first, length);
            positions(len, start, length)
        })
    } else {
        null_propagating(move |rows, columns| {
            let (text, first) = (texts(&columns[0])?, ints(&columns[1])?);
            let length = columns.get(2).map(ints).transpose()?;
            rows.slices(|at| {
                let (start, length) = place(first.get(at), length.map(|length| length.get(at)));
                Ok(Some(substring(text.get(at), start, length)))
            })
        })
    };
    ScalarBinding::new(types.clone(), types[0], kernel)
}

fn bind_right(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = argument_types("RIGHT", arguments)?;
    let kernel = if types[0].family() == TypeFamily::Binary {
        bytes_kernel(|len, length, _| {
            let length = usize::try_from(length).unwrap_or(0);
            len.saturating_sub(length)..len
        })
    } else {
        null_propagating(|rows, columns| {
            let (text, length) = (texts(&columns[0])?, ints(&columns[1])?);
            rows.slices(|at| Ok(Some(right(text.get(at), length.get(at)))))
        })
    };
    ScalarBinding::new(types.clone(), types[0], kernel)
}

fn argument_types(name: &str, arguments: &[Argument]) -> Result<Vec<SqlType>> {
    let mut types = vec![accept::text_or_binary(name, arguments, 0)?];
    for position in 1..arguments.len() {
        types.push(accept::integer(name, arguments, position)?);
    }
    Ok(types)
}

fn bytes_kernel(
    range: impl Fn(usize, i64, Option<i64>) -> Range<usize> + Send + Sync + 'static,
) -> Kernel {
    null_propagating(move |rows, columns| {
        let (bytes, first) = (blobs(&columns[0])?, ints(&columns[1])?);
        let second = columns.get(2).map(ints).transpose()?;
        rows.bytes(|at, out| {
            let value = bytes.get(at);
            let range = range(value.len(), first.get(at), second.map(|second| second.get(at)));
            out.extend_from_slice(&value[range]);
            Ok(true)
        })
    })
}

/// The part of `length` characters from `start`: 1 or 0 is the first, -1 the last.
pub(super) fn substring(text: &str, start: i64, length: i64) -> &str {
    if text.is_ascii() {
        return &text[positions(text.len(), start, length)];
    }
    let range = match start {
        1.. | 0 => positions(usize::MAX, start, length),
        _ => positions(characters(text), start, length),
    };
    let first = byte_of(text, range.start);
    let rest = &text[first..];
    &rest[..byte_of(rest, range.end - range.start)]
}

/// The last `length` characters.
fn right(text: &str, length: i64) -> &str {
    let Ok(length) = usize::try_from(length) else { return "" };
    if length == 0 {
        return "";
    }
    match text.char_indices().nth_back(length - 1) {
        Some((byte, _)) => &text[byte..],
        None => text,
    }
}

/// The positions from 0, among `len`, that a SUBSTR means.
fn positions(len: usize, start: i64, length: i64) -> Range<usize> {
    let to_usize = |n: i64| usize::try_from(n).unwrap_or(usize::MAX);
    let first = match start {
        1.. => to_usize(start - 1),
        0 => 0,
        _ => match len.checked_sub(to_usize(start.saturating_neg())) {
            Some(first) => first,
            None => return 0..0,
        },
    };
    if length <= 0 || first >= len {
        return 0..0;
    }
    first..first.saturating_add(to_usize(length)).min(len)
}

/// The byte where character `index` starts, or the text's end.
pub(super) fn byte_of(text: &str, index: usize) -> usize {
    if index == 0 {
        return 0;
    }
    text.char_indices().nth(index).map_or(text.len(), |(byte, _)| byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substring_counts_characters_from_either_end() {
        let cases = [
            ("mystring", 3, 3, "str"),
            ("mystring", 0, 3, "mys"),
            ("mystring", -3, 3, "ing"),
            ("mystring", -1, 3, "g"),
            ("mystring", -9, 3, ""),
            ("mystring", 9, 3, ""),
            ("mystring", 2, 0, ""),
            ("mystring", 2, -1, ""),
            ("mystring", i64::MIN, i64::MAX, ""),
            ("mystring", 7, i64::MAX, "ng"),
            ("naïve été", 3, 2, "ïv"),
            ("naïve été", -3, 2, "ét"),
            ("naïve été", 7, i64::MAX, "été"),
            ("naïve été", 20, 1, ""),
            ("", 1, 1, ""),
        ];
        for (text, start, length, expected) in cases {
            assert_eq!(substring(text, start, length), expected, "{text} {start} {length}");
        }
    }

    #[test]
    fn right_takes_whole_characters() {
        for (text, length, expected) in
            [("été", 2, "té"), ("été", 0, ""), ("été", -1, ""), ("été", 9, "été"), ("", 1, "")]
        {
            assert_eq!(right(text, length), expected);
        }
    }
}
