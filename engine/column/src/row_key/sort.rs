//! Sorting rows of several batches by their keys.
//!
//! All keys are known before the sort begins, so that the ranges of their values are too: most keys pack
//! into one integer. The others are compared as bytes, behind a prefix of eight bytes that are not the
//! same in all keys. Every sort is stable. (Sorting packed keys digit by digit was measured too, and was no
//! faster than the library's sort.)

use firn_types::{Result, SqlType};
use rayon::prelude::{
    IndexedParallelIterator, IntoParallelIterator, IntoParallelRefIterator, ParallelIterator,
    ParallelSliceMut,
};

use super::encode::{KeyEncoder, RowKeys};
use super::fixed::{KeyLayout, KeyOrder, Packed, Word};
use crate::Column;
use crate::kernels::take::RowOf;

/// The rows of the batches in the order of their keys; rows with equal keys stay in the order in which they
/// came. The work is shared by the threads of the caller's pool. `batches` are the key columns of each batch.
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
        Some(layout) if layout.bits() <= 64 => sort_packed::<u64>(&layout, batches),
        Some(layout) if layout.bits() <= 128 => sort_packed::<u128>(&layout, batches),
        _ => sort_bytes(&KeyEncoder::new(types, orders), batches),
    }
}

fn rows_of(batch: &[Column]) -> usize {
    batch.first().map_or(0, Column::len)
}

fn row_of(batch: usize, row: usize) -> RowOf {
    RowOf { batch: batch as u32, row: row as u32 }
}

fn sort_packed<W: Word>(layout: &KeyLayout, batches: &[Vec<Column>]) -> Result<Vec<RowOf>> {
    let keyed = batches.par_iter().enumerate().map(|(number, batch)| {
        let mut packed = Packed::default();
        layout.pack(batch, rows_of(batch), false, &mut packed)?;
        let keys = packed.keys.into_iter().enumerate();
        Ok(keys.map(|(row, key)| (key, row_of(number, row))).collect())
    });
    let keyed: Vec<Vec<(W, RowOf)>> = keyed.collect::<Result<_>>()?;
    let mut keyed = keyed.concat();
    // The rows' places break ties, so that the sort need not be stable.
    keyed.par_sort_unstable();
    Ok(keyed.into_par_iter().map(|(_, row)| row).collect())
}

fn sort_bytes(encoder: &KeyEncoder, batches: &[Vec<Column>]) -> Result<Vec<RowOf>> {
    let keys = batches.par_iter().map(|batch| {
        let mut encoded = RowKeys::default();
        encoder.encode(batch, rows_of(batch), &mut encoded)?;
        Ok(encoded)
    });
    let keys: Vec<RowKeys> = keys.collect::<Result<_>>()?;
    let common = common_bytes(&keys);
    let mut keyed: Vec<(u64, RowOf)> = Vec::with_capacity(keys.iter().map(RowKeys::len).sum());
    for (number, keys) in keys.iter().enumerate() {
        let prefixes = keys.prefixes_after(common).into_iter().enumerate();
        keyed.extend(prefixes.map(|(row, prefix)| (prefix, row_of(number, row))));
    }
    let key = |of: RowOf| keys[of.batch as usize].key(of.row as usize);
    keyed.par_sort_unstable_by(|(left_prefix, left), (right_prefix, right)| {
        left_prefix
            .cmp(right_prefix)
            .then_with(|| key(*left).cmp(key(*right)))
            .then_with(|| left.cmp(right))
    });
    Ok(keyed.into_par_iter().map(|(_, row)| row).collect())
}

/// How many bytes all keys begin with alike: names and identifiers often do, and bytes that decide nothing
/// make a poor prefix.
pub fn common_bytes(keys: &[RowKeys]) -> usize {
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
