//! Exceptions: raised, handled, or the statement's error in the end.

use firn_types::{Error, ErrorCode, Span};

use crate::failure::Failure;

/// The exception of a SQL statement that fails.
pub(super) const STATEMENT_ERROR: &str = "STATEMENT_ERROR";
/// The exception of an expression that fails.
pub(super) const EXPRESSION_ERROR: &str = "EXPRESSION_ERROR";
/// What handles every exception.
pub(super) const OTHER: &str = "OTHER";
/// The number of an exception that is declared without one.
pub(super) const NUMBER: i32 = -20_000;

/// An exception on its way out.
#[derive(Clone, Debug)]
pub(super) struct Raised {
    /// The name that it is handled by.
    pub(super) name: String,
    /// SQLCODE.
    pub(super) number: i32,
    /// SQLSTATE.
    pub(super) state: &'static str,
    /// SQLERRM.
    pub(super) message: String,
    /// Where it came from, in the block's text.
    span: Span,
    code: ErrorCode,
    /// The depth of the block whose handler has raised it: only blocks around that one handle it.
    left: Option<usize>,
    /// It is an error of the whole statement already, as of one that was called.
    whole: bool,
}

impl Raised {
    /// A declared exception.
    pub(super) fn declared(name: &str, number: i32, message: &str, span: Span) -> Raised {
        let code = ErrorCode::RaisedException;
        let (name, message) = (name.to_string(), message.to_string());
        Raised {
            name,
            number,
            state: code.sqlstate(),
            message,
            span,
            code,
            left: None,
            whole: false,
        }
    }

    /// The error of an expression, or of a step that uses one.
    pub(super) fn expression(error: Error, span: Span) -> Raised {
        Self::of(EXPRESSION_ERROR, &error, error.render(""), span)
    }

    /// The error of a statement.
    pub(super) fn statement(failure: &Failure, span: Span) -> Raised {
        let error = Error::new(failure.code, failure.message.clone());
        let raised = Self::of(STATEMENT_ERROR, &error, failure.message.clone(), span);
        Raised { number: failure.number, ..raised }
    }

    /// The error of a statement that does not come to run.
    pub(super) fn of_statement(error: Error, span: Span) -> Raised {
        let message = error.render("");
        Self::of(STATEMENT_ERROR, &error, message, span)
    }

    /// The error of a statement that ran beside the block: also of one that the block has canceled.
    pub(super) fn of_job(failure: &Failure, span: Span) -> Raised {
        let raised = Self::statement(failure, span);
        Raised { name: STATEMENT_ERROR.to_string(), whole: false, ..raised }
    }

    /// What nothing has handled in a procedure, as the error of the CALL in the block around it.
    pub(super) fn out_of_call(self, text: &str, span: Span) -> Raised {
        if self.whole {
            return self;
        }
        let error = self.uncaught(text);
        let raised = Self::of(STATEMENT_ERROR, &error, error.detail().to_string(), span);
        Raised { number: error.number(), ..raised }
    }

    /// What is wrong with the block itself, at a place in its text: nothing handles it.
    pub(super) fn compilation(error: &Error, span: Span, text: &str) -> Raised {
        let place = span.place(text);
        let message = format!("SQL compilation error: error {place}\n{}", error.detail());
        let raised = Self::of("", error, message, span);
        Raised { whole: true, ..raised }
    }

    /// An error that nothing handles, such as cancelation.
    pub(super) fn fatal(error: &Error, span: Span) -> Raised {
        let raised = Self::of("", error, error.detail().to_string(), span);
        Raised { whole: true, ..raised }
    }

    fn of(name: &str, error: &Error, message: String, span: Span) -> Raised {
        let code = error.code();
        let ends = matches!(code, ErrorCode::Canceled | ErrorCode::StatementTimeout);
        Raised {
            name: if ends { String::new() } else { name.to_string() },
            number: error.number(),
            state: code.sqlstate(),
            message,
            span,
            code,
            left: None,
            whole: ends,
        }
    }

    /// Whether a handler of this name handles it, in a block with so many around it.
    pub(super) fn is_handled_by(&self, name: &str, depth: usize) -> bool {
        let inside = self.left.is_none_or(|left| depth < left);
        inside && !self.name.is_empty() && (name == OTHER || name == self.name)
    }

    /// The exception as a handler raises it in a block with so many around it.
    pub(super) fn out_of(mut self, depth: usize) -> Raised {
        self.left = Some(self.left.map_or(depth, |left| left.min(depth)));
        self
    }

    /// The error outside of blocks.
    pub(super) fn plain(self) -> Error {
        Error::raised(self.code, self.number, self.message)
    }

    /// The error of a block whose text is `text`.
    pub(super) fn uncaught(self, text: &str) -> Error {
        if self.whole {
            return Error::raised(self.code, self.number, self.message);
        }
        let place = self.span.place(text);
        let mut message = format!("Uncaught exception of type '{}' on {place}", self.name);
        if !self.message.is_empty() {
            message = format!("{message} : {}", self.message);
        }
        Error::raised(self.code, self.number, message)
    }
}
