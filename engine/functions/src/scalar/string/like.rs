//! LIKE and ILIKE: patterns of `%` for any characters and `_` for one.
//!
//! A constant pattern is compiled when the call is bound: into an equality, a prefix, a suffix or a
//! search where it is no more than that.

use firn_types::{Error, ErrorCode, Result, SqlType};
use memchr::memmem;

use super::CATEGORY;
use super::case::lower;
use super::substring::byte_of;
use crate::driver::{Rows, Texts, null_propagating, texts};
use crate::meaning::{Meaning, TextMatch};
use crate::{
    Argument, Arity, Documentation, Example, Kernel, ScalarBinding, ScalarFunction, accept,
};

/// LIKE(text, pattern [, escape])
pub(crate) const LIKE: ScalarFunction = ScalarFunction::new(
    "LIKE",
    Arity::between(2, 3),
    |arguments| bind("LIKE", arguments, false),
    Documentation::of(
        CATEGORY,
        "Whether the whole text matches a pattern, where % stands for any characters and _ for one.",
        &[
            Example::of("'John Dddoe' LIKE '%oe'", "True"),
            Example::of("LIKE('100%', '100^%', '^')", "True"),
            Example::of("'abc' LIKE 'A%'", "False"),
        ],
    ),
)
.with_meaning(Meaning::TextMatch(TextMatch::Like))
.with_cost(20);

/// ILIKE(text, pattern [, escape])
pub(crate) const ILIKE: ScalarFunction = ScalarFunction::new(
    "ILIKE",
    Arity::between(2, 3),
    |arguments| bind("ILIKE", arguments, true),
    Documentation::of(
        CATEGORY,
        "As LIKE, but upper and lower case are the same.",
        &[Example::of("'Joe Doe' ILIKE 'joe%'", "True")],
    ),
)
.with_meaning(Meaning::TextMatch(TextMatch::LikeIgnoringCase))
.with_cost(20);

fn bind(name: &str, arguments: &[Argument], folded: bool) -> Result<ScalarBinding> {
    let mut types = Vec::new();
    for position in 0..arguments.len() {
        types.push(accept::text(name, arguments, position)?);
    }
    let escape = accept::constant_text(arguments, 2);
    let kernel = match accept::constant_text(arguments, 1) {
        Some(pattern) if arguments.len() == 2 || escape.is_some() => {
            constant_kernel(Pattern::compile(pattern, escape, folded)?, folded)
        }
        _ => varying_kernel(folded),
    };
    ScalarBinding::new(types, SqlType::Boolean, kernel)
}

fn constant_kernel(pattern: Pattern, folded: bool) -> Kernel {
    if folded {
        return null_propagating(move |rows, columns| {
            let text = texts(&columns[0])?;
            let mut scratch = String::new();
            Ok(rows.test(|at| {
                scratch.clear();
                lower(text.get(at), &mut scratch);
                pattern.matches(&scratch)
            }))
        });
    }
    null_propagating(move |rows, columns| Ok(pattern.test(rows, texts(&columns[0])?)))
}

/// For patterns that differ from row to row; the last one is kept compiled.
fn varying_kernel(folded: bool) -> Kernel {
    null_propagating(move |rows, columns| {
        let (text, pattern) = (texts(&columns[0])?, texts(&columns[1])?);
        let escape = columns.get(2).map(texts).transpose()?;
        let mut last: Option<(&str, Option<&str>, Pattern)> = None;
        let mut scratch = String::new();
        rows.map(|at| {
            let (source, escape) = (pattern.get(at), escape.map(|escape| escape.get(at)));
            if !matches!(&last, Some((s, e, _)) if *s == source && *e == escape) {
                last = Some((source, escape, Pattern::compile(source, escape, folded)?));
            }
            scratch.clear();
            let subject = if folded {
                lower(text.get(at), &mut scratch);
                &scratch
            } else {
                text.get(at)
            };
            Ok(last.as_ref().map(|(_, _, pattern)| pattern.matches(subject)))
        })
    })
}

/// A compiled pattern.
#[derive(Debug)]
enum Pattern {
    /// No wildcard.
    Equal(String),
    /// `text%`
    Prefix(String),
    /// `%text`
    Suffix(String),
    /// `%text%`
    Contains(Box<memmem::Finder<'static>>),
    /// Anything else: what stands before, between and after the `%`.
    Parts { first: Segment, middle: Vec<Segment>, last: Option<Segment> },
}

/// What stands between two `%`: characters, or none for `_`.
#[derive(Debug)]
struct Segment {
    characters: Vec<Option<char>>,
    /// The same as a search, when there is no `_`.
    finder: Option<Box<memmem::Finder<'static>>>,
}

impl Pattern {
    /// Compiles a pattern; a folded one matches subjects in lower case.
    ///
    /// # Errors
    /// `InvalidValue` when the escape is not one character.
    fn compile(pattern: &str, escape: Option<&str>, folded: bool) -> Result<Pattern> {
        let mut segments = segments(pattern, escape_character(escape)?, folded);
        let literal = |segment: &Vec<Option<char>>| segment.iter().copied().collect();
        let literals: Option<Vec<String>> = segments.iter().map(literal).collect();
        match literals.unwrap_or_default().as_slice() {
            [only] => return Ok(Pattern::Equal(only.clone())),
            [start, end] if end.is_empty() => return Ok(Pattern::Prefix(start.clone())),
            [start, end] if start.is_empty() => return Ok(Pattern::Suffix(end.clone())),
            [start, inner, end] if start.is_empty() && end.is_empty() => {
                return Ok(Pattern::Contains(Box::new(memmem::Finder::new(inner).into_owned())));
            }
            _ => {}
        }
        let last = if segments.len() > 1 { segments.pop().map(Segment::new) } else { None };
        let mut segments = segments.into_iter().map(Segment::new);
        let first = segments.next().unwrap_or_else(|| Segment::new(Vec::new()));
        let middle = segments.filter(|segment| !segment.characters.is_empty()).collect();
        Ok(Pattern::Parts { first, middle, last })
    }

    /// Whether each row matches: one loop per kind of pattern.
    fn test(&self, rows: &Rows<'_>, text: Texts<'_>) -> firn_column::Array {
        match self {
            Pattern::Equal(wanted) => rows.test(|at| text.get(at) == wanted),
            Pattern::Prefix(wanted) => {
                rows.test(|at| text.get(at).as_bytes().starts_with(wanted.as_bytes()))
            }
            Pattern::Suffix(wanted) => {
                rows.test(|at| text.get(at).as_bytes().ends_with(wanted.as_bytes()))
            }
            Pattern::Contains(finder) => {
                rows.test(|at| finder.find(text.get(at).as_bytes()).is_some())
            }
            Pattern::Parts { .. } => rows.test(|at| self.matches(text.get(at))),
        }
    }

    fn matches(&self, subject: &str) -> bool {
        match self {
            Pattern::Equal(wanted) => subject == wanted,
            Pattern::Prefix(wanted) => subject.starts_with(wanted.as_str()),
            Pattern::Suffix(wanted) => subject.ends_with(wanted.as_str()),
            Pattern::Contains(finder) => finder.find(subject.as_bytes()).is_some(),
            Pattern::Parts { first, middle, last } => {
                let Some(mut rest) = first.strip_prefix(subject) else { return false };
                let Some(last) = last else { return rest.is_empty() };
                for segment in middle {
                    let Some(after) = segment.strip_first(rest) else { return false };
                    rest = after;
                }
                last.is_suffix(rest)
            }
        }
    }
}

fn escape_character(escape: Option<&str>) -> Result<Option<char>> {
    let Some(escape) = escape else { return Ok(None) };
    let mut characters = escape.chars();
    match (characters.next(), characters.next()) {
        (None, _) => Ok(None),
        (Some(c), None) => Ok(Some(c)),
        _ => Err(Error::new(
            ErrorCode::InvalidValue,
            format!("Invalid escape '{escape}' in the LIKE pattern: it must be one character"),
        )),
    }
}

/// What stands before, between and after the `%`s: one more than there are of them, with runs of `%`
/// counted as one.
fn segments(pattern: &str, escape: Option<char>, folded: bool) -> Vec<Vec<Option<char>>> {
    let mut segments = vec![Vec::new()];
    let mut characters = pattern.chars();
    let mut after_percent = false;
    while let Some(c) = characters.next() {
        let escaped = Some(c) == escape;
        let c = if escaped { characters.next().unwrap_or(c) } else { c };
        if c == '%' && !escaped {
            if !after_percent {
                segments.push(Vec::new());
            }
            after_percent = true;
            continue;
        }
        after_percent = false;
        let Some(segment) = segments.last_mut() else { continue };
        if c == '_' && !escaped {
            segment.push(None);
        } else if folded {
            segment.extend(c.to_lowercase().map(Some));
        } else {
            segment.push(Some(c));
        }
    }
    segments
}

impl Segment {
    fn new(characters: Vec<Option<char>>) -> Segment {
        let literal: Option<String> = characters.iter().copied().collect();
        let finder = literal.map(|text| Box::new(memmem::Finder::new(&text).into_owned()));
        Segment { characters, finder }
    }

    /// What follows the segment at the start of the subject.
    fn strip_prefix<'a>(&self, subject: &'a str) -> Option<&'a str> {
        let mut rest = subject.chars();
        for wanted in &self.characters {
            let c = rest.next()?;
            if wanted.is_some_and(|wanted| wanted != c) {
                return None;
            }
        }
        Some(rest.as_str())
    }

    /// What follows the segment's first occurrence in the subject.
    fn strip_first<'a>(&self, subject: &'a str) -> Option<&'a str> {
        if let Some(finder) = &self.finder {
            let found = finder.find(subject.as_bytes())?;
            return Some(&subject[found + finder.needle().len()..]);
        }
        let mut rest = subject;
        loop {
            if let Some(after) = self.strip_prefix(rest) {
                return Some(after);
            }
            let skipped = byte_of(rest, 1);
            if skipped == 0 || rest.is_empty() {
                return None;
            }
            rest = &rest[skipped..];
        }
    }

    /// Whether the subject ends with the segment.
    fn is_suffix(&self, subject: &str) -> bool {
        if let Some(finder) = &self.finder {
            return subject.as_bytes().ends_with(finder.needle());
        }
        let mut rest = subject.chars().rev();
        self.characters
            .iter()
            .rev()
            .all(|wanted| rest.next().is_some_and(|c| wanted.is_none_or(|wanted| wanted == c)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() -> Result<()> {
        let cases = [
            ("", "", true),
            ("x", "", false),
            ("", "%", true),
            ("a\nb", "a%b", true),
            ("a\nb", "a_b", true),
            ("abc", "abc", true),
            ("abc", "ab", false),
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "%b%", true),
            ("abc", "%%b%%", true),
            ("abc", "_b_", true),
            ("abc", "__", false),
            ("été", "_t_", true),
            ("abcabc", "a%a_c", true),
            ("aab", "%a_", true),
            ("ab", "ab%ab", false),
            ("abab", "ab%ab", true),
            ("mississippi", "m%iss%ip%i", true),
            ("mississippi", "m%iss%iss%iss%", false),
            ("mississippi", "%s_i%_p_", true),
            ("special customer requests", "%special%requests%", true),
            ("ABC", "abc", false),
        ];
        for (subject, pattern, expected) in cases {
            let compiled = Pattern::compile(pattern, None, false)?;
            assert_eq!(compiled.matches(subject), expected, "{subject} LIKE {pattern}");
        }
        Ok(())
    }

    #[test]
    fn escapes_and_folded_case() -> Result<()> {
        let escaped = |subject: &str, pattern: &str| {
            Ok::<_, Error>(Pattern::compile(pattern, Some("^"), false)?.matches(subject))
        };
        assert!(escaped("100%", "100^%")?);
        assert!(!escaped("1000", "100^%")?);
        assert!(escaped("a_b^", "a^_b^^")?);
        assert!(escaped("100% of", "100^%%")?);
        assert!(Pattern::compile("x", Some("ab"), false).is_err());
        assert!(Pattern::compile("Ä%B", None, true)?.matches("ä..b"));
        Ok(())
    }
}
