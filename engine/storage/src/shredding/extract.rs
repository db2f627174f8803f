//! Typed values at a path out of whole values.

use arrow::array::{
    Array as _, BinaryViewArray, BinaryViewBuilder, BooleanArray, Float64Array, StringViewArray,
};
use firn_column::column::integers;
use firn_column::{Array, Column, PhysicalType};
use firn_types::decimal::rescale_to;
use firn_types::variant::{Builder, Item, Variant, Walker};
use firn_types::{Decimal, Error, KeyPath, Result, SqlType};

/// The values at a path, which are all of a type; NULL where there is none, and for JSON's null unless they are read as
/// VARIANTs.
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
    if sql_type == SqlType::Variant {
        return variants(values, walker);
    }
    let items = values.iter().map(|value| {
        let item = walker.walk(Variant::new(value?))?.item();
        Some(item).filter(|item| !matches!(item, Item::Null | Item::Undefined))
    });
    let array = match sql_type {
        SqlType::Varchar { .. } => {
            let text = |item| if let Item::Text(text) = item { Some(text) } else { None };
            Array::Text(each(items, text).collect::<Result<StringViewArray>>()?)
        }
        SqlType::Number { precision, scale } => {
            let number = |item| if let Item::Number(number) = item { Some(number) } else { None };
            numbers(each(items, number), precision, scale)?
        }
        SqlType::Float => {
            let float = |item| if let Item::Float(float) = item { Some(float) } else { None };
            Array::F64(each(items, float).collect::<Result<Float64Array>>()?)
        }
        SqlType::Boolean => {
            let boolean = |item| if let Item::Boolean(value) = item { Some(value) } else { None };
            Array::Bool(each(items, boolean).collect::<Result<BooleanArray>>()?)
        }
        // A type that no value at the path has.
        other => {
            let nulls = each(items, |_| None::<()>).collect::<Result<Vec<_>>>()?;
            return Ok(Column::nulls_of(other, nulls.len()));
        }
    };
    Ok(Column::Flat(array))
}

fn variants(values: &BinaryViewArray, mut walker: Walker<'_>) -> Result<Column> {
    let mut found = BinaryViewBuilder::with_capacity(values.len());
    let (mut builder, mut bytes) = (Builder::new(), Vec::new());
    for value in values {
        match value.and_then(|value| walker.walk(Variant::new(value))) {
            None => found.append_null(),
            Some(value) => {
                bytes.clear();
                builder.extract(value, &mut bytes)?;
                found.append_value(&bytes);
            }
        }
    }
    Ok(Column::Flat(Array::Bytes(found.finish())))
}

/// What `wanted` makes of each item, all of which it takes.
fn each<'a, T>(
    items: impl Iterator<Item = Option<Item<'a>>>,
    wanted: impl Fn(Item<'a>) -> Option<T>,
) -> impl Iterator<Item = Result<Option<T>>> {
    items.map(move |item| match item {
        None => Ok(None),
        Some(item) => wanted(item).map(Some).ok_or_else(|| unexpected(&item)),
    })
}

fn numbers(
    numbers: impl Iterator<Item = Result<Option<Decimal>>>,
    precision: u8,
    scale: u8,
) -> Result<Array> {
    let too_long = || Error::internal("a number at a path with more digits than it should have");
    let rescaled = |number: Option<Decimal>| match number {
        None => Ok(None),
        Some(number) => rescale_to(number, precision, scale).map(Some).ok_or_else(too_long),
    };
    let numbers: Vec<Option<i128>> =
        numbers.map(|number| number.and_then(rescaled)).collect::<Result<_>>()?;
    Ok(integers(numbers))
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
    let numbers =
        numbers.iter().map(|number| Ok(number.map(|unscaled| Decimal { unscaled, scale: from })));
    self::numbers(numbers, precision, to).map(Column::Flat)
}
