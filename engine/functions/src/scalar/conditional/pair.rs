//! REGR_VALX and REGR_VALY: one of a pair, where both are known.

use arrow::array::UInt32Array;
use arrow::buffer::NullBuffer;
use firn_types::{Result, SqlType};

use super::CATEGORY;
use crate::{
    Argument, Arity, Documentation, Example, Kernel, ScalarBinding, ScalarFunction, accept,
};

/// REGR_VALX(y, x)
pub(crate) const REGR_VALX: ScalarFunction = ScalarFunction::new(
    "REGR_VALX",
    Arity::exactly(2),
    |arguments| bind("REGR_VALX", arguments, 1),
    Documentation::of(
        CATEGORY,
        "The second value, unless the first is NULL.",
        &[Example::of("REGR_VALX(NULL, 10)", "NULL"), Example::of("REGR_VALX(1, 10)", "10")],
    ),
);

/// REGR_VALY(y, x)
pub(crate) const REGR_VALY: ScalarFunction = ScalarFunction::new(
    "REGR_VALY",
    Arity::exactly(2),
    |arguments| bind("REGR_VALY", arguments, 0),
    Documentation::of(
        CATEGORY,
        "The first value, unless the second is NULL.",
        &[Example::of("REGR_VALY(NULL, 10)", "NULL"), Example::of("REGR_VALY(1, 10)", "1")],
    ),
);

fn bind(name: &str, arguments: &[Argument], chosen: usize) -> Result<ScalarBinding> {
    let types: Result<Vec<SqlType>> =
        (0..2).map(|position| accept::float(name, arguments, position)).collect();
    let kernel = Kernel::propagating(move |call, columns| {
        let nulls = NullBuffer::union(columns[0].nulls().as_ref(), columns[1].nulls().as_ref());
        let Some(nulls) = nulls else { return Ok(columns[chosen].clone()) };
        let rows = UInt32Array::new((0..call.rows as u32).collect(), Some(nulls));
        Ok(columns[chosen].take(&rows))
    });
    ScalarBinding::new(types?, SqlType::Float, kernel)
}
