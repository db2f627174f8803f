//! Which argument types a function takes, and what they are cast to.

use firn_types::limits::{VARCHAR_LENGTH_DEFAULT, VARCHAR_LENGTH_MAX};
use firn_types::{Decimal, Result, SqlType, TypeFamily, Value};

use super::Argument;
use super::signature::wrong_types;

/// What a text in the place of a number is read as.
const TEXT_AS_NUMBER: SqlType = SqlType::Number { precision: 18, scale: 5 };

/// The type that the argument is cast to where a text is wanted.
///
/// # Errors
/// `InvalidArgumentTypes` for BINARY, OBJECT and ARRAY, which do not become text by themselves.
pub(crate) fn text(name: &str, arguments: &[Argument], position: usize) -> Result<SqlType> {
    match arguments[position].sql_type {
        given @ SqlType::Varchar { .. } => Ok(given),
        SqlType::Binary { .. }
        | SqlType::Object
        | SqlType::Array
        | SqlType::Structured(_)
        | SqlType::Vector { .. } => Err(wrong_types(name, arguments)),
        _ => Ok(SqlType::TEXT),
    }
}

/// The type that the argument is cast to where a text or bytes are wanted.
///
/// # Errors
/// `InvalidArgumentTypes` for OBJECT and ARRAY.
pub(crate) fn text_or_binary(
    name: &str,
    arguments: &[Argument],
    position: usize,
) -> Result<SqlType> {
    match arguments[position].sql_type {
        given @ SqlType::Binary { .. } => Ok(given),
        _ => text(name, arguments, position),
    }
}

/// The type that the argument is cast to where bytes are wanted.
///
/// # Errors
/// `InvalidArgumentTypes` for what is no BINARY and holds none.
pub(crate) fn binary(name: &str, arguments: &[Argument], position: usize) -> Result<SqlType> {
    match arguments[position].sql_type {
        given @ SqlType::Binary { .. } => Ok(given),
        SqlType::Variant | SqlType::Null => Ok(SqlType::BINARY),
        _ => Err(wrong_types(name, arguments)),
    }
}

/// The type that the argument is cast to where a NUMBER or FLOAT is wanted; texts become numbers.
///
/// # Errors
/// `InvalidArgumentTypes` for types that are no numbers.
pub(crate) fn number(name: &str, arguments: &[Argument], position: usize) -> Result<SqlType> {
    let argument = &arguments[position];
    match argument.sql_type {
        given @ (SqlType::Number { .. } | SqlType::Float) => Ok(given),
        SqlType::Null => Ok(SqlType::number(1, 0)),
        SqlType::Variant => Ok(SqlType::Float),
        SqlType::Varchar { .. } => Ok(match &argument.constant {
            Some(Value::Text(text)) => type_of_digits(text).unwrap_or(TEXT_AS_NUMBER),
            _ => TEXT_AS_NUMBER,
        }),
        _ => Err(wrong_types(name, arguments)),
    }
}

/// The type of a number written in plain digits.
fn type_of_digits(text: &str) -> Option<SqlType> {
    let digits = text.trim().trim_start_matches(['-', '+']);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let length = whole.len() + fraction.len();
    if !plain(whole) || !plain(fraction) || length == 0 || length > 38 {
        return None;
    }
    let scale = u8::try_from(fraction.len()).ok()?.min(37);
    let leading = u8::try_from(whole.len().max(1)).ok()?;
    Some(SqlType::number(leading + scale, scale))
}

/// FLOAT, where the argument can become one.
///
/// # Errors
/// `InvalidArgumentTypes` for types that are no numbers.
pub(crate) fn float(name: &str, arguments: &[Argument], position: usize) -> Result<SqlType> {
    number(name, arguments, position).map(|_| SqlType::Float)
}

/// A whole NUMBER, where the argument can become one.
///
/// # Errors
/// `InvalidArgumentTypes` for types that are no numbers.
pub(crate) fn integer(name: &str, arguments: &[Argument], position: usize) -> Result<SqlType> {
    number(name, arguments, position).map(|_| SqlType::INTEGER)
}

/// BOOLEAN, where the argument is a truth value or a number.
///
/// # Errors
/// `InvalidArgumentTypes` for anything else but texts and variants.
pub(crate) fn boolean(name: &str, arguments: &[Argument], position: usize) -> Result<SqlType> {
    match arguments[position].sql_type.family() {
        TypeFamily::Null
        | TypeFamily::Boolean
        | TypeFamily::Number
        | TypeFamily::Float
        | TypeFamily::Text
        | TypeFamily::Variant => Ok(SqlType::Boolean),
        _ => Err(wrong_types(name, arguments)),
    }
}

/// A VARCHAR of this many characters, cut to the largest.
pub(crate) fn varchar(length: u64) -> SqlType {
    let length = u32::try_from(length).unwrap_or(VARCHAR_LENGTH_MAX).min(VARCHAR_LENGTH_DEFAULT);
    SqlType::varchar(length.max(1))
}

/// The constant text at `position`, if it is one.
pub(crate) fn constant_text(arguments: &[Argument], position: usize) -> Option<&str> {
    match arguments.get(position)?.constant.as_ref()? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The constant whole number at `position`, rounded half away from zero, if it is a number.
pub(crate) fn constant_integer(arguments: &[Argument], position: usize) -> Option<i64> {
    match arguments.get(position)?.constant.as_ref()? {
        Value::Number(Decimal { unscaled, scale }) => {
            let divisor = 10_i128.checked_pow(u32::from(*scale))?;
            let rounded = (unscaled.checked_add(unscaled.signum() * (divisor / 2))?) / divisor;
            i64::try_from(rounded).ok()
        }
        Value::Float(float) => Some(float.round() as i64),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}
