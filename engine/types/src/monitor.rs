//! A running statement as seen from outside: how far it is, and that it is to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crate::{Error, ErrorCode, Result};

/// What the threads of a running statement and those who watch it share; clones share it too.
#[derive(Clone, Debug, Default)]
pub struct Monitor {
    /// Whether the statement is to end.
    pub cancel: Cancel,
    /// How far it is.
    pub progress: Progress,
}

/// Whether a statement is to end, because someone canceled it or its time is over; clones share the
/// answer.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<End>);

#[derive(Debug)]
struct End {
    canceled: AtomicBool,
    /// What the limit is counted from.
    start: Instant,
    /// Nanoseconds after `start` at which the statement's time is over; 0 for never.
    deadline_nanos: AtomicU64,
    /// The seconds that it has in all.
    limit_seconds: AtomicU64,
    /// The statement that it is a part of, and ends with.
    parent: Option<Cancel>,
}

impl Default for End {
    fn default() -> End {
        End {
            canceled: AtomicBool::new(false),
            start: Instant::now(),
            deadline_nanos: AtomicU64::new(0),
            limit_seconds: AtomicU64::new(0),
            parent: None,
        }
    }
}

impl Cancel {
    /// For a part of the statement that ends with it, and can be ended by itself.
    pub fn child(&self) -> Cancel {
        Cancel(Arc::new(End { parent: Some(self.clone()), ..End::default() }))
    }

    /// Ends the statement soon.
    pub fn cancel(&self) {
        self.0.canceled.store(true, Ordering::Release);
    }

    /// Ends the statement so many seconds from now; 0 for never.
    pub fn limit(&self, seconds: u64) {
        let end = &self.0;
        let deadline = end.start.elapsed().as_nanos() + u128::from(seconds) * 1_000_000_000;
        let deadline = u64::try_from(deadline).unwrap_or(u64::MAX);
        end.limit_seconds.store(seconds, Ordering::Relaxed);
        end.deadline_nanos.store(if seconds == 0 { 0 } else { deadline }, Ordering::Relaxed);
    }

    /// Whether the statement is to end.
    pub fn is_canceled(&self) -> bool {
        self.0.canceled.load(Ordering::Acquire)
            || self.is_late()
            || self.0.parent.as_ref().is_some_and(Cancel::is_canceled)
    }

    fn is_late(&self) -> bool {
        let deadline = self.0.deadline_nanos.load(Ordering::Relaxed);
        deadline != 0 && self.0.start.elapsed().as_nanos() >= u128::from(deadline)
    }

    /// Looks whether the statement is to end.
    ///
    /// # Errors
    /// `Canceled` when someone canceled it, `StatementTimeout` when its time is over.
    pub fn check(&self) -> Result<()> {
        if self.0.canceled.load(Ordering::Acquire) {
            return Err(Error::new(ErrorCode::Canceled, "SQL execution canceled"));
        }
        if self.is_late() {
            let seconds = self.0.limit_seconds.load(Ordering::Relaxed);
            let text = format!(
                "Statement reached its statement or warehouse timeout of {seconds} second(s) and was \
                 canceled."
            );
            return Err(Error::new(ErrorCode::StatementTimeout, text));
        }
        self.0.parent.as_ref().map_or(Ok(()), Cancel::check)
    }
}

/// What a statement has read so far; all threads add to it.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    rows: AtomicU64,
    bytes: AtomicU64,
    bytes_total: AtomicU64,
    files: AtomicU64,
    files_total: AtomicU64,
}

/// How far a statement is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoFar {
    /// Rows read.
    pub rows: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Bytes that are known to be read in all.
    pub bytes_total: u64,
    /// Files and micro-partitions begun.
    pub files: u64,
    /// Files and micro-partitions that are known to be read in all.
    pub files_total: u64,
}

impl Progress {
    /// So many more files, and bytes in them, are going to be read.
    pub fn add_total(&self, files: usize, bytes: u64) {
        self.0.files_total.fetch_add(files as u64, Ordering::Relaxed);
        self.0.bytes_total.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A file or a micro-partition is begun.
    pub fn begin_file(&self) {
        self.0.files.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes were read.
    pub fn add_bytes(&self, bytes: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Rows were read.
    pub fn add_rows(&self, rows: u64) {
        self.0.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// How far the statement is now.
    pub fn so_far(&self) -> SoFar {
        let counters = &self.0;
        let now = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SoFar {
            rows: now(&counters.rows),
            bytes: now(&counters.bytes),
            bytes_total: now(&counters.bytes_total),
            files: now(&counters.files),
            files_total: now(&counters.files_total),
        }
    }
}
