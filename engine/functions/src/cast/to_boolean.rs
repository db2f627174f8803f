//! To BOOLEAN.

use arrow::array::BooleanArray;
use arrow::buffer::BooleanBuffer;
use firn_column::Array;
use firn_types::parse_text::parse_boolean;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::Failures;
use super::rows::{each_float, each_text, no_conversion};

pub(super) fn convert(array: &Array, from: SqlType, failures: &mut Failures) -> Result<Array> {
    let mut flags = Vec::with_capacity(array.len());
    let nulls = match array {
        Array::Text(texts) => each_text(
            texts,
            failures,
            |text| parse_boolean(text).ok_or(()),
            |text, ()| unrecognized(text),
            |flag| flags.push(flag),
        )?,
        Array::F64(floats) => each_float(
            array,
            floats,
            failures,
            |number| (!number.is_nan()).then_some(number != 0.0),
            |_| unrecognized("NaN"),
            |flag| flags.push(flag),
        )?,
        Array::I32(_) | Array::I64(_) | Array::I128(_) => {
            let nonzero = BooleanBuffer::collect_bool(array.len(), |row| array.integer(row) != 0);
            return Ok(Array::Bool(BooleanArray::new(nonzero, array.nulls().cloned())));
        }
        _ => return Err(no_conversion(from, "BOOLEAN")),
    };
    Ok(Array::Bool(BooleanArray::new(BooleanBuffer::from(flags), nulls)))
}

fn unrecognized(text: &str) -> Error {
    Error::new(ErrorCode::InvalidBoolean, format!("Boolean value '{text}' is not recognized"))
}
