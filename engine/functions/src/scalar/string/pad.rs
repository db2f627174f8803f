//! LPAD, RPAD, REPEAT, SPACE and REVERSE.

use firn_types::{Result, SqlType, TypeFamily};

use super::CATEGORY;
use super::length::characters;
use super::substring::substring;
use crate::driver::{blobs, check_size, ints, null_propagating, texts};
use crate::signature::wrong_types;
use crate::text_buffer::TextBuffer;
use crate::{
    Argument, Arity, Documentation, Example, Kernel, ScalarBinding, ScalarFunction, accept,
};

/// LPAD(base, length [, pad])
pub(crate) const LPAD: ScalarFunction = ScalarFunction::new(
    "LPAD",
    Arity::between(2, 3),
    |arguments| bind_pad("LPAD", arguments, true),
    Documentation::of(
        CATEGORY,
        "The value, filled at its start or cut at its end to have the given length.",
        &[
            Example::of("LPAD('7', 3, '0')", "007"),
            Example::of("LPAD('Twelve Dollars', 10, '$')", "Twelve Dol"),
        ],
    ),
);

/// RPAD(base, length [, pad])
pub(crate) const RPAD: ScalarFunction = ScalarFunction::new(
    "RPAD",
    Arity::between(2, 3),
    |arguments| bind_pad("RPAD", arguments, false),
    Documentation::of(
        CATEGORY,
        "The value, filled at its end or cut there to have the given length.",
        &[Example::of("RPAD('123.50', 9, '*_')", "123.50*_*")],
    ),
);

/// REPEAT(text, count)
pub(crate) const REPEAT: ScalarFunction = ScalarFunction::new(
    "REPEAT",
    Arity::exactly(2),
    bind_repeat,
    Documentation::of(
        CATEGORY,
        "The text that many times.",
        &[Example::of("REPEAT('xy', 5)", "xyxyxyxyxy")],
    ),
);

/// SPACE(count)
pub(crate) const SPACE: ScalarFunction = ScalarFunction::new(
    "SPACE",
    Arity::exactly(1),
    bind_space,
    Documentation::of(
        CATEGORY,
        "That many blanks.",
        &[Example::of("'a' || SPACE(3) || 'b'", "a   b")],
    ),
);

/// REVERSE(value)
pub(crate) const REVERSE: ScalarFunction = ScalarFunction::new(
    "REVERSE",
    Arity::exactly(1),
    bind_reverse,
    Documentation::of(
        CATEGORY,
        "The characters of a text, or the bytes of a binary value, in reverse order.",
        &[Example::of("REVERSE('Hello, world!')", "!dlrow ,olleH")],
    ),
);

fn bind_pad(name: &str, arguments: &[Argument], left: bool) -> Result<ScalarBinding> {
    let input = accept::text_or_binary(name, arguments, 0)?;
    let mut types = vec![input, accept::integer(name, arguments, 1)?];
    let binary = input.family() == TypeFamily::Binary;
    if binary && arguments.len() < 3 {
        return Err(wrong_types(name, arguments));
    }
    if arguments.len() > 2 {
        let pad = accept::text_or_binary(name, arguments, 2)?;
        if (pad.family() == TypeFamily::Binary) != binary {
            return Err(wrong_types(name, arguments));
        }
        types.push(pad);
    }
    if binary {
        return ScalarBinding::new(types, SqlType::BINARY, pad_bytes_kernel(left));
    }
    let returns = match accept::constant_integer(arguments, 1) {
        Some(length) => accept::varchar(u64::try_from(length).unwrap_or(0)),
        None => SqlType::TEXT,
    };
    let kernel = null_propagating(move |rows, columns| {
        let (text, length) = (texts(&columns[0])?, ints(&columns[1])?);
        let fill = columns.get(2).map(texts).transpose()?;
        rows.text(|at, out| {
            let fill = fill.map_or(" ", |fill| fill.get(at));
            pad(text.get(at), length.get(at), fill, left, out)?;
            Ok(true)
        })
    });
    ScalarBinding::new(types, returns, kernel)
}

/// Writes the text padded or cut to `length` characters.
fn pad(text: &str, length: i64, fill: &str, left: bool, out: &mut TextBuffer) -> Result<()> {
    let length = usize::try_from(length).unwrap_or(0);
    check_size(length)?;
    let missing = length.saturating_sub(characters(text));
    if missing == 0 || fill.is_empty() {
        out.push_str(substring(text, 1, length as i64));
        return Ok(());
    }
    let width = characters(fill);
    let mut filling = fill.repeat(missing / width);
    filling.push_str(substring(fill, 1, (missing % width) as i64));
    let (first, second) = if left { (filling.as_str(), text) } else { (text, filling.as_str()) };
    out.push_str(first);
    out.push_str(second);
    Ok(())
}

fn pad_bytes_kernel(left: bool) -> Kernel {
    null_propagating(move |rows, columns| {
        let (value, length) = (blobs(&columns[0])?, ints(&columns[1])?);
        let fill = blobs(&columns[2])?;
        rows.bytes(|at, out| {
            let (value, fill) = (value.get(at), fill.get(at));
            let length = usize::try_from(length.get(at)).unwrap_or(0);
            check_size(length)?;
            let missing = length.saturating_sub(value.len());
            let filling = fill.iter().cycle().take(missing);
            if left {
                out.extend(filling);
                out.extend_from_slice(&value[..value.len().min(length)]);
            } else {
                out.extend_from_slice(&value[..value.len().min(length)]);
                out.extend(filling);
            }
            Ok(true)
        })
    })
}

fn bind_repeat(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types =
        vec![accept::text("REPEAT", arguments, 0)?, accept::integer("REPEAT", arguments, 1)?];
    let kernel = null_propagating(|rows, columns| {
        let (text, count) = (texts(&columns[0])?, ints(&columns[1])?);
        rows.text(|at, out| {
            let text = text.get(at);
            let count = usize::try_from(count.get(at)).unwrap_or(0);
            check_size(text.len().saturating_mul(count))?;
            out.push_str(&text.repeat(count));
            Ok(true)
        })
    });
    ScalarBinding::new(types, SqlType::TEXT, kernel)
}

fn bind_space(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = vec![accept::integer("SPACE", arguments, 0)?];
    let kernel = null_propagating(|rows, columns| {
        let count = ints(&columns[0])?;
        rows.text(|at, out| {
            let count = usize::try_from(count.get(at)).unwrap_or(0);
            check_size(count)?;
            out.push_str(&" ".repeat(count));
            Ok(true)
        })
    });
    ScalarBinding::new(types, SqlType::TEXT, kernel)
}

fn bind_reverse(arguments: &[Argument]) -> Result<ScalarBinding> {
    let input = accept::text_or_binary("REVERSE", arguments, 0)?;
    let kernel = if input.family() == TypeFamily::Binary {
        null_propagating(|rows, columns| {
            let value = blobs(&columns[0])?;
            rows.bytes(|at, out| {
                out.extend(value.get(at).iter().rev());
                Ok(true)
            })
        })
    } else {
        null_propagating(|rows, columns| {
            let text = texts(&columns[0])?;
            rows.text(|at, out| {
                out.extend(text.get(at).chars().rev());
                Ok(true)
            })
        })
    };
    ScalarBinding::new(vec![input], input, kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_fills_in_whole_patterns_and_cuts() -> Result<()> {
        let cases = [
            ("123.50", 19, "*_", true, "*_*_*_*_*_*_*123.50"),
            ("123.50", 10, "*_", false, "123.50*_*_"),
            ("abc", 2, "x", true, "ab"),
            ("abc", -1, "x", true, ""),
            ("abc", 5, "", true, "abc"),
            ("é", 3, "ü", true, "üüé"),
        ];
        for (text, length, fill, left, expected) in cases {
            let mut out = TextBuffer::default();
            pad(text, length, fill, left, &mut out)?;
            assert_eq!(out.as_str(), expected);
        }
        assert!(pad("a", i64::MAX, "x", true, &mut TextBuffer::default()).is_err());
        Ok(())
    }
}
