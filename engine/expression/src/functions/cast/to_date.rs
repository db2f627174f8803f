//! Conversions to date.

use firn_column::Array;
use firn_types::{Error, Result, SqlType};

use super::Failures;
use crate::functions::FunctionContext;

pub(super) fn convert(
    _array: &Array,
    from: SqlType,

    _failures: &mut Failures,
    _context: &FunctionContext,
) -> Result<Array> {
    Err(Error::not_supported(format!("CAST from {from}")))
}
