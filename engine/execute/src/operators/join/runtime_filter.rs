//! What a build side says about the probe side's rows before they are joined.

use std::sync::Arc;

use firn_column::Column;
use firn_column::row_key::join::{NONE, ProbeScratch};
use firn_types::{ColumnId, Result};

use super::Join;

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

    /// Whether each row has a match, into `keep`; false when it cannot be told.
    pub(crate) fn matches(
        &self,
        keys: &[Column],
        rows: usize,
        scratch: &mut ProbeScratch,
        heads: &mut Vec<u32>,
        keep: &mut Vec<bool>,
    ) -> Result<bool> {
        let Some(table) = self.join.side().and_then(|side| side.table.as_ref()) else {
            return Ok(false);
        };
        table.look_up(keys, rows, scratch, heads)?;
        keep.clear();
        keep.extend(heads.iter().map(|&head| head != NONE));
        Ok(true)
    }
}
