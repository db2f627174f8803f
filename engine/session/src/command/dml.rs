//! INSERT, UPDATE, DELETE, MERGE and COPY.

use firn_account::Transaction;
use firn_query::parse::ast::Statement;
use firn_query::plan::statement::StatementPlan;
use firn_types::{Error, Result};

use crate::lifecycle::{Answer, Running};

/// Runs a DML statement and answers with its counts.
///
/// # Errors
/// `not_supported`.
pub(crate) fn run(running: &mut Running<'_>, statement: &Statement) -> Result<Answer> {
    let plan = running.plan(statement)?;
    running.write(|running, transaction| execute(running, &plan, transaction))
}

/// Runs a planned statement within a transaction.
///
/// # Errors
/// `not_supported`.
pub(crate) fn execute(
    _running: &mut Running<'_>,
    _plan: &StatementPlan,
    _transaction: &mut Transaction,
) -> Result<Answer> {
    Err(Error::not_supported("statements that write rows"))
}
