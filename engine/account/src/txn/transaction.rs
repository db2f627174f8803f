//! What one transaction sees and will write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use firn_storage::{Partition, Snapshot, SnapshotDelta, path};
use firn_types::{Cancel, Error, ErrorCode, ObjectId, PartitionId, QueryId, Result};
use roaring::RoaringBitmap;

use super::operation::Operation;
use super::row_locks::{Blocker, LockOwner, TransactionNumber};
use super::sequence::{SequenceBlock, block_until, counter_after};
use super::{SessionSpace, TimePoint};
use crate::account::{Account, lock};
use crate::catalog::{Catalog, CatalogChange, CommitStamp, Object, Sequence, Stream};
use crate::catalog::{LoadRecord, PENDING};
use crate::commit::Rebase;

/// A transaction: a version of everything, and changes on top that nobody else sees before the commit.
///
/// A statement that fails undoes its own changes with [`Transaction::savepoint`] and
/// [`Transaction::roll_back_to`]. Dropping a transaction rolls it back.
#[derive(Debug)]
pub struct Transaction {
    account: Account,
    space: Arc<SessionSpace>,
    state: Savepoint,
    statements: Vec<QueryId>,
    started_nanos: i64,
    /// The version of the account when it began.
    start: u64,
    name: Option<String>,
    /// Whether more than one statement may run in it.
    spans_statements: bool,
    /// Who it is among the open ones of the process.
    number: TransactionNumber,
}

/// Whether a transaction holds what it has changed.
#[derive(Debug)]
pub enum Hold {
    /// It does.
    Held,
    /// Another one holds some of it. Once that has ended, the last statement is to be run again.
    Blocked(Blocker),
    /// Others have committed a change of the same meanwhile: the last statement is to be run again.
    Overtaken,
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.account.row_locks().release(self.number);
    }
}

/// A state of a transaction to return to.
#[derive(Clone, Debug)]
pub struct Savepoint {
    /// What the changes are made on.
    base: Catalog,
    /// The same with the changes.
    pending: Catalog,
    /// The changes that the log will have.
    operations: Vec<Operation>,
    /// Whether the session's own objects changed.
    own_changes: bool,
    /// Streams that were consumed, as they were before.
    consumed: BTreeMap<ObjectId, Arc<Stream>>,
}

impl Transaction {
    pub(crate) fn new(account: Account, space: Arc<SessionSpace>) -> Transaction {
        let base = account.catalog_for(&space);
        let start = base.version();
        let state = Savepoint {
            pending: base.clone(),
            base,
            operations: Vec::new(),
            own_changes: false,
            consumed: BTreeMap::new(),
        };
        let started_nanos = account.clock().now_nanos();
        let number = account.row_locks().number();
        Transaction {
            account,
            space,
            state,
            statements: Vec::new(),
            started_nanos,
            start,
            name: None,
            spans_statements: false,
            number,
        }
    }

    /// The account.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// When it began: nanoseconds since 1970 UTC.
    pub fn started_nanos(&self) -> i64 {
        self.started_nanos
    }

    /// The version of the account when it began.
    pub fn start_version(&self) -> u64 {
        self.start
    }

    /// The streams that it has consumed, as they were before.
    pub fn consumed(&self) -> &BTreeMap<ObjectId, Arc<Stream>> {
        &self.state.consumed
    }

    /// Moves a stream on with the commit; until then the transaction goes on to see what it showed.
    ///
    /// # Errors
    /// `LockTimeout` when another transaction has consumed it since it was read.
    pub fn consume(&mut self, read: &Arc<Stream>, next: Stream) -> Result<()> {
        let id = read.header.id;
        if self.state.consumed.contains_key(&id) {
            return Ok(());
        }
        let now = self.state.pending.object(id).and_then(Object::as_stream);
        if now.is_none_or(|now| now.offset != read.offset || now.initial != read.initial) {
            let text = format!("Stream {} was consumed by another transaction.", read.header.name);
            return Err(Error::new(ErrorCode::LockTimeout, text));
        }
        self.apply(CatalogChange::alter(next))?;
        self.state.consumed.insert(id, Arc::clone(read));
        Ok(())
    }

    /// The name that it was begun with; its id unless there was one.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.id())
    }

    /// Gives it a name.
    pub fn set_name(&mut self, name: Option<String>) {
        self.name = name;
    }

    /// What users know it by.
    pub fn id(&self) -> String {
        self.started_nanos.to_string()
    }

    /// The version that the transaction sees, with its own changes.
    pub fn catalog(&self) -> Catalog {
        self.state.pending.clone()
    }

    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.state.operations.is_empty() && !self.state.own_changes
    }

    /// Sees what others committed meanwhile: at the start of a statement, as READ COMMITTED has it.
    ///
    /// # Errors
    /// `Storage` when the log cannot be read; `LockTimeout` when what others did conflicts with the
    /// transaction's own changes, which then can only be rolled back.
    pub fn refresh_read_version(&mut self) -> Result<()> {
        self.account.refresh()?;
        let (newest, moved) = self.account.rebased(&self.state.base, &self.state.operations)?;
        if newest.version() == self.state.base.version() {
            return Ok(());
        }
        if let Some(moved) = moved {
            self.state.operations = moved;
        }
        let session = Arc::clone(self.state.pending.session_overlay());
        let mut pending = newest.with_session(session);
        for operation in &self.state.operations {
            pending.perform(operation, self.stamp())?;
        }
        self.state.pending = pending;
        self.state.base = newest.with_session(self.space.overlay());
        Ok(())
    }

    /// Says that more than one statement may run in it, as after BEGIN. TRUNCATE then removes only rows
    /// that the transaction has seen: what it did before may rest on them.
    pub fn span_statements(&mut self) {
        self.spans_statements = true;
    }

    /// A state to return to when the next statement fails.
    pub fn savepoint(&self) -> Savepoint {
        self.state.clone()
    }

    /// Undoes what was changed since.
    pub fn roll_back_to(&mut self, savepoint: Savepoint) {
        self.state = savepoint;
        self.account.row_locks().keep_only(self.number, &self.state.operations);
    }

    /// Holds what the transaction has changed until it ends, so that other transactions of this process wait
    /// rather than overtake it.
    ///
    /// # Errors
    /// `Storage` when the log or a list of micro-partitions cannot be read.
    pub fn hold(&self, statement: &QueryId) -> Result<Hold> {
        let operations = &self.state.operations;
        let rebased = || match self.account.rebased(&self.state.base, operations) {
            Ok((_, moved)) => Ok(Some(moved)),
            Err(error) if error.code() == ErrorCode::LockTimeout => Ok(None),
            Err(error) => Err(error),
        };
        let Some(moved) = rebased()? else { return Ok(Hold::Overtaken) };
        self.account.update_row_locks(self.number)?;
        let (owner, base) = (self.lock_owner(statement), &self.state.base);
        let locks = self.account.row_locks();
        let blocker = locks.hold(self.number, &owner, base, operations, moved.as_deref());
        if let Some(blocker) = blocker {
            return Ok(Hold::Blocked(blocker));
        }
        // Whoever has committed before this held them was not kept from it.
        Ok(if rebased()?.is_some() { Hold::Held } else { Hold::Overtaken })
    }

    /// Lets a statement wait until the blocker has let go of something.
    ///
    /// # Errors
    /// `LockTimeout` after that time, and at once when the blocker waits for this transaction; `Canceled`.
    pub fn wait_for(
        &self,
        blocker: &Blocker,
        statement: &QueryId,
        patience: Duration,
        cancel: &Cancel,
    ) -> Result<()> {
        let owner = self.lock_owner(statement);
        self.account.row_locks().wait((self.number, owner), blocker, patience, cancel)
    }

    fn lock_owner(&self, statement: &QueryId) -> LockOwner {
        LockOwner {
            transaction_nanos: self.started_nanos,
            statement: statement.clone(),
            nanos: self.account.clock().now_nanos(),
        }
    }

    /// Notes a statement whose effects the commit will have: time travel finds it by this id.
    pub fn note(&mut self, statement: &QueryId) {
        self.statements.push(statement.clone());
    }

    /// Applies one step of DDL.
    ///
    /// # Errors
    /// `AlreadyExists`, `ObjectNotFound`.
    pub fn apply(&mut self, change: CatalogChange) -> Result<()> {
        let temporary = match &change {
            CatalogChange::Create { object, .. } => object.is_temporary(),
            change => change.touches().iter().any(|id| self.is_own_id(*id)),
        };
        self.perform(Operation::Catalog(change), temporary)
    }

    /// The folder that new micro-partitions of a table or materialized view belong in.
    ///
    /// # Errors
    /// `ObjectNotFound` when the table is gone.
    pub fn data_folder(&self, table: ObjectId) -> Result<String> {
        let object = self.state.pending.object_or_err(table)?;
        Ok(match object.is_temporary() {
            true => self.space.data_folder(table),
            false => path::table_data(table),
        })
    }

    /// Adds rows to a table or a materialized view's hidden table.
    ///
    /// # Errors
    /// `ObjectNotFound` when the table is gone.
    pub fn append(&mut self, table: ObjectId, added: Vec<Partition>) -> Result<()> {
        self.change(table, SnapshotDelta { added, ..SnapshotDelta::default() })
    }

    /// Deletes rows of one micro-partition, by their positions in the file.
    ///
    /// # Errors
    /// `ObjectNotFound` when the table is gone, an internal error when it has no such partition.
    pub fn delete_rows(
        &mut self,
        table: ObjectId,
        partition: &PartitionId,
        rows: RoaringBitmap,
    ) -> Result<()> {
        let deleted = BTreeMap::from([(partition.clone(), rows)]);
        self.change(table, SnapshotDelta { deleted, ..SnapshotDelta::default() })
    }

    /// Removes micro-partitions and adds others: a rewrite. Rows that are the same as before must be
    /// written with their ids (`WriterOptions::row_ids`).
    ///
    /// # Errors
    /// `ObjectNotFound` when the table is gone, an internal error when it has no such partition.
    pub fn replace_partitions(
        &mut self,
        table: ObjectId,
        removed: &[PartitionId],
        added: Vec<Partition>,
    ) -> Result<()> {
        let removed = removed.iter().cloned().collect();
        self.change(table, SnapshotDelta { added, removed, ..SnapshotDelta::default() })
    }

    /// Does all that one statement does to a table's rows at once.
    ///
    /// # Errors
    /// `ObjectNotFound` when the table is gone, an internal error when it lacks a named partition.
    pub fn change(&mut self, table: ObjectId, mut delta: SnapshotDelta) -> Result<()> {
        if delta.is_empty() {
            return Ok(());
        }
        delta.depends_on_rows |= delta.truncated && self.spans_statements;
        let own = self.is_own_id(table);
        self.perform(Operation::Rows { table, delta }, own)
    }

    /// The account's tables and materialized views whose rows change, without a session's own.
    pub fn changed_tables(&self) -> BTreeSet<ObjectId> {
        let table = |operation: &Operation| match operation {
            Operation::Rows { table, .. } => Some(*table),
            _ => None,
        };
        self.state.operations.iter().filter_map(table).collect()
    }

    /// Removes all rows and the load history. Rows that others add before the commit go, too, unless the
    /// transaction spans statements; they are then a conflict.
    ///
    /// # Errors
    /// `ObjectNotFound` when the table is gone.
    pub fn truncate(&mut self, table: ObjectId) -> Result<()> {
        self.change(table, SnapshotDelta { truncated: true, ..SnapshotDelta::default() })
    }

    /// Notes what COPY did with files.
    ///
    /// # Errors
    /// `ObjectNotFound` when the table is gone.
    pub fn record_loads(&mut self, table: ObjectId, records: Vec<LoadRecord>) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let own = self.is_own_id(table);
        let records = records.into_iter().map(Arc::new).collect();
        self.perform(Operation::Loads { table, records }, own)
    }

    /// The next values of a sequence. They are this caller's for good, whatever becomes of the
    /// transaction.
    ///
    /// # Errors
    /// `ObjectNotFound` when the sequence is gone, `NumberOutOfRange` when it has no more values.
    pub fn next_values(&mut self, sequence: ObjectId, count: u64) -> Result<SequenceBlock> {
        let found = self.state.pending.object_or_err(sequence)?;
        let Some(found) = found.as_sequence().cloned() else {
            return Err(Error::internal("values of what is no sequence"));
        };
        let known = self.account.catalog().object(sequence).is_some();
        if known && !found.temporary {
            return self.account.next_values(&found, count);
        }
        let next = counter_after(&found, count)?;
        let reserve = Operation::Reserve { sequence, next };
        if found.temporary {
            // Not undone by a rollback either.
            self.space.update(|catalog| match catalog.object(sequence) {
                Some(_) => catalog.perform(&reserve, self.stamp()),
                None => Ok(()),
            })?;
        }
        self.perform(reserve, found.temporary)?;
        Ok(SequenceBlock { first: found.next_value, step: found.step, count })
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
    pub fn commit(mut self, statement: &QueryId) -> Result<u64> {
        let mut version = self.state.base.version();
        if !self.state.operations.is_empty() {
            if !self.statements.contains(statement) {
                self.statements.push(statement.clone());
            }
            let base = &self.state.base;
            let committed = self.account.commit(base, &self.state.operations, &self.statements)?;
            version = committed.version();
        }
        if self.state.own_changes {
            self.space.replace(Arc::clone(self.state.pending.session_overlay()));
        }
        Ok(version)
    }

    /// As [`Transaction::commit`], for what the engine does by itself: no statement is noted for it.
    ///
    /// # Errors
    /// As [`Transaction::commit`].
    pub fn commit_unnoted(self) -> Result<()> {
        self.account.commit(&self.state.base, &self.state.operations, &[]).map(|_| ())
    }

    /// The rows of a table of the account as others see them, whose ids are fixed; none of a table that the
    /// transaction has created.
    pub fn committed_rows(&self, table: ObjectId) -> Option<&Arc<Snapshot>> {
        self.state.base.object(table)?.rows()
    }

    /// Forgets the changes.
    pub fn rollback(self) {}

    fn perform(&mut self, operation: Operation, own: bool) -> Result<()> {
        // A change that fails half way leaves nothing behind.
        let mut pending = self.state.pending.clone();
        pending.perform(&operation, self.stamp())?;
        self.state.pending = pending;
        if own {
            self.state.own_changes = true;
        } else {
            self.state.operations.push(operation);
        }
        Ok(())
    }

    fn stamp(&self) -> CommitStamp {
        CommitStamp { version: PENDING, nanos: self.account.clock().now_nanos() }
    }

    /// Whether an object is the session's own.
    fn is_own_id(&self, id: ObjectId) -> bool {
        self.state.pending.object(id).is_some_and(Object::is_temporary)
    }
}

impl Account {
    /// The next values of a sequence of the account.
    ///
    /// # Errors
    /// `ObjectNotFound` when the sequence is gone, `NumberOutOfRange` when it has no more values.
    pub(crate) fn next_values(&self, sequence: &Sequence, count: u64) -> Result<SequenceBlock> {
        let id = sequence.header.id;
        let reserving = {
            let mut blocks = self.sequences();
            if let Some(block) = blocks.take(id, sequence.step, count) {
                return Ok(block);
            }
            blocks.reserving(id)
        };
        // Other sequences are not held up meanwhile.
        let _reserving = lock(&reserving);
        loop {
            let base = self.catalog();
            let newest = base.object_or_err(id)?.as_sequence().cloned();
            let newest = newest.ok_or_else(|| Error::internal("values of what is no sequence"))?;
            if let Some(block) = self.sequences().take(id, newest.step, count) {
                return Ok(block);
            }
            let wanted = self.sequences().wanted(id, newest.ordered, count);
            let next = counter_after(&newest, wanted).or_else(|_| counter_after(&newest, count))?;
            let block = block_until(&newest, next)?;
            if !self.reserve(&base, id, next)? {
                continue;
            }
            self.sequences().add(id, block, next);
        }
    }

    /// The value that a sequence gives next, as far as this process knows.
    pub fn next_value(&self, sequence: &Sequence) -> i64 {
        self.sequences().left(sequence).map_or(sequence.next_value, |left| left.first)
    }

    /// Commits a sequence's counter on exactly this base; tells whether that was still the newest.
    fn reserve(&self, base: &Catalog, sequence: ObjectId, next: i64) -> Result<bool> {
        let operations = [Operation::Reserve { sequence, next }];
        self.commit_on(base, &operations, &[], Rebase::ExactBaseRequired)
            .map(|committed| committed.is_some())
    }
}
