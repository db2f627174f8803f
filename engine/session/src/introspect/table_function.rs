//! Table functions that the session answers, such as QUERY_HISTORY.

use firn_types::{Error, Field, Result, Value};

use super::Described;
use crate::result::Rows;
use crate::session::Session;

/// The columns of a table function; none when there is no such function.
///
/// # Errors
/// When the arguments do not fit.
pub(crate) fn fields(
    _session: &Session,
    _name: &str,
    _arguments: &[(String, Value)],
) -> Result<Option<Vec<Field>>> {
    Ok(None)
}

/// The rows of a table function.
///
/// # Errors
/// When there is no such function.
pub(crate) fn rows(
    _described: &Described,
    name: &str,
    _arguments: &[(String, Value)],
) -> Result<Rows> {
    Err(Error::not_supported(name))
}
