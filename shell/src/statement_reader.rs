//! Statements and `!` commands out of lines, each as soon as it is complete.
//!
//! A pipe, a script and the words behind `-q` all go through here line by line, so a program that drives
//! firn through a pipe gets each answer before it sends the next statement.

use firn_engine::split::{is_complete, split_script};

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A statement, without its `;`, and the line of the input where it begins, from 1.
    Statement {
        /// The text.
        text: String,
        /// The line.
        line: usize,
    },
    /// A line that begins with `!`, without the `!`.
    Command {
        /// The text.
        text: String,
        /// The line.
        line: usize,
    },
}

impl Item {
    /// The text as it may be typed again.
    pub(crate) fn typed(&self) -> String {
        match self {
            Item::Statement { text, .. } => format!("{text};"),
            Item::Command { text, .. } => format!("!{text}"),
        }
    }
}

/// Collects lines until they make statements.
#[derive(Debug, Default)]
pub(crate) struct StatementReader {
    open: String,
    /// The line where `open` begins.
    open_line: usize,
    lines: usize,
}

impl StatementReader {
    /// Takes one line, with or without its end, and gives what it completes.
    pub(crate) fn line(&mut self, line: &str) -> Vec<Item> {
        self.lines += 1;
        if self.open.is_empty() {
            self.open_line = self.lines;
            if let Some(command) = line.trim_start().strip_prefix('!') {
                let text = command.trim().trim_end_matches(';').trim_end().to_string();
                return vec![Item::Command { text, line: self.lines }];
            }
        }
        self.open.push_str(line);
        if !line.ends_with('\n') {
            self.open.push('\n');
        }
        // Without a ';' nothing can end here, so long statements are not looked at line after line.
        if line.contains(';') { self.complete() } else { self.forget_comments() }
    }

    /// What is left when the input ends: a last statement without `;`.
    pub(crate) fn end(&mut self) -> Vec<Item> {
        let text = std::mem::take(&mut self.open);
        self.items(&text, usize::MAX)
    }

    fn complete(&mut self) -> Vec<Item> {
        let text = std::mem::take(&mut self.open);
        if is_complete(&text) {
            return self.items(&text, usize::MAX);
        }
        let pieces = split_script(&text);
        let keep = pieces.last().map_or(text.len(), |piece| piece.span.start as usize);
        let items = self.items(&text, pieces.len().saturating_sub(1));
        self.open_line += newlines(&text[..keep]);
        self.open = text[keep..].to_string();
        items
    }

    /// Blank lines and lone comments before a statement are not part of it.
    fn forget_comments(&mut self) -> Vec<Item> {
        let text = self.open.trim_start();
        let lone = text.is_empty()
            || ((text.starts_with("--") || text.starts_with("//"))
                && text.trim_end().lines().count() == 1);
        if lone {
            self.open.clear();
        }
        Vec::new()
    }

    fn items(&self, text: &str, count: usize) -> Vec<Item> {
        let mut items = Vec::new();
        let (mut line, mut from) = (self.open_line, 0);
        for piece in split_script(text).into_iter().take(count) {
            let start = piece.span.start as usize;
            line += newlines(&text[from..start]);
            from = start;
            items.push(Item::Statement { text: piece.text.to_string(), line });
        }
        items
    }
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(text: &str, line: usize) -> Item {
        Item::Statement { text: text.to_string(), line }
    }

    #[test]
    fn a_statement_is_given_with_its_last_line() {
        let mut reader = StatementReader::default();
        assert_eq!(reader.line("-- a comment\n"), []);
        assert_eq!(reader.line("select\n"), []);
        assert!(!reader.open.trim().is_empty());
        assert_eq!(reader.line("  1;\n"), [statement("select\n  1", 2)]);
        assert!(reader.open.trim().is_empty());
        let command = Item::Command { text: "set timing=true".to_string(), line: 4 };
        assert_eq!(reader.line("!set timing=true;"), [command]);
        assert_eq!(reader.line("select 2; select 3"), [statement("select 2", 5)]);
        assert_eq!(reader.end(), [statement("select 3", 5)]);
        assert_eq!(reader.end(), []);
    }

    #[test]
    fn a_semicolon_in_a_string_ends_nothing() {
        let mut reader = StatementReader::default();
        assert_eq!(reader.line("select 'a;\n"), []);
        assert_eq!(reader.line("!b';\n"), [statement("select 'a;\n!b'", 1)]);
    }
}
