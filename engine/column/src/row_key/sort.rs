//! Sorting rows of several batches by their keys.
//!
//! All keys are known before the sort begins, so that the ranges of their values are too: most keys pack
//! into few bits, which are sorted digit by digit without any comparison. Wider keys are compared as
//! integers, and the widest as bytes behind an eight-byte prefix. Every sort is stable.

use firn_types::{Result, SqlType};

use super::encode::{KeyEncoder, RowKeys};
use super::fixed::{KeyLayout, KeyOrder, Packed};
use crate::Column;
use crate::kernels::pick::RowOf;

/// Bits of one digit of the sort by digits.
const DIGIT_BITS: u32 = 11;
/// Keys of more bits are compared: so many passes cost more than comparisons.
const DIGITS_BITS_MAX: u32 = 5 * DIGIT_BITS;
/// Fewer rows are compared: the counts alone would cost more.
const DIGITS_ROWS_MIN: usize = 1 << 10;

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
    if keyed.len() >= DIGITS_ROWS_MIN && layout.bits() <= DIGITS_BITS_MAX {
        sort_by_digits(&mut keyed, layout.bits());
    } else {
        // The rows' places break ties, so that the sort need not be stable.
        keyed.sort_unstable();
    }
    Ok(keyed.into_iter().map(|(_, row)| row).collect())
}

/// Sorts by the lowest digit first; each pass keeps the order of the passes before it.
fn sort_by_digits(keyed: &mut Vec<(u64, RowOf)>, bits: u32) {
    let mut other = keyed.clone();
    for shift in (0..bits).step_by(DIGIT_BITS as usize) {
        let digit = |key: u64| (key >> shift) as usize & ((1 << DIGIT_BITS) - 1);
        let mut places = [0_usize; 1 << DIGIT_BITS];
        for (key, _) in keyed.iter() {
            places[digit(*key)] += 1;
        }
        let mut next = 0;
        for place in &mut places {
            next += std::mem::replace(place, next);
        }
        for &(key, row) in keyed.iter() {
            let place = &mut places[digit(key)];
            other[*place] = (key, row);
            *place += 1;
        }
        std::mem::swap(keyed, &mut other);
    }
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
    let mut keyed: Vec<(u64, RowOf)> = Vec::new();
    for (number, batch) in batches.iter().enumerate() {
        let mut encoded = RowKeys::default();
        encoder.encode(batch, rows_of(batch), &mut encoded)?;
        let prefixes = encoded.prefixes().into_iter().enumerate();
        keyed.extend(prefixes.map(|(row, prefix)| (prefix, row_of(number, row))));
        keys.push(encoded);
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
