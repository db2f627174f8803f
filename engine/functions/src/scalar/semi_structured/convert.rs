//! TO_VARIANT, TO_ARRAY and TO_OBJECT: the casts by name. The binder's cast of the argument to a VARIANT
//! does the work.

use firn_types::variant::{Builder, Item, JsonWriter, Variant};
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::row::{Row, builds, finds};
use super::{Want, bind, define, example};
use crate::Arity;
use crate::NullRule;
use crate::cast::SessionText;
use crate::scalar::ScalarFunction;

pub(super) const TO_VARIANT: ScalarFunction = define(
    "TO_VARIANT",
    Arity::exactly(1),
    |a| {
        let kernel = finds(NullRule::Propagate, |row| Ok(row.variant(0)));
        bind("TO_VARIANT", a, &[Want::Any], SqlType::Variant, kernel)
    },
    "Any value as VARIANT; a text is not read as JSON.",
    &[example("TO_VARIANT('[1]')", "\"[1]\"")],
);

pub(super) const TO_ARRAY: ScalarFunction = define(
    "TO_ARRAY",
    Arity::exactly(1),
    |a| bind("TO_ARRAY", a, &[Want::Any], SqlType::Array, builds(NullRule::Propagate, to_array)),
    "An array as it is; any other value as an array of one.",
    &[example("TO_ARRAY(1)", "[\n  1\n]")],
);

pub(super) const TO_OBJECT: ScalarFunction = define(
    "TO_OBJECT",
    Arity::exactly(1),
    |a| {
        bind(
            "TO_OBJECT",
            a,
            &[Want::Object],
            SqlType::Object,
            finds(NullRule::Propagate, to_object),
        )
    },
    "An object as it is.",
    &[example("TO_OBJECT(PARSE_JSON('{\"a\": 1}'))", "{\n  \"a\": 1\n}")],
);

fn to_array(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let Some(value) = row.variant(0).filter(|value| !value.is_null()) else { return Ok(false) };
    if value.as_array().is_some() {
        out.copy(value)?;
        return Ok(true);
    }
    out.begin_array()?;
    out.copy(value)?;
    out.end_array()?;
    Ok(true)
}

fn to_object<'a>(row: &Row<'a>) -> Result<Option<Variant<'a>>> {
    let Some(value) = row.variant(0) else { return Ok(None) };
    match value.item() {
        Item::Null | Item::Undefined => Ok(None),
        Item::Object(_) => Ok(Some(value)),
        _ => {
            let text = JsonWriter::compact(&SessionText(row.context)).text(value);
            let message = format!("Failed to cast variant value {text} to OBJECT");
            Err(Error::new(ErrorCode::VariantCast, message))
        }
    }
}
