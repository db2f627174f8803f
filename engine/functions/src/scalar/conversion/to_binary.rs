//! TO_BINARY and its TRY_ form.

use firn_types::text_format::BinaryFormat;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::CATEGORY;
use super::shared::{bind_cast, bind_format, check_mode};
use crate::cast::{CastMode, parse_binaries};
use crate::signature::wrong_types;
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction};

/// TO_BINARY(value [, format])
pub(crate) const TO_BINARY: ScalarFunction = ScalarFunction::new(
    "TO_BINARY",
    Arity::between(1, 2),
    |arguments| bind("TO_BINARY", arguments, CastMode::Strict),
    Documentation::of(
        CATEGORY,
        "The bytes that a text writes in the format HEX, BASE64 or UTF-8.",
        &[
            Example::of("TO_BINARY('48656C', 'HEX')", "48656C"),
            Example::of("TO_BINARY('SGVs', 'BASE64')", "48656C"),
            Example::of("TO_BINARY('Hel', 'UTF-8')", "48656C"),
        ],
    ),
);

/// TRY_TO_BINARY(text [, format])
pub(crate) const TRY_TO_BINARY: ScalarFunction = ScalarFunction::new(
    "TRY_TO_BINARY",
    Arity::between(1, 2),
    |arguments| bind("TRY_TO_BINARY", arguments, CastMode::Try),
    Documentation::of(
        CATEGORY,
        "The bytes that a text writes, or NULL where it writes none.",
        &[Example::of("TRY_TO_BINARY('xyz', 'HEX')", "NULL")],
    ),
);

fn bind(name: &'static str, arguments: &[Argument], mode: CastMode) -> Result<ScalarBinding> {
    let to = SqlType::BINARY;
    if arguments.len() == 1 {
        return bind_cast(name, arguments, to, mode);
    }
    check_mode(name, arguments, mode, to)?;
    if !matches!(arguments[0].sql_type, SqlType::Varchar { .. } | SqlType::Null) {
        return Err(wrong_types(name, arguments));
    }
    bind_format(name, arguments, to, mode, binary_format, |array, format, to, failures, _| {
        let most = match to {
            SqlType::Binary { length } => length as usize,
            _ => usize::MAX,
        };
        parse_binaries(array, *format, most, failures)
    })
}

/// The binary format of this name.
///
/// # Errors
/// When there is none.
pub(super) fn binary_format(name: &str) -> Result<BinaryFormat> {
    BinaryFormat::parse(name).ok_or_else(|| {
        Error::new(
            ErrorCode::InvalidParameterType,
            format!("'{name}' is not a valid binary format: HEX, BASE64 or UTF-8"),
        )
    })
}
