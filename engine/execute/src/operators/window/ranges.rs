//! Where partitions and peers begin and end in sorted rows.

use arrow::array::BooleanArray;
use arrow::buffer::BooleanBuffer;
use firn_column::Column;
use firn_column::kernels::compare::distinct;
use firn_types::{Result, SqlType};

/// The rows whose keys differ from those of the row before; the first row is one.
pub(in crate::operators) fn starts(
    keys: &[Column],
    types: &[SqlType],
    rows: usize,
) -> Result<BooleanArray> {
    if rows == 0 {
        return Ok(BooleanArray::new(BooleanBuffer::new_unset(0), None));
    }
    let mut differs = BooleanBuffer::new_unset(rows - 1);
    for (key, &sql_type) in keys.iter().zip(types) {
        let different = distinct(&key.slice(0, rows - 1), &key.slice(1, rows - 1), sql_type)?;
        differs = &differs | different.values();
    }
    let starts = std::iter::once(true).chain(differs.iter());
    Ok(BooleanArray::new(starts.collect(), None))
}

/// For every row, the start and the end of the range that it is in.
pub(super) fn ranges(starts: &BooleanBuffer) -> Vec<(u32, u32)> {
    let rows = starts.len();
    let mut ranges = Vec::with_capacity(rows);
    let mut firsts = starts.set_indices();
    let mut start = firsts.next().unwrap_or(0);
    while ranges.len() < rows {
        let end = firsts.next().unwrap_or(rows);
        ranges.resize(end, (start as u32, end as u32));
        start = end;
    }
    ranges
}
