//! To and from VECTOR.

use arrow::array::{Array as _, BinaryViewBuilder};
use firn_column::Array;
use firn_types::variant::{Builder, Item, Variant, to_double};
use firn_types::{Decimal, Error, Result, SqlType, VectorElement, vector};

use super::Failures;
use super::rows::no_conversion;
use super::variant::failed;
use crate::FunctionContext;

/// Converts arrays, VARIANTs that hold one, and vectors of other elements.
pub(super) fn convert(
    array: &Array,
    from: SqlType,
    to: SqlType,
    failures: &mut Failures,
    context: &FunctionContext,
) -> Result<Array> {
    let (Array::Bytes(values), SqlType::Vector { element, dimension }) = (array, to) else {
        return Err(no_conversion(from, "VECTOR"));
    };
    let mut answers = BinaryViewBuilder::with_capacity(values.len());
    let mut bytes = Vec::with_capacity(usize::from(dimension) * 4);
    for (row, value) in values.iter().enumerate() {
        let Some(value) = value else {
            answers.append_null();
            continue;
        };
        bytes.clear();
        let done = match from {
            SqlType::Vector { element: given, .. } => vector::numbers(value, given)
                .try_for_each(|number| push(number, element, &mut bytes)),
            _ => push_elements(Variant::new(value), element, &mut bytes),
        };
        if done.is_some() && bytes.len() == usize::from(dimension) * 4 {
            answers.append_value(&bytes);
        } else if from.is_semi_structured() && Variant::new(value).is_null() {
            answers.append_null();
        } else {
            let error = || match from {
                SqlType::Vector { .. } => Error::new(
                    firn_types::ErrorCode::NumberOutOfRange,
                    format!("An element of a {from} is out of the range of a {to}"),
                ),
                _ => failed(Variant::new(value), to, context),
            };
            failures.add(row, error)?;
            answers.append_null();
        }
    }
    Ok(Array::Bytes(answers.finish()))
}

/// The elements of an array of numbers; none when it is something else.
fn push_elements(value: Variant<'_>, element: VectorElement, bytes: &mut Vec<u8>) -> Option<()> {
    let Item::Array(elements) = value.item() else { return None };
    for item in elements.iter() {
        let number = match item.item() {
            Item::Number(number) => to_double(number),
            Item::Float(number) => number,
            _ => return None,
        };
        push(number, element, bytes)?;
    }
    Some(())
}

/// Appends an element; none when it is beyond 32 bits.
fn push(number: f64, element: VectorElement, bytes: &mut Vec<u8>) -> Option<()> {
    match element {
        VectorElement::Float => {
            let short = number as f32;
            (short.is_finite() || !number.is_finite()).then_some(())?;
            bytes.extend_from_slice(&short.to_le_bytes());
        }
        VectorElement::Int => {
            let rounded = number.round();
            let fits = (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&rounded);
            fits.then_some(())?;
            bytes.extend_from_slice(&(rounded as i32).to_le_bytes());
        }
    }
    Some(())
}

/// The elements of vectors as arrays.
pub(super) fn to_array(array: &Array, element: VectorElement) -> Result<Array> {
    let Array::Bytes(values) = array else {
        return Err(Error::internal("a vector that is no bytes"));
    };
    let mut answers = BinaryViewBuilder::with_capacity(values.len());
    let (mut builder, mut bytes) = (Builder::new(), Vec::new());
    for value in values.iter() {
        let Some(value) = value else {
            answers.append_null();
            continue;
        };
        builder.begin_array()?;
        match element {
            VectorElement::Float => {
                vector::floats(value).for_each(|number| builder.float(f64::from(number)));
            }
            VectorElement::Int => vector::ints(value)
                .for_each(|number| builder.decimal(Decimal { unscaled: number.into(), scale: 0 })),
        }
        builder.end_array()?;
        bytes.clear();
        builder.finish(&mut bytes)?;
        answers.append_value(&bytes);
    }
    Ok(Array::Bytes(answers.finish()))
}
