//! A statement's error as a client sees it.

use std::fmt;

use firn_types::{Error, ErrorCode, Span};

/// A statement's error, with the message as Snowflake's clients print it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The statement's id.
    pub query_id: String,
    /// Which error it is.
    pub code: ErrorCode,
    /// Its number, which is not the code's for an exception that a block has declared.
    pub number: i32,
    /// The message, without code and SQLSTATE.
    pub message: String,
    /// The place in the statement's text.
    pub span: Option<Span>,
    /// Line, from 1, and position in it, from 0.
    pub place: Option<(usize, usize)>,
}

impl Failure {
    /// Whether someone has canceled the statement.
    pub fn is_canceled(&self) -> bool {
        self.code == ErrorCode::Canceled
    }

    /// The failure that a server has told, by the number of its error.
    pub fn told(
        query_id: &str,
        (number, sql_state): (i32, &str),
        message: &str,
        place: Option<(usize, usize)>,
    ) -> Failure {
        let all = ErrorCode::ALL.iter();
        let same_state = |code: &&ErrorCode| code.sqlstate() == sql_state;
        let code = all.clone().find(|code| code.number() == number && same_state(code));
        let code = code.or_else(|| all.clone().find(|code| code.number() == number));
        let code = code.or_else(|| all.clone().find(same_state));
        Failure {
            query_id: query_id.to_string(),
            code: code.copied().unwrap_or(ErrorCode::Internal),
            number,
            message: message.to_string(),
            span: None,
            place,
        }
    }

    /// The failure of a request of several statements that does not have as many as it says.
    pub fn wrong_count(query_id: &str, actual: usize, desired: usize) -> Failure {
        let text = format!(
            "Actual statement count {actual} did not match the desired statement count {desired}."
        );
        Failure::new(query_id, &Error::new(ErrorCode::StatementCount, text), "")
    }

    /// The failure as the error of a statement around the one that failed.
    pub(crate) fn raised(self) -> Error {
        Error::raised(self.code, self.number, self.message)
    }

    /// The failure of the statement `sql`.
    pub(crate) fn new(query_id: &str, error: &Error, sql: &str) -> Failure {
        let place = error.span().map(|span| span.place(sql));
        Failure {
            query_id: query_id.to_string(),
            code: error.code(),
            number: error.number(),
            message: firn_parse::hide_secrets_of(sql, error.render(sql)),
            span: error.span(),
            place: place.map(|place| (place.line, place.position)),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06} ({}): {}", self.number, self.code.sqlstate(), self.message)
    }
}

impl std::error::Error for Failure {}
