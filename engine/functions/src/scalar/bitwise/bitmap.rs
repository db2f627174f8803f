//! BITMAP_BUCKET_NUMBER, BITMAP_BIT_POSITION and BITMAP_COUNT.

use firn_types::{Result, SqlType};

use crate::bitmap::{POSITIONS, count};
use crate::driver::{blobs, ints, null_propagating};
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

const CATEGORY: &str = "Bitmap";

/// BITMAP_BUCKET_NUMBER(number)
pub(super) const BITMAP_BUCKET_NUMBER: ScalarFunction = ScalarFunction::new(
    "BITMAP_BUCKET_NUMBER",
    Arity::exactly(1),
    |arguments| {
        bind("BITMAP_BUCKET_NUMBER", arguments, |number| match number {
            1.. => (number - 1) / SIZE + 1,
            _ => number / SIZE,
        })
    },
    Documentation::of(
        CATEGORY,
        "Which bitmap a number is in: 1 has the numbers from 1 to 32768.",
        &[
            Example::of("BITMAP_BUCKET_NUMBER(32768)", "1"),
            Example::of("BITMAP_BUCKET_NUMBER(32769)", "2"),
        ],
    ),
);

/// BITMAP_BIT_POSITION(number)
pub(super) const BITMAP_BIT_POSITION: ScalarFunction = ScalarFunction::new(
    "BITMAP_BIT_POSITION",
    Arity::exactly(1),
    |arguments| {
        bind("BITMAP_BIT_POSITION", arguments, |number| match number {
            1.. => (number - 1) % SIZE,
            _ => (number % SIZE).abs(),
        })
    },
    Documentation::of(
        CATEGORY,
        "The position of a number in its bitmap, from 0 to 32767.",
        &[
            Example::of("BITMAP_BIT_POSITION(1)", "0"),
            Example::of("BITMAP_BIT_POSITION(32769)", "0"),
        ],
    ),
);

/// BITMAP_COUNT(bitmap)
pub(super) const BITMAP_COUNT: ScalarFunction = ScalarFunction::new(
    "BITMAP_COUNT",
    Arity::exactly(1),
    |arguments| {
        let types = vec![accept::binary("BITMAP_COUNT", arguments, 0)?];
        let kernel = null_propagating(|rows, columns| {
            let bitmaps = blobs(&columns[0])?;
            rows.map(|at| count(bitmaps.get(at)).map(Some))
        });
        ScalarBinding::new(types, SqlType::number(18, 0), kernel)
    },
    Documentation::of(
        CATEGORY,
        "How many positions of a bitmap are taken.",
        &[Example::of("BITMAP_COUNT(BITMAP_CONSTRUCT_AGG(5))", "1")],
    ),
);

const SIZE: i64 = POSITIONS as i64;

fn bind(name: &str, arguments: &[Argument], answer: fn(i64) -> i64) -> Result<ScalarBinding> {
    let types = vec![accept::integer(name, arguments, 0)?];
    let kernel = null_propagating(move |rows, columns| {
        let numbers = ints(&columns[0])?;
        rows.map(|at| Ok(Some(answer(numbers.get(at)))))
    });
    ScalarBinding::new(types, SqlType::number(18, 0), kernel)
}
