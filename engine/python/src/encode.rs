//! SQL's values on their way to Python, a column at a time; `worker/wire.py` reads them.
//!
//! NUMBER without a scale is `int`, with one `Decimal`; dates, times and timestamps are those of `datetime`, TIMESTAMP_LTZ
//! in the session's time zone and without one; BINARY is `bytes`. VARIANT, OBJECT, ARRAY, VECTOR and the structured types
//! are what JSON has, and what it has not, such as dates, are texts. NULL is `None`, but among VARIANT's values, whose
//! own null that is.

use arrow::array::{Array as _, BinaryViewArray};
use firn_column::{Array, Column};
use firn_functions::FunctionContext;
use firn_functions::cast::{CastMode, cast_column};
use firn_types::number_text::write_decimal;
use firn_types::structured::StructuredKind;
use firn_types::value::TimestampTz;
use firn_types::variant::{JsonWriter, PlainText, Variant};
use firn_types::{Error, Result, SqlType};

use crate::frame::Frame;

/// A column says which of its rows are NULL.
pub(crate) const HAS_NULLS: u8 = 1;
/// Whole numbers that are larger than 64 bits, or Python's own: texts.
pub(crate) const AS_TEXT: u8 = 2;
const NANOS_PER_MICRO: i128 = 1000;

/// The letter of the kind that a type's values are in Python.
pub(crate) fn kind_of(sql_type: SqlType) -> u8 {
    match sql_type {
        SqlType::Number { scale: 0, .. } => b'i',
        SqlType::Number { .. } => b'd',
        SqlType::Float => b'f',
        SqlType::Boolean | SqlType::Null => b'b',
        SqlType::Varchar { .. } => b't',
        SqlType::Binary { .. } => b'x',
        SqlType::Date => b'D',
        SqlType::Time { .. } => b'T',
        SqlType::TimestampNtz { .. } | SqlType::TimestampLtz { .. } => b'N',
        SqlType::TimestampTz { .. } => b'Z',
        SqlType::Variant => b'v',
        SqlType::Array | SqlType::Vector { .. } => b'a',
        SqlType::Structured(of) if of.kind() == StructuredKind::Array => b'a',
        SqlType::Object | SqlType::Structured(_) => b'o',
    }
}

/// Writes a column of a type.
///
/// # Errors
/// `OutOfMemory` for more than a frame holds.
pub(crate) fn put_column(
    frame: &mut Frame,
    column: &Column,
    sql_type: SqlType,
    context: &FunctionContext,
) -> Result<()> {
    let as_another = match sql_type {
        SqlType::TimestampLtz { .. } => Some(SqlType::TIMESTAMP_NTZ),
        SqlType::Vector { .. } => Some(SqlType::Array),
        _ => None,
    };
    if let Some(another) = as_another {
        let column = cast_column(column, sql_type, another, CastMode::Strict, context)?;
        return put_column(frame, &column, another, context);
    }
    let array = column.flat();
    let texts = match sql_type {
        SqlType::Number { scale: 0, .. } if fits_64_bits(&array) => None,
        SqlType::Number { scale, .. } => Some(numbers(&array, scale)),
        _ => None,
    };
    frame.byte(kind_of(sql_type));
    let is_wide = texts.is_some() && matches!(sql_type, SqlType::Number { scale: 0, .. });
    put_nulls(frame, &array, if is_wide { AS_TEXT } else { 0 });
    match (&array, texts) {
        (_, Some(texts)) => put_pieces(frame, texts.iter().map(String::as_bytes)),
        (Array::Text(array), _) => {
            put_pieces(frame, (0..array.len()).map(|row| array.value(row).as_bytes()))
        }
        (Array::Bytes(array), _) => match sql_type {
            SqlType::Binary { .. } => {
                put_pieces(frame, (0..array.len()).map(|row| array.value(row)))
            }
            _ => put_pieces(frame, json(array).iter().map(String::as_bytes)),
        },
        _ => put_fixed(frame, &array, sql_type),
    }
}

fn put_nulls(frame: &mut Frame, array: &Array, flags: u8) {
    match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        Some(nulls) => {
            frame.byte(flags | HAS_NULLS);
            nulls.iter().for_each(|valid| frame.byte(u8::from(!valid)));
        }
        None => frame.byte(flags),
    }
}

/// Values of a fixed width.
fn put_fixed(frame: &mut Frame, array: &Array, sql_type: SqlType) -> Result<()> {
    // Where NULL stands, anything may be in the array, also what Python would refuse.
    let valid = |row: &usize| !array.is_null(*row);
    let integers = || (0..array.len()).map(|row| if valid(&row) { array.integer(row) } else { 0 });
    // What has more bits is beyond Python's years, and stays so.
    let micros = |nanos: i128| {
        let micros = nanos.div_euclid(NANOS_PER_MICRO);
        (micros.clamp(i64::MIN.into(), i64::MAX.into()) as i64).to_ne_bytes()
    };
    match (array, sql_type) {
        (Array::F64(array), _) => {
            array.values().iter().for_each(|value| frame.bytes(&value.to_ne_bytes()));
        }
        (Array::Bool(array), _) => {
            array.values().iter().for_each(|value| frame.byte(u8::from(value)));
        }
        (_, SqlType::Date) => {
            integers().for_each(|days| frame.bytes(&(days as i32).to_ne_bytes()));
        }
        (_, SqlType::Time { .. } | SqlType::TimestampNtz { .. }) => {
            integers().for_each(|nanos| frame.bytes(&micros(nanos)));
        }
        (_, SqlType::TimestampTz { .. }) => {
            let moment = |row| TimestampTz::unpacked(array.integer(row));
            let moments = || (0..array.len()).map(|row| valid(&row).then(|| moment(row)));
            moments().for_each(|at| frame.bytes(&micros(at.map_or(0, |at| at.utc_nanos))));
            moments().for_each(|at| {
                frame.bytes(&at.map_or(0, |at| at.offset_minutes).to_ne_bytes());
            });
        }
        (Array::I32(_) | Array::I64(_) | Array::I128(_), SqlType::Number { .. }) => {
            integers().for_each(|number| frame.bytes(&(number as i64).to_ne_bytes()));
        }
        _ => return Err(Error::internal(format!("an array that is none of {sql_type}"))),
    }
    Ok(())
}

/// Texts or bytes behind the places where they begin, and where the last one ends.
fn put_pieces<'p>(frame: &mut Frame, pieces: impl Iterator<Item = &'p [u8]> + Clone) -> Result<()> {
    let mut end = 0_usize;
    frame.number(end)?;
    for piece in pieces.clone() {
        end += piece.len();
        frame.number(end)?;
    }
    pieces.for_each(|piece| frame.bytes(piece));
    Ok(())
}

fn fits_64_bits(array: &Array) -> bool {
    let Array::I128(_) = array else { return true };
    (0..array.len()).all(|row| array.is_null(row) || i64::try_from(array.integer(row)).is_ok())
}

fn numbers(array: &Array, scale: u8) -> Vec<String> {
    let text = |row| {
        let mut text = String::new();
        if !array.is_null(row) {
            write_decimal(&mut text, array.integer(row), scale);
        }
        text
    };
    (0..array.len()).map(text).collect()
}

fn json(array: &BinaryViewArray) -> Vec<String> {
    let writer = JsonWriter::compact(&PlainText);
    let text = |row| match array.is_null(row) {
        true => String::new(),
        false => writer.text(Variant::new(array.value(row))),
    };
    (0..array.len()).map(text).collect()
}
