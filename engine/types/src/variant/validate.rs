//! Checking encoded values that come from files of others, before anything relies on them.

use super::value::code;
use super::view::{Dictionary, Variant, encoded_length};
use crate::limits::NESTING_MAX;
use crate::{Error, ErrorCode, Result};

/// Checks that bytes are a well-formed value: a metadata of version 1 and UTF-8 keys, every part within
/// its container, keys ascending, texts UTF-8, and not nested too deeply.
///
/// # Errors
/// `CorruptFile` with what is wrong.
pub fn validate(bytes: &[u8]) -> Result<()> {
    let header = bytes.first().copied().ok_or_else(|| corrupt("no metadata"))?;
    let keys = Dictionary::new(bytes);
    let length = keys.length();
    if header & 0xF != 1 {
        return Err(corrupt("unknown version"));
    }
    if length >= bytes.len() || keys.len() > length {
        return Err(corrupt("metadata is cut off"));
    }
    let (metadata, value) = bytes.split_at(length);
    let mut strings = 0;
    for id in 0..keys.len() {
        let key = keys.get(id);
        strings += key.len();
        std::str::from_utf8(key).map_err(|_| corrupt("a key is not UTF-8"))?;
    }
    let width = usize::from(header >> 6) + 1;
    if strings != length - 1 - width * (keys.len() + 2) {
        return Err(corrupt("offsets of keys are not ascending"));
    }
    validate_value(metadata, value, 0)
}

fn validate_value(metadata: &[u8], value: &[u8], depth: usize) -> Result<()> {
    let first = value.first().copied().ok_or_else(|| corrupt("a value is missing"))?;
    if encoded_length(value) > value.len() {
        return Err(corrupt("a value is cut off"));
    }
    if depth > NESTING_MAX {
        return Err(corrupt("a value is nested too deeply"));
    }
    let here = Variant::from_parts(metadata, value);
    match first & 3 {
        code::PRIMITIVE if first >> 2 > code::UUID => Err(corrupt("a value has an unknown type")),
        code::PRIMITIVE if first >> 2 == code::TEXT => {
            check_text(value.get(5..encoded_length(value)).unwrap_or(&[]))
        }
        code::PRIMITIVE => Ok(()),
        code::SHORT_TEXT => check_text(&value[1..encoded_length(value)]),
        code::OBJECT => validate_object(metadata, here, depth),
        _ => validate_array(metadata, here, depth),
    }
}

fn check_text(bytes: &[u8]) -> Result<()> {
    std::str::from_utf8(bytes).map(|_| ()).map_err(|_| corrupt("a text is not UTF-8"))
}

fn validate_object(metadata: &[u8], object: Variant<'_>, depth: usize) -> Result<()> {
    let Some(fields) = object.as_object() else { return Ok(()) };
    let mut before: Option<&str> = None;
    let mut total = 0_usize;
    for (key, value) in fields.iter() {
        if before.is_some_and(|before| before >= key) {
            return Err(corrupt("keys are not ascending"));
        }
        before = Some(key);
        // Values that share bytes could be exponentially many.
        total = total.saturating_add(value.bytes().len().max(1));
        if total > object.bytes().len() {
            return Err(corrupt("values overlap"));
        }
        validate_value(metadata, value.bytes(), depth + 1)?;
    }
    Ok(())
}

fn validate_array(metadata: &[u8], array: Variant<'_>, depth: usize) -> Result<()> {
    let Some(elements) = array.as_array() else { return Ok(()) };
    let mut total = 0_usize;
    for element in elements.iter() {
        total = total.saturating_add(element.bytes().len().max(1));
        if total > array.bytes().len() {
            return Err(corrupt("values overlap"));
        }
        validate_value(metadata, element.bytes(), depth + 1)?;
    }
    Ok(())
}

fn corrupt(reason: &str) -> Error {
    Error::new(ErrorCode::CorruptFile, format!("Invalid variant encoding: {reason}"))
}
