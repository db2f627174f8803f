//! What a warehouse keeps in memory of the files it reads.

use std::sync::Arc;

/// Decoded column chunks and footers within a budget of bytes; the least recently used go first.
/// Shared by all workers of a warehouse.
#[derive(Debug)]
pub struct ColumnCache {
    budget_bytes: usize,
}

impl ColumnCache {
    /// An empty cache of at most `budget_bytes`.
    pub fn new(budget_bytes: usize) -> Arc<ColumnCache> {
        Arc::new(ColumnCache { budget_bytes })
    }

    /// The most bytes that it holds.
    pub fn budget_bytes(&self) -> usize {
        self.budget_bytes
    }
}
