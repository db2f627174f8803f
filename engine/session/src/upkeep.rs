//! Keeping tables in few files: what follows a commit that left too many small ones.
//!
//! Small inserts leave small micro-partitions, and deletes leave some of which little is live. After a
//! statement has committed, one run of them is rewritten; the next statement finds the next one. The rows
//! and their ids stay as they are, so nobody sees a difference but for the files. Upkeep gives way to
//! everybody else: it does nothing while another transaction of the process is open, and loses against
//! what other processes commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use firn_execute::dml;
use firn_storage::WriterOptions;
use firn_storage::compact::compactions;
use firn_types::{ObjectId, Result};

use crate::command::dml::keys_of;
use crate::lifecycle::StatementContext;

/// Files that nobody refers to are deleted when they are older: whoever wrote them has committed by then,
/// and no statement that began before they were given up reads them any more.
const GRACE_NANOS: i64 = 86_400_000_000_000;
/// Files are swept once in so many commits.
const SWEEP_COMMITS: u64 = 1_000;

/// Looks after tables to which a statement has just committed changes, as `version` of the account.
pub(crate) fn after_commit(running: &StatementContext, tables: &BTreeSet<ObjectId>, version: u64) {
    for table in tables {
        // The statement is done. What cannot be rewritten now is tried again after the next one.
        let _ = tend(running, *table);
    }
    if version.is_multiple_of(SWEEP_COMMITS) {
        let _ = running.session.shared.account.sweep(GRACE_NANOS);
    }
}

/// Rewrites the first run of micro-partitions that deserves it.
fn tend(running: &StatementContext, id: ObjectId) -> Result<()> {
    let session = &running.session;
    let account = &session.shared.account;
    let mut transaction = account.begin(&session.space);
    let Some(table) = transaction.catalog().table(id).map(Arc::clone) else { return Ok(()) };
    let target = WriterOptions::default().target_rows as u64;
    let Some(run) = compactions(&table.snapshot, target).into_iter().next() else { return Ok(()) };
    let keys = keys_of(running, &table)?;
    dml::compact(&table, &run, &keys, &running.query_context()?, &mut transaction)?;
    transaction.commit_if_alone().map(|_| ())
}
