//! CONTAINS, STARTSWITH, ENDSWITH, POSITION and CHARINDEX.

use firn_types::{Result, SqlType, TypeFamily};
use memchr::memmem;

use super::CATEGORY;
use super::length::characters;
use super::substring::byte_of;
use crate::driver::{blobs, ints, null_propagating, texts};
use crate::meaning::{Meaning, TextMatch};
use crate::signature::wrong_types;
use crate::{
    Argument, Arity, Documentation, Example, Kernel, ScalarBinding, ScalarFunction, accept,
};

/// CONTAINS(value, searched)
pub(crate) const CONTAINS: ScalarFunction = ScalarFunction::new(
    "CONTAINS",
    Arity::exactly(2),
    bind_contains,
    Documentation::of(
        CATEGORY,
        "Whether the value contains another, upper and lower case distinguished.",
        &[
            Example::of("CONTAINS('coffee', 'fee')", "True"),
            Example::of("CONTAINS('a', '')", "True"),
        ],
    ),
)
.with_meaning(Meaning::TextMatch(TextMatch::Contains))
.with_cost(20);

/// STARTSWITH(value, searched)
pub(crate) const STARTSWITH: ScalarFunction = ScalarFunction::new(
    "STARTSWITH",
    Arity::exactly(2),
    |arguments| bind_test("STARTSWITH", arguments, |value, searched| value.starts_with(searched)),
    Documentation::of(
        CATEGORY,
        "Whether the value starts with another.",
        &[Example::of("STARTSWITH('coffee', 'cof')", "True")],
    ),
)
.with_meaning(Meaning::TextMatch(TextMatch::Prefix))
.with_cost(20);

/// ENDSWITH(value, searched)
pub(crate) const ENDSWITH: ScalarFunction = ScalarFunction::new(
    "ENDSWITH",
    Arity::exactly(2),
    |arguments| bind_test("ENDSWITH", arguments, |value, searched| value.ends_with(searched)),
    Documentation::of(
        CATEGORY,
        "Whether the value ends with another.",
        &[Example::of("ENDSWITH('coffee', 'tea')", "False")],
    ),
)
.with_meaning(Meaning::TextMatch(TextMatch::Suffix))
.with_cost(20);

/// POSITION(searched, value [, start])
pub(crate) const POSITION: ScalarFunction = ScalarFunction::new(
    "POSITION",
    Arity::between(2, 3),
    |arguments| bind_position("POSITION", arguments),
    Documentation::of(
        CATEGORY,
        "Where the searched text starts in the value, from 1; 0 when it is not there.",
        &[
            Example::of("POSITION('an', 'banana', 1)", "2"),
            Example::of("POSITION('an', 'banana', 3)", "4"),
            Example::of("POSITION('x', 'banana')", "0"),
        ],
    ),
);

/// CHARINDEX(searched, value [, start])
pub(crate) const CHARINDEX: ScalarFunction = ScalarFunction::new(
    "CHARINDEX",
    Arity::between(2, 3),
    |arguments| bind_position("CHARINDEX", arguments),
    Documentation::of(
        CATEGORY,
        "Where the searched text starts in the value, from 1; 0 when it is not there.",
        &[Example::of("CHARINDEX('an', 'banana', 3)", "4")],
    ),
);

/// Both values as texts or both as bytes.
fn pair(name: &str, arguments: &[Argument]) -> Result<Vec<SqlType>> {
    let types = vec![
        accept::text_or_binary(name, arguments, 0)?,
        accept::text_or_binary(name, arguments, 1)?,
    ];
    let is_null = |position: usize| arguments[position].sql_type == SqlType::Null;
    if types[0].family() == types[1].family() {
        Ok(types)
    } else if is_null(0) || is_null(1) {
        Ok(vec![SqlType::BINARY; 2])
    } else {
        Err(wrong_types(name, arguments))
    }
}

fn bind_contains(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = pair("CONTAINS", arguments)?;
    let constant = accept::constant_text(arguments, 1);
    let kernel = match (types[0].family(), constant) {
        (TypeFamily::Text, Some(searched)) => {
            let finder = memmem::Finder::new(searched).into_owned();
            null_propagating(move |rows, columns| {
                let text = texts(&columns[0])?;
                Ok(rows.test(|at| finder.find(text.get(at).as_bytes()).is_some()))
            })
        }
        (family, _) => {
            test_kernel(family, |value, searched| memmem::find(value, searched).is_some())
        }
    };
    ScalarBinding::new(types, SqlType::Boolean, kernel)
}

fn bind_test(
    name: &str,
    arguments: &[Argument],
    test: fn(&[u8], &[u8]) -> bool,
) -> Result<ScalarBinding> {
    let types = pair(name, arguments)?;
    let kernel = test_kernel(types[0].family(), test);
    ScalarBinding::new(types, SqlType::Boolean, kernel)
}

fn test_kernel(family: TypeFamily, test: fn(&[u8], &[u8]) -> bool) -> Kernel {
    if family == TypeFamily::Binary {
        return null_propagating(move |rows, columns| {
            let (value, searched) = (blobs(&columns[0])?, blobs(&columns[1])?);
            Ok(rows.test(|at| test(value.get(at), searched.get(at))))
        });
    }
    null_propagating(move |rows, columns| {
        let (value, searched) = (texts(&columns[0])?, texts(&columns[1])?);
        Ok(rows.test(|at| test(value.get(at).as_bytes(), searched.get(at).as_bytes())))
    })
}

fn bind_position(name: &str, arguments: &[Argument]) -> Result<ScalarBinding> {
    let mut types = pair(name, arguments)?;
    if arguments.len() > 2 {
        types.push(accept::integer(name, arguments, 2)?);
    }
    let binary = types[0].family() == TypeFamily::Binary;
    let kernel = null_propagating(move |rows, columns| {
        let start = columns.get(2).map(ints).transpose()?;
        let start = |at: usize| {
            let from = start.map_or(1, |start| start.get(at));
            usize::try_from(from.max(1) - 1).unwrap_or(usize::MAX)
        };
        if binary {
            let (searched, value) = (blobs(&columns[0])?, blobs(&columns[1])?);
            return rows.map(|at| {
                let skipped = start(at);
                let rest = value.get(at).get(skipped..);
                let found = rest.and_then(|rest| memmem::find(rest, searched.get(at)));
                Ok(Some(found.map_or(0, |found| (skipped + found + 1) as i64)))
            });
        }
        let (searched, value) = (texts(&columns[0])?, texts(&columns[1])?);
        rows.map(|at| Ok(Some(position(searched.get(at), value.get(at), start(at)))))
    });
    ScalarBinding::new(types, SqlType::number(18, 0), kernel)
}

/// The position from 1 of the first occurrence after `skipped` characters; 0 without one.
fn position(searched: &str, value: &str, skipped: usize) -> i64 {
    let from = byte_of(value, skipped);
    if skipped > 0 && from == value.len() && characters(value) < skipped {
        return 0;
    }
    match memmem::find(&value.as_bytes()[from..], searched.as_bytes()) {
        Some(found) => (characters(&value[..from + found]) + 1) as i64,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let cases = [
            ("an", "banana", 0, 2),
            ("an", "banana", 2, 4),
            ("an", "nothing", 0, 0),
            ("", "abc", 0, 1),
            ("", "abc", 9, 0),
            ("t", "été", 0, 2),
            ("é", "été", 1, 3),
        ];
        for (searched, value, skipped, expected) in cases {
            assert_eq!(position(searched, value, skipped), expected, "{searched} in {value}");
        }
    }
}
