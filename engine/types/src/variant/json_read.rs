//! JSON texts to values, in one pass and without a tree between.
//!
//! As lenient as Snowflake: keys without quotes, single quotes, keywords in any case, a comma before the
//! closing brace, and empty slots of arrays, also the one behind a last comma, which are undefined. Whole numbers of up to 38 digits and decimals that fit in
//! them are exact; numbers with an exponent, or longer ones, are doubles.

use std::borrow::Cow;

use super::encode::{Builder, too_deep};
use super::number::UNSCALED_MAX;
use crate::limits::{NESTING_MAX, NUMBER_SCALE_MAX, VALUE_BYTES_MAX};
use crate::{Decimal, Error, ErrorCode, Result};

/// What to do with a key that an object has twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RepeatedKey {
    /// Refuse the text.
    #[default]
    Refuse,
    /// Keep the last value.
    KeepLast,
}

/// Reads JSON texts; one reader for many texts is much faster than one for each.
#[derive(Debug, Default)]
pub struct JsonReader {
    builder: Builder,
    repeated: RepeatedKey,
}

impl JsonReader {
    /// A reader that treats repeated keys so.
    pub fn new(repeated: RepeatedKey) -> JsonReader {
        JsonReader { builder: Builder::new(), repeated }
    }

    /// Appends the value of `text` to `out`; false, and nothing appended, for a blank text.
    ///
    /// # Errors
    /// `InvalidJson`, with what is wrong and the character where.
    pub fn read(&mut self, text: &str, out: &mut Vec<u8>) -> Result<bool> {
        let mut at = 0;
        let start = out.len();
        let found = self.read_next(text, &mut at, out)?;
        at += blanks(&text.as_bytes()[at..]);
        if at < text.len() {
            out.truncate(start);
            return Err(fault(text, at, "more than one document in the input".to_string()));
        }
        Ok(found)
    }

    /// Appends the next value of a text of several values, which starts at byte `at`, and moves `at`
    /// behind it; false at the text's end.
    ///
    /// # Errors
    /// As [`JsonReader::read`].
    pub fn read_next(&mut self, text: &str, at: &mut usize, out: &mut Vec<u8>) -> Result<bool> {
        *at += blanks(&text.as_bytes()[*at..]);
        if *at >= text.len() {
            return Ok(false);
        }
        let end = at.saturating_add(VALUE_BYTES_MAX);
        let (builder, repeated) = (&mut self.builder, self.repeated);
        let mut parser = Parser { text, at: *at, end, builder, repeated };
        let parsed = parser.document();
        *at = parser.at;
        if let Err(error) = parsed {
            self.builder.clear();
            return Err(error);
        }
        self.builder.finish(out)?;
        Ok(true)
    }
}

/// What stands before every reason; CHECK_JSON answers without it.
pub const PREFIX: &str = "Error parsing JSON: ";

struct Parser<'t, 'b> {
    text: &'t str,
    at: usize,
    /// Where the largest document would end.
    end: usize,
    builder: &'b mut Builder,
    repeated: RepeatedKey,
}

/// What follows in the text after a step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    AfterValue,
}

impl<'t> Parser<'t, '_> {
    fn document(&mut self) -> Result<()> {
        loop {
            if self.value()? == Next::Value {
                continue;
            }
            while self.builder.depth() > 0 {
                if self.after_value()? == Next::Value {
                    break;
                }
            }
            if self.builder.depth() == 0 {
                return Ok(());
            }
        }
    }

    /// Reads a scalar, or the opening of a container.
    fn value(&mut self) -> Result<Next> {
        match self.peek() {
            Some(b'"' | b'\'') => {
                let text = self.quoted()?;
                self.builder.text(&text);
            }
            Some(b'{') => {
                self.open(false)?;
                return self.key_or_end();
            }
            Some(b'[') => {
                self.open(true)?;
                return self.element_or_end();
            }
            Some(b'0'..=b'9' | b'-' | b'.' | b'+') => self.number()?,
            Some(byte) if is_word(byte) => self.keyword()?,
            // An empty slot of an array.
            Some(b',' | b']') if self.builder.in_array() => self.builder.undefined(),
            _ => return Err(self.misplaced()),
        }
        Ok(Next::AfterValue)
    }

    fn open(&mut self, array: bool) -> Result<()> {
        self.at += 1;
        if self.builder.depth() >= NESTING_MAX {
            return Err(fault(self.text, self.at, too_deep().detail().to_string()));
        }
        if array { self.builder.begin_array() } else { self.builder.begin_object() }
    }

    /// After a value inside a container: a comma or the end.
    fn after_value(&mut self) -> Result<Next> {
        if self.at > self.end {
            return Err(self.fault("document is too large"));
        }
        let array = self.builder.in_array();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                if array { Ok(Next::Value) } else { self.key_or_end() }
            }
            Some(b']') if array => self.end_array(),
            Some(b'}') if !array => self.end_object(),
            Some(b']' | b'}' | b':') | None => Err(self.misplaced()),
            Some(_) => Err(self.fault("missing comma")),
        }
    }

    fn element_or_end(&mut self) -> Result<Next> {
        if self.peek() == Some(b']') { self.end_array() } else { Ok(Next::Value) }
    }

    fn end_array(&mut self) -> Result<Next> {
        self.at += 1;
        self.builder.end_array()?;
        Ok(Next::AfterValue)
    }

    fn end_object(&mut self) -> Result<Next> {
        self.at += 1;
        let keep_last = self.repeated == RepeatedKey::KeepLast;
        if let Some(duplicate) = self.builder.close_object(keep_last)? {
            let message = format!("duplicate object attribute \"{}\"", duplicate.key);
            return Err(fault(self.text, duplicate.mark as usize, message));
        }
        Ok(Next::AfterValue)
    }

    /// Reads a key and its colon.
    fn key_or_end(&mut self) -> Result<Next> {
        match self.peek() {
            Some(b'}') => return self.end_object(),
            Some(b'"' | b'\'') => {
                let key = self.quoted()?;
                self.builder.key_at(&key, self.at as u32);
            }
            Some(byte) if is_word(byte) => {
                let key = self.word();
                self.builder.key_at(key, self.at as u32);
            }
            _ => return Err(self.misplaced()),
        }
        if self.peek() != Some(b':') {
            return Err(self.fault("missing colon"));
        }
        self.at += 1;
        Ok(Next::Value)
    }

    /// The next byte that is not blank.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        let byte = bytes.get(self.at).copied()?;
        if byte > b' ' {
            return Some(byte);
        }
        self.at += blanks(&bytes[self.at..]);
        bytes.get(self.at).copied()
    }

    /// The text in quotes at this place; borrowed where it has no escape.
    fn quoted(&mut self) -> Result<Cow<'t, str>> {
        let bytes = self.text.as_bytes();
        let (quote, start) = (bytes[self.at], self.at + 1);
        let end = start + until_quote(&bytes[start..], quote);
        if bytes.get(end) == Some(&quote) {
            self.at = end + 1;
            return Ok(Cow::Borrowed(&self.text[start..end]));
        }
        self.at = start;
        self.escaped(quote, end).map(Cow::Owned)
    }

    /// The text that starts here and has its first escape at `end`, or no end.
    fn escaped(&mut self, quote: u8, mut end: usize) -> Result<String> {
        let bytes = self.text.as_bytes();
        let mut out = String::with_capacity(end - self.at + 16);
        loop {
            out.push_str(&self.text[self.at..end]);
            match bytes.get(end) {
                None => {
                    self.at = end;
                    return Err(self.fault("unfinished string"));
                }
                Some(&byte) if byte == quote => {
                    self.at = end + 1;
                    return Ok(out);
                }
                Some(_) => {
                    self.at = end + 1;
                    out.push(self.escape()?);
                    end = self.at + until_quote(&bytes[self.at..], quote);
                }
            }
        }
    }

    /// The character of an escape, behind its backslash.
    fn escape(&mut self) -> Result<char> {
        let Some(escaped) = self.text[self.at..].chars().next() else {
            return Err(self.fault("unfinished string"));
        };
        self.at += escaped.len_utf8();
        Ok(match escaped {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => self.unicode()?,
            other => other,
        })
    }

    /// The character of `\uXXXX`, behind the u; a lonely half of a pair becomes U+FFFD.
    fn unicode(&mut self) -> Result<char> {
        let first = self.hexadecimal()?;
        let mut code = first;
        if (0xD800..0xDC00).contains(&first) && self.text[self.at..].starts_with("\\u") {
            let behind_first = self.at;
            self.at += 2;
            let second = self.hexadecimal()?;
            if (0xDC00..0xE000).contains(&second) {
                code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            } else {
                self.at = behind_first;
            }
        }
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hexadecimal(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(code) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else {
            return Err(self.fault("invalid unicode escape"));
        };
        self.at += 4;
        Ok(code)
    }

    fn word(&mut self) -> &'t str {
        let bytes = &self.text.as_bytes()[self.at..];
        let length = bytes.iter().position(|&b| !is_word(b)).unwrap_or(bytes.len());
        self.at += length;
        &self.text[self.at - length..self.at]
    }

    fn keyword(&mut self) -> Result<()> {
        let word = self.word();
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        if is("null") {
            self.builder.null();
        } else if is("true") || is("false") {
            self.builder.boolean(is("true"));
        } else if is("undefined") && self.builder.in_array() {
            self.builder.undefined();
        } else if is("undefined") && self.builder.depth() > 0 {
            self.builder.forget_key();
        } else if is("nan") {
            self.builder.float(f64::NAN);
        } else if is("infinity") {
            self.builder.float(f64::INFINITY);
        } else {
            return Err(self.fault(&format!("unknown keyword \"{word}\"")));
        }
        Ok(())
    }

    fn number(&mut self) -> Result<()> {
        let (bytes, start) = (self.text.as_bytes(), self.at);
        let negative = bytes[start] == b'-';
        self.at += usize::from(matches!(bytes[start], b'-' | b'+'));
        if bytes[self.at..].starts_with(b"Infinity") {
            self.at += "Infinity".len();
            self.builder.float(if negative { f64::NEG_INFINITY } else { f64::INFINITY });
            return Ok(());
        }
        let mut magnitude = 0;
        let whole = self.digits(&mut magnitude);
        let mut fraction = 0;
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            fraction = self.digits(&mut magnitude);
        }
        if whole + fraction == 0 {
            return Err(self.misplaced());
        }
        let exponent = matches!(bytes.get(self.at), Some(b'e' | b'E'));
        if exponent {
            self.exponent()?;
        } else if whole + fraction <= SHORT_DIGITS {
            // Only zeros are dropped from so few digits, so that they fit.
            let unscaled = if negative { -i128::from(magnitude) } else { i128::from(magnitude) };
            self.builder.decimal(Decimal { unscaled, scale: fraction as u8 });
            return Ok(());
        }
        let text = &self.text[start..self.at];
        match if exponent { None } else { exact(text) } {
            Some(decimal) => self.builder.decimal(decimal),
            None => match text.parse::<f64>() {
                Ok(double) if double.is_finite() => self.builder.float(double),
                _ => return Err(self.fault("number out of range")),
            },
        }
        Ok(())
    }

    /// Skips digits and adds them to `magnitude`, which is right for up to [`SHORT_DIGITS`] digits.
    fn digits(&mut self, magnitude: &mut u64) -> usize {
        let bytes = self.text.as_bytes();
        let start = self.at;
        while let Some(digit) = bytes.get(self.at).map(|b| b.wrapping_sub(b'0')).filter(|&d| d < 10)
        {
            *magnitude = magnitude.wrapping_mul(10).wrapping_add(u64::from(digit));
            self.at += 1;
        }
        self.at - start
    }

    fn exponent(&mut self) -> Result<()> {
        self.at += 1;
        if matches!(self.text.as_bytes().get(self.at), Some(b'-' | b'+')) {
            self.at += 1;
        }
        match self.digits(&mut 0) {
            0 => Err(self.misplaced()),
            _ => Ok(()),
        }
    }

    /// The error for what stands here, or for the text's end.
    fn misplaced(&self) -> Error {
        let message = match self.text[self.at..].chars().next() {
            Some(c @ ('{' | '}' | '[' | ']' | ':' | ',')) => format!("misplaced {c}"),
            Some(c) => format!("invalid character outside of a string: '{c}'"),
            None if self.builder.in_array() => "incomplete array value".to_string(),
            None => "incomplete object value".to_string(),
        };
        self.fault(&message)
    }

    fn fault(&self, message: &str) -> Error {
        fault(self.text, self.at, message.to_string())
    }
}

/// Digits that surely fit 64 bits.
const SHORT_DIGITS: usize = 18;

/// The exact value of a number without exponent, if 38 digits hold it.
fn exact(text: &str) -> Option<Decimal> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let mut unscaled: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        unscaled = unscaled.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    let scale = u8::try_from(fraction.len()).ok().filter(|&scale| scale <= NUMBER_SCALE_MAX)?;
    let unscaled = if negative { -unscaled } else { unscaled };
    (unscaled.abs() <= UNSCALED_MAX).then_some(Decimal { unscaled, scale })
}

/// Bytes of keys and keywords without quotes.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

fn blanks(bytes: &[u8]) -> usize {
    bytes.iter().position(|b| !matches!(b, b' ' | b'\n' | b'\r' | b'\t')).unwrap_or(bytes.len())
}

/// The bytes before the next `quote` or backslash; all when there is none.
fn until_quote(bytes: &[u8], quote: u8) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    let (quotes, backslashes) = (ONES * u64::from(quote), ONES * u64::from(b'\\'));
    let mut at = 0;
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        // The lowest set bit marks the first zero byte; bits above it may be wrong.
        let zeros = |x: u64| x.wrapping_sub(ONES) & !x & HIGHS;
        let hits = zeros(word ^ quotes) | zeros(word ^ backslashes);
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = &bytes[at..];
    at + rest.iter().position(|&b| b == quote || b == b'\\').unwrap_or(rest.len())
}

/// An error behind the character at byte `at`; characters count from 1.
fn fault(text: &str, at: usize, message: String) -> Error {
    let position = text.get(..at).map_or(at, |before| before.chars().count()) + 1;
    Error::new(ErrorCode::InvalidJson, format!("{PREFIX}{message}, pos {position}"))
}
