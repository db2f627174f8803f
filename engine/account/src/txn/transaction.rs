//! What one transaction sees and will write.

use std::sync::Arc;

use firn_storage::{Partition, Snapshot};
use firn_types::{Error, ObjectId, PartitionId, QueryId, Result};
use roaring::RoaringBitmap;

use super::{LoadRecord, SessionSpace};
use crate::account::{Account, TimePoint};
use crate::catalog::{Catalog, CatalogChange};

/// A transaction: a version of everything, and changes on top that nobody else sees before the commit.
///
/// A statement that fails undoes its own changes with [`Transaction::savepoint`] and
/// [`Transaction::roll_back_to`]. Dropping a transaction rolls it back.
#[derive(Debug)]
pub struct Transaction {
    account: Account,
    space: Arc<SessionSpace>,
}

/// A state of a transaction to return to.
#[derive(Clone, Debug)]
pub struct Savepoint {}

/// A block of a sequence's values, for this caller alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceBlock {
    /// The first value.
    pub first: i64,
    /// The distance of one value to the next.
    pub step: i64,
    /// How many.
    pub count: u64,
}

impl Transaction {
    pub(crate) fn new(account: Account, space: Arc<SessionSpace>) -> Transaction {
        Transaction { account, space }
    }

    /// The account.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The version that the transaction sees, with its own changes.
    pub fn catalog(&self) -> Catalog {
        self.account.catalog_for(&self.space)
    }

    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        true
    }

    /// Sees what others committed meanwhile: at the start of a statement, as READ COMMITTED has it.
    ///
    /// # Errors
    /// `LockTimeout` when that conflicts with the transaction's own changes.
    pub fn advance(&mut self) -> Result<()> {
        Err(Error::not_supported("transactions"))
    }

    /// A state to return to when the next statement fails.
    pub fn savepoint(&self) -> Savepoint {
        Savepoint {}
    }

    /// Undoes what was changed since.
    pub fn roll_back_to(&mut self, _savepoint: Savepoint) {}

    /// Applies one step of DDL.
    ///
    /// # Errors
    /// `AlreadyExists`, `ObjectNotFound`.
    pub fn apply(&mut self, _change: CatalogChange) -> Result<()> {
        Err(Error::not_supported("transactions"))
    }

    /// The folder that new micro-partitions of a table or materialized view belong in.
    ///
    /// # Errors
    /// `ObjectNotFound` when the table is gone.
    pub fn data_folder(&self, _table: ObjectId) -> Result<String> {
        Err(Error::not_supported("transactions"))
    }

    /// Adds rows to a table or a materialized view's hidden table.
    ///
    /// # Errors
    /// `ObjectNotFound` when the table is gone.
    pub fn append(&mut self, _table: ObjectId, _added: Vec<Partition>) -> Result<()> {
        Err(Error::not_supported("transactions"))
    }

    /// Deletes rows of one micro-partition, by their positions in the file.
    ///
    /// # Errors
    /// `ObjectNotFound` when the table is gone, an internal error when it has no such partition.
    pub fn delete_rows(
        &mut self,
        _table: ObjectId,
        _partition: &PartitionId,
        _rows: RoaringBitmap,
    ) -> Result<()> {
        Err(Error::not_supported("transactions"))
    }

    /// Removes micro-partitions and adds others: a rewrite.
    ///
    /// # Errors
    /// `ObjectNotFound` when the table is gone, an internal error when it has no such partition.
    pub fn replace_partitions(
        &mut self,
        _table: ObjectId,
        _removed: &[PartitionId],
        _added: Vec<Partition>,
    ) -> Result<()> {
        Err(Error::not_supported("transactions"))
    }

    /// Removes all rows and the load history.
    ///
    /// # Errors
    /// `ObjectNotFound` when the table is gone.
    pub fn truncate(&mut self, _table: ObjectId) -> Result<()> {
        Err(Error::not_supported("transactions"))
    }

    /// Notes what COPY did with files.
    ///
    /// # Errors
    /// `ObjectNotFound` when the table is gone.
    pub fn record_loads(&mut self, _table: ObjectId, _records: Vec<LoadRecord>) -> Result<()> {
        Err(Error::not_supported("transactions"))
    }

    /// The next values of a sequence. They are this caller's for good, whatever becomes of the
    /// transaction.
    ///
    /// # Errors
    /// `ObjectNotFound` when the sequence is gone, `NumberOutOfRange` when it has no more values.
    pub fn next_values(&mut self, _sequence: ObjectId, _count: u64) -> Result<SequenceBlock> {
        Err(Error::not_supported("sequences"))
    }

    /// The rows of a table as they were, the transaction's own changes left out.
    ///
    /// # Errors
    /// As [`Account::snapshot_at`].
    pub fn snapshot_at(&self, table: ObjectId, point: &TimePoint) -> Result<Arc<Snapshot>> {
        self.account.snapshot_at(table, point)
    }

    /// Makes the changes durable and visible, all or none; returns the version that has them.
    ///
    /// # Errors
    /// `LockTimeout` when another transaction changed the same rows or the same definition; nothing of
    /// this transaction then remains.
    pub fn commit(self, _statement: &QueryId) -> Result<u64> {
        Err(Error::not_supported("transactions"))
    }

    /// Forgets the changes.
    pub fn rollback(self) {}
}
