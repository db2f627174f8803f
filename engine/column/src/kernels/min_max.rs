//! The smallest and the largest value of a column, and how many are NULL.

use arrow::array::{Array as _, ArrowPrimitiveType, PrimitiveArray};
use firn_types::scan_predicate::Comparison;
use firn_types::{Result, SqlType, Value};

use super::compare;
use crate::{Array, Column};

/// What statistics say of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Extremes {
    /// The smallest value; NULL when there is none, or when the type has no order worth keeping.
    pub low: Value,
    /// The largest value; NULL with `low`.
    pub high: Value,
    /// Rows that are NULL.
    pub null_count: usize,
}

/// The extremes of a column. VARIANT, OBJECT and ARRAY have none.
///
/// # Errors
/// An internal error when the column is not of the type.
pub fn extremes(column: &Column, sql_type: SqlType) -> Result<Extremes> {
    let null_count = column.null_count();
    let none = Extremes { low: Value::Null, high: Value::Null, null_count };
    if null_count == column.len() || sql_type.is_semi_structured() {
        return Ok(none);
    }
    let column = used_values(column);
    let array = column.flat();
    let Some((low, high)) = positions(&array, sql_type) else { return Ok(none) };
    let (low, high) = (column.value(low, sql_type), column.value(high, sql_type));
    Ok(Extremes { low, high, null_count })
}

/// The smallest and the largest integer of an array; none when every value is NULL or of another form.
pub fn integer_range(array: &Array) -> Option<(i128, i128)> {
    if array.null_count() == array.len() {
        return None;
    }
    match array {
        Array::I32(a) => range(a).map(|(low, high)| (i128::from(low), i128::from(high))),
        Array::I64(a) => range(a).map(|(low, high)| (i128::from(low), i128::from(high))),
        Array::I128(a) => range(a),
        _ => None,
    }
}

/// As [`integer_range`], of a column of any form; a dictionary's unused values count too, so that the
/// range may be wider than that of the rows.
pub fn integer_range_of(column: &Column) -> Option<(i128, i128)> {
    match column {
        Column::Flat(array) | Column::Constant { value: array, .. } => integer_range(array),
        Column::Dictionary { values, .. } => integer_range(values),
    }
}

fn range<T: ArrowPrimitiveType<Native: Ord>>(
    a: &PrimitiveArray<T>,
) -> Option<(T::Native, T::Native)> {
    if a.null_count() > 0 {
        return Some((a.iter().flatten().min()?, a.iter().flatten().max()?));
    }
    let first = *a.values().first()?;
    let widen = |(low, high): (T::Native, T::Native), &v: &T::Native| (low.min(v), high.max(v));
    Some(a.values().iter().fold((first, first), widen))
}

/// A column with the same values, each at least once, in the fewest rows that are at hand.
fn used_values(column: &Column) -> Column {
    match column {
        Column::Constant { value, .. } => Column::Flat(value.clone()),
        Column::Dictionary { codes, values } if values.len() < codes.len() => {
            let mut used = vec![false; values.len()];
            for code in codes.iter().flatten() {
                used[code as usize] = true;
            }
            let used = arrow::array::BooleanArray::from(used);
            Column::Flat(values.as_ref().clone()).filter(&used)
        }
        other => other.clone(),
    }
}

/// Where the smallest and the largest value stand.
fn positions(array: &Array, sql_type: SqlType) -> Option<(usize, usize)> {
    let valid = || (0..array.len()).filter(|&row| !array.is_null(row));
    macro_rules! by {
        ($a:ident, $key:expr) => {{
            let key = |row: &usize| $key($a.value(*row));
            Some((valid().min_by_key(key)?, valid().max_by_key(key)?))
        }};
    }
    match array {
        Array::Bool(a) => by!(a, |v: bool| v),
        Array::I32(a) => by!(a, |v: i32| v),
        Array::I64(a) => by!(a, |v: i64| v),
        Array::I128(a) if matches!(sql_type, SqlType::TimestampTz { .. }) => {
            by!(a, |v: i128| v >> firn_types::value::TIMESTAMP_TZ_OFFSET_BITS)
        }
        Array::I128(a) => by!(a, |v: i128| v),
        Array::F64(a) => by!(a, compare::float_key),
        Array::Text(a) => Some((
            valid().min_by(|&l, &r| a.value(l).cmp(a.value(r)))?,
            valid().max_by(|&l, &r| a.value(l).cmp(a.value(r)))?,
        )),
        Array::Bytes(a) => Some((
            valid().min_by(|&l, &r| a.value(l).cmp(a.value(r)))?,
            valid().max_by(|&l, &r| a.value(l).cmp(a.value(r)))?,
        )),
    }
}

/// How two values of one type compare as SQL compares them; none when either is NULL or their types
/// differ.
///
/// # Errors
/// An internal error when a value is not of the type.
pub fn compare_values(
    left: &Value,
    right: &Value,
    sql_type: SqlType,
) -> Result<Option<std::cmp::Ordering>> {
    if left.is_null() || right.is_null() {
        return Ok(None);
    }
    let (left, right) =
        (Column::constant(left, sql_type, 1)?, Column::constant(right, sql_type, 1)?);
    let less = compare::compare(Comparison::Less, &left, &right, sql_type)?.value(0);
    let equal = compare::compare(Comparison::Equal, &left, &right, sql_type)?.value(0);
    Ok(Some(match (less, equal) {
        (true, _) => std::cmp::Ordering::Less,
        (_, true) => std::cmp::Ordering::Equal,
        _ => std::cmp::Ordering::Greater,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn unused_values_of_a_dictionary_are_no_extremes_and_nan_is_the_greatest() -> Result<()> {
        let values = Arc::new(Array::F64(vec![9.0, f64::NAN, 1.0, -5.0].into()));
        let codes = vec![Some(1), Some(2), None, Some(2), Some(1)].into();
        let column = Column::Dictionary { codes, values };
        let found = extremes(&column, SqlType::Float)?;
        assert_eq!(found.low, Value::Float(1.0));
        assert!(matches!(found.high, Value::Float(f) if f.is_nan()));
        assert_eq!(found.null_count, 1);
        Ok(())
    }
}
