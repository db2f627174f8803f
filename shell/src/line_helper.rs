//! What the line editor asks while someone types: is it complete, what may follow, how to color it.

use std::borrow::Cow;

use firn_engine::split::is_complete;
use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper, Result};

use crate::lex::{self, Token};
use crate::link::Names;
use crate::meta_command;
use crate::options::OPTIONS;

/// The editor's helper; the shell refreshes it before each statement.
#[derive(Debug, Default)]
pub(crate) struct LineHelper {
    /// What names may be completed to; none when nobody wants that.
    pub(crate) completer: Option<Box<dyn Names>>,
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
    // A command is a line of its own, also behind statements.
    let (before, last) = trimmed.rsplit_once('\n').unwrap_or(("", trimmed));
    let ends_with_command =
        last.trim_start().starts_with('!') && (before.trim().is_empty() || is_complete(before));
    trimmed.is_empty() || ends_with_command || is_farewell(trimmed) || is_complete(text)
}

/// Whether the text is one of the words that people type to leave a shell.
pub(crate) fn is_farewell(text: &str) -> bool {
    let word = text.trim().trim_end_matches(';');
    word.eq_ignore_ascii_case("quit") || word.eq_ignore_ascii_case("exit")
}

impl Completer for LineHelper {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _: &Context) -> Result<(usize, Vec<String>)> {
        let (before, after) = line.split_at(position);
        Ok(self.candidates(before, after))
    }
}

impl LineHelper {
    /// Where the word before the cursor begins, and what it may become.
    fn candidates(&self, before: &str, after: &str) -> (usize, Vec<String>) {
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
        let Some(completer) = &self.completer else { return (start, Vec::new()) };
        let names = if let Some(path) = before[..start].strip_suffix('.') {
            let mut path = path_at_end(path);
            if let [alias] = path.as_slice() {
                path = relation_called(alias, &format!("{before} {after}")).unwrap_or(path);
            }
            completer.members(&path)
        } else if before[..start].ends_with('@') {
            completer.stages()
        } else if prefix.is_empty() {
            Vec::new()
        } else {
            completer.words()
        };
        let typed_lower =
            before.chars().rfind(|c| c.is_alphabetic()).is_none_or(char::is_lowercase);
        let fits = names.iter().filter(|name| name.to_lowercase().starts_with(&lower));
        (start, fits.map(|name| spelled(name, typed_lower)).collect())
    }
}

/// The dotted name that the text ends with, as the catalog spells it.
fn path_at_end(text: &str) -> Vec<String> {
    let tokens = lex::parts(text);
    let from_end = tokens
        .iter()
        .rev()
        .take_while(|(token, part)| *part == "." || name_of(*token, part).is_some());
    let start = tokens.len() - from_end.count();
    dotted(&tokens[start..]).0
}

/// The dotted name that the tokens begin with, and how many of them it is.
fn dotted(tokens: &[(Token, &str)]) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    let mut count = 0;
    while let Some(name) = tokens.get(count).and_then(|(token, part)| name_of(*token, part)) {
        path.push(name);
        count += 1;
        match tokens.get(count) {
            Some((_, ".")) => count += 1,
            _ => break,
        }
    }
    (path, count)
}

/// A word as a name, as the catalog spells it.
fn name_of(token: Token, part: &str) -> Option<String> {
    match token {
        Token::Word | Token::Keyword => Some(part.to_uppercase()),
        Token::QuotedName => Some(part.trim_matches('"').replace("\"\"", "\"")),
        _ => None,
    }
}

/// The relation that a statement calls by this alias: `FROM relation alias`, `JOIN relation AS alias`.
fn relation_called(alias: &str, statement: &str) -> Option<Vec<String>> {
    let tokens: Vec<_> = lex::parts(statement)
        .into_iter()
        .filter(|(token, part)| *token != Token::Comment && !part.trim().is_empty())
        .collect();
    let name = |at: usize| tokens.get(at).and_then(|(token, part)| name_of(*token, part));
    (0..tokens.len()).find_map(|at| {
        let opens = match name(at).as_deref() {
            Some("FROM" | "JOIN" | "INTO" | "UPDATE" | "USING") => true,
            _ => tokens[at].1 == ",",
        };
        let (path, count) = dotted(&tokens[at + 1..]);
        let mut next = at + 1 + count;
        if name(next).as_deref() == Some("AS") {
            next += 1;
        }
        (opens && count > 0 && name(next).as_deref() == Some(alias)).then_some(path)
    })
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
    use firn_engine::{Engine, EngineOptions, SessionOptions};

    use super::*;

    #[test]
    fn enter_sends_whole_statements_only() {
        for text in ["", "!help", "select 1;", "select 1;\n!help", "quit", "Exit;"] {
            assert!(may_send(text), "{text}");
        }
        for text in ["select 1", "select 'a;", "select 'a;\n!b"] {
            assert!(!may_send(text), "{text}");
        }
    }

    #[test]
    fn completion_keeps_the_case_and_quotes_odd_names() {
        let engine = Engine::open(":memory:", EngineOptions::default()).unwrap();
        let mut session = engine.session(SessionOptions::default()).unwrap();
        for sql in [
            "create table sensors (id int, \"seen At\" date)",
            "create stage landing",
            "create schema other",
            "create table readings (volts int)",
            "use schema public",
        ] {
            session.execute(sql).unwrap();
        }
        let helper = LineHelper { completer: Some(Box::new(session.completer())), color: false };
        let after = |before: &str| helper.candidates(before, "").1;
        assert_eq!(helper.candidates("select sens", "").0, 7);
        assert_eq!(after("select sens"), ["sensors"]);
        assert_eq!(after("SELECT SENS"), ["SENSORS"]);
        assert_eq!(after("select see"), ["\"seen At\""]);
        assert_eq!(after("select sensors."), ["id", "\"seen At\""]);
        assert_eq!(after("select * from firn.public.sen"), ["sensors"]);
        assert_eq!(after("select * from firn.o"), ["other"]);
        assert_eq!(after("select * from other."), ["readings"]);
        assert_eq!(
            helper.candidates("select r.", " from x, firn.other.readings as r").1,
            ["volts"]
        );
        assert_eq!(after("list @"), ["landing"]);
        assert_eq!(helper.candidates("!se", ""), (1, vec!["set".to_string()]));
        assert_eq!(after("!set tim"), ["timing", "timing_in_output_file"]);
        assert_eq!(after("select "), [""; 0]);
    }
}
