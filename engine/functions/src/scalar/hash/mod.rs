//! HASH: one number for a whole row.

use firn_column::{Array, Column};
use firn_types::value::TIMESTAMP_TZ_OFFSET_BITS;
use firn_types::variant::{Variant, compare};
use firn_types::{Result, SqlType};

use super::{ScalarBinding, ScalarFunction};
use crate::driver::{Output, null_aware};
use crate::{Arity, Documentation, Example};

/// The functions of this folder.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[&HASH];

/// HASH(value, ...)
const HASH: ScalarFunction = ScalarFunction::new(
    "HASH",
    Arity::at_least(1),
    |arguments| {
        let types: Vec<SqlType> = arguments.iter().map(|argument| argument.sql_type).collect();
        let kernel_types = types.clone();
        let kernel = null_aware(move |rows, columns| {
            let hashes = hash_rows(columns, &kernel_types, rows.count)?;
            Ok(i64::array(hashes.into_iter().map(|hash| hash as i64).collect(), None))
        });
        ScalarBinding::new(types, SqlType::number(19, 0), kernel)
    },
    Documentation::of(
        "Hash",
        "A signed 64-bit hash of the values, equal for equal values and never NULL.",
        &[
            Example::of("HASH(10) = HASH(10.0::FLOAT)", "True"),
            Example::of("HASH(NULL) IS NULL", "False"),
        ],
    ),
);

/// The hashes of rows. Equal numbers hash equal whatever their types; the hash is the same for ever.
///
/// # Errors
/// When a column is not of its type.
pub(crate) fn hash_rows(columns: &[Column], types: &[SqlType], rows: usize) -> Result<Vec<u64>> {
    let sources: Vec<(Array, usize)> = columns
        .iter()
        .map(|column| match column {
            Column::Constant { value, .. } => (value.clone(), 0),
            other => (other.flat(), 1),
        })
        .collect();
    let mut bytes = Vec::new();
    let mut hashes = Vec::with_capacity(rows);
    for row in 0..rows {
        bytes.clear();
        for ((array, step), sql_type) in sources.iter().zip(types) {
            push_value(array, row * step, *sql_type, &mut bytes);
        }
        hashes.push(rapidhash::v3::rapidhash_v3(&bytes));
    }
    Ok(hashes)
}

/// Appends what a value's hash is made of: a letter for its kind, then the value.
fn push_value(array: &Array, row: usize, sql_type: SqlType, out: &mut Vec<u8>) {
    if array.is_null(row) {
        return out.push(b'0');
    }
    let mut sized = |kind: u8, bytes: &[u8]| {
        out.push(kind);
        out.extend((bytes.len() as u64).to_le_bytes());
        out.extend_from_slice(bytes);
    };
    match (array, sql_type) {
        (Array::Bool(a), _) => sized(b'b', &[u8::from(a.value(row))]),
        (Array::F64(a), _) => push_float(a.value(row), out),
        (Array::Text(a), _) => sized(b't', a.value(row).as_bytes()),
        (Array::Bytes(a), t) if t.is_semi_structured() => {
            let mut key = Vec::new();
            compare::sort_key(Variant::new(a.value(row)), &mut key);
            sized(b'v', &key);
        }
        (Array::Bytes(a), _) => sized(b'x', a.value(row)),
        (_, SqlType::Number { scale, .. }) => push_number(array.integer(row), scale, out),
        (_, SqlType::TimestampTz { .. }) => {
            sized(b'z', &(array.integer(row) >> TIMESTAMP_TZ_OFFSET_BITS).to_le_bytes());
        }
        (_, SqlType::Date) => sized(b'd', &array.integer(row).to_le_bytes()),
        (_, SqlType::Time { .. }) => sized(b'h', &array.integer(row).to_le_bytes()),
        _ => sized(b's', &array.integer(row).to_le_bytes()),
    }
}

/// A number without zeros at its end.
fn push_number(mut unscaled: i128, mut scale: u8, out: &mut Vec<u8>) {
    while scale > 0 && unscaled % 10 == 0 {
        unscaled /= 10;
        scale -= 1;
    }
    out.push(b'n');
    out.push(scale);
    out.extend(unscaled.to_le_bytes());
}

/// A floating-point number as the decimal that it prints as, where a NUMBER holds that.
fn push_float(value: f64, out: &mut Vec<u8>) {
    if let Some((unscaled, scale)) = exact_decimal(value) {
        return push_number(unscaled, scale, out);
    }
    out.push(b'f');
    out.extend(if value.is_nan() { f64::NAN } else { value }.to_le_bytes());
}

fn exact_decimal(value: f64) -> Option<(i128, u8)> {
    if !value.is_finite() || value.abs() >= 1e37 {
        return None;
    }
    let text = value.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let scale = u8::try_from(fraction.len()).ok().filter(|&scale| scale <= 37)?;
    format!("{whole}{fraction}").parse().ok().map(|unscaled: i128| (unscaled, scale))
}

#[cfg(test)]
mod tests {
    use super::*;
    use firn_types::{Decimal, Value};

    fn hash(value: &Value, sql_type: SqlType) -> Result<u64> {
        Ok(hash_rows(&[Column::constant(value, sql_type, 1)?], &[sql_type], 1)?[0])
    }

    #[test]
    fn equal_numbers_hash_equal_whatever_their_type() -> Result<()> {
        let number = |unscaled, scale| {
            hash(&Value::Number(Decimal { unscaled, scale }), SqlType::number(38, scale))
        };
        assert_eq!(number(10, 0)?, number(1000, 2)?);
        assert_eq!(number(10, 0)?, hash(&Value::Float(10.0), SqlType::Float)?);
        assert_eq!(number(-15, 1)?, hash(&Value::Float(-1.5), SqlType::Float)?);
        assert_eq!(number(0, 0)?, hash(&Value::Float(-0.0), SqlType::Float)?);
        assert_ne!(number(10, 0)?, number(10, 1)?);
        assert_ne!(number(10, 0)?, hash(&Value::text("10"), SqlType::TEXT)?);
        let kept = hash(&Value::text("firn"), SqlType::TEXT)?;
        assert_eq!(
            kept, 8_262_035_939_411_236_349,
            "hashes are stored by users: they never change"
        );
        Ok(())
    }
}
