//! Comparing texts by the rules of a collation.
//!
//! Texts are compared by keys: bytes whose order and equality are those of the texts. Where the collation names a
//! language they are the sort keys of the Unicode Collation Algorithm, as ICU makes them; otherwise they are the text
//! itself, converted as the collation says.

use std::borrow::Cow;
use std::ops::Range;

use firn_types::collation::{CollationRules, LetterCase};
use firn_types::{Collation, Error, Result};
use icu_collator::options::{AlternateHandling, CaseLevel, CollatorOptions, Strength};
use icu_collator::preferences::CollationCaseFirst;
use icu_collator::{CollatorBorrowed, CollatorPreferences};
use icu_locale_core::Locale;

/// The rules of one collation, ready to be used.
#[derive(Debug)]
pub(crate) struct Collator {
    rules: CollationRules,
    /// How the language tells letters apart; none where characters are told apart by their codes.
    language: Option<CollatorBorrowed<'static>>,
    /// The key of a text that says nothing.
    nothing: Vec<u8>,
}

/// A letter of a text, with the marks that belong to it, as a collation sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    /// Where it stands: bytes.
    pub(crate) place: Range<usize>,
    /// Its key: letters with the same key are the same.
    pub(crate) key: Vec<u8>,
}

/// What separates the levels of a sort key: one that begins with it has no letter.
const LEVEL_SEPARATOR: u8 = 1;

impl Collator {
    /// The collator of this collation.
    ///
    /// # Errors
    /// An internal error when there is no data about any language.
    pub(crate) fn new(collation: Collation) -> Result<Collator> {
        let rules = collation.rules();
        let language =
            rules.locale.as_deref().map(|locale| language(locale, &rules)).transpose()?;
        let mut collator = Collator { rules, language, nothing: Vec::new() };
        let mut nothing = Vec::new();
        collator.push_key("", &mut nothing);
        collator.nothing = nothing;
        Ok(collator)
    }

    /// Puts a text's key behind `out`.
    pub(crate) fn push_key(&self, text: &str, out: &mut Vec<u8>) {
        let text = self.converted(text);
        self.push_plain_key(&text, out);
    }

    /// The text as the collation wants it before it looks at letters.
    pub(crate) fn converted<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let text = self.trimmed(text);
        match self.rules.case {
            None => Cow::Borrowed(text),
            Some(LetterCase::Upper) => Cow::Owned(text.to_uppercase()),
            Some(LetterCase::Lower) => {
                Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
            }
        }
    }

    /// The text as LIKE sees it: converted, and in lower case where case makes no difference.
    pub(crate) fn folded<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let converted = self.converted(text);
        if self.rules.ignores_case { converted.to_lowercase().into() } else { converted }
    }

    fn trimmed<'t>(&self, text: &'t str) -> &'t str {
        let text = if self.rules.trims_start { text.trim_start_matches(' ') } else { text };
        if self.rules.trims_end { text.trim_end_matches(' ') } else { text }
    }

    fn push_plain_key(&self, text: &str, out: &mut Vec<u8>) {
        match &self.language {
            Some(language) => {
                let Ok(()) = language.write_sort_key_to(text, out);
            }
            None => out.extend_from_slice(text.as_bytes()),
        }
    }

    /// The letters of a text, in order. What says nothing, such as a control character in most languages, is none.
    pub(crate) fn letters(&self, text: &str) -> Vec<Letter> {
        let mut letters: Vec<Letter> = Vec::new();
        let start = text.len() - text.trim_start_matches(' ').len();
        let start = if self.rules.trims_start { start } else { 0 };
        let mut key = Vec::new();
        // Whether marks have come to the last letter since its key was made.
        let mut is_marked = false;
        for (at, character) in self.trimmed(text).char_indices() {
            let place = start + at..start + at + character.len_utf8();
            key.clear();
            self.push_case_key(&text[place.clone()], &mut key);
            let is_mark =
                self.language.is_some() && key.first().is_none_or(|&b| b == LEVEL_SEPARATOR);
            match letters.last_mut() {
                Some(letter) if is_mark => {
                    letter.place.end = place.end;
                    is_marked = true;
                }
                _ if key == self.nothing && self.language.is_some() => {}
                last => {
                    if let Some(letter) = last.filter(|_| std::mem::take(&mut is_marked)) {
                        self.make_key(letter, text);
                    }
                    letters.push(Letter { place, key: key.clone() });
                }
            }
        }
        if let Some(letter) = letters.last_mut().filter(|_| is_marked) {
            self.make_key(letter, text);
        }
        letters
    }

    /// Makes the key of a letter with its marks: once, however many they are.
    fn make_key(&self, letter: &mut Letter, text: &str) {
        letter.key.clear();
        self.push_case_key(&text[letter.place.clone()], &mut letter.key);
    }

    /// The key of a part of a text: nothing is trimmed.
    fn push_case_key(&self, part: &str, out: &mut Vec<u8>) {
        match self.rules.case {
            None => self.push_plain_key(part, out),
            Some(LetterCase::Upper) => self.push_plain_key(&part.to_uppercase(), out),
            Some(LetterCase::Lower) => self.push_plain_key(&part.to_lowercase(), out),
        }
    }
}

/// Where the searched letters stand first in the text's letters, from one of them on.
pub(crate) fn find(text: &[Letter], searched: &[Letter], from: usize) -> Option<usize> {
    let last = text.len().checked_sub(searched.len())?;
    (from..=last).find(|&at| {
        searched.iter().zip(&text[at..]).all(|(wanted, letter)| wanted.key == letter.key)
    })
}

/// How a language tells letters apart. One that ICU does not know has the rules that all languages share.
fn language(locale: &str, rules: &CollationRules) -> Result<CollatorBorrowed<'static>> {
    let locale = Locale::try_from_str(&locale.trim().replace('_', "-"));
    let mut preferences = locale.as_ref().map(CollatorPreferences::from).unwrap_or_default();
    preferences.case_first = rules.upper_first.map(|upper| match upper {
        true => CollationCaseFirst::Upper,
        false => CollationCaseFirst::Lower,
    });
    let mut options = CollatorOptions::default();
    options.strength = Some(match (rules.ignores_case, rules.ignores_accents) {
        (_, true) => Strength::Primary,
        (true, false) => Strength::Secondary,
        (false, false) => Strength::Tertiary,
    });
    if rules.ignores_accents && !rules.ignores_case {
        options.case_level = Some(CaseLevel::On);
    }
    options.alternate_handling = rules.ignores_punctuation.map(|ignored| match ignored {
        true => AlternateHandling::Shifted,
        false => AlternateHandling::NonIgnorable,
    });
    CollatorBorrowed::try_new(preferences, options)
        .map_err(|error| Error::internal(format!("no data about collations: {error}")))
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    fn compare(specification: &str, left: &str, right: &str) -> Result<Ordering> {
        let collator = Collator::new(Collation::parse(specification)?)?;
        let key = |text: &str| {
            let mut key = Vec::new();
            collator.push_key(text, &mut key);
            key
        };
        Ok(key(left).cmp(&key(right)))
    }

    #[test]
    fn texts_compare_as_documented() -> Result<()> {
        use Ordering::{Equal, Greater, Less};
        for (specification, left, right, order) in [
            ("en-ci", "Abc", "abc", Equal),
            ("en", "a", "A", Less),
            ("en-fu", "a", "A", Greater),
            ("en-fu", "B", "a", Greater),
            ("en", "Z", "a", Greater),
            ("en-ai", "a", "ą", Equal),
            ("pl-ai", "a", "ą", Less),
            ("es-ai", "pinata", "piñata", Less),
            ("fr", "E", "É", Less),
            ("en-cs-ai", "É", "e", Greater),
            ("en-cs-ai", "é", "e", Equal),
            ("en-ci-ai", "é", "E", Equal),
            ("en-pi", "A-B-C", "ABC", Equal),
            ("en-pi", "a b", "ab", Equal),
            ("en", "A-B-C", "ABC", Less),
            ("en", "-", "+", Less),
            ("utf8", "-", "+", Greater),
            ("en-trim", "  ABC ", "ABC", Equal),
            ("en-ltrim", "  ABC ", "ABC", Greater),
            ("de", "ä", "b", Less),
            ("sv", "ä", "b", Greater),
            ("upper", "ı", "i", Equal),
            ("lower", "ı", "i", Greater),
            ("upper", "\u{3b9}\u{308}\u{301}", "\u{390}", Equal),
            ("lower", "\u{3b9}\u{308}\u{301}", "\u{390}", Greater),
            ("en-ci", "\u{3b9}\u{308}\u{301}", "\u{390}", Equal),
            ("en-ci", "\u{1}", "", Equal),
            ("upper", "\u{1}", "", Greater),
            ("en-ci", "a", "\u{ff21}", Equal),
            ("en-ci", " ", "\u{2003}", Equal),
            ("en-ci", "1", "\u{2460}", Equal),
            ("en-ci", "abc", "❄", Greater),
            ("bogus", "a", "B", Less),
        ] {
            assert_eq!(
                compare(specification, left, right)?,
                order,
                "{specification} {left} {right}"
            );
        }
        Ok(())
    }

    #[test]
    fn letters_are_found_whole() -> Result<()> {
        let found = |specification: &str, text: &str, searched: &str| -> Result<Option<usize>> {
            let collator = Collator::new(Collation::parse(specification)?)?;
            Ok(find(&collator.letters(text), &collator.letters(searched), 0))
        };
        assert_eq!(found("en-ci", "xaB", "Ab")?, Some(1));
        assert_eq!(found("en-ci", "\u{3b9}\u{308}", "\u{3b9}")?, None);
        assert_eq!(found("en-ci", "\u{3b9}\u{308}", "\u{308}")?, None);
        assert_eq!(found("upper", "\u{3b9}\u{308}", "\u{308}")?, Some(1));
        assert_eq!(found("upper", "ß", "s")?, None);
        assert_eq!(found("upper", "ss", "S")?, Some(0));
        assert_eq!(found("en-trim", " a", "a ")?, Some(0));
        Ok(())
    }
}
