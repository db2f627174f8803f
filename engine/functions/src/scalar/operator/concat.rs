//! `||`.

use super::CATEGORY;
use crate::scalar::string::bind_concat;
use crate::{Arity, Documentation, Example, ScalarFunction};

/// left || right
pub(crate) const CONCAT: ScalarFunction = ScalarFunction::new(
    "||",
    Arity::exactly(2),
    |arguments| bind_concat("||", arguments),
    Documentation::of(
        CATEGORY,
        "Two texts, or two BINARYs, one after another; NULL when one of them is NULL.",
        &[Example::of("'a' || 'b'", "ab"), Example::of("'a' || NULL", "NULL")],
    ),
);
