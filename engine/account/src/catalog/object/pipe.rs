//! Pipes.

use std::sync::Arc;

use firn_types::Result;
use rpds::RedBlackTreeMapSync as Map;

use super::{LoadHistory, LoadRecord};
use crate::catalog::Header;

/// How long a file waits in a queue, such as that of a paused pipe: 14 days.
const QUEUED_NANOS: i64 = 14 * 86_400_000_000_000;

/// A pipe: a COPY that is run again and again, for the files that have come.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipe {
    /// What all objects have.
    pub header: Header,
    /// The COPY INTO statement.
    pub definition: String,
    /// AUTO_INGEST: files are looked for, not only asked for.
    pub auto_ingest: bool,
    /// Other options, by name.
    pub options: Vec<(String, String)>,
    /// PATTERN of its COPY, for whoever looks at it.
    pub pattern: Option<String>,
    /// Whether its files are in an internal stage: such a pipe is not cloned with its schema.
    pub is_internal: bool,
    /// Whether it loads nothing now.
    pub paused: bool,
    /// Whether it is a clone that nobody has resumed yet.
    pub cloned: bool,
    /// What it has loaded.
    pub loads: Arc<LoadHistory>,
    /// The files that somebody has asked for and that are not loaded yet.
    pub queue: PipeQueue,
}

impl Pipe {
    /// The value of an option.
    pub fn option(&self, name: &str) -> Option<&str> {
        let found = self.options.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a file is loaded, wholly or in part. Unlike COPY, a pipe does not load a file again that has changed.
    ///
    /// # Errors
    /// As [`LoadHistory::read`].
    pub fn has_taken(&self, path: &str) -> Result<bool> {
        Ok(self.loads.read()?.has_taken(path))
    }

    /// Files that wait at a time, but for those that have waited too long.
    pub fn waiting(&self, now_nanos: i64) -> usize {
        let oldest = now_nanos.saturating_sub(QUEUED_NANOS);
        self.queue.files.values().filter(|received| **received >= oldest).count()
    }

    /// Adds files to the queue. Who asks for them leaves out those that are loaded, and one that another
    /// process loads meanwhile leaves the queue with the pipe's next load: the log is followed without
    /// reading what was loaded. Those that have waited too long by then leave it.
    pub(crate) fn enqueue(&mut self, files: &[QueuedFile]) {
        if let Some(now) = files.iter().map(|file| file.received_nanos).max() {
            self.queue.forget_before(now.saturating_sub(QUEUED_NANOS));
        }
        for file in files {
            if !self.queue.contains(&file.path) {
                self.queue.files.insert_mut(file.path.clone(), file.received_nanos);
            }
        }
    }

    /// Notes loads, whose files leave the queue.
    pub(crate) fn add_loads(&mut self, records: &[Arc<LoadRecord>]) {
        for record in records {
            self.queue.files.remove_mut(&record.path);
        }
        Arc::make_mut(&mut self.loads).add(records);
    }
}

/// A file that a pipe is asked to load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedFile {
    /// The file with its stage, as the load history has it.
    pub path: String,
    /// When it was asked for: nanoseconds since 1970 UTC.
    pub received_nanos: i64,
}

/// Files that wait, by path. Cloning shares them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PipeQueue {
    files: Map<String, i64>,
}

impl PipeQueue {
    /// Whether a file waits.
    pub fn contains(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// When a file was asked for: nanoseconds since 1970 UTC.
    pub fn received_nanos(&self, path: &str) -> Option<i64> {
        self.files.get(path).copied()
    }

    /// The files, by path.
    pub fn files(&self) -> impl Iterator<Item = QueuedFile> + '_ {
        let file = |(path, received): (&String, &i64)| QueuedFile {
            path: path.clone(),
            received_nanos: *received,
        };
        self.files.iter().map(file)
    }

    fn forget_before(&mut self, nanos: i64) {
        let old = self.files.iter().filter(|(_, received)| **received < nanos);
        let old: Vec<String> = old.map(|(path, _)| path.clone()).collect();
        for path in old {
            self.files.remove_mut(&path);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.files.size()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

impl FromIterator<QueuedFile> for PipeQueue {
    fn from_iter<I: IntoIterator<Item = QueuedFile>>(files: I) -> PipeQueue {
        let mut queue = PipeQueue::default();
        for file in files {
            queue.files.insert_mut(file.path, file.received_nanos);
        }
        queue
    }
}
