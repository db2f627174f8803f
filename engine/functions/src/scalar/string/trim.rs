//! TRIM, LTRIM and RTRIM.

use firn_types::Result;

use super::CATEGORY;
use crate::driver::{null_propagating, texts};
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// TRIM(text [, characters])
pub(crate) const TRIM: ScalarFunction = ScalarFunction::new(
    "TRIM",
    Arity::between(1, 2),
    |arguments| bind("TRIM", arguments, true, true),
    Documentation::of(
        CATEGORY,
        "The text without blanks, or without any of the given characters, at both ends.",
        &[Example::of("TRIM('  firn  ')", "firn"), Example::of("TRIM('*-*ABC-*-', '*-')", "ABC")],
    ),
);

/// LTRIM(text [, characters])
pub(crate) const LTRIM: ScalarFunction = ScalarFunction::new(
    "LTRIM",
    Arity::between(1, 2),
    |arguments| bind("LTRIM", arguments, true, false),
    Documentation::of(
        CATEGORY,
        "The text without blanks, or without any of the given characters, at its start.",
        &[Example::of("LTRIM('#000000123', '0#')", "123")],
    ),
);

/// RTRIM(text [, characters])
pub(crate) const RTRIM: ScalarFunction = ScalarFunction::new(
    "RTRIM",
    Arity::between(1, 2),
    |arguments| bind("RTRIM", arguments, false, true),
    Documentation::of(
        CATEGORY,
        "The text without blanks, or without any of the given characters, at its end.",
        &[Example::of("RTRIM('$125.00', '0.')", "$125")],
    ),
);

fn bind(name: &str, arguments: &[Argument], start: bool, end: bool) -> Result<ScalarBinding> {
    let mut types = Vec::new();
    for position in 0..arguments.len() {
        types.push(accept::text(name, arguments, position)?);
    }
    let returns = types[0];
    let kernel = null_propagating(move |rows, columns| {
        let text = texts(&columns[0])?;
        let Some(set) = columns.get(1) else {
            return rows.slices(|at| Ok(Some(trim(text.get(at), &|c| c == ' ', start, end))));
        };
        let set = texts(set)?;
        rows.slices(|at| {
            let set = set.get(at);
            Ok(Some(trim(text.get(at), &|c| set.contains(c), start, end)))
        })
    });
    ScalarBinding::new(types, returns, kernel)
}

fn trim<'a>(text: &'a str, drops: &dyn Fn(char) -> bool, start: bool, end: bool) -> &'a str {
    let text = if start { text.trim_start_matches(drops) } else { text };
    if end { text.trim_end_matches(drops) } else { text }
}
