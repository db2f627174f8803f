//! Comparisons as SQL means them.
//!
//! Numbers of any width compare by value, NaN equals NaN and is greater than every other number, -0
//! equals 0, texts and bytes compare byte by byte, FALSE is less than TRUE, two timestamps with offsets
//! compare by instant, semi-structured values by content. Every operator comes from three tests per
//! form: equal, less, and less or equal.

mod bits;
mod views;

use arrow::array::{Array as _, BinaryViewBuilder, BooleanArray, Decimal128Array, UInt32Array};
use arrow::buffer::BooleanBuffer;
use firn_types::scan_predicate::Comparison;
use firn_types::value::TIMESTAMP_TZ_OFFSET_BITS;
use firn_types::variant::Variant;
use firn_types::variant::compare::sort_key;
use firn_types::{Error, Result, SqlType};

use super::forms::{self, Operand, Side, nulls_of_both, rows_of};
use crate::{Array, Column, PhysicalType};

pub(crate) use bits::{float_key, pack};
pub(crate) use views::{inline_bytes, view_bytes};

/// `left operator right` for every row, NULL where an operand is. Both columns are of type `sql_type` but
/// for precision, length and width.
///
/// # Errors
/// An internal error for columns whose forms do not compare.
pub fn compare(
    operator: Comparison,
    left: &Column,
    right: &Column,
    sql_type: SqlType,
) -> Result<BooleanArray> {
    let answers = compare_column(operator, left, right, sql_type)?;
    booleans(&answers)
}

/// As [`compare`], as a column that is still constant or a dictionary where the operands allow it.
///
/// # Errors
/// As [`compare`].
pub fn compare_column(
    operator: Comparison,
    left: &Column,
    right: &Column,
    sql_type: SqlType,
) -> Result<Column> {
    let (left, right) = (&comparable(left, sql_type)?, &comparable(right, sql_type)?);
    forms::zip(left, right, |l, r| {
        let answers = sides(operator, l, r)?;
        Ok(Array::Bool(BooleanArray::new(answers, nulls_of_both(l, r))))
    })
}

/// Whether two values differ, for every row; NULL is a value that only equals itself.
///
/// # Errors
/// As [`compare`].
pub fn distinct(left: &Column, right: &Column, sql_type: SqlType) -> Result<BooleanArray> {
    let (differ, answer_nulls) = compare(Comparison::NotEqual, left, right, sql_type)?.into_parts();
    if answer_nulls.is_none() {
        return Ok(BooleanArray::new(differ, None));
    }
    let (left_nulls, right_nulls) = (valid_bits(left), valid_bits(right));
    let one_null = &left_nulls ^ &right_nulls;
    let both_valid = &left_nulls & &right_nulls;
    Ok(BooleanArray::new(&(&differ & &both_valid) | &one_null, None))
}

fn valid_bits(column: &Column) -> BooleanBuffer {
    match column.nulls() {
        Some(nulls) => nulls.into_inner(),
        None => BooleanBuffer::new_set(column.len()),
    }
}

/// A BOOLEAN column's values as one array.
///
/// # Errors
/// An internal error for another form.
pub fn booleans(column: &Column) -> Result<BooleanArray> {
    if let Column::Dictionary { codes, values } = column
        && let Array::Bool(values) = values.as_ref()
    {
        return Ok(gather_bits(codes, values.values()));
    }
    if let Column::Constant { value: Array::Bool(value), rows } = column {
        if value.is_null(0) {
            return Ok(BooleanArray::new_null(*rows));
        }
        let bits = match value.value(0) {
            true => BooleanBuffer::new_set(*rows),
            false => BooleanBuffer::new_unset(*rows),
        };
        return Ok(BooleanArray::new(bits, None));
    }
    match column.flat() {
        Array::Bool(answers) => Ok(answers),
        other => Err(Error::internal(format!("{:?} where BOOLEAN was expected", other.physical()))),
    }
}

/// The bit of every code.
fn gather_bits(codes: &UInt32Array, values: &BooleanBuffer) -> BooleanArray {
    if values.is_empty() {
        return BooleanArray::new_null(codes.len());
    }
    let table: Vec<bool> = values.iter().collect();
    // What lies under a NULL code is arbitrary.
    let last = table.len() - 1;
    let bits = pack(Operand::Many(codes.values()), |code| table[(code as usize).min(last)]);
    BooleanArray::new(bits, codes.nulls().cloned())
}

/// The column with equal values made equal in form, and in the order of their forms: an instant without
/// its offset, a semi-structured value as its sort key.
///
/// # Errors
/// Never for a column of the type.
pub fn comparable(column: &Column, sql_type: SqlType) -> Result<Column> {
    match sql_type {
        SqlType::TimestampTz { .. } => forms::map(column, |array| Ok(instants(array))),
        _ if sql_type.is_semi_structured() => forms::map(column, |array| Ok(sort_keys(array))),
        _ => Ok(column.clone()),
    }
}

/// The instants of packed timestamps with offsets: nanoseconds since 1970-01-01 UTC.
pub fn instants(array: &Array) -> Array {
    match array {
        Array::I128(a) => {
            let instants = a.values().iter().map(|v| v >> TIMESTAMP_TZ_OFFSET_BITS).collect();
            super::arithmetic::narrowed(instants, a.nulls().cloned())
        }
        other => other.clone(),
    }
}

/// The sort keys of semi-structured values.
fn sort_keys(array: &Array) -> Array {
    let Array::Bytes(values) = array else { return array.clone() };
    let mut keys = BinaryViewBuilder::with_capacity(values.len());
    let mut key = Vec::new();
    for value in values {
        key.clear();
        if let Some(value) = value {
            sort_key(Variant::new(value), &mut key);
        }
        keys.append_option(value.map(|_| key.as_slice()));
    }
    Array::Bytes(keys.finish())
}

fn sides(operator: Comparison, left: Side<'_>, right: Side<'_>) -> Result<BooleanBuffer> {
    // Three tests give six operators: a > b is b < a, and <> is not =.
    let (left, right, test) = match operator {
        Comparison::Equal | Comparison::NotEqual => (left, right, Test::Equal),
        Comparison::Less => (left, right, Test::Less),
        Comparison::LessOrEqual => (left, right, Test::LessOrEqual),
        Comparison::Greater => (right, left, Test::Less),
        Comparison::GreaterOrEqual => (right, left, Test::LessOrEqual),
    };
    let answers = match (left.array, right.array) {
        (Array::I32(l), Array::I32(r)) => bits::ordered(test, left.operand(l), right.operand(r)),
        (Array::F64(l), Array::F64(r)) => bits::floats(test, left.operand(l), right.operand(r)),
        (Array::Text(l), Array::Text(r)) => {
            views::compare(test, views::Views::of(l, left), views::Views::of(r, right))
        }
        (Array::Bytes(l), Array::Bytes(r)) => {
            views::compare(test, views::Views::of(l, left), views::Views::of(r, right))
        }
        (Array::Bool(_), Array::Bool(_)) => bits::booleans(test, left, right),
        (l, r) if l.physical().is_integer() && r.physical().is_integer() => {
            integers(test, left, right)
        }
        (l, r) => {
            let (l, r) = (l.physical(), r.physical());
            return Err(Error::internal(format!("comparison of {l:?} with {r:?}")));
        }
    };
    Ok(if operator == Comparison::NotEqual { !&answers } else { answers })
}

/// The tests that the six comparisons are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Equal,
    Less,
    LessOrEqual,
}

/// Integers of any widths. A constant is brought to the array's width; where it does not fit, every row
/// gives the same answer.
fn integers(test: Test, left: Side<'_>, right: Side<'_>) -> BooleanBuffer {
    let rows = rows_of(left, right);
    let width = match (left.repeats, right.repeats) {
        (true, false) => right.array.physical(),
        (false, true) => left.array.physical(),
        _ => left.array.physical().max(right.array.physical()),
    };
    let constant = if left.repeats { Some(left) } else { right.repeats.then_some(right) };
    if let Some(constant) = constant.map(|side| side.array.integer(0))
        && PhysicalType::narrowest(constant, constant) > width
    {
        let below = constant < 0;
        let holds = test != Test::Equal && (below == left.repeats);
        return if holds { BooleanBuffer::new_set(rows) } else { BooleanBuffer::new_unset(rows) };
    }
    let (l, r) = (in_width(left, width), in_width(right, width));
    match (&l, &r) {
        (Array::I32(l), Array::I32(r)) => bits::ordered(test, left.operand(l), right.operand(r)),
        (Array::I64(l), Array::I64(r)) => bits::ordered(test, left.operand(l), right.operand(r)),
        (Array::I128(l), Array::I128(r)) => bits::ordered(test, left.operand(l), right.operand(r)),
        _ => BooleanBuffer::new_unset(rows),
    }
}

/// An array in a width that holds its values.
fn in_width(side: Side<'_>, width: PhysicalType) -> Array {
    if side.array.physical() <= width {
        return side.array.widened(width);
    }
    let value = side.array.integer(0);
    match width {
        PhysicalType::I32 => Array::I32([value as i32].to_vec().into()),
        PhysicalType::I64 => Array::I64([value as i64].to_vec().into()),
        _ => Array::I128(Decimal128Array::from(vec![value])),
    }
}

#[cfg(test)]
mod tests;
