//! A small lexer for what is being typed: enough to color it and to find the word before the cursor.
//!
//! It never fails, because half of a statement is the usual case.

use firn_engine::KEYWORDS;

/// What a part of the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A word that SQL knows.
    Keyword,
    /// A name, or a word that SQL does not know.
    Word,
    /// A number.
    Number,
    /// A text in `'..'` or `$$..$$`, perhaps without its end.
    Text,
    /// A name in `".."`, perhaps without its end.
    QuotedName,
    /// A comment.
    Comment,
    /// Blanks and signs.
    Other,
}

/// Cuts the text into parts that together are the whole text.
pub(crate) fn parts(text: &str) -> Vec<(Token, &str)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (token, length) = first(rest);
        let (part, after) = rest.split_at(length);
        parts.push((token, part));
        rest = after;
    }
    parts
}

/// The first part of a text that is not empty, and its length in bytes.
fn first(text: &str) -> (Token, usize) {
    let through = |end: Option<usize>, length: usize| end.map_or(text.len(), |at| at + length);
    if text.starts_with("--") || text.starts_with("//") {
        return (Token::Comment, through(text.find('\n'), 0));
    }
    if let Some(rest) = text.strip_prefix("/*") {
        return (Token::Comment, through(rest.find("*/"), 4));
    }
    if let Some(rest) = text.strip_prefix("$$") {
        return (Token::Text, through(rest.find("$$"), 4));
    }
    match text.chars().next() {
        Some('\'') => (Token::Text, quoted(text, '\'')),
        Some('"') => (Token::QuotedName, quoted(text, '"')),
        Some(c) if c.is_ascii_digit() => {
            (Token::Number, run(text, |c| c.is_ascii_alphanumeric() || c == '.'))
        }
        Some(c) if is_word(c) => {
            let length = run(text, is_word);
            let token = if is_keyword(&text[..length]) { Token::Keyword } else { Token::Word };
            (token, length)
        }
        Some(c) => (Token::Other, c.len_utf8()),
        None => (Token::Other, 0),
    }
}

/// The length of a text in quotes; a backslash escapes in `'..'` only.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' && quote == '\'' {
            escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// Whether a character belongs to a word.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_the_whole_text() {
        for text in
            ["select 'a''b\\'c' x", "'open", "$$ raw", "/* open", "\"q\"\"r\" -- end", "é1 1e5;"]
        {
            let whole: String = parts(text).into_iter().map(|(_, part)| part).collect();
            assert_eq!(whole, text);
        }
    }

    #[test]
    fn each_kind_is_told() {
        let told = parts("Select x, 1.5 /*c*/ 'a\\'b' \"q\"");
        let told: Vec<(Token, &str)> =
            told.into_iter().filter(|(token, _)| *token != Token::Other).collect();
        assert_eq!(
            told,
            [
                (Token::Keyword, "Select"),
                (Token::Word, "x"),
                (Token::Number, "1.5"),
                (Token::Comment, "/*c*/"),
                (Token::Text, "'a\\'b'"),
                (Token::QuotedName, "\"q\""),
            ]
        );
    }
}
