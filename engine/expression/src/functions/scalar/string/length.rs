//! LENGTH and its kin.

use firn_types::{Result, SqlType, TypeFamily};

use super::CATEGORY;
use crate::functions::driver::{blobs, strict, texts};
use crate::functions::{
    Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept,
};

/// LENGTH(text or bytes)
pub(crate) const LENGTH: ScalarFunction = ScalarFunction::new(
    "LENGTH",
    Arity::exactly(1),
    |arguments| bind("LENGTH", arguments, characters, 1),
    Documentation::of(
        CATEGORY,
        "The number of characters of a text, or of bytes of a binary value.",
        &[Example::of("LENGTH('joyeux Noël')", "11"), Example::of("LENGTH('')", "0")],
    ),
)
.with_aliases(&["LEN"]);

/// OCTET_LENGTH(text or bytes)
pub(crate) const OCTET_LENGTH: ScalarFunction = ScalarFunction::new(
    "OCTET_LENGTH",
    Arity::exactly(1),
    |arguments| bind("OCTET_LENGTH", arguments, str::len, 1),
    Documentation::of(
        CATEGORY,
        "The number of bytes of a text in UTF-8, or of a binary value.",
        &[Example::of("OCTET_LENGTH('abc')", "3"), Example::of("OCTET_LENGTH('é')", "2")],
    ),
);

/// BIT_LENGTH(text or bytes)
pub(crate) const BIT_LENGTH: ScalarFunction = ScalarFunction::new(
    "BIT_LENGTH",
    Arity::exactly(1),
    |arguments| bind("BIT_LENGTH", arguments, |text| text.len() * 8, 8),
    Documentation::of(
        CATEGORY,
        "The number of bits of a text in UTF-8, or of a binary value.",
        &[Example::of("BIT_LENGTH('abc')", "24")],
    ),
);

/// RTRIMMED_LENGTH(text)
pub(crate) const RTRIMMED_LENGTH: ScalarFunction = ScalarFunction::new(
    "RTRIMMED_LENGTH",
    Arity::exactly(1),
    |arguments| {
        accept::text("RTRIMMED_LENGTH", arguments, 0)?;
        bind("RTRIMMED_LENGTH", arguments, |text| characters(text.trim_end_matches(' ')), 1)
    },
    Documentation::of(
        CATEGORY,
        "The number of characters without the blanks at the end.",
        &[Example::of("RTRIMMED_LENGTH(' ABCD ')", "5")],
    ),
);

fn bind(
    name: &str,
    arguments: &[Argument],
    measure: fn(&str) -> usize,
    per_byte: i64,
) -> Result<ScalarBinding> {
    let input = accept::text_or_binary(name, arguments, 0)?;
    let kernel = if input.family() == TypeFamily::Binary {
        strict(move |rows, columns| {
            let bytes = blobs(&columns[0])?;
            rows.map(|at| Ok(Some(bytes.get(at).len() as i64 * per_byte)))
        })
    } else {
        strict(move |rows, columns| {
            let text = texts(&columns[0])?;
            rows.map(|at| Ok(Some(measure(text.get(at)) as i64)))
        })
    };
    ScalarBinding::new(vec![input], SqlType::number(18, 0), kernel)
}

/// The number of characters.
pub(super) fn characters(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}
