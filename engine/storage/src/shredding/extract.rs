//! Typed values at a path out of whole values.

use std::sync::Arc;

use arrow::array::{
    BooleanBuilder, Decimal128Builder, Float64Builder, Int64Builder, StringViewBuilder,
};
use firn_column::{Array, Column, PhysicalType};
use firn_types::decimal::rescale_to;
use firn_types::variant::{Item, Variant, Walker};
use firn_types::{Decimal, Error, KeyPath, Result, SqlType};

/// The values at a path, which are all of a type; NULL where there is none, and for JSON's null.
///
/// # Errors
/// An internal error for values that are of another type.
pub(crate) fn extract(values: &Column, path: &KeyPath, sql_type: SqlType) -> Result<Column> {
    let values = values.flat();
    let Array::Bytes(values) = &values else {
        return Ok(Column::nulls_of(sql_type, values.len()));
    };
    let steps = path.steps();
    let mut walker = Walker::new(&steps);
    let items = values.iter().map(|value| {
        let item = walker.walk(Variant::new(value?))?.item();
        Some(item).filter(|item| !matches!(item, Item::Null | Item::Undefined))
    });
    let array = match sql_type {
        SqlType::Varchar { .. } => texts(items)?,
        SqlType::Number { precision, scale } => numbers(items, precision, scale)?,
        SqlType::Float => floats(items)?,
        SqlType::Boolean => booleans(items)?,
        other => return nulls(items, other),
    };
    Ok(Column::Flat(array))
}

fn texts<'a>(items: impl Iterator<Item = Option<Item<'a>>>) -> Result<Array> {
    let mut answers = StringViewBuilder::with_capacity(items.size_hint().0);
    for item in items {
        match item {
            None => answers.append_null(),
            Some(Item::Text(text)) => answers.append_value(text),
            Some(other) => return Err(unexpected(&other)),
        }
    }
    Ok(Array::Text(answers.finish()))
}

fn numbers<'a>(
    items: impl Iterator<Item = Option<Item<'a>>>,
    precision: u8,
    scale: u8,
) -> Result<Array> {
    let rescaled = |item: Option<Item<'a>>| match item {
        None => Ok(None),
        Some(Item::Number(number)) => match rescale_to(number, precision, scale) {
            Some(unscaled) => Ok(Some(unscaled)),
            None => Err(Error::internal("a number at a path with more digits than it should have")),
        },
        Some(other) => Err(unexpected(&other)),
    };
    let numbers: Vec<Option<i128>> = items.map(rescaled).collect::<Result<_>>()?;
    let narrow = |number: &Option<i128>| number.is_none_or(|n| i64::try_from(n).is_ok());
    if numbers.iter().all(narrow) {
        let mut answers = Int64Builder::with_capacity(numbers.len());
        numbers.into_iter().for_each(|number| answers.append_option(number.map(|n| n as i64)));
        return Ok(Array::I64(answers.finish()));
    }
    let mut answers = Decimal128Builder::with_capacity(numbers.len());
    numbers.into_iter().for_each(|number| answers.append_option(number));
    Array::from_arrow(&(Arc::new(answers.finish()) as arrow::array::ArrayRef))
}

fn floats<'a>(items: impl Iterator<Item = Option<Item<'a>>>) -> Result<Array> {
    let mut answers = Float64Builder::with_capacity(items.size_hint().0);
    for item in items {
        match item {
            None => answers.append_null(),
            Some(Item::Float(value)) => answers.append_value(value),
            Some(other) => return Err(unexpected(&other)),
        }
    }
    Ok(Array::F64(answers.finish()))
}

fn booleans<'a>(items: impl Iterator<Item = Option<Item<'a>>>) -> Result<Array> {
    let mut answers = BooleanBuilder::with_capacity(items.size_hint().0);
    for item in items {
        match item {
            None => answers.append_null(),
            Some(Item::Boolean(value)) => answers.append_value(value),
            Some(other) => return Err(unexpected(&other)),
        }
    }
    Ok(Array::Bool(answers.finish()))
}

/// NULLs of a type that no value at a path has.
fn nulls<'a>(items: impl Iterator<Item = Option<Item<'a>>>, sql_type: SqlType) -> Result<Column> {
    let mut rows = 0;
    for item in items {
        if let Some(other) = item {
            return Err(unexpected(&other));
        }
        rows += 1;
    }
    Ok(Column::nulls_of(sql_type, rows))
}

fn unexpected(item: &Item<'_>) -> Error {
    Error::internal(format!("a {} at a path whose values are of another type", item.type_name()))
}

/// A stored sub-column with more digits after the point than its file has.
///
/// # Errors
/// An internal error for numbers that become too large, which a path's type excludes.
pub(crate) fn rescaled(column: Column, stored: SqlType, wanted: SqlType) -> Result<Column> {
    let (from, to) = match (stored, wanted) {
        (SqlType::Number { scale: from, .. }, SqlType::Number { scale: to, .. }) if from != to => {
            (from, to)
        }
        _ => return Ok(column),
    };
    let flat = column.flat().widened(PhysicalType::I128);
    let Array::I128(numbers) = &flat else {
        return Err(Error::internal("a path of numbers that holds none"));
    };
    let precision = firn_types::limits::NUMBER_PRECISION_MAX;
    let items = numbers
        .iter()
        .map(|number| number.map(|unscaled| Item::Number(Decimal { unscaled, scale: from })));
    self::numbers(items, precision, to).map(Column::Flat)
}
