//! To BINARY.

use arrow::array::{Array as _, BinaryViewBuilder};
use firn_column::Array;
use firn_types::parse_text::{binary_error, parse_binary, too_long_error};
use firn_types::print_text::write_binary;
use firn_types::text_format::BinaryFormat;
use firn_types::{Error, Result, SqlType};

use super::Failures;
use super::rows::no_conversion;
use crate::FunctionContext;

pub(super) fn convert(
    array: &Array,
    from: SqlType,
    to: SqlType,
    failures: &mut Failures,
    context: &FunctionContext,
) -> Result<Array> {
    let most = match to {
        SqlType::Binary { length } => length as usize,
        _ => return Err(no_conversion(from, "BINARY")),
    };
    match array {
        Array::Text(_) => parse(array, context.text.binary_in, most, failures),
        Array::Bytes(bytes) => {
            let mut builder = BinaryViewBuilder::with_capacity(array.len());
            for (row, value) in bytes.iter().enumerate() {
                match value {
                    Some(value) if value.len() > most => {
                        failures.add(row, || too_long(value))?;
                        builder.append_null();
                    }
                    value => builder.append_option(value),
                }
            }
            Ok(Array::Bytes(builder.finish()))
        }
        _ => Err(no_conversion(from, "BINARY")),
    }
}

/// Texts of a certain format to BINARY of at most so many bytes.
pub(crate) fn parse(
    array: &Array,
    format: BinaryFormat,
    most: usize,
    failures: &mut Failures,
) -> Result<Array> {
    let Array::Text(texts) = array else { return Err(no_conversion(SqlType::TEXT, "BINARY")) };
    let mut builder = BinaryViewBuilder::with_capacity(texts.len());
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text else {
            builder.append_null();
            continue;
        };
        match parse_binary(text, format) {
            Some(value) if value.len() <= most => builder.append_value(value),
            found => {
                failures.add(row, || match found {
                    Some(value) => too_long(&value),
                    None => binary_error(text, format),
                })?;
                builder.append_null();
            }
        }
    }
    Ok(Array::Bytes(builder.finish()))
}

fn too_long(bytes: &[u8]) -> Error {
    let mut text = String::new();
    let _ = write_binary(&mut text, bytes, BinaryFormat::Hex);
    too_long_error(&text)
}
