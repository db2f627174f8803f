//! From and to VARIANT, OBJECT and ARRAY.

use firn_column::Array;
use firn_types::{Error, Result, SqlType};

use super::Failures;
use crate::functions::FunctionContext;

/// Converts VARIANT, OBJECT or ARRAY values to any type.
///
/// # Errors
/// As `failures` decides about values that do not convert.
pub(super) fn from_variant(
    _array: &Array,
    from: SqlType,
    to: SqlType,
    _failures: &mut Failures,
    _context: &FunctionContext,
) -> Result<Array> {
    Err(Error::not_supported(format!("CAST from {from} to {to}")))
}

/// Converts values of any other type to VARIANT, OBJECT or ARRAY.
///
/// # Errors
/// None for the pairs that convert.
pub(super) fn to_variant(
    _array: &Array,
    from: SqlType,
    to: SqlType,
    _context: &FunctionContext,
) -> Result<Array> {
    Err(Error::not_supported(format!("CAST from {from} to {to}")))
}
