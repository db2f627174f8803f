//! BOOLAND, BOOLOR, BOOLXOR and BOOLNOT.

use arrow::array::BooleanArray;
use firn_column::{Array, kernels};
use firn_types::{Error, Result, SqlType};

use super::CATEGORY;
use crate::driver::null_aware;
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// BOOLAND(left, right)
pub(crate) const BOOLAND: ScalarFunction = ScalarFunction::new(
    "BOOLAND",
    Arity::exactly(2),
    |arguments| bind("BOOLAND", arguments, |a| kernels::boolean::and(&a[0], &a[1])),
    Documentation::of(
        CATEGORY,
        "Whether both values are TRUE or not 0.",
        &[Example::of("BOOLAND(1, -2)", "True"), Example::of("BOOLAND(0, NULL)", "False")],
    ),
);

/// BOOLOR(left, right)
pub(crate) const BOOLOR: ScalarFunction = ScalarFunction::new(
    "BOOLOR",
    Arity::exactly(2),
    |arguments| bind("BOOLOR", arguments, |a| kernels::boolean::or(&a[0], &a[1])),
    Documentation::of(
        CATEGORY,
        "Whether one of the values is TRUE or not 0.",
        &[Example::of("BOOLOR(1, NULL)", "True"), Example::of("BOOLOR(0, 0)", "False")],
    ),
);

/// BOOLXOR(left, right)
pub(crate) const BOOLXOR: ScalarFunction = ScalarFunction::new(
    "BOOLXOR",
    Arity::exactly(2),
    |arguments| {
        bind("BOOLXOR", arguments, |a| {
            let nulls = arrow::buffer::NullBuffer::union(nulls(&a[0]), nulls(&a[1]));
            BooleanArray::new(a[0].values() ^ a[1].values(), nulls)
        })
    },
    Documentation::of(
        CATEGORY,
        "Whether exactly one of the values is TRUE or not 0.",
        &[Example::of("BOOLXOR(2, 0)", "True"), Example::of("BOOLXOR(1, -1)", "False")],
    ),
);

/// BOOLNOT(value)
pub(crate) const BOOLNOT: ScalarFunction = ScalarFunction::new(
    "BOOLNOT",
    Arity::exactly(1),
    |arguments| bind("BOOLNOT", arguments, |a| kernels::boolean::not(&a[0])),
    Documentation::of(
        CATEGORY,
        "Whether the value is FALSE or 0.",
        &[Example::of("BOOLNOT(10)", "False"), Example::of("BOOLNOT(0)", "True")],
    ),
);

fn nulls(array: &BooleanArray) -> Option<&arrow::buffer::NullBuffer> {
    arrow::array::Array::nulls(array)
}

fn bind(
    name: &str,
    arguments: &[Argument],
    combine: fn(&[BooleanArray]) -> BooleanArray,
) -> Result<ScalarBinding> {
    let types: Result<Vec<SqlType>> =
        (0..arguments.len()).map(|position| accept::boolean(name, arguments, position)).collect();
    let kernel = null_aware(move |rows, columns| {
        let arrays: Result<Vec<BooleanArray>> = columns
            .iter()
            .map(|column| match column.slice(0, rows.count).flat() {
                Array::Bool(flags) => Ok(flags),
                other => Err(Error::internal(format!("a condition of {:?}", other.physical()))),
            })
            .collect();
        Ok(Array::Bool(combine(&arrays?)))
    });
    ScalarBinding::new(types?, SqlType::Boolean, kernel)
}
