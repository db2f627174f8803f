//! Sorting rows of several batches by their keys.
//!
//! All keys are known before the sort begins, so that the ranges of their values are too: most keys pack
//! into one integer. The others are compared as bytes, behind a prefix of eight bytes that are not the
//! same in all keys. Every sort is stable. (Sorting packed keys digit by digit was measured too, and was no
//! faster than the library's sort.)

use firn_types::{Result, SqlType};

use super::encode::{KeyEncoder, RowKeys};
use super::fixed::{KeyLayout, KeyOrder, Packed};
use crate::Column;
use crate::kernels::pick::RowOf;

/// The rows of the batches in the order of their keys; rows with equal keys stay in the order in which they
/// came. `batches` are the key columns of each batch.
///
/// # Errors
/// An internal error for a column that is not of its type.
pub fn sort_rows(
    types: &[SqlType],
    orders: &[KeyOrder],
    batches: &[Vec<Column>],
) -> Result<Vec<RowOf>> {
    let mut layout = KeyLayout::new(types, orders);
    if let Some(layout) = &mut layout {
        batches.iter().try_for_each(|batch| layout.widen(batch))?;
    }
    match layout {
        Some(layout) if layout.bits() <= 64 => sort_narrow(&layout, batches),
        Some(layout) if layout.bits() <= 128 => sort_wide(&layout, batches),
        _ => sort_bytes(&KeyEncoder::new(types, orders), batches),
    }
}

fn rows_of(batch: &[Column]) -> usize {
    batch.first().map_or(0, Column::len)
}

fn row_of(batch: usize, row: usize) -> RowOf {
    RowOf { batch: batch as u32, row: row as u32 }
}

fn sort_narrow(layout: &KeyLayout, batches: &[Vec<Column>]) -> Result<Vec<RowOf>> {
    let mut keyed: Vec<(u64, RowOf)> = Vec::new();
    let mut packed = Packed::default();
    for (number, batch) in batches.iter().enumerate() {
        layout.pack(batch, rows_of(batch), false, &mut packed)?;
        keyed.extend(packed.keys.iter().enumerate().map(|(row, &key)| (key, row_of(number, row))));
    }
    // The rows' places break ties, so that the sort need not be stable.
    keyed.sort_unstable();
    Ok(keyed.into_iter().map(|(_, row)| row).collect())
}

fn sort_wide(layout: &KeyLayout, batches: &[Vec<Column>]) -> Result<Vec<RowOf>> {
    let mut keyed: Vec<(u128, RowOf)> = Vec::new();
    let mut packed = Packed::default();
    for (number, batch) in batches.iter().enumerate() {
        layout.pack(batch, rows_of(batch), false, &mut packed)?;
        keyed.extend(packed.keys.iter().enumerate().map(|(row, &key)| (key, row_of(number, row))));
    }
    keyed.sort_unstable();
    Ok(keyed.into_iter().map(|(_, row)| row).collect())
}

fn sort_bytes(encoder: &KeyEncoder, batches: &[Vec<Column>]) -> Result<Vec<RowOf>> {
    let mut keys = Vec::with_capacity(batches.len());
    for batch in batches {
        let mut encoded = RowKeys::default();
        encoder.encode(batch, rows_of(batch), &mut encoded)?;
        keys.push(encoded);
    }
    let common = common_bytes(&keys);
    let mut keyed: Vec<(u64, RowOf)> = Vec::new();
    for (number, keys) in keys.iter().enumerate() {
        let prefixes = keys.prefixes_after(common).into_iter().enumerate();
        keyed.extend(prefixes.map(|(row, prefix)| (prefix, row_of(number, row))));
    }
    let key = |of: RowOf| keys[of.batch as usize].key(of.row as usize);
    keyed.sort_unstable_by(|(left_prefix, left), (right_prefix, right)| {
        left_prefix
            .cmp(right_prefix)
            .then_with(|| key(*left).cmp(key(*right)))
            .then_with(|| left.cmp(right))
    });
    Ok(keyed.into_iter().map(|(_, row)| row).collect())
}

/// How many bytes all keys begin with alike: names and identifiers often do, and bytes that decide nothing
/// make a poor prefix.
fn common_bytes(keys: &[RowKeys]) -> usize {
    let mut all = keys.iter().flat_map(|keys| (0..keys.len()).map(|row| keys.key(row)));
    let Some(first) = all.next() else { return 0 };
    all.fold(first.len(), |common, key| {
        let alike = key.len() >= common && key[..common] == first[..common];
        if alike {
            return common;
        }
        first.iter().zip(key).take(common).take_while(|(left, right)| left == right).count()
    })
}
