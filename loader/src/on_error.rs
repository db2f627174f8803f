//! ON_ERROR: what becomes of a file with bad rows, and COPY's result row for it.

use std::sync::Arc;

use firn_types::{Error, Result};

use crate::options::OnError;
use crate::row_error::RowError;

/// How a file fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStatus {
    /// All its rows are loaded.
    Loaded,
    /// Some of its rows are loaded.
    PartiallyLoaded,
    /// None of its rows is loaded.
    LoadFailed,
    /// It was named in FILES and had been loaded before.
    LoadSkipped,
}

impl FileStatus {
    /// As COPY prints it.
    pub fn name(self) -> &'static str {
        match self {
            FileStatus::Loaded => "LOADED",
            FileStatus::PartiallyLoaded => "PARTIALLY_LOADED",
            FileStatus::LoadFailed => "LOAD_FAILED",
            FileStatus::LoadSkipped => "LOAD_SKIPPED",
        }
    }
}

/// One row of COPY's result; its fields are the result's columns in order.
#[derive(Clone, Debug, PartialEq)]
pub struct FileResult {
    /// The file as results show it.
    pub file: Arc<str>,
    /// How it fared.
    pub status: FileStatus,
    /// Rows found in it.
    pub rows_parsed: u64,
    /// Rows of it that are now in the table.
    pub rows_loaded: u64,
    /// Bad rows at which the mode gives up.
    pub error_limit: Option<u64>,
    /// Bad rows found.
    pub errors_seen: u64,
    /// The text of the first.
    pub first_error: Option<String>,
    /// Its line.
    pub first_error_line: Option<u64>,
    /// Its place in the line.
    pub first_error_character: Option<u64>,
    /// Its column, as `"T"["B":2]`.
    pub first_error_column_name: Option<String>,
}

/// The names of the result's columns.
pub const RESULT_COLUMNS: [&str; 10] = [
    "file",
    "status",
    "rows_parsed",
    "rows_loaded",
    "error_limit",
    "errors_seen",
    "first_error",
    "first_error_line",
    "first_error_character",
    "first_error_column_name",
];

/// The single text of the result when no file was to be loaded.
pub const NOTHING_TO_DO: &str = "Copy executed with 0 files processed.";

/// What was found in one file; workers that read parts of it merge theirs.
#[derive(Clone, Debug, Default)]
pub struct FileTally {
    /// Rows found, bad ones included.
    pub rows_parsed: u64,
    /// Bad rows.
    pub errors_seen: u64,
    /// The bad row that comes first in the file.
    pub first_error: Option<Box<RowError>>,
}

impl FileTally {
    /// Adds a bad row; `rows_parsed` counts it separately.
    pub fn add_error(&mut self, error: &RowError) {
        self.errors_seen += 1;
        if self.first_error.as_ref().is_none_or(|first| error.byte_offset < first.byte_offset) {
            self.first_error = Some(Box::new(error.clone()));
        }
    }

    /// Adds what another worker found in the same file.
    pub fn merge(&mut self, other: FileTally) {
        self.rows_parsed += other.rows_parsed;
        self.errors_seen += other.errors_seen;
        let mine = self.first_error.as_ref().map_or(u64::MAX, |error| error.byte_offset);
        if other.first_error.as_ref().is_some_and(|error| error.byte_offset < mine) {
            self.first_error = other.first_error;
        }
    }
}

/// What is to be done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Its good rows are loaded.
    Load,
    /// None of its rows is loaded.
    Skip,
}

impl OnError {
    /// Whether a file need not be read on: no later row can change that it is skipped, or that the
    /// statement fails.
    pub fn gives_up(self, errors_seen: u64) -> bool {
        match self {
            OnError::AbortStatement => errors_seen > 0,
            // The result row counts every bad row of a skipped file.
            _ => false,
        }
    }

    /// The decision about a file that was read to its end.
    ///
    /// # Errors
    /// With ABORT_STATEMENT, the file's first bad row.
    pub fn decide(self, tally: &FileTally) -> Result<Decision> {
        let errors = tally.errors_seen;
        let skip = match self {
            OnError::Continue => false,
            OnError::SkipFile => errors > 0,
            // A limit of 0 is reached by a clean file too.
            OnError::SkipFileCount(limit) => errors >= limit,
            OnError::SkipFilePercent(percent) => {
                u128::from(errors) * 100 > u128::from(tally.rows_parsed) * u128::from(percent)
            }
            OnError::AbortStatement if errors > 0 => {
                let first = tally.first_error.as_ref();
                let lost = || Error::internal("bad rows without a first one");
                return Err(first.map_or_else(lost, |error| error.to_error()));
            }
            OnError::AbortStatement => false,
        };
        Ok(if skip { Decision::Skip } else { Decision::Load })
    }

    /// The number of bad rows at which the mode gives up, as the result shows it.
    pub fn error_limit(self, rows_parsed: u64) -> u64 {
        match self {
            OnError::AbortStatement | OnError::SkipFile => 1,
            OnError::SkipFileCount(limit) => limit,
            OnError::SkipFilePercent(percent) => {
                let limit = u128::from(rows_parsed) * u128::from(percent) / 100;
                u64::try_from(limit).unwrap_or(u64::MAX).max(1)
            }
            OnError::Continue => rows_parsed.max(1),
        }
    }
}

impl FileResult {
    /// The result row of a file that was read.
    pub fn of(file: Arc<str>, mode: OnError, tally: &FileTally, decision: Decision) -> FileResult {
        let good = tally.rows_parsed.saturating_sub(tally.errors_seen);
        let rows_loaded = if decision == Decision::Skip { 0 } else { good };
        let status = match (decision, tally.errors_seen) {
            (Decision::Skip, _) => FileStatus::LoadFailed,
            (Decision::Load, 0) => FileStatus::Loaded,
            (Decision::Load, _) if rows_loaded == 0 => FileStatus::LoadFailed,
            (Decision::Load, _) => FileStatus::PartiallyLoaded,
        };
        let first = tally.first_error.as_deref();
        FileResult {
            file,
            status,
            rows_parsed: tally.rows_parsed,
            rows_loaded,
            error_limit: Some(mode.error_limit(tally.rows_parsed)),
            errors_seen: tally.errors_seen,
            first_error: first.map(|error| error.message.clone()),
            first_error_line: first.map(|error| error.line),
            first_error_character: first.map(|error| error.character),
            first_error_column_name: first
                .and_then(|error| error.column.as_ref().map(|column| column.label.clone())),
        }
    }

    /// The result row of a file that is missing or corrupt, of which nothing is loaded.
    pub fn of_broken_file(file: Arc<str>, error: &Error) -> FileResult {
        FileResult {
            file,
            status: FileStatus::LoadFailed,
            rows_parsed: 0,
            rows_loaded: 0,
            error_limit: Some(1),
            errors_seen: 1,
            first_error: Some(error.detail().to_owned()),
            first_error_line: None,
            first_error_character: None,
            first_error_column_name: None,
        }
    }

    /// The result row of a file named in FILES that had been loaded before.
    pub fn loaded_before(file: Arc<str>) -> FileResult {
        FileResult::skipped(file, "File was loaded before.")
    }

    /// The result row of a file named in FILES of which nobody knows any more whether it was loaded before.
    pub fn uncertain(file: Arc<str>) -> FileResult {
        let why = "File may have been loaded more than 64 days ago: LOAD_UNCERTAIN_FILES = TRUE loads it.";
        FileResult::skipped(file, why)
    }

    fn skipped(file: Arc<str>, why: &str) -> FileResult {
        FileResult {
            file,
            status: FileStatus::LoadSkipped,
            rows_parsed: 0,
            rows_loaded: 0,
            error_limit: None,
            errors_seen: 1,
            first_error: Some(why.to_owned()),
            first_error_line: None,
            first_error_character: None,
            first_error_column_name: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(rows_parsed: u64, errors_seen: u64) -> FileTally {
        FileTally { rows_parsed, errors_seen, first_error: None }
    }

    #[test]
    fn limits_decide_as_documented() {
        let cases = [
            (OnError::SkipFileCount(0), 5, 0, Decision::Skip, 0),
            (OnError::SkipFilePercent(0), 5, 0, Decision::Load, 1),
            (OnError::SkipFileCount(2), 5, 1, Decision::Load, 2),
            (OnError::SkipFileCount(2), 5, 2, Decision::Skip, 2),
            (OnError::SkipFilePercent(20), 10, 2, Decision::Load, 2),
            (OnError::SkipFilePercent(20), 10, 3, Decision::Skip, 2),
            (OnError::Continue, 7, 3, Decision::Load, 7),
        ];
        for (mode, rows, errors, decision, limit) in cases {
            assert_eq!(mode.decide(&tally(rows, errors)).unwrap(), decision, "{mode}");
            assert_eq!(mode.error_limit(rows), limit, "{mode}");
        }
    }
}
