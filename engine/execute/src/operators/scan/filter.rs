//! Asking the joins above whether a row has a match before the rest of it is read.

use std::sync::atomic::{AtomicU64, Ordering};

use firn_column::{Batch, Selection};
use firn_types::Result;

use crate::operators::join::RuntimeFilter;

/// Rows after which it is decided whether asking pays.
const TRIAL_ROWS: u64 = 1 << 16;

/// A join above with the places of its keys among a scan's columns.
pub(crate) struct JoinFilter {
    pub(crate) join: RuntimeFilter,
    /// The scan's column of each key.
    pub(crate) columns: Vec<Option<usize>>,
    asked: AtomicU64,
    passed: AtomicU64,
}

impl JoinFilter {
    pub(crate) fn new(join: RuntimeFilter, columns: Vec<Option<usize>>) -> JoinFilter {
        JoinFilter { join, columns, asked: AtomicU64::new(0), passed: AtomicU64::new(0) }
    }

    /// Whether most rows pass, so that asking costs more than it saves.
    fn is_idle(&self) -> bool {
        let asked = self.asked.load(Ordering::Relaxed);
        asked >= TRIAL_ROWS && self.passed.load(Ordering::Relaxed) * 4 > asked * 3
    }

    /// The rows of a selection that have a match, as far as the scan can tell.
    pub(super) fn narrow(&self, selection: Selection, piece: &Batch) -> Result<Selection> {
        let rows = selection.count(piece.rows());
        if rows == 0 || self.is_idle() {
            return Ok(selection);
        }
        let selection = self.join.narrow(selection, piece, &self.columns)?;
        let passed = selection.count(piece.rows());
        self.asked.fetch_add(rows as u64, Ordering::Relaxed);
        self.passed.fetch_add(passed as u64, Ordering::Relaxed);
        Ok(selection)
    }
}
