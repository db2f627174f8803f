//! Characters to lexemes: where words, strings, numbers, names of staged files and comments begin and end.
//!
//! Everything that reads SQL text stands on this: the splitter, the tokens for the grammar, and the fast
//! path for rows of constants. Nothing is copied here; a lexeme is a range of bytes.

use firn_types::{Error, ErrorCode, Result, Span};

/// What a lexeme is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word: a keyword or an unquoted name.
    Word,
    /// `"name"`.
    Quoted,
    /// A number without sign.
    Number,
    /// `'text'`.
    Text,
    /// `$$text$$`.
    Raw,
    /// `X'..'`.
    Hex,
    /// `@stage/path`.
    Stage,
    /// `file://..`, `s3://..` and the like.
    Url,
    /// `$name`, `$1` or `?`.
    Placeholder,
    /// Punctuation; operators of two characters are one lexeme.
    Symbol,
}

/// A lexeme: a range of bytes of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lexeme {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Lexeme {
    /// Its text.
    pub(super) fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or("")
    }

    /// Its place.
    pub(super) fn span(self) -> Span {
        Span::new(self.start, self.end)
    }
}

/// Schemes of URLs that may stand without quotes.
const SCHEMES: [&str; 6] = ["file", "s3", "s3gov", "s3compat", "gcs", "azure"];
/// Operators of several characters, longest first.
const OPERATORS: [&str; 11] = ["->>", "::", ":=", "=>", "->", "||", "<=", ">=", "<>", "!=", "**"];

/// Reads lexemes from a text, one after the other.
#[derive(Clone)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The previous character was the end of a word, name or bracket: a point now separates names.
    after_name: bool,
}

impl<'a> Scanner<'a> {
    /// A scanner at the start of a text.
    pub(super) fn new(text: &'a str) -> Scanner<'a> {
        Scanner::from(text, 0)
    }

    /// A scanner at a byte of a text.
    pub(super) fn from(text: &'a str, at: usize) -> Scanner<'a> {
        Scanner { text, at, after_name: false }
    }

    /// The byte that is read next.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    /// The next lexeme, or nothing at the end. Errors: a string, name or comment without end, a
    /// character that SQL does not know.
    pub(super) fn next(&mut self) -> Result<Option<Lexeme>> {
        let before = self.at;
        self.skip_blanks()?;
        let start = self.at;
        let after_name = self.after_name && start == before;
        let Some(first) = self.text.get(start..).and_then(|rest| rest.chars().next()) else {
            return Ok(None);
        };
        let kind = match first {
            '\'' => self.text_literal()?,
            '"' => self.quoted_name()?,
            '$' => self.dollar()?,
            '?' => self.take(1, Kind::Placeholder),
            '@' => self.stage()?,
            'x' | 'X' if self.byte(1) == b'\'' => self.hex()?,
            '0'..='9' => self.number(),
            '.' if !after_name && self.byte(1).is_ascii_digit() => self.number(),
            _ if is_word_start(first) => self.word(),
            _ => self.symbol(first)?,
        };
        let last = self.text.as_bytes().get(self.at.wrapping_sub(1)).copied().unwrap_or(0);
        self.after_name = match kind {
            Kind::Word | Kind::Quoted | Kind::Placeholder => true,
            Kind::Symbol => matches!(last, b')' | b']'),
            _ => false,
        };
        Ok(Some(Lexeme { kind, start, end: self.at }))
    }

    fn take(&mut self, bytes: usize, kind: Kind) -> Kind {
        self.at += bytes;
        kind
    }

    /// Passes over blanks and comments.
    fn skip_blanks(&mut self) -> Result<()> {
        loop {
            match (self.byte(0), self.byte(1)) {
                (b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, _) => self.at += 1,
                (b'-', b'-') | (b'/', b'/') => {
                    let rest = self.text.get(self.at..).unwrap_or("");
                    self.at += rest.find('\n').unwrap_or(rest.len());
                }
                (b'/', b'*') => {
                    let body = self.text.get(self.at + 2..).unwrap_or("");
                    match body.find("*/") {
                        Some(end) => self.at += end + 4,
                        None => return Err(self.endless(self.at)),
                    }
                }
                (byte, _) if byte >= 0x80 => {
                    let rest = self.text.get(self.at..).unwrap_or("");
                    match rest.chars().next() {
                        Some(c) if c.is_whitespace() || c == '\u{feff}' => self.at += c.len_utf8(),
                        _ => return Ok(()),
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    /// `'..'`: a quote is written twice or after a backslash.
    fn text_literal(&mut self) -> Result<Kind> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.byte(0) {
                b'\'' if self.byte(1) == b'\'' => self.at += 2,
                b'\'' => return Ok(self.take(1, Kind::Text)),
                b'\\' => self.at += 2,
                0 if self.at >= self.text.len() => return Err(self.endless(start)),
                _ => self.at += 1,
            }
        }
    }

    fn quoted_name(&mut self) -> Result<Kind> {
        let start = self.at;
        self.skip_quoted_name().ok_or_else(|| self.endless(start))?;
        Ok(Kind::Quoted)
    }

    /// Passes over `".."`, in which a quote is written twice.
    fn skip_quoted_name(&mut self) -> Option<()> {
        let mut at = self.at + 1;
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(at)? {
                b'"' if bytes.get(at + 1) == Some(&b'"') => at += 2,
                b'"' => break,
                _ => at += 1,
            }
        }
        self.at = at + 1;
        Some(())
    }

    /// `$$..$$`, `$1` or `$name`.
    fn dollar(&mut self) -> Result<Kind> {
        let start = self.at;
        if self.byte(1) == b'$' {
            let body = self.text.get(start + 2..).unwrap_or("");
            let end = body.find("$$").ok_or_else(|| self.endless(start))?;
            return Ok(self.take(end + 4, Kind::Raw));
        }
        self.at += 1;
        self.skip_word();
        // Alone it stands in patterns of rows.
        Ok(if self.at == start + 1 { Kind::Symbol } else { Kind::Placeholder })
    }

    fn hex(&mut self) -> Result<Kind> {
        self.at += 1;
        self.text_literal()?;
        Ok(Kind::Hex)
    }

    /// `@` and all that belongs to the name and the path behind it. Quoted parts may hold anything.
    fn stage(&mut self) -> Result<Kind> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.byte(0) {
                b'"' => self.skip_quoted_name().ok_or_else(|| self.endless(start))?,
                0 | b' ' | b'\t' | b'\n' | b'\r' | b',' | b';' | b'(' | b')' | b'\'' => break,
                _ => self.at += 1,
            }
        }
        Ok(Kind::Stage)
    }

    fn number(&mut self) -> Kind {
        self.skip_digits();
        if self.byte(0) == b'.' {
            self.at += 1;
            self.skip_digits();
        }
        if matches!(self.byte(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
            if self.byte(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.skip_digits();
            }
        }
        Kind::Number
    }

    fn skip_digits(&mut self) {
        while self.byte(0).is_ascii_digit() {
            self.at += 1;
        }
    }

    fn skip_word(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or("");
        self.at += rest.find(|c: char| !is_word_part(c)).unwrap_or(rest.len());
    }

    /// A word, or a URL that begins with one.
    fn word(&mut self) -> Kind {
        let start = self.at;
        self.skip_word();
        let word = self.text.get(start..self.at).unwrap_or("");
        let rest = self.text.get(self.at..).unwrap_or("");
        let Some(scheme) = SCHEMES.iter().find(|scheme| word.eq_ignore_ascii_case(scheme)) else {
            return Kind::Word;
        };
        if !rest.starts_with("://") {
            return Kind::Word;
        }
        let local = *scheme == "file";
        let ends = |c: char| {
            c.is_whitespace() || c == ';' || (!local && matches!(c, ',' | '(' | ')' | '\''))
        };
        let mut end = rest.find(ends).unwrap_or(rest.len());
        if local {
            // Node's client writes the quoted name of the stage right behind the path.
            end = rest[..end].find("'@").unwrap_or(end);
        }
        self.at += end;
        Kind::Url
    }

    fn symbol(&mut self, first: char) -> Result<Kind> {
        let rest = self.text.get(self.at..).unwrap_or("");
        // Most symbols are brackets and commas, and what follows tells that no operator begins.
        let longer = rest.as_bytes().get(1).is_some_and(|next| b">:=|*".contains(next));
        let longest = || OPERATORS.iter().find(|operator| rest.starts_with(*operator));
        if let Some(operator) = longer.then(longest).flatten() {
            return Ok(self.take(operator.len(), Kind::Symbol));
        }
        // The last two stand in patterns of rows.
        if "+-*/%=<>(),.;:[]{}|^".contains(first) {
            return Ok(self.take(1, Kind::Symbol));
        }
        let span = Span::new(self.at, self.at + first.len_utf8());
        Err(unexpected(first.encode_utf8(&mut [0; 4]), span))
    }

    /// A string, name or comment that the text ends in.
    fn endless(&self, start: usize) -> Error {
        let rest = self.text.get(start..).unwrap_or("");
        let line = rest.lines().next().unwrap_or("");
        unexpected(line, Span::new(start, self.text.len()))
    }
}

/// Whether an unquoted name may begin so.
pub(super) fn is_word_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

/// Whether an unquoted name may go on so.
pub(super) fn is_word_part(c: char) -> bool {
    c == '_' || c == '$' || c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric())
}

/// Snowflake's syntax error about a token.
pub(super) fn unexpected(token: &str, span: Span) -> Error {
    Error::new(ErrorCode::Syntax, format!("unexpected '{token}'.")).at(span)
}
