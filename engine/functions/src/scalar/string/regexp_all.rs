//! REGEXP_SUBSTR_ALL: all occurrences of a regular expression as an array.

use firn_types::variant::Builder;
use firn_types::{Result, SqlType};

use super::CATEGORY;
use super::regexp::{Optional, Patterns, argument_types, start_byte};
use crate::driver::{ints, null_propagating, texts};
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction};

/// REGEXP_SUBSTR_ALL(text, pattern [, position [, occurrence [, parameters [, group]]]])
pub(crate) const REGEXP_SUBSTR_ALL: ScalarFunction = ScalarFunction::new(
    "REGEXP_SUBSTR_ALL",
    Arity::between(2, 6),
    bind,
    Documentation::of(
        CATEGORY,
        "All occurrences of a regular expression, or of a group of it, from a certain one on.",
        &[Example::of(
            "TO_JSON(REGEXP_SUBSTR_ALL('a1_a2a3_a4A5a6', 'a[[:digit:]]'))",
            "[\"a1\",\"a2\",\"a3\",\"a4\",\"a6\"]",
        )],
    ),
)
.with_aliases(&["REGEXP_EXTRACT_ALL"]);

fn bind(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = argument_types("REGEXP_SUBSTR_ALL", arguments, "ttiiti")?;
    let patterns = Patterns::of(arguments, 4, false)?;
    let kernel = null_propagating(move |rows, columns| {
        let text = texts(&columns[0])?;
        let (position, first) = (Optional::of(columns, 2, 1)?, Optional::of(columns, 3, 1)?);
        let group = columns.get(5).map(ints).transpose()?;
        let mut patterns = patterns.open(columns)?;
        let mut array = Builder::new();
        rows.bytes(|at, out| {
            let subject = text.get(at);
            let search = patterns.get(at)?;
            let group = search.group(group.map(|group| group.get(at)));
            let mut skipped = usize::try_from(first.get(at).saturating_sub(1)).unwrap_or(0);
            array.begin_array()?;
            if let (Some(group), Some(start)) = (group, start_byte(subject, position.get(at))?) {
                let rest = &subject[start..];
                search.visit(rest, group, |spans| {
                    match skipped.checked_sub(1) {
                        Some(left) => skipped = left,
                        None => {
                            spans.get(group).into_iter().for_each(|part| array.text(&rest[part]))
                        }
                    }
                    true
                });
            }
            array.end_array()?;
            array.finish(out)?;
            Ok(true)
        })
    });
    ScalarBinding::new(types, SqlType::Array, kernel)
}
