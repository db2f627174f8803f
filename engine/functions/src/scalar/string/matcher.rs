//! Compiled regular expressions, and searching texts with them.
//!
//! Three things keep a search cheap. What it writes to is kept from row to row and from batch to batch;
//! groups are found only as far as they are asked for; and an expression that ends in `.*` is searched for
//! without it, since what it takes is known without asking each character.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use firn_types::{Error, ErrorCode, Result};
use regex_automata::meta::{Builder, Cache, Config, Regex};
use regex_automata::util::iter::Searcher;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Input, Match, PatternID};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Dot, Hir, HirKind, Look};

/// Bytes that a compiled expression may take, and those that searching with it may.
const COMPILED_BYTES_MAX: usize = 10 << 20;
const SEARCH_BYTES_MAX: usize = 2 << 20;

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Compiled {
    /// None for the empty pattern, which matches nothing.
    matcher: Option<Matcher>,
    /// Parameter `e`.
    extracts: bool,
    /// What no search is using.
    spare: Mutex<Vec<Scratch>>,
}

/// An expression, in parts that are searched for one after the other.
#[derive(Debug)]
struct Matcher {
    /// All but the tail.
    head: Regex,
    tail: Tail,
    /// The expression with its tail, for texts in which the tail may fail.
    whole: Option<Regex>,
}

/// What an expression takes after its head.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Tail {
    Nothing,
    /// All the rest of the text.
    Text,
    /// The rest of the line.
    Line,
    /// The rest of the text, if that is of one line.
    LastLine,
}

/// What a search writes to.
#[derive(Debug)]
struct Scratch {
    head: Cache,
    whole: Option<Cache>,
    slots: Vec<Option<NonMaxUsize>>,
}

impl Compiled {
    /// Compiles a pattern with its parameters; `whole` texts must match it where that is set.
    ///
    /// # Errors
    /// `InvalidRegex`.
    pub(super) fn of(pattern: &str, flags: &str, whole: bool) -> Result<Compiled> {
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
        let spare = Mutex::default();
        if pattern.is_empty() && !whole {
            return Ok(Compiled { matcher: None, extracts, spare });
        }
        let translated = translate(pattern);
        let source = if whole { format!(r"\A(?:{translated})\z") } else { translated };
        let mut parser = ParserBuilder::new();
        parser.case_insensitive(folded).multi_line(lines).dot_matches_new_line(dot_all);
        let invalid = |reason: String| {
            let reason = reason.lines().last().unwrap_or("").trim_start_matches("error: ");
            let text = format!("Invalid regular expression: '{pattern}', {reason}");
            Error::new(ErrorCode::InvalidRegex, text)
        };
        let parsed = parser.build().parse(&source).map_err(|error| invalid(error.to_string()))?;
        let matcher = Matcher::of(&parsed).map_err(invalid)?;
        Ok(Compiled { matcher: Some(matcher), extracts, spare })
    }

    /// A way to search with the expression; dropped, it leaves what it wrote to for the next.
    pub(super) fn open(self: Arc<Self>) -> Search {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let scratch = spare.or_else(|| self.matcher.as_ref().map(Matcher::scratch));
        Search { compiled: self, scratch }
    }
}

fn build(parsed: &Hir) -> std::result::Result<Regex, String> {
    let config = Config::new()
        .nfa_size_limit(Some(COMPILED_BYTES_MAX))
        .hybrid_cache_capacity(SEARCH_BYTES_MAX);
    let built = Builder::new().configure(config).build_from_hir(parsed);
    built.map_err(|error| match error.size_limit() {
        Some(limit) => format!("Compiled regex exceeds size limit of {limit} bytes."),
        None => error.to_string(),
    })
}

impl Matcher {
    /// The matcher of an expression, or why there is none.
    fn of(parsed: &Hir) -> std::result::Result<Matcher, String> {
        let Some((head, tail)) = split(parsed) else {
            return Ok(Matcher { head: build(parsed)?, tail: Tail::Nothing, whole: None });
        };
        let whole = (tail == Tail::LastLine).then(|| build(parsed)).transpose()?;
        Ok(Matcher { head: build(&head)?, tail, whole })
    }

    fn scratch(&self) -> Scratch {
        let whole = self.whole.as_ref().map(Regex::create_cache);
        Scratch { head: self.head.create_cache(), whole, slots: Vec::new() }
    }

    /// The first match and its groups, as far as there are slots for them.
    fn search(
        &self,
        scratch: &mut Scratch,
        input: &Input<'_>,
        slots: &mut [Option<NonMaxUsize>],
    ) -> Option<Match> {
        self.head.search_slots_with(&mut scratch.head, input, slots)?;
        let [Some(start), Some(end), ..] = *slots else { return None };
        if let Some(end) = self.tail.end(input.haystack(), end.get()) {
            slots[1] = NonMaxUsize::new(end);
            return Some(Match::new(PatternID::ZERO, start.get()..end));
        }
        let (whole, cache) = (self.whole.as_ref()?, scratch.whole.as_mut()?);
        whole.search_slots_with(cache, input, slots)?;
        let [Some(start), Some(end), ..] = *slots else { return None };
        Some(Match::new(PatternID::ZERO, start.get()..end.get()))
    }

    fn is_match(&self, scratch: &mut Scratch, text: &str) -> bool {
        let input = Input::new(text).earliest(true);
        let Some(head) = self.head.search_half_with(&mut scratch.head, &input) else {
            return false;
        };
        match (&self.whole, &mut scratch.whole) {
            (Some(whole), Some(cache))
                if self.tail.end(text.as_bytes(), head.offset()).is_none() =>
            {
                whole.search_half_with(cache, &input).is_some()
            }
            _ => true,
        }
    }
}

impl Tail {
    /// Where the tail of a match ends whose head ends at `from`; `None` where it fails, so that another
    /// head may have to be tried.
    fn end(self, text: &[u8], from: usize) -> Option<usize> {
        let line_end = || memchr::memchr(b'\n', &text[from..]).map(|length| from + length);
        match self {
            Tail::Nothing => Some(from),
            Tail::Text => Some(text.len()),
            Tail::Line => Some(line_end().unwrap_or(text.len())),
            Tail::LastLine => line_end().is_none().then_some(text.len()),
        }
    }
}

/// Takes a greedy `.*` from an expression's end. Where it cannot fail, the first head that matches is the
/// whole's.
fn split(parsed: &Hir) -> Option<(Hir, Tail)> {
    let HirKind::Concat(parts) = parsed.kind() else { return None };
    let (last, before) = parts.split_last()?;
    let (parts, end) = match last.kind() {
        HirKind::Look(look) => (before, Some(*look)),
        _ => (parts.as_slice(), None),
    };
    let (last, head) = parts.split_last()?;
    let HirKind::Repetition(repeated) = last.kind() else { return None };
    if head.is_empty() || repeated.min > 0 || repeated.max.is_some() || !repeated.greedy {
        return None;
    }
    let repeats = |dot: Dot| *repeated.sub == Hir::dot(dot);
    let tail = match end {
        None | Some(Look::End | Look::EndLF) if repeats(Dot::AnyChar) => Tail::Text,
        None | Some(Look::EndLF) if repeats(Dot::AnyCharExceptLF) => Tail::Line,
        Some(Look::End) if repeats(Dot::AnyCharExceptLF) => Tail::LastLine,
        _ => return None,
    };
    Some((Hir::concat(head.to_vec()), tail))
}

/// Searches with one expression, by one thread.
#[derive(Debug)]
pub(super) struct Search {
    compiled: Arc<Compiled>,
    /// None for the empty pattern.
    scratch: Option<Scratch>,
}

impl Drop for Search {
    fn drop(&mut self) {
        let mut spare = self.compiled.spare.lock().unwrap_or_else(PoisonError::into_inner);
        spare.extend(self.scratch.take());
    }
}

/// The bytes that a match and its groups take.
pub(super) struct Spans<'a>(&'a [Option<NonMaxUsize>]);

impl Spans<'_> {
    /// The bytes of a group, 0 being the whole match; `None` for one that took no part in the match, or
    /// was not asked for.
    pub(super) fn get(&self, group: usize) -> Option<Range<usize>> {
        match self.0.chunks_exact(2).nth(group)? {
            [Some(start), Some(end)] => Some(start.get()..end.get()),
            _ => None,
        }
    }
}

impl Search {
    /// The group that is asked for: a given one, the first with parameter `e`, or the whole match.
    pub(super) fn group(&self, given: Option<i64>) -> Option<usize> {
        match given {
            Some(group) => usize::try_from(group).ok(),
            None => Some(usize::from(self.compiled.extracts && self.groups() > 1)),
        }
    }

    /// How many groups there are, the whole match among them.
    fn groups(&self) -> usize {
        self.compiled.matcher.as_ref().map_or(1, |matcher| matcher.head.captures_len())
    }

    /// Whether the expression occurs in the text.
    pub(super) fn is_match(&mut self, text: &str) -> bool {
        match (&self.compiled.matcher, &mut self.scratch) {
            (Some(matcher), Some(scratch)) => matcher.is_match(scratch, text),
            _ => false,
        }
    }

    /// Visits the occurrences in the text, which do not overlap, until the visitor answers FALSE. Groups up
    /// to `group` are found.
    pub(super) fn visit(
        &mut self,
        text: &str,
        group: usize,
        mut visitor: impl FnMut(Spans<'_>) -> bool,
    ) {
        let groups = self.groups().min(group.saturating_add(1));
        let (Some(matcher), Some(scratch)) = (&self.compiled.matcher, &mut self.scratch) else {
            return;
        };
        let mut slots = std::mem::take(&mut scratch.slots);
        slots.clear();
        slots.resize(2 * groups, None);
        let mut searcher = Searcher::new(Input::new(text));
        while searcher
            .advance(|input| Ok(matcher.search(scratch, input, &mut slots)))
            .is_some_and(|_| visitor(Spans(&slots)))
        {}
        scratch.slots = slots;
    }

    /// The bytes of the `number`th occurrence in the text, from 1 on, or of one of its groups.
    pub(super) fn occurrence(
        &mut self,
        text: &str,
        number: i64,
        group: usize,
    ) -> Option<Range<usize>> {
        let (mut left, mut found) = (number, None);
        if number > 0 {
            self.visit(text, group, |spans| {
                left -= 1;
                found = if left == 0 { spans.get(group) } else { None };
                left > 0
            });
        }
        found
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn open(pattern: &str, flags: &str, whole: bool) -> Result<Search> {
        Ok(Arc::new(Compiled::of(pattern, flags, whole)?).open())
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
            let found = open(pattern, flags, whole)?.is_match(subject);
            assert_eq!(found, expected, "{subject} {pattern}");
        }
        let error = open("a(b", "", true).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRegex);
        assert!(error.detail().starts_with("Invalid regular expression: 'a(b', "));
        let error = open("(a{1000}){1000}", "", true).unwrap_err();
        let reason = "Compiled regex exceeds size limit of 10485760 bytes.";
        assert!(error.detail().ends_with(reason), "{}", error.detail());
        Ok(())
    }

    #[test]
    fn occurrences_and_groups() -> Result<()> {
        let text = "It was the best of times";
        let mut search = open("(t)(h)?", "e", false)?;
        let group = search.group(None).unwrap_or_default();
        assert_eq!(search.occurrence(text, 1, group), Some(1..2));
        assert_eq!(search.occurrence(text, 2, 2), Some(8..9));
        assert_eq!(search.occurrence(text, 1, 2), None);
        assert_eq!(search.occurrence(text, 0, group), None);
        assert_eq!(search.occurrence(text, 1, 7), None);
        assert_eq!(search.group(Some(-1)), None);
        Ok(())
    }

    /// All matches with all groups, as the regex crate finds them in the pattern as it stands.
    fn expected(pattern: &str, flags: &str, text: &str) -> Vec<Vec<Option<Range<usize>>>> {
        let plain = regex_automata::meta::Builder::new()
            .syntax(
                regex_automata::util::syntax::Config::new()
                    .multi_line(flags.contains('m'))
                    .dot_matches_new_line(flags.contains('s')),
            )
            .build(pattern)
            .expect(pattern);
        let spans = |captures: regex_automata::util::captures::Captures| {
            captures.iter().map(|span| span.map(|span| span.range())).collect()
        };
        plain.captures_iter(text).map(spans).collect()
    }

    #[test]
    fn a_tail_that_is_left_out_changes_no_match() -> Result<()> {
        let patterns = [
            r"^https?://(www\.)?([^/]+)/.*$",
            "a.*",
            "a(.)?.*$",
            "(a|ab)(c|bcd)?.*$",
            "([^/]+)/.*$",
            "(b+?).*",
            "x*.*$",
            "(?:a|)(.*)",
            ".*",
            ".*$",
            "é?.*$",
            "b.*?",
            "b.+$",
            r"\bb.*\b",
        ];
        let texts = [
            "",
            "a",
            "abcd",
            "xxabcdab",
            "http://www.é.org/x/é",
            "https://w/\n/b/a",
            "b\na/c\nabb",
            "\n",
            "a\n",
            "no/\nno\n",
            "éaéb\néab é",
        ];
        for (pattern, flags) in
            patterns.iter().flat_map(|pattern| ["", "s", "m", "ms"].map(|flags| (pattern, flags)))
        {
            let mut search = open(pattern, flags, false)?;
            let mut half = open(pattern, flags, true)?;
            for text in texts {
                let mut found = Vec::new();
                let groups = search.groups();
                search.visit(text, groups, |spans| {
                    found.push((0..groups).map(|group| spans.get(group)).collect::<Vec<_>>());
                    true
                });
                let wanted = expected(pattern, flags, text);
                assert_eq!(found, wanted, "{pattern} with '{flags}' in {text:?}");
                assert_eq!(search.is_match(text), !wanted.is_empty(), "{pattern} in {text:?}");
                let wanted = expected(&format!(r"\A(?:{pattern})\z"), flags, text);
                assert_eq!(half.is_match(text), !wanted.is_empty(), "all of {text:?}: {pattern}");
            }
        }
        Ok(())
    }

    #[test]
    fn tails_are_found() -> Result<()> {
        let cases = [
            ("a.*$", "", Tail::LastLine),
            ("a.*$", "m", Tail::Line),
            ("a.*$", "s", Tail::Text),
            ("a.*", "", Tail::Line),
            ("a.*", "s", Tail::Text),
            ("a.+", "", Tail::Nothing),
            ("a.*?", "", Tail::Nothing),
            ("(a.*)", "", Tail::Nothing),
            ("a.*|b.*", "", Tail::Nothing),
        ];
        for (pattern, flags, tail) in cases {
            let compiled = Compiled::of(pattern, flags, false)?;
            assert_eq!(compiled.matcher.map(|matcher| matcher.tail), Some(tail), "{pattern}");
        }
        Ok(())
    }
}
