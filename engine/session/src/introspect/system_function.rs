//! Functions that tell of the account: GET_DDL, SYSTEM$CLUSTERING_INFORMATION.

use firn_account::Catalog;
use firn_types::{Error, Result};

/// The answer of a system function.
///
/// # Errors
/// `not_supported` for functions that firn does not have.
pub(crate) fn answer(
    _catalog: &Catalog,
    name: &str,
    _arguments: &[Option<String>],
) -> Result<Option<String>> {
    Err(Error::not_supported(name))
}
