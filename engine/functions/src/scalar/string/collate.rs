//! What texts with a collation are compared and searched by. The binder calls these functions; the last argument of
//! each is the specification, a constant.

use firn_types::{Collation, Error, Result, SqlType};

use super::CATEGORY;
use crate::collator::{Collator, Letter, find};
use crate::driver::{ints, null_propagating, texts};
use crate::{Argument, Arity, Documentation, Meaning, ScalarBinding, ScalarFunction, accept};

/// $COLLATION_KEY(text, specification)
pub(crate) const KEY: ScalarFunction = ScalarFunction::new(
    "$COLLATION_KEY",
    Arity::exactly(2),
    |arguments| bytes_of(arguments, |collator, text, out| collator.push_key(text, out)),
    Documentation::of(CATEGORY, "Bytes that compare as the text does.", &[]),
)
.with_meaning(Meaning::ComparisonKey)
.with_cost(400);

/// $COLLATION_LETTERS(text, specification)
pub(crate) const LETTERS: ScalarFunction = ScalarFunction::new(
    "$COLLATION_LETTERS",
    Arity::exactly(2),
    |arguments| {
        bytes_of(arguments, |collator, text, out| push_letters(&collator.letters(text), out))
    },
    Documentation::of(CATEGORY, "Bytes in which the bytes of a part of the text are found.", &[]),
)
.with_cost(800);

/// $COLLATION_FOLD(text, specification)
pub(crate) const FOLD: ScalarFunction = ScalarFunction::new(
    "$COLLATION_FOLD",
    Arity::exactly(2),
    |arguments| {
        let collator = collator(arguments)?;
        let kernel = null_propagating(move |rows, columns| {
            let text = texts(&columns[0])?;
            rows.text(|at, out| {
                out.push_str(&collator.folded(text.get(at)));
                Ok(true)
            })
        });
        ScalarBinding::new(vec![SqlType::TEXT; 2], SqlType::TEXT, kernel)
    },
    Documentation::of(CATEGORY, "The text as LIKE sees it.", &[]),
);

/// $COLLATION_SPELL(text, part, specification)
pub(crate) const SPELL: ScalarFunction = ScalarFunction::new(
    "$COLLATION_SPELL",
    Arity::exactly(3),
    |arguments| {
        let collator = collator(arguments)?;
        let kernel = null_propagating(move |rows, columns| {
            let (text, part) = (texts(&columns[0])?, texts(&columns[1])?);
            rows.text(|at, out| {
                let (text, part) = (text.get(at), part.get(at));
                let mut rest = 0;
                for place in places(&collator, text, part) {
                    out.push_str(&text[rest..place.start]);
                    out.push_str(part);
                    rest = place.end;
                }
                out.push_str(&text[rest..]);
                Ok(true)
            })
        });
        ScalarBinding::new(vec![SqlType::TEXT; 3], SqlType::TEXT, kernel)
    },
    Documentation::of(CATEGORY, "The text with all that equals a part spelled like the part.", &[]),
)
.with_cost(800);

/// $COLLATION_PART(text, specification)
pub(crate) const PART: ScalarFunction = ScalarFunction::new(
    "$COLLATION_PART",
    Arity::exactly(2),
    |arguments| {
        let collator = collator(arguments)?;
        let kernel = null_propagating(move |rows, columns| {
            let text = texts(&columns[0])?;
            rows.slices(|at| {
                let text = text.get(at);
                Ok(Some(if collator.letters(text).is_empty() { "" } else { text }))
            })
        });
        ScalarBinding::new(vec![SqlType::TEXT; 2], SqlType::TEXT, kernel)
    },
    Documentation::of(CATEGORY, "The text; nothing where it has no letters.", &[]),
);

/// $COLLATION_POSITION(searched, text, start, specification)
pub(crate) const POSITION: ScalarFunction = ScalarFunction::new(
    "$COLLATION_POSITION",
    Arity::exactly(4),
    |arguments| {
        let collator = collator(arguments)?;
        let kernel = null_propagating(move |rows, columns| {
            let (searched, text) = (texts(&columns[0])?, texts(&columns[1])?);
            let start = ints(&columns[2])?;
            rows.map(|at| {
                Ok(Some(position(&collator, searched.get(at), text.get(at), start.get(at))))
            })
        });
        let types = vec![SqlType::TEXT, SqlType::TEXT, SqlType::INTEGER, SqlType::TEXT];
        ScalarBinding::new(types, SqlType::INTEGER, kernel)
    },
    Documentation::of(CATEGORY, "Where a text with a collation is found.", &[]),
)
.with_cost(800);

/// A function of a text and its collation that answers bytes.
fn bytes_of(
    arguments: &[Argument],
    push: fn(&Collator, &str, &mut Vec<u8>),
) -> Result<ScalarBinding> {
    let collator = collator(arguments)?;
    let kernel = null_propagating(move |rows, columns| {
        let text = texts(&columns[0])?;
        rows.bytes(|at, out| {
            push(&collator, text.get(at), out);
            Ok(true)
        })
    });
    ScalarBinding::new(vec![SqlType::TEXT; 2], SqlType::BINARY, kernel)
}

fn collator(arguments: &[Argument]) -> Result<Collator> {
    let specification = accept::constant_text(arguments, arguments.len() - 1);
    let specification = specification.ok_or_else(|| Error::internal("no collation"))?;
    Collator::new(Collation::parse(specification)?)
}

/// Each letter between two bytes that no key has, so that what is found is found whole.
fn push_letters(letters: &[Letter], out: &mut Vec<u8>) {
    out.push(0);
    for letter in letters {
        out.extend_from_slice(&letter.key);
        out.push(0);
    }
}

/// Where the part stands in the text, from left to right: bytes. A part without letters stands nowhere.
fn places(collator: &Collator, text: &str, part: &str) -> Vec<std::ops::Range<usize>> {
    let part = collator.letters(part);
    let mut places = Vec::new();
    if part.is_empty() {
        return places;
    }
    let letters = collator.letters(text);
    let mut from = 0;
    while let Some(at) = find(&letters, &part, from) {
        from = at + part.len();
        places.push(letters[at].place.start..letters[from - 1].place.end);
    }
    places
}

/// The first position from `start` at which the searched text begins, counted in characters from 1; 0 for none.
fn position(collator: &Collator, searched: &str, text: &str, start: i64) -> i64 {
    let searched = collator.letters(searched);
    let skipped = usize::try_from(start.saturating_sub(1)).unwrap_or(0);
    let from = text.char_indices().nth(skipped).map_or(text.len(), |(at, _)| at);
    let letters = collator.letters(text);
    let first = letters.iter().position(|letter| letter.place.start >= from);
    let found = match first {
        _ if searched.is_empty() => (skipped <= text.chars().count()).then_some(from),
        Some(first) => find(&letters, &searched, first).map(|at| letters[at].place.start),
        None => None,
    };
    found.map_or(0, |at| i64::try_from(text[..at].chars().count() + 1).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() -> Result<()> {
        let collator = Collator::new(Collation::parse("en-ci")?)?;
        assert_eq!(position(&collator, "N", "banana", 1), 3);
        assert_eq!(position(&collator, "N", "banana", 4), 5);
        assert_eq!(position(&collator, "x", "banana", 1), 0);
        assert_eq!(position(&collator, "", "banana", 2), 2);
        assert_eq!(position(&collator, "B", "äb", 1), 2);
        Ok(())
    }
}
