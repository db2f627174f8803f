//! Where documents begin and end.

use memchr::memchr2;

/// Finds documents; what it knows between chunks is whether it is inside an outer array.
#[derive(Clone, Debug)]
pub(super) struct Scanner {
    strip_outer_array: bool,
    inside: bool,
}

/// A document's first byte and the byte after its last.
pub(super) type Extent = (u32, u32);

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
/// Makes brackets and braces alike, and leaves quotes as they are.
const FOLD: u64 = 0x2020_2020_2020_2020;

impl Scanner {
    pub(super) fn new(strip_outer_array: bool) -> Scanner {
        Scanner { strip_outer_array, inside: false }
    }

    /// Appends the whole documents at the beginning of `bytes` to `documents`, and gives the position
    /// after the last of them. When `last`, the bytes end where the file does, and an unfinished
    /// document counts: reading it will say what it lacks.
    pub(super) fn scan(&mut self, bytes: &[u8], last: bool, documents: &mut Vec<Extent>) -> usize {
        let mut at = 0;
        loop {
            let start = at + between(&bytes[at..], self.inside);
            let Some(&first) = bytes.get(start) else { return bytes.len() };
            if self.strip_outer_array && self.is_outer_bracket(first) {
                self.inside = first == b'[';
                at = start + 1;
                continue;
            }
            let end = match first {
                b'{' | b'[' => container(bytes, start),
                b'"' => string(bytes, start + 1),
                _ => scalar(bytes, start),
            };
            match end {
                Some(end) => at = end,
                None if last => at = bytes.len(),
                None => return start,
            }
            documents.push((start as u32, at as u32));
        }
    }

    /// Whether an outer array was opened and not closed. Answers once.
    pub(super) fn take_unclosed(&mut self) -> bool {
        std::mem::take(&mut self.inside)
    }

    fn is_outer_bracket(&self, byte: u8) -> bool {
        byte == if self.inside { b']' } else { b'[' }
    }
}

/// How many bytes at the front are between documents.
fn between(bytes: &[u8], inside: bool) -> usize {
    let is_between = |byte: &u8| {
        matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x1e) || (inside && *byte == b',')
    };
    bytes.iter().position(|byte| !is_between(byte)).unwrap_or(bytes.len())
}

/// The end of the object or array at `at`.
fn container(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        at = mark(bytes, at);
        match bytes.get(at)? {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'"' => {
                at = string(bytes, at + 1)?;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
}

/// The end of the string whose text begins at `at`.
fn string(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The end of a number, a word or of what is neither; at least one byte.
fn scalar(bytes: &[u8], at: usize) -> Option<usize> {
    let ends = |byte: &u8| {
        matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b'{' | b'}' | b'[' | b']' | b'"')
    };
    let length = bytes[at + 1..].iter().position(ends)?;
    Some(at + 1 + length)
}

/// The first position from `at` on that may hold a bracket, a brace or a quote.
#[inline]
fn mark(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = bytes.get(at..at + 8).and_then(|word| word.try_into().ok()) {
        let word = u64::from_le_bytes(word) | FOLD;
        let zero = |word: u64| word.wrapping_sub(LOW_BITS) & !word & HIGH_BITS;
        let hits = zero(word ^ (0x7b * LOW_BITS))
            | zero(word ^ (0x7d * LOW_BITS))
            | zero(word ^ (0x22 * LOW_BITS));
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at
}
