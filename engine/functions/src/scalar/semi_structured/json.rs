//! JSON texts to values and back.

use firn_types::variant::json_read::PREFIX;
use firn_types::variant::{JsonReader, JsonWriter, RepeatedKey};
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::row::{finds, writes};
use super::{Want, bind, define, example};
use crate::accept;
use crate::cast::SessionText;
use crate::driver::{self, texts};
use crate::scalar::{Kernel, ScalarBinding, ScalarFunction};
use crate::{Argument, Arity, NullRule};

pub(super) const PARSE_JSON: ScalarFunction = define(
    "PARSE_JSON",
    Arity::between(1, 2),
    |arguments| bind_parse("PARSE_JSON", arguments, false),
    "Reads a JSON text. With 'd' as second argument, the last of repeated keys counts.",
    &[
        example(
            "PARSE_JSON('{\"b\": 1, a: [77, ]}')",
            "{\n  \"a\": [\n    77,\n    undefined\n  ],\n  \"b\": 1\n}",
        ),
        example("PARSE_JSON(' ')", "NULL"),
        example("TO_JSON(PARSE_JSON('{\"a\":1,\"a\":2}', 'd'))", "{\"a\":2}"),
    ],
);

pub(super) const TRY_PARSE_JSON: ScalarFunction = define(
    "TRY_PARSE_JSON",
    Arity::between(1, 2),
    |arguments| bind_parse("TRY_PARSE_JSON", arguments, true),
    "Reads a JSON text; NULL for a text that is not JSON.",
    &[example("TRY_PARSE_JSON('{')", "NULL")],
);

pub(super) const CHECK_JSON: ScalarFunction = define(
    "CHECK_JSON",
    Arity::exactly(1),
    |a| bind("CHECK_JSON", a, &[Want::Text], SqlType::TEXT, check_kernel()),
    "What is wrong with a JSON text; NULL for nothing.",
    &[
        example("CHECK_JSON('{\"a\":}')", "misplaced }, pos 6"),
        example("CHECK_JSON('[1]')", "NULL"),
    ],
);

pub(super) const TO_JSON: ScalarFunction = define(
    "TO_JSON",
    Arity::exactly(1),
    |a| {
        let kernel = writes(NullRule::Propagate, |row, out| {
            let Some(value) = row.variant(0) else { return Ok(false) };
            JsonWriter::compact(&SessionText(row.context)).write(value, out);
            Ok(true)
        });
        bind("TO_JSON", a, &[Want::Variant], SqlType::TEXT, kernel)
    },
    "The JSON text of a value, without blanks.",
    &[example("TO_JSON(PARSE_JSON('{\"b\": [1, \"x\"]}'))", "{\"b\":[1,\"x\"]}")],
);

pub(super) const STRIP_NULL_VALUE: ScalarFunction = define(
    "STRIP_NULL_VALUE",
    Arity::exactly(1),
    |a| {
        let kernel = finds(NullRule::Propagate, |row| Ok(row.variant(0).filter(|v| !v.is_null())));
        bind("STRIP_NULL_VALUE", a, &[Want::Variant], SqlType::Variant, kernel)
    },
    "SQL NULL for JSON's null, and any other value as it is.",
    &[example("STRIP_NULL_VALUE(PARSE_JSON('null'))", "NULL")],
);

fn bind_parse(name: &str, arguments: &[Argument], lenient: bool) -> Result<ScalarBinding> {
    let repeated = match arguments.get(1) {
        None => RepeatedKey::Refuse,
        Some(_) => match accept::constant_text(arguments, 1) {
            Some("d" | "D") => RepeatedKey::KeepLast,
            Some("s" | "S") => RepeatedKey::Refuse,
            other => {
                let given = other.unwrap_or("?");
                let message = format!("invalid value '{given}' for parameter '{name}'");
                return Err(Error::new(ErrorCode::InvalidParameterValue, message));
            }
        },
    };
    bind(name, arguments, &[Want::Text], SqlType::Variant, parse_kernel(repeated, lenient))
}

fn parse_kernel(repeated: RepeatedKey, lenient: bool) -> Kernel {
    driver::null_propagating(move |rows, columns| {
        let input = texts(&columns[0])?;
        let mut reader = JsonReader::new(repeated);
        rows.bytes(|row, out| match reader.read(input.get(row), out) {
            Err(_) if lenient => Ok(false),
            found => found,
        })
    })
}

fn check_kernel() -> Kernel {
    driver::null_propagating(|rows, columns| {
        let input = texts(&columns[0])?;
        let (mut reader, mut bytes) = (JsonReader::default(), Vec::new());
        rows.text(|row, out| {
            bytes.clear();
            let Err(error) = reader.read(input.get(row), &mut bytes) else { return Ok(false) };
            out.push_str(error.detail().strip_prefix(PREFIX).unwrap_or(error.detail()));
            Ok(true)
        })
    })
}
