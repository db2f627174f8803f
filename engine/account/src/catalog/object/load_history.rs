//! Loads of staged files: what COPY notes of each, and what is asked of them.

use std::sync::Arc;

use firn_types::ObjectId;
use rpds::RedBlackTreeMapSync as Map;

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
    /// What there is to say beside of a load by a pipe.
    pub by_pipe: Option<PipeLoad>,
}

#[cfg(test)]
impl LoadRecord {
    /// A file of one row that was loaded.
    pub(crate) fn loaded(path: &str, etag: &str, loaded_nanos: i64) -> LoadRecord {
        LoadRecord {
            path: path.to_string(),
            etag: etag.to_string(),
            size: 1,
            modified_nanos: 0,
            loaded_nanos,
            status: LoadStatus::Loaded,
            rows_loaded: 1,
            rows_parsed: 1,
            error_count: 0,
            error_limit: 1,
            first_error: None,
            by_pipe: None,
        }
    }
}

/// A file's way through a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PipeLoad {
    /// The table that its rows went to.
    pub table: ObjectId,
    /// When the pipe got to know of it: nanoseconds since 1970 UTC.
    pub received_nanos: i64,
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

/// A load is forgotten when one is noted that is so much later: 64 days.
pub(super) const EXPIRY_NANOS: i64 = 64 * 86_400_000_000_000;

/// The loads of one table or pipe, by path. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Loads {
    by_path: Map<String, Vec<Arc<LoadRecord>>>,
    /// When each file was loaded, the first ones first.
    by_time: Map<(i64, String), ()>,
}

impl Loads {
    /// Whether the file with this content is loaded, wholly or in part.
    pub fn is_loaded(&self, path: &str, etag: &str) -> bool {
        self.by_path.get(path).is_some_and(|records| {
            let loaded = |record: &Arc<LoadRecord>| record.status != LoadStatus::Failed;
            records.iter().any(|record| loaded(record) && record.etag == etag)
        })
    }

    /// Whether the file is loaded, wholly or in part, whatever was in it.
    pub fn has_taken(&self, path: &str) -> bool {
        self.load_of(path).is_some()
    }

    /// Whether the file with this content was read, and loaded or not.
    pub fn knows(&self, path: &str, etag: &str) -> bool {
        let records = self.by_path.get(path).into_iter().flatten();
        records.into_iter().any(|record| record.etag == etag)
    }

    /// All records, by path and then by time.
    pub fn records(&self) -> impl Iterator<Item = &Arc<LoadRecord>> {
        self.by_path.values().flatten()
    }

    /// The load of a file, wholly or in part.
    pub fn load_of(&self, path: &str) -> Option<&Arc<LoadRecord>> {
        let mut records = self.by_path.get(path).into_iter().flatten();
        records.find(|record| record.status != LoadStatus::Failed)
    }

    /// Adds a load, unless it is there, and forgets those that have expired by then.
    pub(super) fn add(&mut self, record: Arc<LoadRecord>) {
        let oldest = record.loaded_nanos.saturating_sub(EXPIRY_NANOS);
        while let Some(((nanos, path), ())) = self.by_time.first()
            && *nanos < oldest
        {
            let first = (*nanos, path.clone());
            self.by_time.remove_mut(&first);
            let mut records = self.by_path.get(&first.1).cloned().unwrap_or_default();
            records.retain(|record| record.loaded_nanos >= oldest);
            match records.is_empty() {
                true => _ = self.by_path.remove_mut(&first.1),
                false => self.by_path.insert_mut(first.1, records),
            }
        }
        let mut records = self.by_path.get(&record.path).cloned().unwrap_or_default();
        if records.contains(&record) {
            return;
        }
        self.by_time.insert_mut((record.loaded_nanos, record.path.clone()), ());
        let path = record.path.clone();
        records.push(record);
        self.by_path.insert_mut(path, records);
    }
}
