//! The family of REGEXP functions.
//!
//! A constant pattern is compiled when the call is bound; others are kept compiled from row to row.

use std::borrow::Cow;
use std::sync::Arc;

use firn_column::Column;
use firn_types::{Error, ErrorCode, Result, SqlType};
use regex::{Captures, Regex, RegexBuilder};

use super::CATEGORY;
use super::length::characters;
use super::substring::byte_of;
use crate::functions::driver::{Ints, Rows, Texts, ints, strict, texts};
use crate::functions::{
    Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept,
};

/// REGEXP_LIKE(text, pattern [, parameters])
pub(crate) const REGEXP_LIKE: ScalarFunction = ScalarFunction::new(
    "REGEXP_LIKE",
    Arity::between(2, 3),
    bind_like,
    Documentation::of(
        CATEGORY,
        "Whether the whole text matches a regular expression.",
        &[
            Example::of("REGEXP_LIKE('abc', 'b')", "False"),
            Example::of("REGEXP_LIKE('ABC', 'a.c', 'i')", "True"),
        ],
    ),
)
.with_aliases(&["REGEXP", "RLIKE"]);

/// REGEXP_COUNT(text, pattern [, position [, parameters]])
pub(crate) const REGEXP_COUNT: ScalarFunction = ScalarFunction::new(
    "REGEXP_COUNT",
    Arity::between(2, 4),
    bind_count,
    Documentation::of(
        CATEGORY,
        "How often a regular expression occurs in the text from a position on.",
        &[Example::of(
            "REGEXP_COUNT('It was the best of times, it was the worst of times', '\\\\bwas\\\\b', 1)",
            "2",
        )],
    ),
);

/// REGEXP_SUBSTR(text, pattern [, position [, occurrence [, parameters [, group]]]])
pub(crate) const REGEXP_SUBSTR: ScalarFunction = ScalarFunction::new(
    "REGEXP_SUBSTR",
    Arity::between(2, 6),
    bind_substr,
    Documentation::of(
        CATEGORY,
        "An occurrence of a regular expression, or a group of it; NULL when there is none.",
        &[
            Example::of("REGEXP_SUBSTR('order 66, item 7', '[0-9]+', 1, 2)", "7"),
            Example::of("REGEXP_SUBSTR('key=value', '(.*)=(.*)', 1, 1, 'e', 2)", "value"),
        ],
    ),
);

/// REGEXP_INSTR(text, pattern [, position [, occurrence [, option [, parameters [, group]]]]])
pub(crate) const REGEXP_INSTR: ScalarFunction = ScalarFunction::new(
    "REGEXP_INSTR",
    Arity::between(2, 7),
    bind_instr,
    Documentation::of(
        CATEGORY,
        "Where an occurrence of a regular expression starts, or with option 1 where it is over.",
        &[
            Example::of("REGEXP_INSTR('nevermore1, nevermore2', 'nevermore[0-9]')", "1"),
            Example::of("REGEXP_INSTR('nevermore1, nevermore2', 'nevermore[0-9]', 1, 1, 1)", "11"),
        ],
    ),
);

/// REGEXP_REPLACE(text, pattern [, replacement [, position [, occurrence [, parameters]]]])
pub(crate) const REGEXP_REPLACE: ScalarFunction = ScalarFunction::new(
    "REGEXP_REPLACE",
    Arity::between(2, 6),
    bind_replace,
    Documentation::of(
        CATEGORY,
        "The text with the occurrences of a regular expression replaced, or removed.",
        &[
            Example::of(
                "REGEXP_REPLACE('firstname middlename lastname', '(.*) (.*) (.*)', '\\\\3, \\\\1 \\\\2')",
                "lastname, firstname middlename",
            ),
            Example::of("REGEXP_REPLACE('a1b22c', '[0-9]+')", "abc"),
        ],
    ),
);

/// Casts the arguments: `wanted` says `t` for a text and `i` for a whole number, in order.
pub(super) fn argument_types(
    name: &str,
    arguments: &[Argument],
    wanted: &str,
) -> Result<Vec<SqlType>> {
    let mut types = Vec::new();
    for (position, kind) in wanted.chars().take(arguments.len()).enumerate() {
        types.push(match kind {
            't' => accept::text(name, arguments, position)?,
            _ => accept::integer(name, arguments, position)?,
        });
    }
    Ok(types)
}

/// A compiled expression.
#[derive(Clone)]
pub(super) struct Compiled {
    /// None for the empty pattern, which matches nothing.
    pub(super) regex: Option<Regex>,
    /// Parameter `e`.
    extracts: bool,
}

impl Compiled {
    /// The group that is asked for: a given one, the first with parameter `e`, or the whole match.
    pub(super) fn group(&self, given: Option<i64>) -> Option<usize> {
        let groups = self.regex.as_ref().map_or(1, Regex::captures_len);
        match given {
            Some(group) => usize::try_from(group).ok(),
            None => Some(usize::from(self.extracts && groups > 1)),
        }
    }
}

/// Where a call's expressions come from.
pub(super) struct Patterns {
    constant: Option<Compiled>,
    parameters: usize,
    whole: bool,
}

impl Patterns {
    /// Compiles the pattern, argument 1, with the parameters at a position, when they are constant.
    pub(super) fn of(arguments: &[Argument], parameters: usize, whole: bool) -> Result<Patterns> {
        let flags = accept::constant_text(arguments, parameters);
        let constant = match accept::constant_text(arguments, 1) {
            Some(pattern) if flags.is_some() || arguments.len() <= parameters => {
                Some(compile(pattern, flags.unwrap_or(""), whole)?)
            }
            _ => None,
        };
        Ok(Patterns { constant, parameters, whole })
    }

    pub(super) fn open<'a>(&'a self, columns: &'a [Column]) -> Result<OpenPatterns<'a>> {
        Ok(OpenPatterns {
            of: self,
            pattern: texts(&columns[1])?,
            flags: columns.get(self.parameters).map(texts).transpose()?,
            last: None,
        })
    }
}

/// The expressions of a batch, with the last one compiled.
pub(super) struct OpenPatterns<'a> {
    of: &'a Patterns,
    pattern: Texts<'a>,
    flags: Option<Texts<'a>>,
    last: Option<(&'a str, &'a str, Compiled)>,
}

impl OpenPatterns<'_> {
    pub(super) fn get(&mut self, at: usize) -> Result<Cow<'_, Compiled>> {
        if let Some(constant) = &self.of.constant {
            return Ok(Cow::Borrowed(constant));
        }
        let pattern = self.pattern.get(at);
        let flags = self.flags.map_or("", |flags| flags.get(at));
        match &self.last {
            Some((p, f, _)) if *p == pattern && *f == flags => {}
            _ => self.last = Some((pattern, flags, compile(pattern, flags, self.of.whole)?)),
        }
        match &self.last {
            Some((_, _, compiled)) => Ok(Cow::Borrowed(compiled)),
            None => Err(Error::internal("no regular expression")),
        }
    }
}

fn compile(pattern: &str, flags: &str, whole: bool) -> Result<Compiled> {
    let (mut folded, mut lines, mut dot_all, mut extracts) = (false, false, false, false);
    for flag in flags.chars() {
        match flag {
            'c' => folded = false,
            'i' => folded = true,
            'm' => lines = true,
            's' => dot_all = true,
            'e' => extracts = true,
            other => {
                let text = format!("Invalid regular expression parameter: '{other}'");
                return Err(Error::new(ErrorCode::InvalidRegex, text));
            }
        }
    }
    if pattern.is_empty() && !whole {
        return Ok(Compiled { regex: None, extracts });
    }
    let translated = translate(pattern);
    let source = if whole { format!(r"\A(?:{translated})\z") } else { translated };
    let regex = RegexBuilder::new(&source)
        .case_insensitive(folded)
        .multi_line(lines)
        .dot_matches_new_line(dot_all)
        .build()
        .map_err(|error| {
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or("").trim_start_matches("error: ");
            let text = format!("Invalid regular expression: '{pattern}', {reason}");
            Error::new(ErrorCode::InvalidRegex, text)
        })?;
    Ok(Compiled { regex: Some(regex), extracts })
}

/// The same expression for the regex crate: inside brackets POSIX knows neither nesting nor set
/// operators, so that `[`, `&`, `~` and doubled `-` stand for themselves.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut characters = pattern.chars().peekable();
    let mut in_brackets = false;
    while let Some(c) = characters.next() {
        match c {
            '\\' => {
                out.push(c);
                out.extend(characters.next());
            }
            '[' if !in_brackets => {
                in_brackets = true;
                out.push(c);
                if characters.peek() == Some(&'^') {
                    out.extend(characters.next());
                }
                if characters.peek() == Some(&']') {
                    characters.next();
                    out.push_str(r"\]");
                }
            }
            '[' if characters.peek() == Some(&':') => {
                out.push(c);
                for inner in characters.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            '[' | '&' | '~' if in_brackets => {
                out.push('\\');
                out.push(c);
            }
            ']' if in_brackets => {
                in_brackets = false;
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

fn bind_like(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = argument_types("REGEXP_LIKE", arguments, "ttt")?;
    let patterns = Patterns::of(arguments, 2, true)?;
    let kernel = strict(move |rows, columns| {
        let text = texts(&columns[0])?;
        if let Some(Compiled { regex: Some(regex), .. }) = &patterns.constant {
            return Ok(rows.test(|at| regex.is_match(text.get(at))));
        }
        let mut patterns = patterns.open(columns)?;
        rows.map(|at| {
            let compiled = patterns.get(at)?;
            Ok(Some(compiled.regex.as_ref().is_some_and(|regex| regex.is_match(text.get(at)))))
        })
    });
    ScalarBinding::new(types, SqlType::Boolean, kernel)
}

/// An optional argument of whole numbers.
pub(super) struct Optional<'a>(Option<Ints<'a>>, i64);

impl<'a> Optional<'a> {
    pub(super) fn of(columns: &'a [Column], position: usize, default: i64) -> Result<Optional<'a>> {
        Ok(Optional(columns.get(position).map(ints).transpose()?, default))
    }

    pub(super) fn get(&self, at: usize) -> i64 {
        self.0.map_or(self.1, |column| column.get(at))
    }
}

/// The byte where position `position`, from 1, starts; `None` beyond the end.
pub(super) fn start_byte(text: &str, position: i64) -> Result<Option<usize>> {
    let skipped = usize::try_from(position.saturating_sub(1)).map_err(|_| {
        Error::new(
            ErrorCode::InvalidValue,
            format!("Invalid position {position}: it must be positive"),
        )
    })?;
    let byte = byte_of(text, skipped);
    let beyond = byte == text.len() && skipped > 0 && characters(text) < skipped;
    Ok((!beyond).then_some(byte))
}

fn bind_count(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = argument_types("REGEXP_COUNT", arguments, "ttit")?;
    let patterns = Patterns::of(arguments, 3, false)?;
    let kernel = strict(move |rows, columns| {
        let (text, position) = (texts(&columns[0])?, Optional::of(columns, 2, 1)?);
        let mut patterns = patterns.open(columns)?;
        rows.map(|at| {
            let subject = text.get(at);
            let compiled = patterns.get(at)?;
            let (Some(regex), Some(start)) =
                (&compiled.regex, start_byte(subject, position.get(at))?)
            else {
                return Ok(Some(0_i64));
            };
            Ok(Some(regex.find_iter(&subject[start..]).count() as i64))
        })
    });
    ScalarBinding::new(types, SqlType::number(18, 0), kernel)
}

/// The bytes of the wanted occurrence, or of one of its groups, from `start` on.
fn occurrence(
    compiled: &Compiled,
    subject: &str,
    start: usize,
    number: i64,
    group: Option<i64>,
) -> Option<(usize, usize)> {
    let regex = compiled.regex.as_ref()?;
    let index = usize::try_from(number.checked_sub(1)?).ok()?;
    let rest = &subject[start..];
    let group = compiled.group(group)?;
    let found = if group == 0 {
        regex.find_iter(rest).nth(index)?
    } else {
        regex.captures_iter(rest).nth(index)?.get(group)?
    };
    Some((start + found.start(), start + found.end()))
}

fn bind_substr(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = argument_types("REGEXP_SUBSTR", arguments, "ttiiti")?;
    let returns = types[0];
    let patterns = Patterns::of(arguments, 4, false)?;
    let kernel = strict(move |rows, columns| {
        let text = texts(&columns[0])?;
        let (position, number) = (Optional::of(columns, 2, 1)?, Optional::of(columns, 3, 1)?);
        let group = columns.get(5).map(ints).transpose()?;
        let mut patterns = patterns.open(columns)?;
        rows.slices(|at| {
            let subject = text.get(at);
            let compiled = patterns.get(at)?;
            let Some(start) = start_byte(subject, position.get(at))? else { return Ok(None) };
            let group = group.map(|group| group.get(at));
            let found = occurrence(&compiled, subject, start, number.get(at), group);
            Ok(found.map(|(from, to)| &subject[from..to]))
        })
    });
    ScalarBinding::new(types, returns, kernel)
}

fn bind_instr(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = argument_types("REGEXP_INSTR", arguments, "ttiiiti")?;
    let patterns = Patterns::of(arguments, 5, false)?;
    let kernel = strict(move |rows, columns| {
        let text = texts(&columns[0])?;
        let (position, number) = (Optional::of(columns, 2, 1)?, Optional::of(columns, 3, 1)?);
        let option = Optional::of(columns, 4, 0)?;
        let group = columns.get(6).map(ints).transpose()?;
        let mut patterns = patterns.open(columns)?;
        rows.map(|at| {
            let subject = text.get(at);
            let compiled = patterns.get(at)?;
            let Some(start) = start_byte(subject, position.get(at))? else { return Ok(Some(0)) };
            let group = group.map(|group| group.get(at));
            let found = occurrence(&compiled, subject, start, number.get(at), group);
            Ok(Some(found.map_or(0, |(from, to)| {
                let byte = if option.get(at) == 0 { from } else { to };
                characters(&subject[..byte]) as i64 + 1
            })))
        })
    });
    ScalarBinding::new(types, SqlType::number(18, 0), kernel)
}

fn bind_replace(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = argument_types("REGEXP_REPLACE", arguments, "tttiit")?;
    let patterns = Arc::new(Patterns::of(arguments, 5, false)?);
    let kernel = strict(move |rows, columns| replace_rows(rows, columns, &patterns));
    ScalarBinding::new(types, SqlType::TEXT, kernel)
}

fn replace_rows(
    rows: &Rows<'_>,
    columns: &[Column],
    patterns: &Patterns,
) -> Result<firn_column::Array> {
    let text = texts(&columns[0])?;
    let with = columns.get(2).map(texts).transpose()?;
    let (position, number) = (Optional::of(columns, 3, 1)?, Optional::of(columns, 4, 0)?);
    let mut patterns = patterns.open(columns)?;
    let mut last: (Option<&str>, Vec<Piece>) = (None, Vec::new());
    rows.text(|at, out| {
        let subject = text.get(at);
        let with = with.map_or("", |with| with.get(at));
        if last.0 != Some(with) {
            last = (Some(with), pieces(with));
        }
        let compiled = patterns.get(at)?;
        match (&compiled.regex, start_byte(subject, position.get(at))?) {
            (Some(regex), Some(start)) => {
                out.push_str(&subject[..start]);
                replace(regex, &subject[start..], &last.1, number.get(at), out);
            }
            _ => out.push_str(subject),
        }
        Ok(true)
    })
}

/// A piece of a replacement.
#[derive(Debug, PartialEq)]
enum Piece {
    Text(String),
    Group(usize),
}

/// Takes a replacement apart: `\1` to `\9` are groups, any other escaped character is itself.
fn pieces(replacement: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut characters = replacement.chars();
    while let Some(c) = characters.next() {
        let escaped = if c == '\\' { characters.next() } else { None };
        match (escaped, escaped.and_then(|c| c.to_digit(10))) {
            (_, Some(group)) => {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Group(group as usize));
            }
            (Some(escaped), None) => text.push(escaped),
            (None, None) => text.push(c),
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}

/// Writes the subject with occurrence `number` replaced, or all of them when it is 0.
fn replace(regex: &Regex, subject: &str, pieces: &[Piece], number: i64, out: &mut String) {
    let mut rest = 0;
    for (index, found) in regex.captures_iter(subject).enumerate() {
        let Some(whole) = found.get(0) else { continue };
        if number > 0 && index as i64 + 1 != number {
            continue;
        }
        out.push_str(&subject[rest..whole.start()]);
        push_pieces(&found, pieces, out);
        rest = whole.end();
        if number > 0 {
            break;
        }
    }
    out.push_str(&subject[rest..]);
}

fn push_pieces(found: &Captures<'_>, pieces: &[Piece], out: &mut String) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Group(group) => {
                out.push_str(found.get(*group).map_or("", |group| group.as_str()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(subject: &str, pattern: &str, flags: &str, whole: bool) -> Result<bool> {
        let compiled = compile(pattern, flags, whole)?;
        Ok(compiled.regex.is_some_and(|regex| regex.is_match(subject)))
    }

    #[test]
    fn whole_matches_parameters_and_brackets() -> Result<()> {
        let cases = [
            ("abc", "b", "", true, false),
            ("abc", "b", "", false, true),
            ("", "", "", true, true),
            ("a", "", "", true, false),
            ("a", "", "", false, false),
            ("ABC", "abc", "ci", true, true),
            ("ABC", "abc", "ic", true, false),
            ("a\nb", "a.b", "", true, false),
            ("a\nb", "a.b", "s", true, true),
            ("a\nb", "^b$", "m", false, true),
            ("[", "[[]", "", true, true),
            ("]", "[]]", "", true, true),
            ("&&", "[&&]+", "", true, true),
            ("7b", "[[:digit:]a-z]+", "", true, true),
            ("ab|", r"a(b|c)\|", "", true, true),
        ];
        for (subject, pattern, flags, whole, expected) in cases {
            assert_eq!(matches(subject, pattern, flags, whole)?, expected, "{subject} {pattern}");
        }
        let error = matches("x", "a(b", "", true).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRegex);
        assert!(error.detail().starts_with("Invalid regular expression: 'a(b', "));
        Ok(())
    }

    #[test]
    fn occurrences_groups_and_replacements() -> Result<()> {
        let text = "It was the best of times";
        let compiled = compile("(t)(h)?", "e", false)?;
        assert_eq!(occurrence(&compiled, text, 0, 1, None), Some((1, 2)));
        assert_eq!(occurrence(&compiled, text, 0, 2, Some(2)), Some((8, 9)));
        assert_eq!(occurrence(&compiled, text, 0, 1, Some(2)), None);
        assert_eq!(occurrence(&compiled, text, 0, 0, None), None);
        let replaced = |number: i64| {
            let mut out = String::new();
            let regex = compiled.regex.as_ref();
            regex
                .into_iter()
                .for_each(|r| replace(r, "tath", &pieces(r"<\1\2>"), number, &mut out));
            out
        };
        assert_eq!(replaced(0), "<t>a<th>");
        assert_eq!(replaced(2), "ta<th>");
        assert_eq!(start_byte("été", 2)?, Some(2));
        assert_eq!(start_byte("été", 5)?, None);
        assert!(start_byte("été", 0).is_err());
        Ok(())
    }
}
