//! EDITDISTANCE, JAROWINKLER_SIMILARITY and SOUNDEX.

use firn_types::{Result, SqlType};

use super::CATEGORY;
use super::case::lower;
use crate::driver::{ints, null_propagating, texts};
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// EDITDISTANCE(text, text [, limit])
pub(crate) const EDITDISTANCE: ScalarFunction = ScalarFunction::new(
    "EDITDISTANCE",
    Arity::between(2, 3),
    bind_edit_distance,
    Documentation::of(
        CATEGORY,
        "How many characters to insert, delete or replace to make one text of the other.",
        &[
            Example::of("EDITDISTANCE('Gute nacht', 'Ich weis nicht')", "8"),
            Example::of("EDITDISTANCE('future', 'past', 2)", "2"),
        ],
    ),
);

/// JAROWINKLER_SIMILARITY(text, text)
pub(crate) const JAROWINKLER_SIMILARITY: ScalarFunction = ScalarFunction::new(
    "JAROWINKLER_SIMILARITY",
    Arity::exactly(2),
    bind_jaro_winkler,
    Documentation::of(
        CATEGORY,
        "How alike two texts are, from 0 to 100, without regard to case.",
        &[
            Example::of("JAROWINKLER_SIMILARITY('Snowflake', 'Oracle')", "61"),
            Example::of("JAROWINKLER_SIMILARITY('Ich weiß nicht', 'Ich wei? nicht')", "97"),
        ],
    ),
);

/// SOUNDEX(text)
pub(crate) const SOUNDEX: ScalarFunction = ScalarFunction::new(
    "SOUNDEX",
    Arity::exactly(1),
    |arguments| bind_soundex("SOUNDEX", arguments, false),
    Documentation::of(
        CATEGORY,
        "A letter and three digits that names of like sound in English share.",
        &[Example::of("SOUNDEX('Robert')", "R163"), Example::of("SOUNDEX('Tymczak')", "T522")],
    ),
);

/// SOUNDEX_P123(text)
pub(crate) const SOUNDEX_P123: ScalarFunction = ScalarFunction::new(
    "SOUNDEX_P123",
    Arity::exactly(1),
    |arguments| bind_soundex("SOUNDEX_P123", arguments, true),
    Documentation::of(
        CATEGORY,
        "As SOUNDEX, but the second letter counts also where its digit is that of the first.",
        &[
            Example::of("SOUNDEX_P123('Pfister')", "P123"),
            Example::of("SOUNDEX('Pfister')", "P236"),
        ],
    ),
);

fn bind_edit_distance(arguments: &[Argument]) -> Result<ScalarBinding> {
    let name = "EDITDISTANCE";
    let mut types = vec![accept::text(name, arguments, 0)?, accept::text(name, arguments, 1)?];
    if arguments.len() > 2 {
        types.push(accept::integer(name, arguments, 2)?);
    }
    let kernel = null_propagating(|rows, columns| {
        let (left, right) = (texts(&columns[0])?, texts(&columns[1])?);
        let limit = columns.get(2).map(ints).transpose()?;
        rows.map(|at| {
            let distance = strsim::levenshtein(left.get(at), right.get(at)) as i64;
            Ok(Some(limit.map_or(distance, |limit| distance.min(limit.get(at).max(0)))))
        })
    });
    ScalarBinding::new(types, SqlType::number(18, 0), kernel)
}

fn bind_jaro_winkler(arguments: &[Argument]) -> Result<ScalarBinding> {
    let name = "JAROWINKLER_SIMILARITY";
    let types = vec![accept::text(name, arguments, 0)?, accept::text(name, arguments, 1)?];
    let kernel = null_propagating(|rows, columns| {
        let (left, right) = (texts(&columns[0])?, texts(&columns[1])?);
        let (mut a, mut b) = (String::new(), String::new());
        rows.map(|at| {
            a.clear();
            b.clear();
            lower(left.get(at), &mut a);
            lower(right.get(at), &mut b);
            Ok(Some(similarity(&a, &b)))
        })
    });
    ScalarBinding::new(types, SqlType::number(3, 0), kernel)
}

fn similarity(left: &str, right: &str) -> i32 {
    if left.is_empty() || right.is_empty() {
        return 0;
    }
    (strsim::jaro_winkler(left, right) * 100.0) as i32
}

fn bind_soundex(name: &str, arguments: &[Argument], second_counts: bool) -> Result<ScalarBinding> {
    let types = vec![accept::text(name, arguments, 0)?];
    let kernel = null_propagating(move |rows, columns| {
        let text = texts(&columns[0])?;
        rows.text(|at, out| {
            soundex(text.get(at), second_counts, out);
            Ok(true)
        })
    });
    ScalarBinding::new(types, SqlType::varchar(4), kernel)
}

/// The American Soundex code: equal digits in a row count once, also with H or W between.
fn soundex(text: &str, second_counts: bool, out: &mut String) {
    let mut letters = text.chars().filter(char::is_ascii_alphabetic);
    let Some(first) = letters.next() else { return };
    out.push(first.to_ascii_uppercase());
    let mut last = if second_counts { None } else { digit(first) };
    for c in letters {
        let code = digit(c);
        match (code, c.to_ascii_uppercase()) {
            (None, 'H' | 'W') => {}
            (None, _) => last = None,
            (Some(new), _) => {
                if code != last {
                    out.push(new);
                }
                last = code;
            }
        }
        if out.len() == 4 {
            return;
        }
    }
    out.extend(std::iter::repeat_n('0', 4 - out.len()));
}

fn digit(c: char) -> Option<char> {
    match c.to_ascii_uppercase() {
        'B' | 'F' | 'P' | 'V' => Some('1'),
        'C' | 'G' | 'J' | 'K' | 'Q' | 'S' | 'X' | 'Z' => Some('2'),
        'D' | 'T' => Some('3'),
        'L' => Some('4'),
        'M' | 'N' => Some('5'),
        'R' => Some('6'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(strsim::levenshtein("Gute nacht", "Ich weis nicht"), 8);
        assert_eq!(similarity("snowflake", "oracle"), 61);
        assert_eq!(similarity("ich weiß nicht", "ich wei? nicht"), 97);
        assert_eq!(similarity("firn", "firn"), 100);
        assert_eq!(similarity("", "firn"), 0);
    }

    #[test]
    fn soundex_follows_the_american_rules() {
        let cases = [
            ("Robert", "R163"),
            ("Rupert", "R163"),
            ("Ashcraft", "A261"),
            ("Tymczak", "T522"),
            ("Pfister", "P236"),
            ("Honeyman", "H555"),
            ("", ""),
        ];
        for (name, expected) in cases {
            let mut code = String::new();
            soundex(name, false, &mut code);
            assert_eq!(code, expected, "{name}");
        }
    }
}
