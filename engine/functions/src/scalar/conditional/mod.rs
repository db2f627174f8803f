//! Choosing among values and joining conditions.
//!
//! The lazy ones (CASE, IFF, COALESCE, NVL, DECODE, NULLIF and their like) are expressions of their own
//! and not functions.

mod boolean;
mod greatest_least;
mod pair;

use super::ScalarFunction;

/// The chapter of this folder's functions.
const CATEGORY: &str = "Conditional";

/// The functions of this folder, file by file.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[
    &boolean::BOOLAND,
    &boolean::BOOLNOT,
    &boolean::BOOLOR,
    &boolean::BOOLXOR,
    &greatest_least::GREATEST,
    &greatest_least::GREATEST_IGNORE_NULLS,
    &greatest_least::LEAST,
    &greatest_least::LEAST_IGNORE_NULLS,
    &pair::REGR_VALX,
    &pair::REGR_VALY,
];
