//! The fields of one column of some rows, as sinks see them.

use std::borrow::Cow;

use crate::options::CsvOptions;

/// A field as a sink sees it: quotes, escapes and blanks are resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// Its text, which need not be UTF-8.
    Text(&'a [u8]),
    /// One of NULL_IF's texts.
    Null,
    /// Nothing between two delimiters, which is NULL: EMPTY_FIELD_AS_NULL.
    Empty,
    /// The record ends before it.
    Missing,
}

/// A field within a block: where its text is, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    start: u32,
    /// The length, and above it the flags.
    length: u32,
}

/// The text is in the block's own buffer, not in the file's bytes.
const RESOLVED: u32 = 1 << 31;
/// The field is enclosed.
const ENCLOSED: u32 = 1 << 30;
/// There is no field.
const MISSING: u32 = 1 << 29;
/// The text as written is one of NULL_IF's.
const IS_NULL: u32 = 1 << 28;
const LENGTH: u32 = IS_NULL - 1;

impl Span {
    pub(super) const MISSING: Span = Span { start: 0, length: MISSING };
    pub(super) const NULL: Span = Span { start: 0, length: IS_NULL };

    /// A span of less than 256 MiB, which a chunk's records are.
    pub(super) fn new(start: usize, length: usize, enclosed: bool, resolved: bool) -> Span {
        let flags = if enclosed { ENCLOSED } else { 0 } | if resolved { RESOLVED } else { 0 };
        Span { start: start as u32, length: length as u32 & LENGTH | flags }
    }
}

/// Which texts are NULL.
#[derive(Clone, Debug)]
pub(super) struct NullRule {
    texts: Vec<Vec<u8>>,
    /// Bit `n` is set when a text has `n` bytes, bit 63 when it has 63 or more.
    lengths: u64,
    empty_is_null: bool,
}

impl NullRule {
    pub(super) fn new(options: &CsvOptions) -> NullRule {
        let texts: Vec<Vec<u8>> =
            options.null_if.iter().map(|text| text.clone().into_bytes()).collect();
        let lengths = texts.iter().fold(0, |bits, text| bits | 1 << text.len().min(63));
        NullRule { texts, lengths, empty_is_null: options.empty_field_as_null }
    }

    #[inline]
    pub(super) fn is_null(&self, text: &[u8]) -> bool {
        let is_text = |null: &Vec<u8>| null.first() == text.first() && null == text;
        self.lengths >> text.len().min(63) & 1 == 1 && self.texts.iter().any(is_text)
    }
}

/// The fields of one column of some rows.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    pub(super) bytes: &'a [u8],
    /// The same bytes, if they are UTF-8: then their parts need not be looked at again.
    pub(super) whole: Option<&'a str>,
    pub(super) resolved: &'a [u8],
    pub(super) spans: &'a [Span],
    pub(super) slot: usize,
    pub(super) slots: usize,
    pub(super) nulls: &'a NullRule,
    pub(super) replace_invalid: bool,
}

impl<'a> Fields<'a> {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.spans.len().checked_div(self.slots).unwrap_or(0)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The field of a row.
    #[inline]
    pub fn get(&self, row: usize) -> Field<'a> {
        let Span { start, length } = self.spans[row * self.slots + self.slot];
        if length & (MISSING | IS_NULL) != 0 {
            return if length & MISSING != 0 { Field::Missing } else { Field::Null };
        }
        let source = if length & RESOLVED != 0 { self.resolved } else { self.bytes };
        let start = start as usize;
        let text = &source[start..start + (length & LENGTH) as usize];
        if self.nulls.is_null(text) {
            return Field::Null;
        }
        if text.is_empty() && length & ENCLOSED == 0 && self.nulls.empty_is_null {
            return Field::Empty;
        }
        Field::Text(text)
    }

    /// The bytes of a row's field as text: with REPLACE_INVALID_CHARACTERS, bytes that are no UTF-8
    /// become U+FFFD.
    ///
    /// # Errors
    /// The message for bytes that are no UTF-8.
    #[inline]
    pub fn text(&self, row: usize, bytes: &'a [u8]) -> Result<Cow<'a, str>, String> {
        let Span { start, length } = self.spans[row * self.slots + self.slot];
        let part = |whole: &'a str| whole.get(start as usize..start as usize + bytes.len());
        if length & RESOLVED == 0
            && let Some(text) = self.whole.and_then(part)
        {
            return Ok(Cow::Borrowed(text));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) if self.replace_invalid => Ok(String::from_utf8_lossy(bytes)),
            Err(_) => Err(format!("Invalid UTF8 detected in string '{}'", show_invalid(bytes))),
        }
    }
}

/// The bytes as text, those of broken sequences as `0xC3`.
pub(crate) fn show_invalid(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    let mut rest = bytes;
    while !rest.is_empty() {
        let valid = match std::str::from_utf8(rest) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default(),
        };
        out.push_str(valid);
        rest = &rest[valid.len()..];
        let broken = match rest.first() {
            Some(0xc0..=0xdf) => 2,
            Some(0xe0..=0xef) => 3,
            Some(0xf0..=0xf7) => 4,
            Some(_) => 1,
            None => 0,
        };
        let (bad, after) = rest.split_at(broken.min(rest.len()));
        bad.iter().for_each(|byte| out.push_str(&format!("0x{byte:02X}")));
        rest = after;
    }
    out
}
