//! Statements without a plan, one file per kind of object: create, alter, drop and describe together.

pub(crate) mod dml;

use firn_query::parse::ast::Statement;
use firn_types::Result;

use crate::lifecycle::{Answer, Running};

/// Runs a command.
///
/// # Errors
/// What the command's own file says.
pub(crate) fn run(running: &mut Running<'_>, statement: &Statement) -> Result<Answer> {
    match statement {
        other => Err(firn_types::Error::not_supported(format!("{other:?}"))),
    }
}
