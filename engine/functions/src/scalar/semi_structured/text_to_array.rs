//! Texts cut into arrays.

use firn_types::variant::Builder;
use firn_types::{Result, SqlType};

use super::row::{Row, builds};
use super::{Want, bind, define, example};
use crate::Arity;
use crate::NullRule;
use crate::scalar::ScalarFunction;

pub(super) const SPLIT: ScalarFunction = define(
    "SPLIT",
    Arity::exactly(2),
    |a| bind("SPLIT", a, &[Want::Text], SqlType::Array, builds(NullRule::Propagate, split)),
    "The parts of a text between separators; empty parts count.",
    &[
        example("TO_JSON(SPLIT('|a||', '|'))", "[\"\",\"a\",\"\",\"\"]"),
        example("TO_JSON(SPLIT('ab', ''))", "[\"ab\"]"),
    ],
);

pub(super) const STRTOK_TO_ARRAY: ScalarFunction = define(
    "STRTOK_TO_ARRAY",
    Arity::between(1, 2),
    |a| {
        let kernel = builds(NullRule::Propagate, strtok_to_array);
        bind("STRTOK_TO_ARRAY", a, &[Want::Text], SqlType::Array, kernel)
    },
    "The parts of a text between any of some characters, a blank by default; empty parts do not count.",
    &[example("TO_JSON(STRTOK_TO_ARRAY('a.b@c', '.@'))", "[\"a\",\"b\",\"c\"]")],
);

/// The parts of a text between separators; the whole text for an empty separator.
pub(crate) fn parts<'a>(
    text: &'a str,
    separator: &'a str,
) -> Box<dyn Iterator<Item = &'a str> + 'a> {
    if separator.is_empty() {
        return Box::new(std::iter::once(text));
    }
    Box::new(text.split(separator))
}

/// The parts of a text that are not empty, between any of the delimiters.
pub(crate) fn tokens<'a>(text: &'a str, delimiters: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(|c| delimiters.contains(c)).filter(|token| !token.is_empty())
}

fn split(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let (Some(text), Some(separator)) = (row.text(0), row.text(1)) else { return Ok(false) };
    out.begin_array()?;
    parts(text, separator).for_each(|part| out.text(part));
    out.end_array()?;
    Ok(true)
}

fn strtok_to_array(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let Some(text) = row.text(0) else { return Ok(false) };
    out.begin_array()?;
    tokens(text, row.text(1).unwrap_or(" ")).for_each(|token| out.text(token));
    out.end_array()?;
    Ok(true)
}
