//! ASCII, UNICODE and CHR: characters and their codes.

use firn_types::{Error, ErrorCode, Result, SqlType};

use super::CATEGORY;
use crate::driver::{ints, null_propagating, texts};
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// ASCII(text)
pub(crate) const ASCII: ScalarFunction = ScalarFunction::new(
    "ASCII",
    Arity::exactly(1),
    |arguments| bind_code("ASCII", arguments),
    Documentation::of(
        CATEGORY,
        "The code of the first character; 0 for an empty text.",
        &[Example::of("ASCII('!')", "33"), Example::of("ASCII('')", "0")],
    ),
);

/// UNICODE(text)
pub(crate) const UNICODE: ScalarFunction = ScalarFunction::new(
    "UNICODE",
    Arity::exactly(1),
    |arguments| bind_code("UNICODE", arguments),
    Documentation::of(
        CATEGORY,
        "The Unicode code point of the first character; 0 for an empty text.",
        &[Example::of("UNICODE('\u{2744}')", "10052")],
    ),
);

/// CHR(code)
pub(crate) const CHR: ScalarFunction = ScalarFunction::new(
    "CHR",
    Arity::exactly(1),
    bind_chr,
    Documentation::of(
        CATEGORY,
        "The character of a Unicode code point.",
        &[Example::of("CHR(83)", "S"), Example::of("CHR(33)", "!")],
    ),
)
.with_aliases(&["CHAR"]);

fn bind_code(name: &str, arguments: &[Argument]) -> Result<ScalarBinding> {
    let input = accept::text(name, arguments, 0)?;
    let kernel = null_propagating(|rows, columns| {
        let text = texts(&columns[0])?;
        rows.map(|at| Ok(Some(text.get(at).chars().next().map_or(0, |c| u32::from(c) as i32))))
    });
    ScalarBinding::new(vec![input], SqlType::number(7, 0), kernel)
}

fn bind_chr(arguments: &[Argument]) -> Result<ScalarBinding> {
    let input = accept::integer("CHR", arguments, 0)?;
    let kernel = null_propagating(|rows, columns| {
        let codes = ints(&columns[0])?;
        rows.text(|at, out| {
            out.push(character(codes.get(at))?);
            Ok(true)
        })
    });
    ScalarBinding::new(vec![input], SqlType::varchar(1), kernel)
}

fn character(code: i64) -> Result<char> {
    u32::try_from(code).ok().and_then(char::from_u32).ok_or_else(|| {
        let text = format!("Invalid character code {code} in the CHR input");
        Error::new(ErrorCode::InvalidCharacterCode, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_outside_unicode_are_refused() {
        assert_eq!(character(83).ok(), Some('S'));
        let error = character(-1).unwrap_err();
        assert_eq!(error.detail(), "Invalid character code -1 in the CHR input");
        assert!(character(1_114_112).is_err());
        assert!(character(0xD800).is_err());
    }
}
