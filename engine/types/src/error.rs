//! The one error type of firn.
//!
//! An error says what was wrong and, for a statement's text, where. What a client sees is made at the
//! end, by [`Error::render`], when the statement's text is at hand: Snowflake puts the line and position of
//! some errors into the message itself ([`ErrorCode::tells_place`]).

use std::fmt;

use crate::{ErrorCode, Span};

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was wrong, and where. Small, since it travels in every `Result`.
#[derive(Clone, Debug)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: ErrorCode,
    detail: String,
    span: Option<Span>,
    /// The number of an exception that a block has raised; its text is shown as it is.
    raised: Option<i32>,
}

impl Error {
    /// An error with its code and its text, without Snowflake's `SQL compilation error:` prefix, which
    /// [`Error::render`] adds where the code asks for it.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Error {
        Error(Box::new(Inner { code, detail: detail.into(), span: None, raised: None }))
    }

    /// The exception of a block that nothing has handled: its own number, and a text that is shown as it is.
    pub fn raised(code: ErrorCode, number: i32, detail: impl Into<String>) -> Error {
        let detail = detail.into();
        Error(Box::new(Inner { code, detail, span: None, raised: Some(number) }))
    }

    /// A feature of Snowflake that firn does not have; `feature` names it as a user would.
    pub fn not_supported(feature: impl fmt::Display) -> Error {
        Error::new(ErrorCode::UnsupportedFeature, format!("Unsupported feature '{feature}'."))
    }

    /// A broken promise inside firn: never the user's fault.
    pub fn internal(detail: impl Into<String>) -> Error {
        Error::new(ErrorCode::Internal, detail)
    }

    /// The same error with its place, unless it already has one: the innermost place is the best.
    pub fn at(mut self, span: Span) -> Error {
        self.0.span.get_or_insert(span);
        self
    }

    /// The same error with its place moved by `offset` bytes: for a text that was cut out of another.
    pub fn shifted(mut self, offset: usize) -> Error {
        if let Some(span) = &mut self.0.span {
            *span = Span::new(span.start as usize + offset, span.end as usize + offset);
        }
        self
    }

    /// The same error without a place: for a text that the user did not just write, such as a view's.
    pub fn without_span(mut self) -> Error {
        self.0.span = None;
        self
    }

    /// The same error with its text replaced by `f(text)`: for context, added once per floor.
    pub fn map_detail(mut self, f: impl FnOnce(&str) -> String) -> Error {
        self.0.detail = f(&self.0.detail);
        self
    }

    /// Which error it is.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The number that a client sees: the code's, or that of the exception that a block has raised.
    pub fn number(&self) -> i32 {
        self.0.raised.unwrap_or_else(|| self.0.code.number())
    }

    /// The text without prefix and place.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The place in the statement's text, where it is known.
    pub fn span(&self) -> Option<Span> {
        self.0.span
    }

    /// The message that a client sees for the statement `sql`, without the code.
    pub fn render(&self, sql: &str) -> String {
        if self.0.raised.is_some() {
            return self.0.detail.clone();
        }
        let place = self.0.span.map(|span| span.place(sql));
        match (self.0.code.phase(), place) {
            (Phase::Syntax, Some(place)) => {
                format!("SQL compilation error:\nsyntax error {place} {}", self.0.detail)
            }
            (Phase::Syntax, None) => {
                format!("SQL compilation error:\nsyntax error {}", self.0.detail)
            }
            (Phase::Compilation, Some(place)) if self.0.code.tells_place() => {
                format!("SQL compilation error: error {place}\n{}", self.0.detail)
            }
            (Phase::Compilation, _) => format!("SQL compilation error:\n{}", self.0.detail),
            (Phase::Access, _) => format!("SQL access control error:\n{}", self.0.detail),
            (Phase::Execution, _) => self.0.detail.clone(),
        }
    }
}

/// In which phase of a statement's life an error belongs; it decides the message's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The text is not SQL.
    Syntax,
    /// The text is SQL, but not about things that exist and fit.
    Compilation,
    /// The role may not do it.
    Access,
    /// The data or the world did not allow it.
    Execution,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.detail)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compilation_error_names_line_and_position() {
        let error =
            Error::new(ErrorCode::InvalidIdentifier, "invalid identifier 'X'").at(Span::new(7, 8));
        assert_eq!(
            error.render("select x"),
            "SQL compilation error: error line 1 at position 7\ninvalid identifier 'X'"
        );
        assert_eq!(error.code().to_string(), "000904 (42000)");
    }

    #[test]
    fn other_errors_keep_their_place_to_themselves() {
        let error =
            Error::new(ErrorCode::UnknownFunction, "Unknown function F.").at(Span::new(7, 8));
        assert_eq!(error.render("select f()"), "SQL compilation error:\nUnknown function F.");
        assert_eq!(error.span(), Some(Span::new(7, 8)));
    }
}
