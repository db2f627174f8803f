//! A place in a statement's text.

use std::fmt;

/// A half-open range of bytes in the text of one statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span of bytes `start..end`; offsets beyond 4 GiB are clamped, statements never get there.
    pub fn new(start: usize, end: usize) -> Span {
        let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { start: clamp(start), end: clamp(end) }
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The text that the span covers, or an empty text when it does not lie in `text`.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or("")
    }

    /// Where the span starts, as people count.
    pub fn place(self, text: &str) -> Place {
        let start = (self.start as usize).min(text.len());
        let before = text.get(..start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            line: before.matches('\n').count() + 1,
            position: before[line_start..].chars().count(),
        }
    }
}

/// A line, counted from 1, and a position in it, counted from 0 in characters, as Snowflake counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Character within the line, from 0.
    pub position: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} at position {}", self.line, self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_from_one_and_characters_from_zero() {
        let text = "select é,\n  x";
        assert_eq!(Span::new(13, 14).place(text), Place { line: 2, position: 2 });
        assert_eq!(Span::new(13, 14).of(text), "x");
        assert_eq!(Span::new(0, 1).place(text), Place { line: 1, position: 0 });
    }
}
