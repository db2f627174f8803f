//! The views of INFORMATION_SCHEMA.

use firn_types::{Error, Field, Result};

use super::Described;
use crate::result::Rows;

/// The columns of a view; none when there is no such view.
pub(crate) fn fields(_view: &str) -> Option<Vec<Field>> {
    None
}

/// The rows of a view of a database.
///
/// # Errors
/// When there is no such view.
pub(crate) fn rows(_described: &Described, _database: &str, view: &str) -> Result<Rows> {
    Err(Error::not_supported(format!("INFORMATION_SCHEMA.{view}")))
}
