//! What the line editor asks while someone types: is it complete, what may follow, how to color it.

use std::borrow::Cow;

use firn_engine::split::is_complete;
use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper, Result};

use crate::lex::{self, Token};
use crate::meta_command;
use crate::options::OPTIONS;

/// The editor's helper; the shell refreshes it before each statement.
#[derive(Debug, Default)]
pub(crate) struct LineHelper {
    /// Keywords, functions and names of the catalog.
    pub(crate) names: Vec<String>,
    /// Whether to color.
    pub(crate) color: bool,
}

impl Helper for LineHelper {}

impl Hinter for LineHelper {
    type Hint = String;
}

impl Validator for LineHelper {
    fn validate(&self, context: &mut ValidationContext) -> Result<ValidationResult> {
        Ok(if may_send(context.input()) {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

/// Whether Enter sends the text: a `!` command, one or more whole statements, or a word to leave.
fn may_send(text: &str) -> bool {
    let trimmed = text.trim();
    trimmed.is_empty() || trimmed.starts_with('!') || is_farewell(trimmed) || is_complete(text)
}

/// Whether the text is one of the words that people type to leave a shell.
pub(crate) fn is_farewell(text: &str) -> bool {
    let word = text.trim().trim_end_matches(';');
    word.eq_ignore_ascii_case("quit") || word.eq_ignore_ascii_case("exit")
}

impl Completer for LineHelper {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _: &Context) -> Result<(usize, Vec<String>)> {
        Ok(self.candidates(&line[..position]))
    }
}

impl LineHelper {
    /// Where the word before the cursor begins, and what it may become.
    fn candidates(&self, before: &str) -> (usize, Vec<String>) {
        let start = before
            .rfind(|c| !lex::is_word(c))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let prefix = &before[start..];
        let lower = prefix.to_lowercase();
        if let Some(command) = before.trim_start().strip_prefix('!') {
            let names: Vec<&str> = if !command.contains(char::is_whitespace) {
                meta_command::names().collect()
            } else if command.to_ascii_lowercase().starts_with("set ") {
                OPTIONS.iter().map(|entry| entry.name).collect()
            } else {
                Vec::new()
            };
            let fits = names.into_iter().filter(|name| name.starts_with(&lower));
            return (start, fits.map(str::to_string).collect());
        }
        if prefix.is_empty() {
            return (start, Vec::new());
        }
        let typed_lower = prefix.chars().all(|c| !c.is_uppercase());
        let fits = self.names.iter().filter(|name| name.to_lowercase().starts_with(&lower));
        (start, fits.map(|name| spelled(name, typed_lower)).collect())
    }
}

/// The name as it may be typed: in the case of what was begun, in quotes where it needs them.
fn spelled(name: &str, lower: bool) -> String {
    let plain =
        name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == '$');
    match (plain, lower) {
        (true, true) => name.to_ascii_lowercase(),
        (true, false) => name.to_string(),
        (false, _) => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

impl Highlighter for LineHelper {
    fn highlight<'l>(&self, line: &'l str, _position: usize) -> Cow<'l, str> {
        if !self.color {
            return Cow::Borrowed(line);
        }
        let mut out = String::with_capacity(line.len() + 64);
        for (token, part) in lex::parts(line) {
            match color(token) {
                Some(color) => {
                    out.push_str(color);
                    out.push_str(part);
                    out.push_str("\x1b[0m");
                }
                None => out.push_str(part),
            }
        }
        Cow::Owned(out)
    }

    fn highlight_char(&self, _line: &str, _position: usize, _kind: CmdKind) -> bool {
        self.color
    }
}

fn color(token: Token) -> Option<&'static str> {
    match token {
        Token::Keyword => Some("\x1b[1;34m"),
        Token::Number => Some("\x1b[36m"),
        Token::Text => Some("\x1b[32m"),
        Token::QuotedName => Some("\x1b[33m"),
        Token::Comment => Some("\x1b[90m"),
        Token::Word | Token::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_sends_whole_statements_only() {
        for text in ["", "!help", "select 1;", "quit", "Exit;"] {
            assert!(may_send(text), "{text}");
        }
        for text in ["select 1", "select 'a;"] {
            assert!(!may_send(text), "{text}");
        }
    }

    #[test]
    fn completion_keeps_the_case_and_quotes_odd_names() {
        let names = ["SELECT", "SENSORS", "seen At"].map(str::to_string).to_vec();
        let helper = LineHelper { names, color: false };
        let all = ["select", "sensors", "\"seen At\""].map(str::to_string).to_vec();
        assert_eq!(helper.candidates("x.se"), (2, all));
        assert_eq!(helper.candidates("SEL"), (0, vec!["SELECT".to_string()]));
        assert_eq!(helper.candidates("!se"), (1, vec!["set".to_string()]));
        assert_eq!(helper.candidates("!set tim").1, ["timing", "timing_in_output_file"]);
        assert_eq!(helper.candidates("select ").1, [""; 0]);
    }
}
