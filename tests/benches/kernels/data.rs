//! Rows to measure with.

use std::ops::Range;

use arrow::array::{Int64Array, StringViewArray};
use firn_column::{Array, Column};

/// Rows of each measurement.
pub(crate) const ROWS: usize = 1 << 20;

/// Rows of a batch.
pub(crate) const BATCH_ROWS: usize = 1 << 13;

/// The same number for the same row, spread over all of 64 bits (the last step of splitmix64).
fn mixed(row: usize) -> u64 {
    let mut bits = (row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A column in batches.
fn batches(rows: usize, make: impl Fn(Range<usize>) -> Array) -> Vec<Column> {
    let starts = (0..rows).step_by(BATCH_ROWS);
    starts.map(|from| make(from..rows.min(from + BATCH_ROWS)).into()).collect()
}

/// Random integers below `limit`; others for another `seed`.
pub(crate) fn integers(limit: u64, seed: usize) -> Vec<Column> {
    let value = |row| (mixed(row + seed * ROWS) % limit) as i64;
    batches(ROWS, |rows| Array::I64(Int64Array::from_iter_values(rows.map(value))))
}

/// Each integer below `count` once, in no order; `count` is a power of two.
pub(crate) fn permutation(count: usize) -> Vec<Column> {
    let value = |row: usize| (row.wrapping_mul(0x9E37_79B1) % count) as i64;
    batches(count, |rows| Array::I64(Int64Array::from_iter_values(rows.map(value))))
}

/// Random texts of 25 bytes, `distinct` of them; one in a hundred says "special requests".
pub(crate) fn texts(distinct: u64) -> Vec<Column> {
    let text = |row| match mixed(row) % distinct {
        number if number % 100 == 0 => format!("special requests {number:08}"),
        number => format!("furious ideas and {number:07}"),
    };
    batches(ROWS, |rows| Array::Text(StringViewArray::from_iter_values(rows.map(text))))
}

/// Several columns, batch by batch.
pub(crate) fn side_by_side(columns: &[Vec<Column>]) -> Vec<Vec<Column>> {
    let count = columns.first().map_or(0, Vec::len);
    (0..count).map(|batch| columns.iter().map(|column| column[batch].clone()).collect()).collect()
}
