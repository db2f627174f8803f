//! Sequences.

use crate::catalog::Header;

/// A sequence: a counter that never gives a value twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    /// What all objects have. A sequence behind an AUTOINCREMENT column has the table as its parent.
    pub header: Header,
    /// The first value that no process has reserved yet.
    pub next_value: i64,
    /// The distance of one value to the next; may be negative, never 0.
    pub step: i64,
    /// Whether values grow in the order in which they are asked for.
    pub ordered: bool,
    /// Whether it belongs to one session only.
    pub temporary: bool,
}

impl Sequence {
    /// A sequence from `start` in steps of `step`.
    pub fn new(header: Header, start: i64, step: i64, ordered: bool) -> Sequence {
        Sequence { header, next_value: start, step, ordered, temporary: false }
    }
}
