//! Collations: by which rules texts are compared.
//!
//! A [`Collation`] is part of a VARCHAR's type. It is a number, so that types stay small: the specifications are kept
//! once for the process, in lower case, and statements may name [`SPECIFICATIONS_MAX`] of them.

use std::fmt;

use crate::intern::Interner;
use crate::{Error, ErrorCode, Result};

/// Most specifications that the statements of one process may name.
const SPECIFICATIONS_MAX: usize = 4_096;
/// Most characters of a specification.
const SPECIFICATION_LENGTH_MAX: usize = 64;

/// The specifications; a collation's number is the position plus 1.
static SPECIFICATIONS: Interner<String> = Interner::new("collations", SPECIFICATIONS_MAX);

/// By which rules a text is compared, and how these came to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Collation {
    /// 0 for none.
    number: u16,
    precedence: Precedence,
}

/// Where a collation comes from. Of two, the one from further down here counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Precedence {
    /// There is none.
    None,
    /// The definition of a column.
    Column,
    /// COLLATE in the statement.
    Statement,
}

/// What a specification says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CollationRules {
    /// The language, such as `en_us`; none where characters are compared by their codes.
    pub locale: Option<String>,
    /// `ci`: upper and lower case are the same.
    pub ignores_case: bool,
    /// `ai`: accents make no difference.
    pub ignores_accents: bool,
    /// `pi` or `ps`: whether punctuation makes no difference; otherwise as the locale has it.
    pub ignores_punctuation: Option<bool>,
    /// `fu` or `fl`: whether upper case comes first; otherwise as the locale has it.
    pub upper_first: Option<bool>,
    /// `upper` or `lower`: what texts are converted to first.
    pub case: Option<LetterCase>,
    /// `trim` or `ltrim`: blanks at the start do not count.
    pub trims_start: bool,
    /// `trim` or `rtrim`: blanks at the end do not count.
    pub trims_end: bool,
}

/// A case of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterCase {
    /// `upper`
    Upper,
    /// `lower`
    Lower,
}

impl Collation {
    /// No collation: characters are compared by their codes.
    pub const NONE: Collation = Collation { number: 0, precedence: Precedence::None };

    /// The collation of a column that is defined with this specification; the empty one is none.
    ///
    /// # Errors
    /// `InvalidCollation` for a specification that says nothing, or contradicts itself.
    pub fn parse(specification: &str) -> Result<Collation> {
        Collation::numbered(specification, |specification| SPECIFICATIONS.number(specification))
    }

    /// The collation of a stored column: it is found also where statements have named as many as they may.
    ///
    /// # Errors
    /// As [`Collation::parse`].
    pub fn stored(specification: &str) -> Result<Collation> {
        Collation::numbered(specification, |specification| {
            SPECIFICATIONS.stored_number(specification)
        })
    }

    fn numbered(
        specification: &str,
        number_of: impl FnOnce(String) -> Result<u32>,
    ) -> Result<Collation> {
        if specification.is_empty() {
            return Ok(Collation::NONE);
        }
        let specification = specification.to_lowercase();
        CollationRules::parse(&specification)?;
        let number = u16::try_from(number_of(specification)? + 1).unwrap_or(0);
        Ok(Collation { number, precedence: Precedence::Column })
    }

    /// The same rules as those of a column.
    pub fn of_column(self) -> Collation {
        self.with_precedence(Precedence::Column)
    }

    /// The same rules as those of COLLATE in the statement, which go before a column's.
    pub fn of_statement(self) -> Collation {
        self.with_precedence(Precedence::Statement)
    }

    fn with_precedence(self, precedence: Precedence) -> Collation {
        if self.is_none() { self } else { Collation { precedence, ..self } }
    }

    /// Whether there is none.
    pub fn is_none(self) -> bool {
        self.number == 0
    }

    /// Whether two have the same rules.
    pub fn same_rules(self, other: Collation) -> bool {
        self.number == other.number
    }

    /// The specification in lower case; empty for none.
    pub fn specification(self) -> String {
        let number = u32::from(self.number).checked_sub(1);
        let known = number.and_then(|number| SPECIFICATIONS.value(number));
        known.map_or_else(String::new, |known| known.as_ref().clone())
    }

    /// What the specification says.
    pub fn rules(self) -> CollationRules {
        CollationRules::parse(&self.specification()).unwrap_or_default()
    }

    /// Whether texts are compared by the codes of their characters, as they stand.
    pub fn compares_codes(self) -> bool {
        self.is_none() || self.rules() == CollationRules::default()
    }

    /// The rules for two texts together; none where they have different ones with the same right.
    pub fn merged(self, other: Collation) -> Option<Collation> {
        match self.precedence.cmp(&other.precedence) {
            std::cmp::Ordering::Greater => Some(self),
            std::cmp::Ordering::Less => Some(other),
            std::cmp::Ordering::Equal => self.same_rules(other).then_some(self),
        }
    }
}

/// ` COLLATE 'en-ci'`, as it stands behind a type; nothing for none.
impl fmt::Display for Collation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() {
            return Ok(());
        }
        let specification = self.specification().replace('\\', "\\\\").replace('\'', "''");
        write!(f, " COLLATE '{specification}'")
    }
}

impl fmt::Debug for Collation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({:?})", self.specification(), self.precedence)
    }
}

impl CollationRules {
    /// What a specification in lower case says.
    fn parse(specification: &str) -> Result<CollationRules> {
        let refuse = |reason: String| {
            let text = format!("Invalid value '{specification}' for COLLATION. Reason: {reason}");
            Error::new(ErrorCode::InvalidCollation, text)
        };
        if specification.chars().count() > SPECIFICATION_LENGTH_MAX {
            return Err(refuse(format!("longer than {SPECIFICATION_LENGTH_MAX} characters")));
        }
        let mut rules = CollationRules::default();
        // What is ruled out where no language says how letters are told apart.
        let mut of_language: [Option<&str>; 4] = [None; 4];
        let (mut upper, mut lower) = (false, false);
        // Nothing follows the hyphens at the end.
        let parts = specification.trim_end_matches('-').split('-');
        for (index, part) in parts.enumerate() {
            match part {
                "cs" | "ci" => {
                    rules.ignores_case = part == "ci";
                    of_language[0] = Some("Case sensitivity");
                }
                "as" | "ai" => {
                    rules.ignores_accents = part == "ai";
                    of_language[1] = Some("Accent sensitivity");
                }
                "ps" | "pi" => {
                    rules.ignores_punctuation = Some(part == "pi");
                    of_language[2] = Some("Punctuation sensitivity");
                }
                "fl" | "fu" => {
                    rules.upper_first = Some(part == "fu");
                    of_language[3] = Some("Upper/lower preference");
                }
                "upper" => upper = true,
                "lower" => lower = true,
                "trim" => (rules.trims_start, rules.trims_end) = (true, true),
                "ltrim" => rules.trims_start = true,
                "rtrim" => rules.trims_end = true,
                "" | "utf8" | "bin" if index == 0 => {}
                locale if index == 0 => rules.locale = Some(locale.to_string()),
                other => return Err(refuse(format!("Unknown option: {other}"))),
            }
        }
        rules.case = match (upper, lower) {
            (true, true) => {
                let reason = "Options 'upper' and 'lower' are mutually exclusive";
                return Err(refuse(reason.to_string()));
            }
            (true, false) => Some(LetterCase::Upper),
            (false, true) => Some(LetterCase::Lower),
            (false, false) => None,
        };
        match of_language.into_iter().flatten().next() {
            Some(option) if rules.locale.is_none() => {
                Err(refuse(format!("{option} option not allowed for the UTF8 collation")))
            }
            _ => Ok(rules),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(left: Collation, right: Collation) -> Option<String> {
        left.merged(right).map(Collation::specification)
    }

    #[test]
    fn the_nearer_collation_counts() -> Result<()> {
        let (fr, de) = (Collation::parse("fr")?, Collation::parse("de")?);
        let none = Collation::NONE;
        assert_eq!(merged(none, fr).as_deref(), Some("fr"));
        assert_eq!(merged(de.of_statement(), fr).as_deref(), Some("de"));
        assert_eq!(merged(fr, Collation::parse("FR")?).as_deref(), Some("fr"));
        assert_eq!(merged(fr, de), None);
        assert_eq!(merged(fr.of_statement(), de.of_statement()), None);
        assert_eq!(merged(none, none).as_deref(), Some(""));
        assert!(none.of_statement().is_none());
        Ok(())
    }

    #[test]
    fn a_specification_is_shown_as_a_literal() -> Result<()> {
        assert_eq!(Collation::NONE.to_string(), "");
        assert_eq!(Collation::parse("EN-ci")?.to_string(), " COLLATE 'en-ci'");
        assert_eq!(Collation::parse("a'b\\c")?.to_string(), " COLLATE 'a''b\\\\c'");
        Ok(())
    }

    #[test]
    fn specifications_say_what_they_mean() -> Result<()> {
        let rules = Collation::parse("EN_US-CI-trim")?.rules();
        assert_eq!(rules.locale.as_deref(), Some("en_us"));
        assert!(rules.ignores_case && rules.trims_start && rules.trims_end);
        for plain in ["", "utf8", "BIN", "-", "--"] {
            assert!(Collation::parse(plain)?.compares_codes(), "{plain}");
        }
        for (wrong, reason) in [
            ("xx-yy", "Unknown option: yy"),
            ("ci-en", "Unknown option: en"),
            ("en-utf8", "Unknown option: utf8"),
            ("en--ci", "Unknown option: "),
            ("ci", "Case sensitivity option not allowed for the UTF8 collation"),
            ("upper-ai", "Accent sensitivity option not allowed for the UTF8 collation"),
            ("utf8-fu", "Upper/lower preference option not allowed for the UTF8 collation"),
            ("lower-pi", "Punctuation sensitivity option not allowed for the UTF8 collation"),
            ("en-upper-lower", "Options 'upper' and 'lower' are mutually exclusive"),
        ] {
            let error = Collation::parse(wrong).map(Collation::specification);
            let error = error.map_err(|error| error.detail().to_string());
            let text = format!("Invalid value '{wrong}' for COLLATION. Reason: {reason}");
            assert_eq!(error, Err(text), "{wrong}");
        }
        Ok(())
    }
}
