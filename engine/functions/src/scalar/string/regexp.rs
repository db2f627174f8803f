//! The family of REGEXP functions.
//!
//! A constant pattern is compiled when the call is bound; others are kept compiled from row to row.

use std::sync::Arc;

use firn_column::Column;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::CATEGORY;
use super::length::characters;
use super::matcher::{Compiled, Search, Spans};
use super::substring::byte_of;
use crate::driver::{Ints, Rows, Texts, ints, null_propagating, texts};
use crate::meaning::{Meaning, TextMatch};
use crate::text_buffer::TextBuffer;
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

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
.with_aliases(&["REGEXP", "RLIKE"])
.with_meaning(Meaning::TextMatch(TextMatch::RegularExpression));

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

/// Where a call's expressions come from.
pub(super) struct Patterns {
    constant: Option<Arc<Compiled>>,
    parameters: usize,
    whole: bool,
}

impl Patterns {
    /// Compiles the pattern, argument 1, with the parameters at a position, when they are constant.
    pub(super) fn of(arguments: &[Argument], parameters: usize, whole: bool) -> Result<Patterns> {
        let flags = accept::constant_text(arguments, parameters);
        let constant = match accept::constant_text(arguments, 1) {
            Some(pattern) if flags.is_some() || arguments.len() <= parameters => {
                Some(Arc::new(Compiled::of(pattern, flags.unwrap_or(""), whole)?))
            }
            _ => None,
        };
        Ok(Patterns { constant, parameters, whole })
    }

    pub(super) fn open<'a>(&'a self, columns: &'a [Column]) -> Result<OpenPatterns<'a>> {
        let source = match &self.constant {
            Some(constant) => Source::Constant(Arc::clone(constant).open()),
            None => Source::Rows {
                pattern: texts(&columns[1])?,
                flags: columns.get(self.parameters).map(texts).transpose()?,
                whole: self.whole,
                last: None,
            },
        };
        Ok(OpenPatterns(source))
    }
}

/// The expressions of a batch.
pub(super) struct OpenPatterns<'a>(Source<'a>);

enum Source<'a> {
    Constant(Search),
    /// With the last one compiled.
    Rows {
        pattern: Texts<'a>,
        flags: Option<Texts<'a>>,
        whole: bool,
        last: Option<(&'a str, &'a str, Search)>,
    },
}

impl OpenPatterns<'_> {
    /// A row's expression.
    pub(super) fn get(&mut self, at: usize) -> Result<&mut Search> {
        match &mut self.0 {
            Source::Constant(search) => Ok(search),
            Source::Rows { pattern, flags, whole, last } => {
                let (pattern, flags) = (pattern.get(at), flags.map_or("", |flags| flags.get(at)));
                if !matches!(last, Some((p, f, _)) if *p == pattern && *f == flags) {
                    let compiled = Arc::new(Compiled::of(pattern, flags, *whole)?);
                    *last = Some((pattern, flags, compiled.open()));
                }
                let last = last.as_mut().map(|(_, _, search)| search);
                last.ok_or_else(|| Error::internal("no regular expression"))
            }
        }
    }
}

fn bind_like(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = argument_types("REGEXP_LIKE", arguments, "ttt")?;
    let patterns = Patterns::of(arguments, 2, true)?;
    let kernel = null_propagating(move |rows, columns| {
        let text = texts(&columns[0])?;
        let mut patterns = patterns.open(columns)?;
        if let OpenPatterns(Source::Constant(search)) = &mut patterns {
            return Ok(rows.test(|at| search.is_match(text.get(at))));
        }
        rows.map(|at| Ok(Some(patterns.get(at)?.is_match(text.get(at)))))
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
    let kernel = null_propagating(move |rows, columns| {
        let (text, position) = (texts(&columns[0])?, Optional::of(columns, 2, 1)?);
        let mut patterns = patterns.open(columns)?;
        rows.map(|at| {
            let subject = text.get(at);
            let search = patterns.get(at)?;
            let mut count = 0_i64;
            if let Some(start) = start_byte(subject, position.get(at))? {
                search.visit(&subject[start..], 0, |_| {
                    count += 1;
                    true
                });
            }
            Ok(Some(count))
        })
    });
    ScalarBinding::new(types, SqlType::number(18, 0), kernel)
}

fn bind_substr(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = argument_types("REGEXP_SUBSTR", arguments, "ttiiti")?;
    let returns = types[0];
    let patterns = Patterns::of(arguments, 4, false)?;
    let kernel = null_propagating(move |rows, columns| {
        let text = texts(&columns[0])?;
        let (position, number) = (Optional::of(columns, 2, 1)?, Optional::of(columns, 3, 1)?);
        let group = columns.get(5).map(ints).transpose()?;
        let mut patterns = patterns.open(columns)?;
        rows.slices(|at| {
            let subject = text.get(at);
            let search = patterns.get(at)?;
            let Some(start) = start_byte(subject, position.get(at))? else { return Ok(None) };
            let rest = &subject[start..];
            let group = search.group(group.map(|group| group.get(at)));
            let found = group.and_then(|group| search.occurrence(rest, number.get(at), group));
            Ok(found.map(|found| &rest[found]))
        })
    });
    ScalarBinding::new(types, returns, kernel)
}

fn bind_instr(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = argument_types("REGEXP_INSTR", arguments, "ttiiiti")?;
    let patterns = Patterns::of(arguments, 5, false)?;
    let kernel = null_propagating(move |rows, columns| {
        let text = texts(&columns[0])?;
        let (position, number) = (Optional::of(columns, 2, 1)?, Optional::of(columns, 3, 1)?);
        let option = Optional::of(columns, 4, 0)?;
        let group = columns.get(6).map(ints).transpose()?;
        let mut patterns = patterns.open(columns)?;
        rows.map(|at| {
            let subject = text.get(at);
            let search = patterns.get(at)?;
            let Some(start) = start_byte(subject, position.get(at))? else { return Ok(Some(0)) };
            let group = search.group(group.map(|group| group.get(at)));
            let found =
                group.and_then(|group| search.occurrence(&subject[start..], number.get(at), group));
            Ok(Some(found.map_or(0, |found| {
                let byte = if option.get(at) == 0 { found.start } else { found.end };
                characters(&subject[..start + byte]) as i64 + 1
            })))
        })
    });
    ScalarBinding::new(types, SqlType::number(18, 0), kernel)
}

fn bind_replace(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = argument_types("REGEXP_REPLACE", arguments, "tttiit")?;
    let patterns = Arc::new(Patterns::of(arguments, 5, false)?);
    let kernel = null_propagating(move |rows, columns| replace_rows(rows, columns, &patterns));
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
    let mut last: (Option<&str>, Replacement) = (None, Replacement::default());
    rows.text(|at, out| {
        let subject = text.get(at);
        let with = with.map_or("", |with| with.get(at));
        if last.0 != Some(with) {
            last = (Some(with), Replacement::of(with));
        }
        let search = patterns.get(at)?;
        match start_byte(subject, position.get(at))? {
            Some(start) => {
                out.push_str(&subject[..start]);
                last.1.replace(search, &subject[start..], number.get(at), out);
            }
            None => out.push_str(subject),
        }
        Ok(true)
    })
}

/// What stands in the place of a match.
#[derive(Debug, Default)]
struct Replacement {
    pieces: Vec<Piece>,
    /// The last group that it refers to.
    group: usize,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Group(usize),
}

impl Replacement {
    /// Takes a replacement apart: `\1` to `\9` are groups, any other escaped character is itself.
    fn of(text: &str) -> Replacement {
        let mut replacement = Replacement::default();
        let mut text_before = String::new();
        let mut characters = text.chars();
        while let Some(c) = characters.next() {
            let escaped = if c == '\\' { characters.next() } else { None };
            match (escaped, escaped.and_then(|c| c.to_digit(10))) {
                (_, Some(group)) => {
                    replacement.add_text(std::mem::take(&mut text_before));
                    replacement.pieces.push(Piece::Group(group as usize));
                    replacement.group = replacement.group.max(group as usize);
                }
                (Some(escaped), None) => text_before.push(escaped),
                (None, None) => text_before.push(c),
            }
        }
        replacement.add_text(text_before);
        replacement
    }

    fn add_text(&mut self, text: String) {
        if !text.is_empty() {
            self.pieces.push(Piece::Text(text));
        }
    }

    /// Writes the subject with occurrence `number` replaced, or all of them when it is 0.
    fn replace(&self, search: &mut Search, subject: &str, number: i64, out: &mut TextBuffer) {
        let (mut rest, mut index) = (0, 0);
        search.visit(subject, self.group, |spans| {
            index += 1;
            if number > 0 && index != number {
                return true;
            }
            if let Some(whole) = spans.get(0) {
                out.push_str(&subject[rest..whole.start]);
                self.write(&spans, subject, out);
                rest = whole.end;
            }
            number <= 0 && !out.is_full()
        });
        out.push_str(&subject[rest..]);
    }

    fn write(&self, spans: &Spans<'_>, subject: &str, out: &mut TextBuffer) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Group(group) => {
                    out.push_str(spans.get(*group).map_or("", |group| &subject[group]));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_and_positions() -> Result<()> {
        let mut search = Arc::new(Compiled::of("(t)(h)?", "e", false)?).open();
        let mut replaced = |number: i64| {
            let mut out = TextBuffer::default();
            Replacement::of(r"<\1\2\9>").replace(&mut search, "tath", number, &mut out);
            out.to_string()
        };
        assert_eq!(replaced(0), "<t>a<th>");
        assert_eq!(replaced(2), "ta<th>");
        assert_eq!(start_byte("été", 2)?, Some(2));
        assert_eq!(start_byte("été", 5)?, None);
        assert!(start_byte("été", 0).is_err());
        Ok(())
    }
}
