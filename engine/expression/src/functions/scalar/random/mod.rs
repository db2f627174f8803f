//! Data generation: random values and sequences of integers.

use super::ScalarFunction;

/// The functions of this folder, sorted by name.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[];
