//! Patterns of rows: what MATCH_RECOGNIZE looks for, and the search for it.
//!
//! Whether a row may be a symbol does not depend on the rows that were matched before, so that a search from a
//! place in the pattern and a row either succeeds or fails whoever asks: what has failed once is never tried again,
//! and a partition is searched in time that is proportional to its rows and to the pattern.

use std::fmt::Write as _;

use firn_types::{Error, ErrorCode, Result};

/// A pattern of rows.
#[derive(Clone, Debug, PartialEq)]
pub enum RowPattern {
    /// A row that is a symbol, by the symbol's number.
    Symbol(usize),
    /// The partition's start.
    Start,
    /// The partition's end.
    End,
    /// One after the other.
    Concat(Vec<RowPattern>),
    /// The first that fits.
    Alternation(Vec<RowPattern>),
    /// So many times.
    Repeat {
        /// What.
        pattern: Box<RowPattern>,
        /// At least.
        least: u32,
        /// At most, unless any number.
        most: Option<u32>,
        /// Rather fewer than more times.
        reluctant: bool,
    },
    /// Rows that are matched, and not given out.
    Exclude(Box<RowPattern>),
}

/// Where the search goes on behind a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterMatch {
    /// Behind its last row.
    PastLastRow,
    /// At the row behind its first one.
    ToNextRow,
    /// At the first row that is a symbol.
    ToFirst(usize),
    /// At the last row that is a symbol.
    ToLast(usize),
}

/// Instructions that a pattern may come to.
const INSTRUCTIONS_MAX: usize = 4_096;

#[derive(Clone, Copy, Debug)]
enum Instruction {
    Symbol(usize),
    Start,
    End,
    /// Goes on at the first, and when that fails at the second.
    Split(usize, usize),
    Jump(usize),
    Exclude(bool),
    Done,
}

/// A pattern as instructions.
#[derive(Debug)]
pub(crate) struct Program {
    instructions: Vec<Instruction>,
}

/// A matched row: which symbol it is, and whether it is excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MatchedRow {
    pub(crate) symbol: usize,
    pub(crate) excluded: bool,
}

/// A partition that is searched.
pub(crate) struct Search<'a> {
    program: &'a Program,
    rows: usize,
    /// Whether a row may be a symbol.
    is: &'a dyn Fn(usize, usize) -> bool,
    /// The places of instruction and row from which the search has failed, a bit each.
    failed: Vec<u64>,
}

/// The search's way so far: where it is, and how many rows were matched and marks set when it came there.
struct Branch {
    instruction: usize,
    row: usize,
    matched: usize,
    excluded: bool,
}

impl Program {
    /// The pattern as instructions.
    ///
    /// # Errors
    /// `InvalidStatement` for a pattern that comes to too many.
    pub(crate) fn of(pattern: &RowPattern) -> Result<Program> {
        let mut program = Program { instructions: Vec::new() };
        program.add(pattern)?;
        program.push(Instruction::Done)?;
        Ok(program)
    }

    fn push(&mut self, instruction: Instruction) -> Result<usize> {
        if self.instructions.len() >= INSTRUCTIONS_MAX {
            let text = format!("a PATTERN may come to {INSTRUCTIONS_MAX} steps at most");
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
        self.instructions.push(instruction);
        Ok(self.instructions.len() - 1)
    }

    fn add(&mut self, pattern: &RowPattern) -> Result<()> {
        match pattern {
            RowPattern::Symbol(symbol) => self.push(Instruction::Symbol(*symbol)).map(|_| ()),
            RowPattern::Start => self.push(Instruction::Start).map(|_| ()),
            RowPattern::End => self.push(Instruction::End).map(|_| ()),
            RowPattern::Concat(patterns) => patterns.iter().try_for_each(|part| self.add(part)),
            RowPattern::Alternation(patterns) => self.add_alternation(patterns),
            RowPattern::Repeat { pattern, least, most, reluctant } => {
                self.add_repeat(pattern, (*least, *most), *reluctant)
            }
            RowPattern::Exclude(pattern) => {
                self.push(Instruction::Exclude(true))?;
                self.add(pattern)?;
                self.push(Instruction::Exclude(false)).map(|_| ())
            }
        }
    }

    fn add_alternation(&mut self, patterns: &[RowPattern]) -> Result<()> {
        let mut ends = Vec::new();
        for (index, pattern) in patterns.iter().enumerate() {
            if index + 1 == patterns.len() {
                self.add(pattern)?;
                continue;
            }
            let split = self.push(Instruction::Split(0, 0))?;
            self.add(pattern)?;
            ends.push(self.push(Instruction::Jump(0))?);
            self.instructions[split] = Instruction::Split(split + 1, self.instructions.len());
        }
        let end = self.instructions.len();
        ends.into_iter().for_each(|jump| self.instructions[jump] = Instruction::Jump(end));
        Ok(())
    }

    fn add_repeat(
        &mut self,
        pattern: &RowPattern,
        (least, most): (u32, Option<u32>),
        reluctant: bool,
    ) -> Result<()> {
        let fork = |again: usize, on: usize| match reluctant {
            true => Instruction::Split(on, again),
            false => Instruction::Split(again, on),
        };
        for _ in 0..least {
            self.add(pattern)?;
        }
        let Some(most) = most else {
            let split = self.push(Instruction::Split(0, 0))?;
            self.add(pattern)?;
            self.push(Instruction::Jump(split))?;
            self.instructions[split] = fork(split + 1, self.instructions.len());
            return Ok(());
        };
        let mut splits = Vec::new();
        for _ in least..most {
            splits.push(self.push(Instruction::Split(0, 0))?);
            self.add(pattern)?;
        }
        let end = self.instructions.len();
        splits.into_iter().for_each(|split| self.instructions[split] = fork(split + 1, end));
        Ok(())
    }
}

impl<'a> Search<'a> {
    /// A partition of so many rows.
    pub(crate) fn new(
        program: &'a Program,
        rows: usize,
        is: &'a dyn Fn(usize, usize) -> bool,
    ) -> Search<'a> {
        let places = program.instructions.len() * (rows + 1);
        Search { program, rows, is, failed: vec![0; places.div_ceil(64)] }
    }

    fn place(&self, instruction: usize, row: usize) -> usize {
        row * self.program.instructions.len() + instruction
    }

    /// The match that begins at a row, the preferred one of several.
    pub(crate) fn match_at(&mut self, start: usize) -> Option<Vec<MatchedRow>> {
        let mut matched: Vec<MatchedRow> = Vec::new();
        // Places that were entered, to be left as failed or, on the way of a match, as open again.
        let mut entered: Vec<usize> = Vec::new();
        let first = Branch { instruction: 0, row: start, matched: 0, excluded: false };
        let mut branches = vec![first];
        while let Some(branch) = branches.pop() {
            let Branch { mut instruction, mut row, matched: count, mut excluded } = branch;
            matched.truncate(count);
            loop {
                let place = self.place(instruction, row);
                if self.failed[place / 64] >> (place % 64) & 1 == 1 {
                    break;
                }
                self.failed[place / 64] |= 1 << (place % 64);
                entered.push(place);
                match self.program.instructions[instruction] {
                    Instruction::Done => {
                        // Another match may come by the same way.
                        entered.iter().for_each(|place| {
                            self.failed[place / 64] &= !(1 << (place % 64));
                        });
                        return Some(matched);
                    }
                    Instruction::Symbol(symbol) => {
                        if row >= self.rows || !(self.is)(row, symbol) {
                            break;
                        }
                        matched.push(MatchedRow { symbol, excluded });
                        row += 1;
                        instruction += 1;
                    }
                    Instruction::Start if row > 0 => break,
                    Instruction::End if row < self.rows => break,
                    Instruction::Start | Instruction::End => instruction += 1,
                    Instruction::Exclude(on) => {
                        excluded = on;
                        instruction += 1;
                    }
                    Instruction::Jump(to) => instruction = to,
                    Instruction::Split(to, otherwise) => {
                        let matched = matched.len();
                        branches.push(Branch { instruction: otherwise, row, matched, excluded });
                        instruction = to;
                    }
                }
            }
        }
        None
    }
}

impl RowPattern {
    /// The pattern as a text that [`RowPattern::read`] reads.
    pub fn write(&self, out: &mut String) {
        let list = |mark: char, patterns: &[RowPattern], out: &mut String| {
            out.push(mark);
            patterns.iter().for_each(|pattern| pattern.write(out));
            out.push(')');
        };
        match self {
            RowPattern::Symbol(symbol) => {
                let _ = write!(out, "s{symbol} ");
            }
            RowPattern::Start => out.push('^'),
            RowPattern::End => out.push('$'),
            RowPattern::Concat(patterns) => list('(', patterns, out),
            RowPattern::Alternation(patterns) => list('|', patterns, out),
            RowPattern::Exclude(pattern) => list('-', std::slice::from_ref(pattern.as_ref()), out),
            RowPattern::Repeat { pattern, least, most, reluctant } => {
                let most = most.map_or(-1, i64::from);
                let mark = if *reluctant { '?' } else { '*' };
                let _ = write!(out, "{mark}{least} {most} ");
                pattern.write(out);
            }
        }
    }

    /// The pattern that [`RowPattern::write`] wrote.
    pub(crate) fn read(text: &str) -> Option<RowPattern> {
        let mut rest = text;
        let pattern = read_one(&mut rest)?;
        rest.is_empty().then_some(pattern)
    }
}

fn read_number<T: std::str::FromStr>(rest: &mut &str) -> Option<T> {
    let (number, behind) = rest.split_once(' ')?;
    *rest = behind;
    number.parse().ok()
}

fn read_list(rest: &mut &str) -> Option<Vec<RowPattern>> {
    let mut patterns = Vec::new();
    loop {
        if let Some(behind) = rest.strip_prefix(')') {
            *rest = behind;
            return Some(patterns);
        }
        patterns.push(read_one(rest)?);
    }
}

fn read_one(rest: &mut &str) -> Option<RowPattern> {
    let mark = rest.chars().next()?;
    *rest = &rest[mark.len_utf8()..];
    Some(match mark {
        's' => RowPattern::Symbol(read_number(rest)?),
        '^' => RowPattern::Start,
        '$' => RowPattern::End,
        '(' => RowPattern::Concat(read_list(rest)?),
        '|' => RowPattern::Alternation(read_list(rest)?),
        '-' => RowPattern::Exclude(Box::new(read_list(rest)?.pop()?)),
        '*' | '?' => {
            let least = read_number(rest)?;
            let most: i64 = read_number(rest)?;
            let pattern = Box::new(read_one(rest)?);
            RowPattern::Repeat {
                pattern,
                least,
                most: u32::try_from(most).ok(),
                reluctant: mark == '?',
            }
        }
        _ => return None,
    })
}

impl AfterMatch {
    /// As a text that [`AfterMatch::read`] reads.
    pub fn write(self) -> String {
        match self {
            AfterMatch::PastLastRow => "past".to_string(),
            AfterMatch::ToNextRow => "next".to_string(),
            AfterMatch::ToFirst(symbol) => format!("first {symbol}"),
            AfterMatch::ToLast(symbol) => format!("last {symbol}"),
        }
    }

    /// What [`AfterMatch::write`] wrote.
    pub(crate) fn read(text: &str) -> Option<AfterMatch> {
        let symbol = |text: &str| text.parse().ok();
        match text.split_once(' ') {
            None if text == "past" => Some(AfterMatch::PastLastRow),
            None if text == "next" => Some(AfterMatch::ToNextRow),
            Some(("first", number)) => symbol(number).map(AfterMatch::ToFirst),
            Some(("last", number)) => symbol(number).map(AfterMatch::ToLast),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeat(symbol: usize, least: u32, most: Option<u32>, reluctant: bool) -> RowPattern {
        let pattern = Box::new(RowPattern::Symbol(symbol));
        RowPattern::Repeat { pattern, least, most, reluctant }
    }

    /// The symbols of the match at each row of a text, whose letters are the symbols that a row may be.
    fn matches(pattern: &RowPattern, rows: &str) -> Result<Vec<Option<String>>> {
        let program = Program::of(pattern)?;
        let rows: Vec<char> = rows.chars().collect();
        let is = |row: usize, symbol: usize| {
            rows[row] == '?' || rows[row] == char::from(b'a' + symbol as u8)
        };
        let mut search = Search::new(&program, rows.len(), &is);
        let found = (0..rows.len()).map(|start| {
            let letter = |row: MatchedRow| {
                let letter = char::from(b'a' + row.symbol as u8);
                if row.excluded { letter.to_ascii_uppercase() } else { letter }
            };
            search.match_at(start).map(|rows| rows.into_iter().map(letter).collect())
        });
        Ok(found.collect())
    }

    #[test]
    fn the_preferred_match_is_found_from_every_row() -> Result<()> {
        let some = |text: &str| Some(text.to_string());
        let a_plus_b = RowPattern::Concat(vec![repeat(0, 1, None, false), RowPattern::Symbol(1)]);
        assert_eq!(matches(&a_plus_b, "aab?")?, [some("aab"), some("ab"), None, None]);
        assert_eq!(matches(&repeat(0, 0, None, true), "aa")?, [some(""), some("")]);
        let shy = RowPattern::Concat(vec![repeat(0, 1, None, true), RowPattern::Symbol(1)]);
        assert_eq!(matches(&shy, "a??")?[0], some("ab"));
        assert_eq!(matches(&a_plus_b, "a??")?[0], some("aab"));
        let either = RowPattern::Alternation(vec![RowPattern::Symbol(1), RowPattern::Symbol(0)]);
        assert_eq!(matches(&either, "ab?")?, [some("a"), some("b"), some("b")]);
        let whole = RowPattern::Concat(vec![
            RowPattern::Start,
            RowPattern::Exclude(Box::new(RowPattern::Symbol(0))),
            repeat(1, 1, Some(2), false),
            RowPattern::End,
        ]);
        assert_eq!(matches(&whole, "abb")?, [some("Abb"), None, None]);
        assert_eq!(matches(&whole, "abbb")?[0], None);
        // Nested repetitions of what may be empty end.
        let nested = RowPattern::Repeat {
            pattern: Box::new(repeat(0, 0, None, false)),
            least: 0,
            most: None,
            reluctant: false,
        };
        assert_eq!(matches(&nested, &"a".repeat(2_000))?[0], Some("a".repeat(2_000)));
        Ok(())
    }

    #[test]
    fn a_text_gives_the_same_pattern() {
        let pattern = RowPattern::Alternation(vec![
            RowPattern::Concat(vec![RowPattern::Start, repeat(12, 0, Some(3), true)]),
            RowPattern::Exclude(Box::new(repeat(1, 2, None, false))),
            RowPattern::End,
        ]);
        let mut text = String::new();
        pattern.write(&mut text);
        assert_eq!(RowPattern::read(&text), Some(pattern));
        assert_eq!(RowPattern::read("(s1"), None);
    }
}
