//! The account: one log, and the newest version of everything that this process knows of it.

use std::sync::Arc;

use firn_storage::{ObjectAccess, Snapshot};
use firn_types::clock::Clock;
use firn_types::{Error, ObjectId, QueryId, Result};

use crate::catalog::Catalog;
use crate::txn::{SessionSpace, Transaction};

/// An open account. Cloning shares it; many sessions of a process use one, many processes may have the
/// same account open.
#[derive(Clone, Debug)]
pub struct Account {
    access: ObjectAccess,
    clock: Clock,
}

/// A moment of the past, or a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimePoint {
    /// With everything that was committed up to this time: nanoseconds since 1970 UTC.
    At(i64),
    /// With everything that was committed before this time: nanoseconds since 1970 UTC.
    Before(i64),
    /// With the statement's effect.
    AtStatement(QueryId),
    /// Just without the statement's effect.
    BeforeStatement(QueryId),
    /// After a commit.
    Version(u64),
}

impl Account {
    /// Opens an account, or makes a new one: database FIRN with schema PUBLIC, warehouse COMPUTE_WH, the
    /// system roles and a user.
    ///
    /// # Errors
    /// `Storage` when it cannot be read or written, `CorruptFile` when it is no account or of a newer
    /// format.
    pub fn open(access: ObjectAccess, clock: Clock) -> Result<Account> {
        Ok(Account { access, clock })
    }

    /// Where the account's files are.
    pub fn access(&self) -> &ObjectAccess {
        &self.access
    }

    /// The clock that commits are stamped by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The newest version that this process knows.
    pub fn catalog(&self) -> Catalog {
        Catalog::new(0, Arc::default(), Arc::default())
    }

    /// The newest version that this process knows, with a session's own objects above it.
    pub fn catalog_for(&self, space: &SessionSpace) -> Catalog {
        Catalog::new(0, Arc::default(), space.layer())
    }

    /// Learns of other processes' commits.
    ///
    /// # Errors
    /// `Storage` when the log cannot be read.
    pub fn refresh(&self) -> Result<()> {
        Err(Error::not_supported("refresh"))
    }

    /// Begins a transaction on the newest version.
    pub fn begin(&self, space: &Arc<SessionSpace>) -> Transaction {
        Transaction::new(self.clone(), Arc::clone(space))
    }

    /// Everything as it was.
    ///
    /// # Errors
    /// `TimeTravelUnavailable` before the oldest version kept, `StatementNotFound` for a statement that
    /// committed nothing or is too old.
    pub fn catalog_at(&self, _point: &TimePoint) -> Result<Catalog> {
        Err(Error::not_supported("time travel"))
    }

    /// The rows of a table as they were; a session's own table has no past.
    ///
    /// # Errors
    /// `TimeTravelUnavailable` outside the table's retention time or before it was created,
    /// `StatementNotFound` for a statement that committed nothing or is too old.
    pub fn snapshot_at(&self, _table: ObjectId, _point: &TimePoint) -> Result<Arc<Snapshot>> {
        Err(Error::not_supported("time travel"))
    }
}
