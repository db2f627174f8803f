//! Which staged files are already loaded into a table.

use std::collections::BTreeMap;
use std::sync::Arc;

/// What one COPY did with one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadRecord {
    /// The file with its stage: what makes it the same file next time.
    pub path: String,
    /// The content's mark: an etag or an MD5.
    pub etag: String,
    /// Bytes of the file.
    pub size: u64,
    /// When the file was last modified: nanoseconds since 1970 UTC.
    pub modified_nanos: i64,
    /// When it was loaded: nanoseconds since 1970 UTC.
    pub loaded_nanos: i64,
    /// How it went.
    pub status: LoadStatus,
    /// Rows loaded.
    pub rows_loaded: u64,
    /// Rows read.
    pub rows_parsed: u64,
    /// Errors met.
    pub error_count: u64,
    /// Errors allowed.
    pub error_limit: u64,
    /// The first error.
    pub first_error: Option<LoadError>,
}

/// How the load of a file went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadStatus {
    /// All rows.
    Loaded,
    /// No row.
    Failed,
    /// Some rows.
    Partial,
}

/// Where a file is wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The message.
    pub message: String,
    /// The line, from 1.
    pub line: u64,
    /// The character in the line, from 1.
    pub character: u64,
    /// The column's name, where one is known.
    pub column: Option<String>,
}

/// The loads of one table, by path. TRUNCATE and replacing the table clear it, DELETE does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadHistory {
    by_path: BTreeMap<String, Vec<Arc<LoadRecord>>>,
}

impl LoadHistory {
    /// Whether the file with this content is loaded, wholly or in part.
    pub fn is_loaded(&self, path: &str, etag: &str) -> bool {
        self.by_path.get(path).is_some_and(|records| {
            let loaded = |record: &Arc<LoadRecord>| record.status != LoadStatus::Failed;
            records.iter().any(|record| loaded(record) && record.etag == etag)
        })
    }

    /// All records, by path and then by time.
    pub fn records(&self) -> impl Iterator<Item = &Arc<LoadRecord>> {
        self.by_path.values().flatten()
    }

    /// Whether nothing was loaded.
    pub fn is_empty(&self) -> bool {
        self.by_path.is_empty()
    }

    /// The same history with one more load.
    pub(crate) fn add(&mut self, record: Arc<LoadRecord>) {
        self.by_path.entry(record.path.clone()).or_default().push(record);
    }
}
