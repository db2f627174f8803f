//! Bits of whole numbers and of binary values.

mod bitmap;

use firn_types::decimal::fits_precision;
use firn_types::limits::NUMBER_PRECISION_MAX;
use firn_types::{Error, ErrorCode, Result, SqlType, TypeFamily};

use super::{ScalarBinding, ScalarFunction};
use crate::driver::{blobs, ints, null_propagating};
use crate::signature::wrong_types;
use crate::{Argument, Arity, Documentation, Example, accept};

const CATEGORY: &str = "Bitwise";

/// The functions of this folder, sorted by name.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[
    &BITAND,
    &BITNOT,
    &BITOR,
    &BITSHIFTLEFT,
    &BITSHIFTRIGHT,
    &BITXOR,
    &GETBIT,
    &bitmap::BITMAP_BIT_POSITION,
    &bitmap::BITMAP_BUCKET_NUMBER,
    &bitmap::BITMAP_COUNT,
];

/// BITAND(left, right)
const BITAND: ScalarFunction = ScalarFunction::new(
    "BITAND",
    Arity::exactly(2),
    |arguments| bind_pair("BITAND", arguments, |a, b| a & b, |a, b| a & b),
    Documentation::of(
        CATEGORY,
        "The bits that both values have.",
        &[Example::of("BITAND(12, 10)", "8"), Example::of("BITAND(1, 2)", "0")],
    ),
)
.with_aliases(&["BIT_AND"]);

/// BITOR(left, right)
const BITOR: ScalarFunction = ScalarFunction::new(
    "BITOR",
    Arity::exactly(2),
    |arguments| bind_pair("BITOR", arguments, |a, b| a | b, |a, b| a | b),
    Documentation::of(
        CATEGORY,
        "The bits that one of the values has.",
        &[Example::of("BITOR(12, 10)", "14")],
    ),
)
.with_aliases(&["BIT_OR"]);

/// BITXOR(left, right)
const BITXOR: ScalarFunction = ScalarFunction::new(
    "BITXOR",
    Arity::exactly(2),
    |arguments| bind_pair("BITXOR", arguments, |a, b| a ^ b, |a, b| a ^ b),
    Documentation::of(
        CATEGORY,
        "The bits that exactly one of the values has.",
        &[Example::of("BITXOR(12, 10)", "6")],
    ),
)
.with_aliases(&["BIT_XOR"]);

/// BITNOT(value)
const BITNOT: ScalarFunction = ScalarFunction::new(
    "BITNOT",
    Arity::exactly(1),
    bind_not,
    Documentation::of(
        CATEGORY,
        "The value with every bit turned over.",
        &[Example::of("BITNOT(5)", "-6")],
    ),
)
.with_aliases(&["BIT_NOT"]);

/// BITSHIFTLEFT(value, count)
const BITSHIFTLEFT: ScalarFunction = ScalarFunction::new(
    "BITSHIFTLEFT",
    Arity::exactly(2),
    |arguments| bind_shift("BITSHIFTLEFT", arguments, |value, count| value.checked_shl(count)),
    Documentation::of(
        CATEGORY,
        "The bits moved toward the highest.",
        &[Example::of("BITSHIFTLEFT(1, 4)", "16")],
    ),
)
.with_aliases(&["BIT_SHIFTLEFT"]);

/// BITSHIFTRIGHT(value, count)
const BITSHIFTRIGHT: ScalarFunction = ScalarFunction::new(
    "BITSHIFTRIGHT",
    Arity::exactly(2),
    |arguments| bind_shift("BITSHIFTRIGHT", arguments, |value, count| value.checked_shr(count)),
    Documentation::of(
        CATEGORY,
        "The bits moved toward the lowest; the sign stays.",
        &[Example::of("BITSHIFTRIGHT(24, 3)", "3")],
    ),
)
.with_aliases(&["BIT_SHIFTRIGHT"]);

/// GETBIT(value, position)
const GETBIT: ScalarFunction = ScalarFunction::new(
    "GETBIT",
    Arity::exactly(2),
    bind_getbit,
    Documentation::of(
        CATEGORY,
        "One bit of a whole number, counted from 0, the lowest.",
        &[Example::of("GETBIT(11, 3)", "1"), Example::of("GETBIT(11, 2)", "0")],
    ),
);

fn bind_pair(
    name: &str,
    arguments: &[Argument],
    numbers: fn(i128, i128) -> i128,
    bytes: fn(u8, u8) -> u8,
) -> Result<ScalarBinding> {
    let binary = |position: usize| arguments[position].sql_type.family() == TypeFamily::Binary;
    if !binary(0) && !binary(1) {
        let types =
            vec![accept::integer(name, arguments, 0)?, accept::integer(name, arguments, 1)?];
        let kernel = null_propagating(move |rows, columns| {
            let (left, right) = (ints(&columns[0])?, ints(&columns[1])?);
            rows.map(|at| Ok(Some(numbers(left.wide(at), right.wide(at)))))
        });
        return ScalarBinding::new(types, SqlType::INTEGER, kernel);
    }
    if !binary(0) || !binary(1) {
        return Err(wrong_types(name, arguments));
    }
    let returns = arguments[0].sql_type;
    let kernel = null_propagating(move |rows, columns| {
        let (left, right) = (blobs(&columns[0])?, blobs(&columns[1])?);
        rows.bytes(|at, out| {
            let (left, right) = (left.get(at), right.get(at));
            same_length(left, right)?;
            out.extend(left.iter().zip(right).map(|(&a, &b)| bytes(a, b)));
            Ok(true)
        })
    });
    ScalarBinding::new(vec![returns, arguments[1].sql_type], returns, kernel)
}

fn same_length(left: &[u8], right: &[u8]) -> Result<()> {
    if left.len() == right.len() {
        return Ok(());
    }
    let text = format!(
        "The lengths of two variable-sized fields do not match: first length {}, second length {}",
        left.len(),
        right.len()
    );
    Err(Error::new(ErrorCode::LengthMismatch, text))
}

fn bind_not(arguments: &[Argument]) -> Result<ScalarBinding> {
    let given = arguments[0].sql_type;
    if given.family() == TypeFamily::Binary {
        let kernel = null_propagating(|rows, columns| {
            let value = blobs(&columns[0])?;
            rows.bytes(|at, out| {
                out.extend(value.get(at).iter().map(|byte| !byte));
                Ok(true)
            })
        });
        return ScalarBinding::new(vec![given], given, kernel);
    }
    let input = accept::integer("BITNOT", arguments, 0)?;
    let kernel = null_propagating(|rows, columns| {
        let value = ints(&columns[0])?;
        rows.map(|at| Ok(Some(!value.wide(at))))
    });
    ScalarBinding::new(vec![input], SqlType::INTEGER, kernel)
}

fn bind_shift(
    name: &'static str,
    arguments: &[Argument],
    shift: fn(i128, u32) -> Option<i128>,
) -> Result<ScalarBinding> {
    let types = vec![accept::integer(name, arguments, 0)?, accept::integer(name, arguments, 1)?];
    let kernel = null_propagating(move |rows, columns| {
        let (value, count) = (ints(&columns[0])?, ints(&columns[1])?);
        rows.map(|at| {
            let count = count.get(at);
            let shifted = u32::try_from(count).ok().and_then(|count| shift(value.wide(at), count));
            let fits = |answer: &i128| fits_precision(*answer, NUMBER_PRECISION_MAX);
            shifted.filter(fits).map(Some).ok_or_else(|| {
                let text = format!("Invalid shift by {count} in the {name} input");
                Error::new(ErrorCode::InvalidValue, text)
            })
        })
    });
    ScalarBinding::new(types, SqlType::INTEGER, kernel)
}

fn bind_getbit(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types =
        vec![accept::integer("GETBIT", arguments, 0)?, accept::integer("GETBIT", arguments, 1)?];
    let kernel = null_propagating(|rows, columns| {
        let (value, position) = (ints(&columns[0])?, ints(&columns[1])?);
        rows.map(|at| match position.get(at) {
            place @ 0..=127 => Ok(Some((value.wide(at) >> place & 1) as i32)),
            place => {
                let text = format!("Invalid bit position {place} in the GETBIT input");
                Err(Error::new(ErrorCode::InvalidValue, text))
            }
        })
    });
    ScalarBinding::new(types, SqlType::number(1, 0), kernel)
}
