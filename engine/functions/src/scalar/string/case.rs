//! UPPER, LOWER and INITCAP.

use firn_types::Result;

use super::CATEGORY;
use crate::driver::{null_propagating, texts};
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// UPPER(text)
pub(crate) const UPPER: ScalarFunction = ScalarFunction::new(
    "UPPER",
    Arity::exactly(1),
    |arguments| bind("UPPER", arguments, upper),
    Documentation::of(
        CATEGORY,
        "The text with all letters in upper case.",
        &[Example::of("UPPER('Riesling 2024')", "RIESLING 2024")],
    ),
);

/// LOWER(text)
pub(crate) const LOWER: ScalarFunction = ScalarFunction::new(
    "LOWER",
    Arity::exactly(1),
    |arguments| bind("LOWER", arguments, lower),
    Documentation::of(
        CATEGORY,
        "The text with all letters in lower case.",
        &[Example::of("LOWER('Riesling 2024')", "riesling 2024")],
    ),
);

/// INITCAP(text [, delimiters])
pub(crate) const INITCAP: ScalarFunction = ScalarFunction::new(
    "INITCAP",
    Arity::between(1, 2),
    bind_initcap,
    Documentation::of(
        CATEGORY,
        "The text with the first letter of each word in upper case and the others in lower case.",
        &[
            Example::of("INITCAP('the QUICK-brown fox')", "The Quick-Brown Fox"),
            Example::of("INITCAP('the quick fox', '')", "The quick fox"),
            Example::of(
                "INITCAP('apple is僉sweetandballIsROUND', '僉a b')",
                "aPple Is僉SweetaNdbaLlisround",
            ),
        ],
    ),
);

/// What separates words unless INITCAP is told otherwise, beside white space.
const WORD_DELIMITERS: &str = "!?@\"^#$&~_,.:;+-*%/|\\[](){}<>";

fn bind(name: &str, arguments: &[Argument], row: fn(&str, &mut String)) -> Result<ScalarBinding> {
    let input = accept::text(name, arguments, 0)?;
    let kernel = null_propagating(move |rows, columns| {
        let text = texts(&columns[0])?;
        rows.text(|at, out| {
            row(text.get(at), out);
            Ok(true)
        })
    });
    ScalarBinding::new(vec![input], input, kernel)
}

fn bind_initcap(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types: Result<Vec<_>> =
        (0..arguments.len()).map(|i| accept::text("INITCAP", arguments, i)).collect();
    let types = types?;
    let returns = types[0];
    let kernel = null_propagating(|rows, columns| {
        let text = texts(&columns[0])?;
        let delimiters = columns.get(1).map(texts).transpose()?;
        rows.text(|at, out| {
            match delimiters {
                Some(delimiters) => {
                    let set = delimiters.get(at);
                    initcap(text.get(at), |c| set.contains(c), out);
                }
                None => {
                    initcap(text.get(at), |c| c.is_whitespace() || WORD_DELIMITERS.contains(c), out)
                }
            }
            Ok(true)
        })
    });
    ScalarBinding::new(types, returns, kernel)
}

/// Writes the text in upper case.
fn upper(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_uppercase();
    } else {
        out.extend(text.chars().flat_map(char::to_uppercase));
    }
}

/// Writes the text in lower case.
pub(super) fn lower(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_lowercase();
    } else {
        out.extend(text.chars().flat_map(char::to_lowercase));
    }
}

fn initcap(text: &str, is_delimiter: impl Fn(char) -> bool, out: &mut String) {
    let mut starts = true;
    for c in text.chars() {
        let delimits = is_delimiter(c);
        if delimits {
            out.push(c);
        } else if starts {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        starts = delimits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_changed_beyond_ascii_too() {
        let changed = |row: fn(&str, &mut String), text: &str| {
            let mut out = String::new();
            row(text, &mut out);
            out
        };
        assert_eq!(changed(upper, "abc é"), "ABC É");
        assert_eq!(changed(lower, "ABC É"), "abc é");
        assert_eq!(changed(lower, ""), "");
    }
}
