//! Reading a password from the terminal.

use std::borrow::Cow;

use rustyline::completion::Completer;
use rustyline::config::Configurer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{ColorMode, Editor, Helper};

/// Hides what is typed.
#[derive(Debug)]
struct Hidden;

impl Helper for Hidden {}

impl Completer for Hidden {
    type Candidate = String;
}

impl Hinter for Hidden {
    type Hint = String;
}

impl Validator for Hidden {}

impl Highlighter for Hidden {
    fn highlight<'l>(&self, _: &'l str, _position: usize) -> Cow<'l, str> {
        Cow::Borrowed("")
    }

    fn highlight_char(&self, _line: &str, _position: usize, _kind: CmdKind) -> bool {
        true
    }
}

/// Asks for a password, which is not shown.
///
/// # Errors
/// When nobody types one.
pub(crate) fn ask() -> rustyline::Result<String> {
    let mut editor = Editor::<Hidden, DefaultHistory>::new()?;
    editor.set_helper(Some(Hidden));
    editor.set_auto_add_history(false);
    // What is typed is hidden by how it is colored.
    editor.set_color_mode(ColorMode::Forced);
    editor.readline("Password: ")
}
