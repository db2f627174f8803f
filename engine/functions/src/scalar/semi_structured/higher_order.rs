//! FILTER, TRANSFORM and REDUCE, as far as they are known without their lambda: the binder makes their
//! calls, see [`crate::expr::lambda`].

use super::{define, example};
use crate::Arity;
use crate::scalar::ScalarFunction;
use crate::signature::wrong_types;

pub(super) const FILTER: ScalarFunction = define(
    "FILTER",
    Arity::exactly(2),
    |arguments| Err(wrong_types("FILTER", arguments)),
    "The elements of an array for which a lambda is TRUE.",
    &[example("TO_JSON(FILTER([1, 2, 3], x -> x > 1))", "[2,3]")],
);

pub(super) const TRANSFORM: ScalarFunction = define(
    "TRANSFORM",
    Arity::exactly(2),
    |arguments| Err(wrong_types("TRANSFORM", arguments)),
    "The answers of a lambda for the elements of an array.",
    &[example("TO_JSON(TRANSFORM([1, 2, 3], x INT -> x * 2))", "[2,4,6]")],
);

pub(super) const REDUCE: ScalarFunction = define(
    "REDUCE",
    Arity::exactly(3),
    |arguments| Err(wrong_types("REDUCE", arguments)),
    "The last answer of a lambda that is called for each element with its answer for those before it.",
    &[example("REDUCE([1, 2, 3], 0, (acc INT, x INT) -> acc + x)", "6")],
);
