//! TO_BOOLEAN and its TRY_ form.

use firn_types::SqlType;

use super::CATEGORY;
use super::shared::bind_cast;
use crate::functions::cast::CastMode;
use crate::functions::{Arity, Documentation, Example, ScalarFunction};

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
