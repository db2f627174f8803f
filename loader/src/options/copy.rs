//! The options of COPY INTO a table.

use std::fmt;

use firn_types::{Error, ErrorCode, Result};

use super::OptionDefault::{Boolean as Truth, Nothing, Text as Word};
use super::OptionKind::{Boolean, Choice, NumberOrNull, OnError as OnErrorKind};
use super::{NamedOption, OptionEntry, OptionRow, OptionSet, OptionValue, entry};

const COPY: &[OptionEntry] = &[
    entry("ON_ERROR", OnErrorKind, Word("ABORT_STATEMENT")),
    entry("SIZE_LIMIT", NumberOrNull(1), Nothing),
    entry("PURGE", Boolean, Truth(false)),
    entry("RETURN_FAILED_ONLY", Boolean, Truth(false)),
    entry("ENFORCE_LENGTH", Boolean, Truth(true)),
    entry("TRUNCATECOLUMNS", Boolean, Truth(false)),
    entry("FORCE", Boolean, Truth(false)),
    entry("MATCH_BY_COLUMN_NAME", Choice(&["CASE_SENSITIVE", "CASE_INSENSITIVE", "NONE"]), Nothing),
    entry("LOAD_UNCERTAIN_FILES", Boolean, Truth(false)),
    entry("LOAD_MODE", Choice(&["FULL_INGEST", "ADD_FILES_COPY"]), Word("FULL_INGEST")),
];

/// What becomes of a file with bad rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OnError {
    /// Bad rows are dropped, the rest is loaded.
    Continue,
    /// The file is left out at its first bad row.
    SkipFile,
    /// The file is left out when it has at least this many bad rows.
    SkipFileCount(u64),
    /// The file is left out when more than this percentage of its rows are bad.
    SkipFilePercent(u64),
    /// The statement fails at the first bad row.
    AbortStatement,
}

impl OnError {
    /// The mode of this name in any case, such as `SKIP_FILE_10%`.
    pub fn from_name(name: &str) -> Option<OnError> {
        let upper = name.to_ascii_uppercase();
        match upper.as_str() {
            "CONTINUE" => return Some(OnError::Continue),
            "SKIP_FILE" => return Some(OnError::SkipFile),
            "ABORT_STATEMENT" => return Some(OnError::AbortStatement),
            _ => {}
        }
        let limit = upper.strip_prefix("SKIP_FILE_")?;
        match limit.strip_suffix('%') {
            Some(percent) => {
                let percent = percent.parse().ok().filter(|percent| *percent <= 100);
                percent.map(OnError::SkipFilePercent)
            }
            None => limit.parse().ok().map(OnError::SkipFileCount),
        }
    }
}

impl fmt::Display for OnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OnError::Continue => f.write_str("CONTINUE"),
            OnError::SkipFile => f.write_str("SKIP_FILE"),
            OnError::SkipFileCount(count) => write!(f, "SKIP_FILE_{count}"),
            OnError::SkipFilePercent(percent) => write!(f, "SKIP_FILE_{percent}%"),
            OnError::AbortStatement => f.write_str("ABORT_STATEMENT"),
        }
    }
}

/// How the columns of a file find those of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchByColumnName {
    /// By position.
    None,
    /// By exact name.
    CaseSensitive,
    /// By name in any case.
    CaseInsensitive,
}

/// What VALIDATION_MODE asks for instead of loading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidationMode {
    /// The first rows, or the first error.
    ReturnRows(u64),
    /// All errors.
    ReturnErrors,
    /// All errors, of files loaded in part before too.
    ReturnAllErrors,
}

impl ValidationMode {
    /// The mode of this word, such as `RETURN_10_ROWS`.
    ///
    /// # Errors
    /// A word that is no mode.
    pub fn parse(value: &OptionValue) -> Result<ValidationMode> {
        let word = match value {
            OptionValue::Word(word) | OptionValue::Text(word) => word.to_ascii_uppercase(),
            _ => String::new(),
        };
        let rows = word.strip_prefix("RETURN_").and_then(|rest| rest.strip_suffix("_ROWS"));
        match (word.as_str(), rows.and_then(|rows| rows.parse().ok())) {
            ("RETURN_ERRORS", _) => Ok(ValidationMode::ReturnErrors),
            ("RETURN_ALL_ERRORS", _) => Ok(ValidationMode::ReturnAllErrors),
            (_, Some(rows)) if rows > 0 => Ok(ValidationMode::ReturnRows(rows)),
            _ => Err(super::invalid_value("VALIDATION_MODE", value)),
        }
    }
}

/// The options of COPY INTO a table; a stage may hold some of them too.
#[derive(Clone, Debug, PartialEq)]
pub struct CopyOptions {
    options: OptionSet,
}

impl Default for CopyOptions {
    fn default() -> CopyOptions {
        CopyOptions { options: OptionSet::new(COPY) }
    }
}

impl CopyOptions {
    /// Whether COPY has an option of this name.
    pub fn knows(name: &str) -> bool {
        COPY.iter().any(|entry| entry.name == name)
    }

    /// The options of a statement or a stage.
    ///
    /// # Errors
    /// Unknown options, values that an option does not take, a LOAD_MODE that firn does not have.
    pub fn parse(given: &[NamedOption]) -> Result<CopyOptions> {
        let mut copy = CopyOptions::default();
        for (name, value) in given {
            copy.options.set(name, value).map_err(|error| match name.as_str() {
                "MATCH_BY_COLUMN_NAME" => invalid_match(value),
                _ => error,
            })?;
        }
        match copy.options.text("LOAD_MODE").as_deref() {
            Some("ADD_FILES_COPY") => Err(Error::not_supported("LOAD_MODE = ADD_FILES_COPY")),
            _ => Ok(copy),
        }
    }

    /// The options of the statement, and for those that it does not set the stage's.
    pub fn over(&self, stage: &CopyOptions) -> CopyOptions {
        CopyOptions { options: stage.options.merged(&self.options) }
    }

    /// The options that were set: [`CopyOptions::parse`] takes them back.
    pub fn pairs(&self) -> Vec<NamedOption> {
        self.options.pairs()
    }

    /// Whether the option was set, rather than left to its default.
    pub fn is_set(&self, name: &str) -> bool {
        self.options.is_set(name)
    }

    /// The rows of DESC STAGE under STAGE_COPY_OPTIONS.
    pub fn describe(&self) -> Vec<OptionRow> {
        self.options.describe()
    }

    /// ON_ERROR.
    pub fn on_error(&self) -> OnError {
        let name = self.options.text("ON_ERROR");
        name.and_then(|name| OnError::from_name(&name)).unwrap_or(OnError::AbortStatement)
    }

    /// SIZE_LIMIT: bytes after which no further file is begun.
    pub fn size_limit(&self) -> Option<u64> {
        self.options.number("SIZE_LIMIT")
    }

    /// PURGE: loaded files are removed from the stage.
    pub fn purge(&self) -> bool {
        self.options.boolean("PURGE")
    }

    /// RETURN_FAILED_ONLY: the result leaves out files that were loaded completely.
    pub fn return_failed_only(&self) -> bool {
        self.options.boolean("RETURN_FAILED_ONLY")
    }

    /// TRUNCATECOLUMNS, or ENFORCE_LENGTH = FALSE: texts are cut to their column's length.
    pub fn truncate_columns(&self) -> bool {
        self.options.boolean("TRUNCATECOLUMNS") || !self.options.boolean("ENFORCE_LENGTH")
    }

    /// FORCE: files are loaded though they were before.
    pub fn force(&self) -> bool {
        self.options.boolean("FORCE")
    }

    /// LOAD_UNCERTAIN_FILES: files are loaded of which nobody knows any more whether they were before.
    pub fn load_uncertain_files(&self) -> bool {
        self.options.boolean("LOAD_UNCERTAIN_FILES")
    }

    /// MATCH_BY_COLUMN_NAME.
    pub fn match_by_column_name(&self) -> MatchByColumnName {
        match self.options.text("MATCH_BY_COLUMN_NAME").as_deref() {
            Some("CASE_SENSITIVE") => MatchByColumnName::CaseSensitive,
            Some("CASE_INSENSITIVE") => MatchByColumnName::CaseInsensitive,
            _ => MatchByColumnName::None,
        }
    }
}

fn invalid_match(value: &OptionValue) -> Error {
    let word = match value {
        OptionValue::Word(word) | OptionValue::Text(word) => word.clone(),
        other => other.to_string(),
    };
    let detail = format!("Invalid value '{word}' for parameter MATCH_BY_COLUMN_NAME.");
    Error::new(ErrorCode::InvalidParameterValue, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_error_reads_counts_and_percentages() {
        for (name, mode) in [
            ("continue", Some(OnError::Continue)),
            ("SKIP_FILE_3", Some(OnError::SkipFileCount(3))),
            ("skip_file_10%", Some(OnError::SkipFilePercent(10))),
            ("SKIP_FILE_101%", None),
            ("SKIP_FILES", None),
        ] {
            assert_eq!(OnError::from_name(name), mode, "{name}");
        }
    }
}
