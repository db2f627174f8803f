//! Values as bytes: equal bytes for values that SQL groups together, and in an order that is SQL's.

use firn_column::Array;
use firn_types::value::TIMESTAMP_TZ_OFFSET_BITS;
use firn_types::variant::{Variant, compare};
use firn_types::{Result, SqlType};

/// How one key of an ORDER BY sorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortOrder {
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST.
    pub nulls_first: bool,
}

impl SortOrder {
    /// ASC NULLS LAST: what SQL does unless told otherwise.
    pub const ASCENDING: SortOrder = SortOrder { descending: false, nulls_first: false };
}

/// Appends the key of a value. Keys of one type may stand one after another: none is the start of
/// another.
pub(crate) fn push_key(
    array: &Array,
    row: usize,
    sql_type: SqlType,
    order: SortOrder,
    out: &mut Vec<u8>,
) -> Result<()> {
    if array.is_null(row) {
        out.push(if order.nulls_first { 0 } else { 2 });
        return Ok(());
    }
    out.push(1);
    let start = out.len();
    match array {
        Array::Bool(a) => out.push(u8::from(a.value(row))),
        Array::F64(a) => out.extend(float_bits(a.value(row)).to_be_bytes()),
        Array::Text(a) => push_bytes(a.value(row).as_bytes(), out),
        Array::Bytes(a) if sql_type.is_semi_structured() => {
            let mut key = Vec::new();
            compare::sort_key(Variant::new(a.value(row)), &mut key);
            push_bytes(&key, out);
        }
        Array::Bytes(a) => push_bytes(a.value(row), out),
        Array::I32(_) | Array::I64(_) | Array::I128(_) => {
            let value = array.integer(row);
            let value = match sql_type {
                SqlType::TimestampTz { .. } => value >> TIMESTAMP_TZ_OFFSET_BITS,
                _ => value,
            };
            push_integer(value, out);
        }
    }
    if order.descending {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
    Ok(())
}

/// A length and then as many bytes as the number needs.
fn push_integer(value: i128, out: &mut Vec<u8>) {
    let magnitude = if value < 0 { !value } else { value };
    let bytes = 16 - magnitude.leading_zeros() as u8 / 8;
    let big_endian = value.to_be_bytes();
    // Longer is further from zero: up for positive numbers, down for negative ones.
    out.push(if value < 0 { 127 - bytes } else { 128 + bytes });
    out.extend_from_slice(&big_endian[16 - usize::from(bytes)..]);
}

/// The bytes with an end that sorts before every byte.
fn push_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        out.push(byte);
        if byte == 0 {
            out.push(0xFF);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

/// Bits that sort as SQL sorts floating-point numbers: NaN is the greatest, and -0 is 0.
pub(crate) fn float_bits(value: f64) -> u64 {
    let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
    let bits = value.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

/// The number of [`float_bits`].
pub(crate) fn float_of_bits(bits: u64) -> f64 {
    f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits })
}

#[cfg(test)]
mod tests {
    use super::*;
    use firn_column::Column;
    use firn_types::Value;

    fn key(value: &Value, sql_type: SqlType, order: SortOrder) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        push_key(&Column::constant(value, sql_type, 1)?.flat(), 0, sql_type, order, &mut out)?;
        Ok(out)
    }

    fn sorted(values: &[Value], sql_type: SqlType) -> Result<()> {
        let descending = SortOrder { descending: true, nulls_first: false };
        for pair in values.windows(2) {
            let order = SortOrder::ASCENDING;
            assert!(key(&pair[0], sql_type, order)? < key(&pair[1], sql_type, order)?, "{pair:?}");
            if !pair[1].is_null() {
                let (a, b) =
                    (key(&pair[0], sql_type, descending)?, key(&pair[1], sql_type, descending)?);
                assert!(a > b, "{pair:?}");
            }
        }
        Ok(())
    }

    #[test]
    fn keys_sort_as_values_do() -> Result<()> {
        let numbers = [i128::MIN, -(1 << 70), -257, -256, -129, -128, -1, 0, 1, 127, 128, 255, 256];
        let mut numbers: Vec<Value> = numbers.into_iter().map(Value::integer).collect();
        numbers.extend([Value::integer(i128::MAX), Value::Null]);
        sorted(&numbers, SqlType::INTEGER)?;
        let floats = [f64::NEG_INFINITY, -2.5, -1e-300, 0.0, 1e-300, 2.5, f64::INFINITY, f64::NAN];
        let mut floats: Vec<Value> = floats.into_iter().map(Value::Float).collect();
        floats.push(Value::Null);
        sorted(&floats, SqlType::Float)?;
        let texts = ["", "\0", "\0a", " this", "%", "01", "1", "B", "a", "ab", "b"];
        let texts: Vec<Value> = texts.into_iter().map(Value::text).collect();
        sorted(&texts, SqlType::TEXT)?;
        let zero = key(&Value::Float(0.0), SqlType::Float, SortOrder::ASCENDING)?;
        assert_eq!(zero, key(&Value::Float(-0.0), SqlType::Float, SortOrder::ASCENDING)?);
        Ok(())
    }
}
