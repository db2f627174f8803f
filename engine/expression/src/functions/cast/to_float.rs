//! Conversions to float.

use firn_column::Array;
use firn_types::{Error, Result, SqlType};

use super::Failures;

pub(super) fn convert(_array: &Array, from: SqlType, _failures: &mut Failures) -> Result<Array> {
    Err(Error::not_supported(format!("CAST from {from}")))
}
