//! Errors of what code throws, in Snowflake's shape:
//!
//! ```text
//! JavaScript execution error: Uncaught ReferenceError: x is not defined in F at 'return x' position 7
//! stackstrace:
//! F line: 1
//! ```

use firn_types::{Cancel, Error, ErrorCode};
use rquickjs::{Coerced, Ctx, FromJs, Value};

use crate::isolate::FILE;

/// The name that code is called by, and its text.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) name: String,
    pub(crate) body: String,
}

/// Why work inside of an isolate has ended.
#[derive(Debug)]
pub(crate) enum Thrown {
    /// The code does not compile; the context holds why.
    Uncompiled,
    /// The code has thrown what the context holds, or cannot go on.
    Code(rquickjs::Error),
    /// A value is not what SQL takes.
    Sql(Error),
}

impl From<rquickjs::Error> for Thrown {
    fn from(error: rquickjs::Error) -> Thrown {
        Thrown::Code(error)
    }
}

impl From<Error> for Thrown {
    fn from(error: Error) -> Thrown {
        Thrown::Sql(error)
    }
}

/// A place in the code: line and position, both from 1, of the function that is there.
struct Frame {
    function: String,
    line: usize,
    position: usize,
}

impl Thrown {
    /// The error that a client sees.
    pub(crate) fn into_error(self, ctx: &Ctx<'_>, code: &Code, cancel: &Cancel) -> Error {
        let (number, what) = match self {
            Thrown::Sql(error) => return error,
            Thrown::Uncompiled => (ErrorCode::JavaScriptCompilation, "compilation"),
            Thrown::Code(_) => (ErrorCode::JavaScriptExecution, "execution"),
        };
        // Code that is to end is stopped by an error of its own.
        if let Err(canceled) = cancel.check() {
            return canceled;
        }
        if let Some(failed) = statement_failure(ctx, code) {
            return failed;
        }
        let (message, frames) = match &self {
            Thrown::Code(error) if !matches!(error, rquickjs::Error::Exception) => {
                (error.to_string(), Vec::new())
            }
            _ => caught(ctx, code),
        };
        if message == "InternalError: out of memory" {
            return out_of_memory();
        }
        let mut text = format!("JavaScript {what} error: Uncaught {message} in {}", code.name);
        if let Some(top) = frames.first() {
            let line = code.body.lines().nth(top.line - 1).unwrap_or_default();
            let position = of_throw(line, top.position - 1);
            text.push_str(&format!(" at '{line}' position {position}"));
        }
        if self.is_execution() && !frames.is_empty() {
            text.push_str("\nstackstrace: ");
            for frame in &frames {
                text.push_str(&format!("\n{} line: {}", frame.function, frame.line));
            }
        }
        Error::new(number, text)
    }

    fn is_execution(&self) -> bool {
        matches!(self, Thrown::Code(_))
    }
}

/// What was thrown, and where.
fn caught<'js>(ctx: &Ctx<'js>, code: &Code) -> (String, Vec<Frame>) {
    let thrown = ctx.catch();
    let stack = thrown.as_exception().and_then(rquickjs::Exception::stack).unwrap_or_default();
    let frames = stack.lines().filter_map(|line| frame(line, code)).collect();
    let message = told(ctx, thrown);
    (as_others_say(&message).unwrap_or(message), frames)
}

/// The error of code that takes more memory than it may.
pub(crate) fn out_of_memory() -> Error {
    let text = "JavaScript out of memory error: UDF thread memory limit exceeded";
    Error::new(ErrorCode::JavaScriptExecution, text)
}

/// Whether null was thrown.
pub(crate) fn is_of_null(error: &Error) -> bool {
    error.detail().contains("Uncaught null in ")
}

/// The error of a statement that a procedure's code has run, when that is what was thrown.
fn statement_failure(ctx: &Ctx<'_>, code: &Code) -> Option<Error> {
    let thrown = ctx.catch();
    let told = thrown.as_exception().and_then(|exception| {
        let place: Option<String> = exception.as_object().get("stackTraceTxt").ok()?;
        let text = exception.message().unwrap_or_default();
        let place = place?;
        Some(format!("Execution error in store procedure {}:\n{text}\n{place}", code.name))
    });
    if told.is_none() {
        ctx.throw(thrown);
    }
    told.map(|text| Error::new(ErrorCode::ProcedureExecution, text))
}

/// The text of what was thrown.
fn told<'js>(ctx: &Ctx<'js>, thrown: Value<'js>) -> String {
    Coerced::<String>::from_js(ctx, thrown).map(|text| text.0).unwrap_or_else(|_| {
        // A value that cannot even be told.
        ctx.catch();
        "error".to_string()
    })
}

/// A line of a stack: `    at g (F:2:26)`, or `    at F:2:11` of code that does not compile.
fn frame(line: &str, code: &Code) -> Option<Frame> {
    let line = line.trim().strip_prefix("at ")?;
    let (function, place) = match line.strip_suffix(')').and_then(|line| line.rsplit_once(" (")) {
        Some((function, place)) => (function, place),
        None => (code.name.as_str(), line),
    };
    let place = place.strip_prefix(FILE)?.strip_prefix(':')?;
    let (line, position) = place.split_once(':')?;
    // A line before the body makes a function of it.
    let line = line.parse::<usize>().ok()?.saturating_sub(1);
    let position = position.parse::<usize>().ok()?;
    let (line, position) = if line == 0 { (1, 1) } else { (line, position.max(1)) };
    Some(Frame { function: function.replace("<anonymous>", ""), line, position })
}

/// The place where a new error is thrown, for the place where it is made.
fn of_throw(line: &str, position: usize) -> usize {
    let before = line.get(..position).unwrap_or_default().trim_end();
    let before = before.strip_suffix("new").map_or(before, str::trim_end);
    before.strip_suffix("throw").map_or(position, str::len)
}

/// The same message in V8's words, for one that many know.
fn as_others_say(message: &str) -> Option<String> {
    let (before, rest) = message.split_once("cannot read property '")?;
    let (property, value) = rest.rsplit_once("' of ")?;
    Some(format!("{before}Cannot read properties of {value} (reading '{property}')"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_body() {
        let code = Code { name: "F".to_string(), body: String::new() };
        let told = |line| frame(line, &code).map(|at| (at.function, at.line, at.position));
        assert_eq!(told("    at g (body:3:26)"), Some(("g".to_string(), 2, 26)));
        assert_eq!(told("    at <anonymous> (body:2:1)"), Some((String::new(), 1, 1)));
        assert_eq!(told("    at body:2:11"), Some(("F".to_string(), 1, 11)));
        // The line that makes a function of the body.
        assert_eq!(told("    at F (body:1:1)"), Some(("F".to_string(), 1, 1)));
        assert_eq!(told("    at map (native)"), None);
        assert_eq!(told("    at run (eval_script:7:3)"), None);
    }

    #[test]
    fn an_error_is_thrown_where_throw_stands() {
        assert_eq!(of_throw("  throw new Error('x');", 12), 2);
        assert_eq!(of_throw("  throw Error('x');", 8), 2);
        assert_eq!(of_throw("  return x;", 9), 9);
        assert_eq!(of_throw("short", 99), 99);
    }

    #[test]
    fn words_of_others() {
        let said = as_others_say("TypeError: cannot read property 'a' of undefined");
        let words = "TypeError: Cannot read properties of undefined (reading 'a')";
        assert_eq!(said.as_deref(), Some(words));
        assert_eq!(as_others_say("Error: other"), None);
    }
}
