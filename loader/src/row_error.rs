//! A rejected row: where it is and what is wrong with it.

use std::fmt::Write as _;
use std::sync::Arc;

use firn_types::{Error, ErrorCode};

/// A row that could not be read or converted. It is a value, not a failure: ON_ERROR decides.
#[derive(Clone, Debug, PartialEq)]
pub struct RowError {
    /// The file as results show it.
    pub file: Arc<str>,
    /// The line of the file in which the error is, from 1, headers included.
    pub line: u64,
    /// Where in that line, from 1, counting bytes of the raw text.
    pub character: u64,
    /// Where in the decompressed file, from 0.
    pub byte_offset: u64,
    /// Parsing or conversion.
    pub category: ErrorCategory,
    /// Which error.
    pub code: ErrorCode,
    /// Its text, without the place.
    pub message: String,
    /// The column, where one is to reason.
    pub column: Option<ErrorColumn>,
    /// The row of the file, from 1, headers not counted.
    pub row_number: u64,
    /// The line in which the row starts.
    pub row_start_line: u64,
    /// The raw text of the row.
    pub record: String,
}

/// The column that an error names.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorColumn {
    /// Its position in the record, from 0.
    pub position: usize,
    /// As messages print it: `"T"["B":2]`.
    pub label: String,
}

/// At which step a row was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCategory {
    /// The text does not have the format's form.
    Parsing,
    /// A value does not fit its column.
    Conversion,
    /// Anything else, such as a file that is missing.
    Other,
}

impl ErrorCategory {
    /// As VALIDATE prints it.
    pub fn name(self) -> &'static str {
        match self {
            ErrorCategory::Parsing => "parsing",
            ErrorCategory::Conversion => "conversion",
            ErrorCategory::Other => "other",
        }
    }
}

/// The names of the columns of VALIDATE and of VALIDATION_MODE = RETURN_ERRORS.
pub const ERROR_COLUMNS: [&str; 12] = [
    "ERROR",
    "FILE",
    "LINE",
    "CHARACTER",
    "BYTE_OFFSET",
    "CATEGORY",
    "CODE",
    "SQL_STATE",
    "COLUMN_NAME",
    "ROW_NUMBER",
    "ROW_START_LINE",
    "REJECTED_RECORD",
];

impl RowError {
    /// The error of a whole file that is missing or corrupt, for modes of ON_ERROR that go on without
    /// it.
    pub fn of_file(file: Arc<str>, error: &Error) -> RowError {
        RowError {
            file,
            line: 0,
            character: 0,
            byte_offset: 0,
            category: ErrorCategory::Other,
            code: error.code(),
            message: error.detail().to_owned(),
            column: None,
            row_number: 0,
            row_start_line: 0,
            record: String::new(),
        }
    }

    /// The error with which ON_ERROR = ABORT_STATEMENT ends.
    pub fn to_error(&self) -> Error {
        let mut text = self.message.clone();
        let place =
            format!("\n  File '{}', line {}, character {}", self.file, self.line, self.character);
        text.push_str(&place);
        if self.row_start_line == self.line {
            let _ = write!(text, "\n  Row {}", self.row_number);
        } else {
            let _ =
                write!(text, "\n  Row {} starts at line {}", self.row_number, self.row_start_line);
        }
        if let Some(column) = &self.column {
            let _ = write!(text, ", column {}", column.label);
        }
        text.push_str(
            "\n  If you would like to continue loading when an error is encountered, use other \
             values such as 'SKIP_FILE' or 'CONTINUE' for the ON_ERROR option. For more \
             information on loading options, please run 'info loading_data' in a SQL client.",
        );
        Error::new(self.code, text)
    }
}

/// Where rows are loaded to: for the labels of columns in messages.
#[derive(Clone, Debug, Default)]
pub struct LoadTarget {
    /// The table's bare name; empty when rows are only queried.
    pub table: String,
    /// The names of the table's columns that the fields go to, in the fields' order.
    pub columns: Vec<String>,
}

impl LoadTarget {
    /// The column at a position as messages print it.
    pub fn label(&self, position: usize) -> String {
        match self.columns.get(position) {
            Some(name) => format!("\"{}\"[\"{name}\":{}]", self.table, position + 1),
            None => format!("\"{}\"[{}]", self.table, position + 1),
        }
    }

    /// The column at a position.
    pub fn column(&self, position: usize) -> ErrorColumn {
        ErrorColumn { position, label: self.label(position) }
    }
}
