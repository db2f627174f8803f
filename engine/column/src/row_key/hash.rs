//! Hashing rows by several columns.
//!
//! A hash is for this process only and never written to disk. Equal keys hash equal, whatever the form
//! and width of their columns; a dictionary is hashed once per value.

use arrow::array::{GenericByteViewArray, MAX_INLINE_VIEW_LEN};
use arrow::buffer::NullBuffer;
use arrow::datatypes::ByteViewType;
use firn_types::{Result, SqlType};

use crate::kernels::compare::{self, float_key, inline_bytes, view_bytes};
use crate::{Array, Column};

/// Odd numbers without a pattern: digits of pi.
const MULTIPLIER: u64 = 0x2437_0744_1B16_8885;
const SEED: u64 = 0x243F_6A88_85A3_08D3;
/// The hash of NULL.
const NULL_HASH: u64 = 0x1319_8A2E_0370_7344;

/// A well mixed number for a number: both halves of a 128-bit product.
#[inline]
pub fn mix(value: u64) -> u64 {
    fold(value ^ SEED, MULTIPLIER)
}

#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

/// The hash of a 128-bit integer; the same as [`mix`] for those that fit into 64 bits.
#[inline]
pub fn mix_wide(value: i128) -> u64 {
    match i64::try_from(value) {
        Ok(value) => mix(value as u64),
        Err(_) => fold(mix(value as u64) ^ (value >> 64) as u64, SEED | 1),
    }
}

/// The hash of some bytes.
#[inline]
pub fn mix_bytes(bytes: &[u8]) -> u64 {
    rapidhash::v3::rapidhash_v3(bytes)
}

/// The hash of two hashes in this order.
#[inline]
pub fn combine(first: u64, second: u64) -> u64 {
    fold(first.rotate_left(23) ^ second, MULTIPLIER)
}

/// Hashes every row of the columns into `hashes`, which is cleared first. At least one column; `types`
/// has one entry for each.
///
/// # Errors
/// An internal error for a column that is not of its type.
pub fn hash_columns(columns: &[Column], types: &[SqlType], hashes: &mut Vec<u64>) -> Result<()> {
    hashes.clear();
    for (column, &sql_type) in columns.iter().zip(types) {
        let column = compare::comparable(&column.dense(), sql_type)?;
        let first = hashes.is_empty();
        let mut add = |rows: &mut dyn Iterator<Item = u64>| {
            if first {
                hashes.extend(rows);
            } else {
                hashes.iter_mut().zip(rows).for_each(|(hash, row)| *hash = combine(*hash, row));
            }
        };
        match &column {
            Column::Flat(array) => add(&mut hash_array(array).into_iter()),
            Column::Constant { value, rows } => {
                let hash = hash_array(value).first().copied().unwrap_or(NULL_HASH);
                add(&mut std::iter::repeat_n(hash, *rows));
            }
            Column::Dictionary { codes, values } => {
                let table = hash_array(values);
                let of = |code: Option<u32>| code.map_or(NULL_HASH, |code| table[code as usize]);
                add(&mut codes.iter().map(of));
            }
        }
    }
    Ok(())
}

fn hash_array(array: &Array) -> Vec<u64> {
    let mut hashes: Vec<u64> = match array {
        Array::Bool(a) => a.values().iter().map(|v| mix(u64::from(v))).collect(),
        Array::I32(a) => a.values().iter().map(|&v| mix(i64::from(v) as u64)).collect(),
        Array::I64(a) => a.values().iter().map(|&v| mix(v as u64)).collect(),
        Array::I128(a) => a.values().iter().map(|&v| mix_wide(v)).collect(),
        Array::F64(a) => a.values().iter().map(|&v| mix(float_key(v) as u64)).collect(),
        Array::Text(a) => hash_views(a),
        Array::Bytes(a) => hash_views(a),
    };
    if let Some(nulls) = array.nulls() {
        overwrite_nulls(&mut hashes, nulls);
    }
    hashes
}

fn overwrite_nulls(hashes: &mut [u64], nulls: &NullBuffer) {
    if nulls.null_count() > 0 {
        let rows = hashes.iter_mut().zip(nulls.iter());
        rows.filter(|(_, valid)| !valid).for_each(|(hash, _)| *hash = NULL_HASH);
    }
}

fn hash_views<T: ByteViewType>(array: &GenericByteViewArray<T>) -> Vec<u64> {
    array.views().iter().map(|&view| hash_view(array, view)).collect()
}

/// The hash of a value by its view; one that its view holds whole is hashed as the view.
#[inline]
pub(crate) fn hash_view<T: ByteViewType>(array: &GenericByteViewArray<T>, view: u128) -> u64 {
    match view as u32 {
        0..=MAX_INLINE_VIEW_LEN => fold(mix(view as u64) ^ (view >> 64) as u64, MULTIPLIER),
        _ => mix_bytes(view_bytes(array, view, &inline_bytes(view))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PhysicalType;
    use std::sync::Arc;

    fn hashes(columns: &[Column], types: &[SqlType]) -> Result<Vec<u64>> {
        let mut hashes = Vec::new();
        hash_columns(columns, types, &mut hashes)?;
        Ok(hashes)
    }

    #[test]
    fn equal_keys_hash_equal_in_every_width_and_form() -> Result<()> {
        let narrow = Array::I32(vec![Some(1), None, Some(-7)].into());
        let types = [SqlType::INTEGER];
        let expected = hashes(&[narrow.clone().into()], &types)?;
        for width in [PhysicalType::I64, PhysicalType::I128] {
            assert_eq!(hashes(&[narrow.widened(width).into()], &types)?, expected);
        }
        let codes = vec![Some(1), None, Some(0)].into();
        let values = Arc::new(Array::I64(vec![-7, 1].into()));
        assert_eq!(hashes(&[Column::Dictionary { codes, values }], &types)?, expected);
        let zeros = Array::F64(vec![0.0, -0.0, f64::NAN, -f64::NAN].into());
        let got = hashes(&[zeros.into()], &[SqlType::Float])?;
        assert_eq!((got[0], got[2]), (got[1], got[3]));
        Ok(())
    }

    #[test]
    fn the_order_of_columns_and_every_byte_counts() -> Result<()> {
        let a = Column::Flat(Array::I32(vec![1].into()));
        let b = Column::Flat(Array::I32(vec![2].into()));
        let types = [SqlType::INTEGER, SqlType::INTEGER];
        assert_ne!(hashes(&[a.clone(), b.clone()], &types)?, hashes(&[b, a], &types)?);
        let texts = ["", "a", "b", "abcdefghijkl", "abcdefghijklm", "abcdefghijkln"];
        let texts = Array::Text(texts.into_iter().map(Some).collect());
        let mut got = hashes(&[texts.into()], &[SqlType::TEXT])?;
        got.sort_unstable();
        got.dedup();
        assert_eq!(got.len(), 6);
        Ok(())
    }
}
