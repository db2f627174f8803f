//! TO_BOOLEAN and its TRY_ form.

use firn_types::{Error, ErrorCode, SqlType};

use super::CATEGORY;
use super::shared::bind_cast;
use crate::cast::CastMode;
use crate::driver::{null_propagating, texts};
use crate::{Arity, Documentation, Example, ScalarBinding, ScalarFunction};

/// TO_BOOLEAN(value)
pub(crate) const TO_BOOLEAN: ScalarFunction = ScalarFunction::new(
    "TO_BOOLEAN",
    Arity::exactly(1),
    |arguments| bind_cast("TO_BOOLEAN", arguments, SqlType::Boolean, CastMode::Strict),
    Documentation::of(
        CATEGORY,
        "TRUE for true, t, yes, y, on, 1 and numbers but 0; FALSE for false, f, no, n, off and 0.",
        &[Example::of("TO_BOOLEAN('yes')", "True"), Example::of("TO_BOOLEAN(0)", "False")],
    ),
);

/// TRY_TO_BOOLEAN(text)
pub(crate) const TRY_TO_BOOLEAN: ScalarFunction = ScalarFunction::new(
    "TRY_TO_BOOLEAN",
    Arity::exactly(1),
    |arguments| bind_cast("TRY_TO_BOOLEAN", arguments, SqlType::Boolean, CastMode::Try),
    Documentation::of(
        CATEGORY,
        "The truth value of a text, or NULL where it is none.",
        &[Example::of("TRY_TO_BOOLEAN('xyz')", "NULL")],
    ),
);

/// A text in the place of a BOOLEAN, without a cast.
pub(crate) const IMPLICIT_BOOLEAN: ScalarFunction = ScalarFunction::new(
    "$BOOLEAN",
    Arity::exactly(1),
    |_| {
        let kernel = null_propagating(|rows, columns| {
            let words = texts(&columns[0])?;
            rows.map(|row| truth(words.get(row)).map(Some))
        });
        ScalarBinding::new(vec![SqlType::TEXT], SqlType::Boolean, kernel)
    },
    Documentation::of(
        CATEGORY,
        "What a text stands for where a BOOLEAN is wanted: only true and false are words for it.",
        &[Example::of("IFF('TRUE', 1, 2)", "1")],
    ),
);

fn truth(word: &str) -> firn_types::Result<bool> {
    let word = word.trim_matches(' ');
    if word.eq_ignore_ascii_case("true") {
        return Ok(true);
    }
    if word.eq_ignore_ascii_case("false") {
        return Ok(false);
    }
    let text = format!("Boolean value '{word}' is not recognized");
    Err(Error::new(ErrorCode::InvalidBoolean, text))
}
