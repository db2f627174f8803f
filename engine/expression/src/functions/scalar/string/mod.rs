//! Texts and binary values.

use super::ScalarFunction;

/// The functions of this folder, sorted by name.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[];
