//! What a build side says about the probe side's rows before they are joined.

use std::sync::Arc;

use arrow::buffer::BooleanBuffer;
use firn_column::row_key::join::{NONE, ProbeScratch};
use firn_column::{Batch, Column, Selection};
use firn_types::{ColumnId, Result};

use super::{BuildSide, Join};

/// The keys of a built join, asked by a scan that gives the probing columns. Rows without a match must
/// not matter to anyone.
#[derive(Clone)]
pub(crate) struct RuntimeFilter {
    /// The probing column of each key, where the key is one.
    pub(crate) columns: Vec<Option<ColumnId>>,
    pub(crate) join: Arc<Join>,
}

impl RuntimeFilter {
    /// Whether the build side has no row, so that no row passes.
    pub(crate) fn passes_nothing(&self) -> bool {
        self.join.side().is_some_and(|side| side.rows() == 0)
    }

    /// The least and the greatest value that a key column of integers has.
    pub(crate) fn range(&self, key: usize) -> Option<(i128, i128)> {
        self.join.side()?.table.as_ref()?.join_keys().integer_range(key)
    }

    /// The rows of a selection that may have a match; `columns` are the places of the keys in `batch`, of
    /// those that it has. First each key by itself, then all together.
    pub(crate) fn narrow(
        &self,
        mut selection: Selection,
        batch: &Batch,
        columns: &[Option<usize>],
    ) -> Result<Selection> {
        let Some(side) = self.join.side() else { return Ok(selection) };
        let mut decided = columns.len() == 1;
        for (bits, column) in side.bits.iter().zip(columns) {
            match (bits, column) {
                (Some(bits), Some(column)) => {
                    selection = bits.narrow(selection, batch.column(*column));
                    decided &= bits.is_exact();
                }
                _ => decided = false,
            }
        }
        let all: Option<Vec<usize>> = columns.iter().copied().collect();
        match all {
            Some(columns) if !decided => looked_up(side, selection, batch, &columns),
            _ => Ok(selection),
        }
    }
}

/// The rows of a selection that have a match.
fn looked_up(
    side: &BuildSide,
    selection: Selection,
    batch: &Batch,
    columns: &[usize],
) -> Result<Selection> {
    let rows = selection.count(batch.rows());
    let Some(table) = side.table.as_ref().filter(|_| rows > 0) else { return Ok(selection) };
    let keys: Vec<Column> =
        columns.iter().map(|&column| batch.column(column).select(&selection)).collect();
    let (mut scratch, mut first_matches) = (ProbeScratch::default(), Vec::new());
    table.look_up(&keys, rows, &mut scratch, &mut first_matches)?;
    let has_match = |row: usize| first_matches[row] != NONE;
    Ok(match selection {
        Selection::All => Selection::of_mask(BooleanBuffer::collect_bool(rows, has_match)),
        some => {
            let positions = some.positions(batch.rows());
            let kept = positions.values().iter().enumerate().filter(|(row, _)| has_match(*row));
            Selection::Rows(kept.map(|(_, position)| *position).collect::<Vec<u32>>().into())
        }
    })
}
