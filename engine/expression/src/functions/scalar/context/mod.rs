//! What the session and its statement are.

use super::ScalarFunction;

/// The functions of this folder, sorted by name.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[];
