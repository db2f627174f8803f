//! Which rows of a result go with the answer, and which are fetched after it.
//!
//! A part is made when it is asked for, from the rows as the engine keeps them, so that a result of any size takes
//! the memory of those parts alone that are on their way.

use std::ops::Range;

use firn_column::Batch;
use firn_engine::{BatchSize, StatementResult};
use firn_types::{Error, Result};

/// Bytes of rows, about, that go with the answer.
const FIRST_BYTES: usize = 1 << 20;
/// Bytes of rows, about, of every other part.
const PART_BYTES: usize = 10 << 20;

/// Some rows of a result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// The numbers of batches, each with the rows of it.
    batches: Vec<(usize, Range<usize>)>,
    /// How many rows these are.
    pub(crate) rows: usize,
    /// How many bytes they are, about.
    pub(crate) bytes: usize,
}

impl Part {
    /// The rows of the part.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(crate) fn read(&self, result: &StatementResult) -> Result<Vec<Batch>> {
        let read = |(number, rows): &(usize, Range<usize>)| {
            let batch = result.batch(*number)?;
            let batch = batch.ok_or_else(|| Error::internal("a batch that is gone"))?;
            Ok(match *rows == (0..batch.rows()) {
                true => batch,
                false => batch.slice(rows.start, rows.len()),
            })
        };
        self.batches.iter().map(read).collect()
    }

    fn add(&mut self, batch: usize, rows: Range<usize>, bytes: usize) {
        self.rows += rows.len();
        self.bytes += bytes;
        self.batches.push((batch, rows));
    }
}

/// Cuts a result whose batches are so large into parts: the first goes with the answer, and may be empty only
/// when there are no rows.
pub(crate) fn cut(sizes: &[BatchSize]) -> Vec<Part> {
    let mut parts = vec![Part::default()];
    for (number, size) in sizes.iter().enumerate().filter(|(_, size)| size.rows > 0) {
        let row_bytes = (size.bytes / size.rows).max(1);
        let mut from = 0;
        while from < size.rows {
            let limit = if parts.len() == 1 { FIRST_BYTES } else { PART_BYTES };
            let Some(part) = parts.last_mut() else { break };
            let room = limit.saturating_sub(part.bytes) / row_bytes;
            // A row that is larger than a part is one nevertheless.
            let rows = if part.rows == 0 { room.max(1) } else { room }.min(size.rows - from);
            if rows == 0 {
                parts.push(Part::default());
                continue;
            }
            part.add(number, from..from + rows, rows * row_bytes);
            from += rows;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(of: &[(usize, usize)]) -> Vec<BatchSize> {
        of.iter().map(|(rows, bytes)| BatchSize { rows: *rows, bytes: *bytes }).collect()
    }

    #[test]
    fn every_row_is_in_one_part() {
        for of in [
            vec![],
            vec![(0, 256)],
            vec![(3, 300)],
            vec![(1, 100 << 20), (1, 1), (2, 30 << 20)],
            vec![(1000, 50 << 20), (0, 0), (5, 5)],
            vec![(10_000, 300_000); 100],
        ] {
            let sizes = sizes(&of);
            let parts = cut(&sizes);
            let mut seen: Vec<Range<usize>> = vec![0..0; sizes.len()];
            for (number, rows) in parts.iter().flat_map(|part| &part.batches) {
                assert_eq!(seen[*number].end, rows.start);
                seen[*number].end = rows.end;
            }
            for (seen, size) in seen.iter().zip(&sizes) {
                assert_eq!(seen.len(), size.rows);
            }
            assert!(parts.iter().skip(1).all(|part| part.rows > 0));
            assert!(parts[0].rows > 0 || sizes.iter().all(|size| size.rows == 0));
        }
    }

    #[test]
    fn parts_are_as_large_as_they_may_be() {
        let parts = cut(&sizes(&[(1000, 100 << 20)]));
        assert_eq!(parts.len(), 11);
        assert!(parts[0].bytes <= FIRST_BYTES);
        assert!(parts.iter().all(|part| part.bytes <= PART_BYTES));
    }
}
