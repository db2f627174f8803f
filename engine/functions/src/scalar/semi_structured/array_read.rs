//! What is in an array.

use firn_types::variant::{Elements, Variant, compare};
use firn_types::{Result, SqlType};

use super::get_path::write_plain;
use super::row::{Row, answers, finds, writes};
use super::{Want, bind, define, example};
use crate::Arity;
use crate::NullRule;
use crate::scalar::ScalarFunction;
use crate::text_buffer::TextBuffer;

pub(super) const ARRAY_SIZE: ScalarFunction = define(
    "ARRAY_SIZE",
    Arity::exactly(1),
    |a| {
        let kernel =
            answers(NullRule::Propagate, |row| Ok(row.array(0).map(|array| array.len() as i64)));
        bind("ARRAY_SIZE", a, &[Want::SemiStructured], SqlType::INTEGER, kernel)
    },
    "The number of elements; NULL for a value that is no array.",
    &[example("ARRAY_SIZE(ARRAY_CONSTRUCT(1, 2))", "2")],
);

pub(super) const ARRAY_CONTAINS: ScalarFunction = define(
    "ARRAY_CONTAINS",
    Arity::exactly(2),
    |a| {
        let kernel = answers(NullRule::Aware, |row| Ok(contains(row)));
        bind("ARRAY_CONTAINS", a, &[Want::Variant, Want::Array], SqlType::Boolean, kernel)
    },
    "Whether a value is an element of an array.",
    &[
        example("ARRAY_CONTAINS('a'::VARIANT, ARRAY_CONSTRUCT('a', 'b'))", "True"),
        example("ARRAY_CONTAINS(3, ARRAY_CONSTRUCT(1, 2))", "False"),
    ],
);

pub(super) const ARRAY_POSITION: ScalarFunction = define(
    "ARRAY_POSITION",
    Arity::exactly(2),
    |a| {
        let kernel = answers(NullRule::Propagate, |row| {
            let (Some(wanted), Some(array)) = (row.variant(0), row.array(1)) else {
                return Ok(None);
            };
            let found = array.iter().position(|value| compare::equal(value, wanted));
            Ok(found.map(|index| index as i64))
        });
        bind("ARRAY_POSITION", a, &[Want::Variant, Want::Array], SqlType::INTEGER, kernel)
    },
    "The index of the first element that equals a value, from 0; NULL where none does.",
    &[example("ARRAY_POSITION('b'::VARIANT, ARRAY_CONSTRUCT('a', 'b'))", "1")],
);

pub(super) const ARRAY_MAX: ScalarFunction = define(
    "ARRAY_MAX",
    Arity::exactly(1),
    |a| {
        let kernel =
            finds(NullRule::Propagate, |row| Ok(extreme(row, |values| values.max_by(order))));
        bind("ARRAY_MAX", a, &[Want::Array], SqlType::Variant, kernel)
    },
    "The largest element.",
    &[example("ARRAY_MAX(ARRAY_CONSTRUCT(20, 0, NULL))", "20")],
);

pub(super) const ARRAY_MIN: ScalarFunction = define(
    "ARRAY_MIN",
    Arity::exactly(1),
    |a| {
        let kernel =
            finds(NullRule::Propagate, |row| Ok(extreme(row, |values| values.min_by(order))));
        bind("ARRAY_MIN", a, &[Want::Array], SqlType::Variant, kernel)
    },
    "The smallest element.",
    &[example("ARRAY_MIN(ARRAY_CONSTRUCT(20, 0, NULL))", "0")],
);

pub(super) const ARRAY_TO_STRING: ScalarFunction = define(
    "ARRAY_TO_STRING",
    Arity::exactly(2),
    |a| {
        let kernel = writes(NullRule::Propagate, array_to_string);
        bind("ARRAY_TO_STRING", a, &[Want::Array, Want::Text], SqlType::TEXT, kernel)
    },
    "The elements as texts with a separator between them; nulls are empty.",
    &[example("ARRAY_TO_STRING(ARRAY_CONSTRUCT('A', NULL, 'B'), ', ')", "A, , B")],
);

fn contains(row: &Row<'_>) -> Option<bool> {
    let array = row.array(1)?;
    match row.variant(0) {
        Some(wanted) => Some(array.iter().any(|value| compare::equal(value, wanted))),
        None => array.iter().any(Variant::is_undefined).then_some(true),
    }
}

fn order(a: &Variant<'_>, b: &Variant<'_>) -> std::cmp::Ordering {
    compare::compare(*a, *b)
}

type Values<'a> = Box<dyn Iterator<Item = Variant<'a>> + 'a>;

/// The extreme element; JSON's null only where there is nothing else.
fn extreme<'a>(
    row: &Row<'a>,
    choose: fn(Values<'a>) -> Option<Variant<'a>>,
) -> Option<Variant<'a>> {
    let array: Elements<'a> = row.array(0)?;
    let values: Values<'a> = Box::new(array.iter().filter(|value| !value.is_null()));
    choose(values).or_else(|| array.iter().find(|value| !value.is_undefined()))
}

fn array_to_string(row: &Row<'_>, out: &mut TextBuffer) -> Result<bool> {
    let (Some(array), Some(separator)) = (row.array(0), row.text(1)) else { return Ok(false) };
    for (index, value) in array.iter().enumerate() {
        if out.is_full() {
            break;
        }
        if index > 0 {
            out.push_str(separator);
        }
        write_plain(value, row.context, out);
    }
    Ok(true)
}
