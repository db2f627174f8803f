//! Building and changing objects.

use firn_types::variant::{Builder, Item, Variant};
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::row::{Row, builds};
use super::{Want, bind, define, duplicate_key, example};
use crate::scalar::{ScalarBinding, ScalarFunction};
use crate::{Argument, Arity, NullRule};

pub(super) const OBJECT_CONSTRUCT: ScalarFunction = define(
    "OBJECT_CONSTRUCT",
    Arity::at_least(0),
    |a| bind_construct("OBJECT_CONSTRUCT", a, object_construct),
    "An object of keys and values; pairs with a NULL in them are left out.",
    &[
        example("OBJECT_CONSTRUCT('b', 1, 'a', 'x')", "{\n  \"a\": \"x\",\n  \"b\": 1\n}"),
        example("OBJECT_CONSTRUCT('a', NULL)", "{}"),
    ],
);

pub(super) const OBJECT_CONSTRUCT_KEEP_NULL: ScalarFunction = define(
    "OBJECT_CONSTRUCT_KEEP_NULL",
    Arity::at_least(0),
    |a| bind_construct("OBJECT_CONSTRUCT_KEEP_NULL", a, object_construct_keep_null),
    "An object of keys and values; a NULL value becomes null.",
    &[example("OBJECT_CONSTRUCT_KEEP_NULL('a', NULL)", "{\n  \"a\": null\n}")],
);

pub(super) const OBJECT_INSERT: ScalarFunction = define(
    "OBJECT_INSERT",
    Arity::between(3, 4),
    |a| {
        let wants = [Want::Object, Want::Text, Want::Any, Want::Boolean];
        let kernel = builds(NullRule::Aware, object_insert);
        bind("OBJECT_INSERT", a, &wants, SqlType::Object, kernel)
    },
    "The object with one more key; with TRUE as last argument, or another value for a key it has, which a \
     NULL takes out of it.",
    &[
        example("TO_JSON(OBJECT_INSERT(OBJECT_CONSTRUCT('b', 2), 'a', 1))", "{\"a\":1,\"b\":2}"),
        example("TO_JSON(OBJECT_INSERT(OBJECT_CONSTRUCT('b', 2), 'b', 3, TRUE))", "{\"b\":3}"),
        example("TO_JSON(OBJECT_INSERT(OBJECT_CONSTRUCT('b', 2), 'b', NULL, TRUE))", "{}"),
    ],
);

pub(super) const OBJECT_DELETE: ScalarFunction = define(
    "OBJECT_DELETE",
    Arity::at_least(2),
    |a| {
        let kernel = builds(NullRule::Aware, |row, out| keep_fields(row, out, false));
        bind("OBJECT_DELETE", a, &[Want::Object, Want::Text], SqlType::Object, kernel)
    },
    "The object without some keys.",
    &[example("TO_JSON(OBJECT_DELETE(OBJECT_CONSTRUCT('a', 1, 'b', 2), 'a', 'z'))", "{\"b\":2}")],
);

pub(super) const OBJECT_PICK: ScalarFunction = define(
    "OBJECT_PICK",
    Arity::at_least(2),
    bind_pick,
    "The object with some of its keys, given one by one or as an array.",
    &[example("TO_JSON(OBJECT_PICK(OBJECT_CONSTRUCT('a', 1, 'b', 2), 'a', 'z'))", "{\"a\":1}")],
);

pub(super) const OBJECT_KEYS: ScalarFunction = define(
    "OBJECT_KEYS",
    Arity::exactly(1),
    |a| {
        bind(
            "OBJECT_KEYS",
            a,
            &[Want::Object],
            SqlType::Array,
            builds(NullRule::Propagate, object_keys),
        )
    },
    "The keys of an object, sorted.",
    &[example("TO_JSON(OBJECT_KEYS(OBJECT_CONSTRUCT('b', 1, 'a', 2)))", "[\"a\",\"b\"]")],
);

/// The fields of two objects; those of the second where both have a key.
pub(super) const OBJECT_CAT: ScalarFunction = define(
    "$OBJECT_CAT",
    Arity::exactly(2),
    |a| {
        let kernel = builds(NullRule::Propagate, object_cat);
        bind("$OBJECT_CAT", a, &[Want::Object], SqlType::Object, kernel)
    },
    "The fields of two objects.",
    &[],
);

pub(super) const ARRAYS_TO_OBJECT: ScalarFunction = define(
    "ARRAYS_TO_OBJECT",
    Arity::exactly(2),
    |a| {
        let kernel = builds(NullRule::Propagate, arrays_to_object);
        bind("ARRAYS_TO_OBJECT", a, &[Want::Array], SqlType::Object, kernel)
    },
    "An object of an array of keys and one of values.",
    &[example(
        "TO_JSON(ARRAYS_TO_OBJECT(ARRAY_CONSTRUCT('a', 'b'), ARRAY_CONSTRUCT(1, NULL)))",
        "{\"a\":1,\"b\":null}",
    )],
);

fn bind_construct(
    name: &str,
    arguments: &[Argument],
    f: fn(&Row<'_>, &mut Builder) -> Result<bool>,
) -> Result<ScalarBinding> {
    let given = arguments.len();
    if given % 2 == 1 {
        return Err(Error::new(
            ErrorCode::NotEnoughArguments,
            format!(
                "not enough arguments for function [{name}], expected {}, got {given}",
                given + 1
            ),
        ));
    }
    let wants: Vec<Want> = [Want::Text, Want::Any].into_iter().cycle().take(given).collect();
    bind(name, arguments, &wants, SqlType::Object, builds(NullRule::Aware, f))
}

fn object_cat(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let (Some(first), Some(second)) = (row.object(0), row.object(1)) else { return Ok(false) };
    out.begin_object()?;
    for (key, value) in first.iter().filter(|(key, _)| second.get(key).is_none()) {
        out.key(key);
        out.copy(value)?;
    }
    for (key, value) in second.iter() {
        out.key(key);
        out.copy(value)?;
    }
    out.end_object()?;
    Ok(true)
}

fn object_construct(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    out.begin_object()?;
    for pair in (0..row.len()).step_by(2) {
        if let (Some(key), Some(value)) = (row.text(pair), row.variant(pair + 1)) {
            out.key(key);
            out.copy(value)?;
        }
    }
    out.end_object()?;
    Ok(true)
}

fn object_construct_keep_null(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    out.begin_object()?;
    for pair in (0..row.len()).step_by(2) {
        let Some(key) = row.text(pair) else { continue };
        out.key(key);
        copy_or_null(row.variant(pair + 1), out)?;
    }
    out.end_object()?;
    Ok(true)
}

fn copy_or_null(value: Option<Variant<'_>>, out: &mut Builder) -> Result<()> {
    match value {
        Some(value) => out.copy(value),
        None => {
            out.null();
            Ok(())
        }
    }
}

fn object_insert(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let (Some(fields), Some(new_key)) = (row.object(0), row.text(1)) else { return Ok(false) };
    let new_value = row.variant(2);
    let updates = row.boolean(3).unwrap_or(false);
    let exists = fields.position(new_key).is_some();
    if exists && new_value.is_some() && !updates {
        return Err(duplicate_key(new_key));
    }
    out.begin_object()?;
    for (key, value) in fields.iter() {
        if key != new_key || (new_value.is_none() && !updates) {
            out.key(key);
            out.copy(value)?;
        }
    }
    if let Some(value) = new_value {
        out.key(new_key);
        out.copy(value)?;
    }
    out.end_object()?;
    Ok(true)
}

/// Copies the fields whose keys are among the further arguments, or those whose keys are not.
fn keep_fields(row: &Row<'_>, out: &mut Builder, wanted: bool) -> Result<bool> {
    let Some(fields) = row.object(0) else { return Ok(false) };
    out.begin_object()?;
    for (key, value) in fields.iter() {
        let named = (1..row.len()).any(|position| row.text(position) == Some(key));
        if named == wanted {
            out.key(key);
            out.copy(value)?;
        }
    }
    out.end_object()?;
    Ok(true)
}

fn bind_pick(arguments: &[Argument]) -> Result<ScalarBinding> {
    let second = arguments[1].sql_type;
    let by_array = arguments.len() == 2 && second.is_semi_structured();
    let (want, kernel) = if by_array {
        (Want::Array, builds(NullRule::Propagate, pick_by_array))
    } else {
        (Want::Text, builds(NullRule::Aware, |row, out| keep_fields(row, out, true)))
    };
    bind("OBJECT_PICK", arguments, &[Want::Object, want], SqlType::Object, kernel)
}

fn pick_by_array(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let (Some(fields), Some(keys)) = (row.object(0), row.array(1)) else { return Ok(false) };
    out.begin_object()?;
    for (key, value) in fields.iter() {
        if keys.iter().any(|wanted| matches!(wanted.item(), Item::Text(text) if text == key)) {
            out.key(key);
            out.copy(value)?;
        }
    }
    out.end_object()?;
    Ok(true)
}

fn object_keys(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let Some(fields) = row.object(0) else { return Ok(false) };
    out.begin_array()?;
    fields.iter().for_each(|(key, _)| out.text(key));
    out.end_array()?;
    Ok(true)
}

fn arrays_to_object(row: &Row<'_>, out: &mut Builder) -> Result<bool> {
    let (Some(keys), Some(values)) = (row.array(0), row.array(1)) else { return Ok(false) };
    if keys.len() != values.len() {
        let message = "Input arrays to ARRAYS_TO_OBJECT have different lengths";
        return Err(Error::new(ErrorCode::InvalidValue, message));
    }
    out.begin_object()?;
    for (key, value) in keys.iter().zip(values.iter()) {
        let mut text = String::new();
        if super::get_path::write_plain(key, row.context, &mut text) {
            out.key(&text);
            out.copy(value)?;
        }
    }
    out.end_object()?;
    Ok(true)
}
