//! A statement's error for people: the code and message, then the line with a caret under the place.

use std::fmt::Write;

use firn_engine::{Failure, blot_secrets};
use unicode_width::UnicodeWidthStr;

use crate::render::visible_lines;

const RED: &str = "\x1b[1;31m";
const BLUE: &str = "\x1b[34m";
const PLAIN: &str = "\x1b[0m";

/// The longest part of a source line that is shown, in characters.
const SHOWN_CHARACTERS: usize = 160;

/// Where a statement came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    /// The script's name.
    pub(crate) file: &'a str,
    /// The line where the statement begins, from 1.
    pub(crate) line: usize,
}

/// Paints the failure of the statement `sql`, without a line end at the end.
pub(crate) fn paint(failure: &Failure, sql: &str, origin: Option<Origin>, color: bool) -> String {
    let (red, blue, plain) = if color { (RED, BLUE, PLAIN) } else { ("", "", "") };
    let said = visible_lines(&failure.to_string());
    let mut out = format!("{red}{said}{plain}");
    if let Some(origin) = origin {
        let line = origin.line + failure.place.map_or(0, |(line, _)| line - 1);
        let _ = write!(out, "\n{blue}-->{plain} {}:{line}", origin.file);
    }
    let Some((line, position)) = failure.place else { return out };
    let width =
        failure.span.map_or(1, |span| span.of(sql).lines().next().unwrap_or("").chars().count());
    let Some((shown, before, under)) = excerpt(sql, line, position, width.max(1)) else {
        return out;
    };
    let number = line.to_string();
    let gap = " ".repeat(number.len());
    let _ = write!(out, "\n{blue}{number} |{plain} {shown}");
    let _ = write!(
        out,
        "\n{blue}{gap} |{plain} {}{red}{}{plain}",
        " ".repeat(before),
        "^".repeat(under)
    );
    out
}

/// The part of the line around the place, the blanks before the caret, and the carets.
fn excerpt(
    sql: &str,
    line: usize,
    position: usize,
    width: usize,
) -> Option<(String, usize, usize)> {
    let sql = blot_secrets(sql);
    let source = sql.lines().nth(line.checked_sub(1)?)?;
    let from = if position > SHOWN_CHARACTERS { position - SHOWN_CHARACTERS / 2 } else { 0 };
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let shown: String = source.chars().skip(from).take(SHOWN_CHARACTERS).map(visible).collect();
    let before: String = shown.chars().take(position - from).collect();
    let under: String = shown.chars().skip(position - from).take(width).collect();
    Some((shown, before.width(), under.width().max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_place() {
        assert_eq!(excerpt("select\n\tfoo + é", 2, 1, 3), Some((" foo + é".to_string(), 1, 3)));
        assert_eq!(excerpt("日本 x", 1, 3, 1), Some(("日本 x".to_string(), 5, 1)));
        assert_eq!(excerpt("select", 1, 6, 1), Some(("select".to_string(), 6, 1)));
        assert_eq!(excerpt("select", 7, 0, 1), None);
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let line = format!("{}x{}", "a".repeat(1000), "b".repeat(1000));
        let (shown, before, _) = excerpt(&line, 1, 1000, 1).unwrap();
        assert_eq!((shown.len(), shown.as_bytes()[before]), (SHOWN_CHARACTERS, b'x'));
    }
}
