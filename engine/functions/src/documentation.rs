//! What SHOW FUNCTIONS and the manual print of a function.

/// A function's entry in the manual.
#[derive(Clone, Copy, Debug)]
pub struct Documentation {
    /// The chapter it belongs to: `String`, `Numeric`, `Date & time` ...
    pub category: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Queries with their answers; a test runs every one.
    pub examples: &'static [Example],
}

/// A query of one value and what a client prints for it.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The expression: what follows SELECT.
    pub sql: &'static str,
    /// The answer as the server prints it; `NULL` for NULL.
    pub answer: &'static str,
}

impl Documentation {
    /// An entry of its parts.
    pub const fn of(
        category: &'static str,
        summary: &'static str,
        examples: &'static [Example],
    ) -> Documentation {
        Documentation { category, summary, examples }
    }
}

impl Example {
    /// `SELECT sql` prints `answer`.
    pub const fn of(sql: &'static str, answer: &'static str) -> Example {
        Example { sql, answer }
    }
}
