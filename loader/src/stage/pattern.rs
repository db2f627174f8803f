//! PATTERN: a Java regular expression that matches a whole path.

use firn_types::{Error, ErrorCode, Result};
use regex::Regex;

/// A compiled PATTERN.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles the text of a PATTERN option.
    ///
    /// # Errors
    /// A text that is no regular expression, or one that looks around or back, which takes time beyond
    /// all bounds.
    pub fn new(text: &str) -> Result<Pattern> {
        let translated = format!(r"\A(?:{})\z", translate(text));
        Regex::new(&translated).map(Pattern).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let detail = format!("Invalid regular expression: '{text}', {reason}");
            Error::new(ErrorCode::InvalidRegex, detail)
        })
    }

    /// A shell's pattern, in which `*` is any text and `?` any character.
    ///
    /// # Errors
    /// None for texts of a sensible length.
    pub fn glob(text: &str) -> Result<Pattern> {
        let mut pattern = String::with_capacity(text.len() + 8);
        for character in text.chars() {
            match character {
                '*' => pattern.push_str(".*"),
                '?' => pattern.push('.'),
                other => pattern.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
            }
        }
        Pattern::new(&pattern)
    }

    /// Whether the pattern matches the whole text.
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// Java's syntax where it differs: quoting with `\Q..\E`, `\Z`, `\h`, POSIX classes, possessive
/// quantifiers.
fn translate(java: &str) -> String {
    let mut out = String::with_capacity(java.len());
    let mut rest = java;
    while let Some(first) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix(r"\Q") {
            let (literal, after) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
            out.push_str(&regex::escape(literal));
            rest = after;
        } else if let Some((replacement, used)) = replaced(rest) {
            out.push_str(replacement);
            rest = &rest[used..];
        } else if first == '\\' {
            let used = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
            out.push_str(&rest[..used]);
            rest = &rest[used..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            let possessive = matches!(first, '*' | '+' | '?' | '}') && rest.starts_with('+');
            rest = if possessive { &rest[1..] } else { rest };
        }
    }
    out
}

fn replaced(rest: &str) -> Option<(&'static str, usize)> {
    const REPLACED: [(&str, &str); 8] = [
        (r"\Z", r"\z"),
        (r"\h", r"[ \t]"),
        (r"\p{Alpha}", "[[:alpha:]]"),
        (r"\p{Digit}", "[[:digit:]]"),
        (r"\p{Alnum}", "[[:alnum:]]"),
        (r"\p{Upper}", "[[:upper:]]"),
        (r"\p{Lower}", "[[:lower:]]"),
        (r"\p{Punct}", "[[:punct:]]"),
    ];
    let found = REPLACED.iter().find(|(java, _)| rest.starts_with(java))?;
    Some((found.1, found.0.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names_in_javas_syntax() {
        for (pattern, text, matches) in [
            (".*csv", "a/b.csv", true),
            ("csv", "b.csv", false),
            (r"\Qa+b\E.*", "a+b.csv", true),
            (r".*[.]csv[.]gz", "x.csv.gz", true),
            (r"\p{Alpha}++\d*+", "abc12", true),
            ("a|bc", "abc", false),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().matches(text), matches, "{pattern} {text}");
        }
        assert!(Pattern::new("a(").is_err());
        assert!(Pattern::new("(?=x)").is_err());
        assert!(Pattern::glob("a?c*.csv").unwrap().matches("abcd.csv"));
    }
}
