//! Who waits for whom: the changes of this process's open transactions that nobody else may overtake.
//!
//! A statement computes its changes first and then holds them, by
//! [`Transaction::hold`](super::Transaction::hold). Those that meet what another open transaction holds wait
//! until that one has ended, and are computed again on what is there then. So the first one wins, and the
//! second one is not told at its commit that it has lost. Locks are of rows, by their places in files;
//! where rows come to lie in other files meanwhile, by their places there too. A change that follows from all
//! rows of a table holds the table. Other processes are not waited for: who loses against one of them is run
//! again, or fails at the commit.
//!
//! Waiting in a circle is found when the circle would close: the statement that would close it fails.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use firn_types::{Cancel, Error, ErrorCode, ObjectId, PartitionId, QueryId, Result};
use parking_lot::{Condvar, Mutex, MutexGuard};
use roaring::RoaringBitmap;

use super::operation::Operation;
use crate::catalog::{Catalog, LoadStatus};

/// How often one who waits looks whether it is canceled.
const PATIENCE: Duration = Duration::from_millis(50);

/// An open transaction among those of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransactionNumber(u64);

/// What one transaction does to one table's rows, as far as it matters to others.
#[derive(Clone, Debug, Default)]
struct TableChange {
    /// Rows by their positions in files.
    deleted: BTreeMap<PartitionId, RoaringBitmap>,
    /// Files with all their rows.
    removed: BTreeSet<PartitionId>,
    /// All rows.
    truncated: bool,
    /// Follows from all rows of the table.
    depends_on_rows: bool,
    /// Rows come.
    appends: bool,
    /// Staged files with their etags.
    loaded: BTreeSet<(String, String)>,
}

impl TableChange {
    fn add(&mut self, operation: &Operation) {
        match operation {
            Operation::Rows { delta, .. } => {
                for (file, rows) in &delta.deleted {
                    *self.deleted.entry(file.clone()).or_default() |= rows;
                }
                self.removed.extend(delta.removed.iter().cloned());
                self.truncated |= delta.truncated;
                self.depends_on_rows |= delta.depends_on_rows;
                self.appends |= !delta.added.is_empty();
            }
            Operation::Loads { records, .. } => {
                let loaded = records.iter().filter(|record| record.status != LoadStatus::Failed);
                self.loaded.extend(loaded.map(|record| (record.path.clone(), record.etag.clone())));
            }
            Operation::Catalog(_) | Operation::Reserve { .. } => {}
        }
    }

    fn takes_rows(&self) -> bool {
        self.truncated || !self.removed.is_empty() || !self.deleted.is_empty()
    }

    fn changes_rows(&self) -> bool {
        self.appends || self.takes_rows()
    }

    /// Whether only one of two changes can be made as it is.
    fn meets(&self, other: &TableChange) -> bool {
        let one_way = |one: &TableChange, other: &TableChange| {
            let files = |file: &PartitionId| {
                other.removed.contains(file) || other.deleted.contains_key(file)
            };
            one.depends_on_rows && other.changes_rows()
                || one.truncated && other.takes_rows()
                || one.removed.iter().any(files)
        };
        let rows = self.deleted.iter().any(|(file, rows)| {
            other.deleted.get(file).is_some_and(|others| !rows.is_disjoint(others))
        });
        rows || one_way(self, other)
            || one_way(other, self)
            || !self.loaded.is_disjoint(&other.loaded)
    }
}

/// What a transaction does to rows, table by table.
type Changes = HashMap<ObjectId, TableChange>;

fn changes_of(operations: &[Operation]) -> Changes {
    let mut changes = Changes::new();
    add_changes(&mut changes, operations);
    changes
}

fn add_changes(changes: &mut Changes, operations: &[Operation]) {
    for operation in operations {
        if let Operation::Rows { table, .. } | Operation::Loads { table, .. } = operation {
            changes.entry(*table).or_default().add(operation);
        }
    }
}

/// What the open transactions of a process hold.
#[derive(Debug, Default)]
pub(crate) struct RowLocks {
    state: Mutex<State>,
    /// A transaction has ended, or holds less.
    released: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    holders: HashMap<TransactionNumber, Holder>,
    /// Those that wait.
    waiting: HashMap<TransactionNumber, Waiting>,
}

/// A transaction that waits for another one.
#[derive(Debug)]
struct Waiting {
    blocker: TransactionNumber,
    table: ObjectId,
    owner: LockOwner,
}

/// Who holds or wants rows.
#[derive(Clone, Debug)]
pub struct LockOwner {
    /// The transaction: nanoseconds since 1970 UTC at its start, which users know it by.
    pub transaction_nanos: i64,
    /// The last statement.
    pub statement: QueryId,
    /// When it was: nanoseconds since 1970 UTC.
    pub nanos: i64,
}

/// Rows of a table that somebody holds or waits for, as SHOW LOCKS tells it.
#[derive(Clone, Debug)]
pub struct RowLock {
    /// The table.
    pub table: ObjectId,
    /// Whose.
    pub owner: LockOwner,
    /// Whether they are held, or waited for.
    pub held: bool,
}

#[derive(Debug)]
struct Holder {
    owner: LockOwner,
    changes: Changes,
    /// How often it has held less than before.
    reduced: u64,
    /// The version that its operations are made on.
    base: Catalog,
    operations: Arc<Vec<Operation>>,
    /// The newest version whose files are looked at: rows may lie in others later.
    version: u64,
}

/// A transaction that holds rows by their places in a version that is not the newest any more.
pub(crate) struct Outdated {
    pub(crate) number: TransactionNumber,
    pub(crate) base: Catalog,
    pub(crate) operations: Arc<Vec<Operation>>,
    pub(crate) version: u64,
}

/// The transaction that holds what another one wants.
#[derive(Clone, Debug)]
pub struct Blocker {
    number: TransactionNumber,
    transaction_nanos: i64,
    table: ObjectId,
    /// How often it had held less than before when it was met.
    reduced: u64,
}

impl RowLocks {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// A number for a transaction that begins.
    pub(crate) fn number(&self) -> TransactionNumber {
        let mut state = self.state();
        state.next += 1;
        TransactionNumber(state.next)
    }

    /// Holds what a transaction changes on top of `base`, in place of what it held; who is in its way, if
    /// anyone is: it then holds what it held before. `moved` are the same operations by the places that rows
    /// have in a newer version: they count by both.
    pub(crate) fn hold(
        &self,
        number: TransactionNumber,
        owner: &LockOwner,
        base: &Catalog,
        operations: &[Operation],
        moved: Option<&[Operation]>,
    ) -> Option<Blocker> {
        let mut changes = changes_of(operations);
        add_changes(&mut changes, moved.unwrap_or_default());
        if changes.is_empty() {
            return None;
        }
        let mut state = self.state();
        let others = state.holders.iter().filter(|(other, _)| **other != number);
        for (other, holder) in others {
            let met = |table: &&ObjectId| {
                holder.changes.get(table).is_some_and(|held| changes[*table].meets(held))
            };
            if let Some(table) = changes.keys().find(met) {
                return Some(Blocker {
                    number: *other,
                    transaction_nanos: holder.owner.transaction_nanos,
                    table: *table,
                    reduced: holder.reduced,
                });
            }
        }
        let holder = Holder {
            owner: owner.clone(),
            changes,
            reduced: state.holders.get(&number).map_or(0, |holder| holder.reduced),
            base: base.clone(),
            operations: Arc::new(operations.to_vec()),
            version: base.version(),
        };
        state.holders.insert(number, holder);
        None
    }

    /// Holds less: what a transaction still changes after some of it was undone.
    pub(crate) fn keep_only(&self, number: TransactionNumber, operations: &[Operation]) {
        let mut state = self.state();
        let Some(holder) = state.holders.get_mut(&number) else { return };
        if holder.operations.len() == operations.len() {
            return;
        }
        holder.changes = changes_of(operations);
        holder.operations = Arc::new(operations.to_vec());
        holder.version = holder.base.version();
        holder.reduced += 1;
        drop(state);
        self.released.notify_all();
    }

    /// Those beside `number` that hold rows by their places in versions before this one.
    pub(crate) fn outdated(&self, number: TransactionNumber, version: u64) -> Vec<Outdated> {
        let state = self.state();
        let others = state.holders.iter().filter(|(other, _)| **other != number);
        let old = others.filter(|(_, holder)| holder.version < version);
        let outdated = old.map(|(number, holder)| Outdated {
            number: *number,
            base: holder.base.clone(),
            operations: Arc::clone(&holder.operations),
            version: holder.version,
        });
        outdated.collect()
    }

    /// Also holds the rows of one that was outdated by the places that they have in a newer version.
    pub(crate) fn add_places(&self, known: &Outdated, moved: &[Operation], version: u64) {
        let mut state = self.state();
        let Some(holder) = state.holders.get_mut(&known.number) else { return };
        if Arc::ptr_eq(&holder.operations, &known.operations) {
            add_changes(&mut holder.changes, moved);
            holder.version = version;
        }
    }

    /// Lets go of everything that a transaction holds.
    pub(crate) fn release(&self, number: TransactionNumber) {
        let was_there = self.state().holders.remove(&number).is_some();
        if was_there {
            self.released.notify_all();
        }
    }

    /// All that is held and waited for.
    pub(crate) fn list(&self) -> Vec<RowLock> {
        let state = self.state();
        let mut locks = Vec::new();
        for holder in state.holders.values() {
            let of = |table: &ObjectId| RowLock {
                table: *table,
                owner: holder.owner.clone(),
                held: true,
            };
            locks.extend(holder.changes.keys().map(of));
        }
        let wanted = |waiting: &Waiting| RowLock {
            table: waiting.table,
            owner: waiting.owner.clone(),
            held: false,
        };
        locks.extend(state.waiting.values().map(wanted));
        locks
    }

    /// Waits until the blocker has let go of something.
    ///
    /// # Errors
    /// `LockTimeout` after that time, or when the blocker waits for this very transaction; `Canceled`.
    pub(crate) fn wait(
        &self,
        (number, owner): (TransactionNumber, LockOwner),
        blocker: &Blocker,
        patience: Duration,
        cancel: &Cancel,
    ) -> Result<()> {
        let start = Instant::now();
        let mut state = self.state();
        let failed = |text: String| Err(Error::new(ErrorCode::LockTimeout, text));
        let transaction = blocker.transaction_nanos;
        if state.waits_in_circle(number, blocker.number) {
            return failed(format!(
                "Deadlock: transaction {transaction} holds rows that this statement changes, and waits for \
                 rows that its own transaction holds."
            ));
        }
        let (blocker_number, table) = (blocker.number, blocker.table);
        state.waiting.insert(number, Waiting { blocker: blocker_number, table, owner });
        let in_the_way = |state: &State| {
            let holder = state.holders.get(&blocker.number);
            holder.is_some_and(|holder| holder.reduced == blocker.reduced)
        };
        let mut outcome = Ok(());
        while outcome.is_ok() && in_the_way(&state) {
            outcome = match patience.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
                Some(left) => {
                    self.released.wait_for(&mut state, left.min(PATIENCE));
                    cancel.check()
                }
                None => failed(format!(
                    "Transaction {transaction} has locked rows that this statement changes, and has not \
                     released them within LOCK_TIMEOUT."
                )),
            };
        }
        state.waiting.remove(&number);
        outcome
    }
}

impl State {
    /// Whether `other` waits for `number`, or for somebody who does.
    fn waits_in_circle(&self, number: TransactionNumber, other: TransactionNumber) -> bool {
        let mut at = other;
        while let Some(waiting) = self.waiting.get(&at) {
            if waiting.blocker == number {
                return true;
            }
            at = waiting.blocker;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use firn_storage::SnapshotDelta;

    use super::*;

    const TABLE: ObjectId = ObjectId(7);
    const MINUTE: Duration = Duration::from_secs(60);

    fn owner() -> LockOwner {
        LockOwner { transaction_nanos: 1, statement: QueryId("q".to_string()), nanos: 2 }
    }

    fn nothing() -> Catalog {
        Catalog::new(0, Arc::default(), Arc::default())
    }

    fn deletes(file: &str, rows: &[u32]) -> Vec<Operation> {
        let rows = rows.iter().copied().collect();
        let deleted = BTreeMap::from([(PartitionId(file.to_string()), rows)]);
        let delta = SnapshotDelta { deleted, ..SnapshotDelta::default() };
        vec![Operation::Rows { table: TABLE, delta }]
    }

    fn removes(file: &str) -> Vec<Operation> {
        let removed = BTreeSet::from([PartitionId(file.to_string())]);
        let delta = SnapshotDelta { removed, ..SnapshotDelta::default() };
        vec![Operation::Rows { table: TABLE, delta }]
    }

    #[test]
    fn rows_are_held_by_one_at_a_time() {
        let locks = RowLocks::default();
        let [one, other] = [locks.number(), locks.number()];
        let hold = |number, operations: &[Operation]| {
            let blocker = locks.hold(number, &owner(), &nothing(), operations, None);
            blocker.map(|blocker| blocker.number)
        };
        assert_eq!(hold(one, &deletes("a", &[1, 2])), None);
        assert_eq!(hold(other, &deletes("a", &[2, 3])), Some(one));
        assert_eq!(hold(other, &removes("a")), Some(one));
        assert_eq!(hold(other, &deletes("a", &[3])), None);
        assert_eq!(hold(one, &deletes("a", &[1, 2, 3])), Some(other));
        locks.keep_only(other, &[]);
        assert_eq!(hold(one, &deletes("a", &[1, 2, 3])), None);
        locks.release(one);
        assert_eq!(hold(other, &removes("a")), None);
    }

    #[test]
    fn a_circle_is_found_and_a_wait_ends() -> Result<()> {
        let locks = Arc::new(RowLocks::default());
        let [one, other] = [locks.number(), locks.number()];
        assert!(locks.hold(one, &owner(), &nothing(), &deletes("a", &[1]), None).is_none());
        assert!(locks.hold(other, &owner(), &nothing(), &deletes("b", &[1]), None).is_none());
        let wanted = [deletes("a", &[1]), deletes("b", &[1])].concat();
        let of_one = locks
            .hold(one, &owner(), &nothing(), &wanted, None)
            .ok_or_else(|| Error::internal("free"))?;
        let of_other = locks
            .hold(other, &owner(), &nothing(), &wanted, None)
            .ok_or_else(|| Error::internal("free"))?;
        let waiting = Arc::clone(&locks);
        let waits = thread::spawn(move || {
            waiting.wait((one, owner()), &of_one, MINUTE, &Cancel::default()).is_ok()
        });
        while !locks.state().waiting.contains_key(&one) {
            thread::yield_now();
        }
        let circle = locks.wait((other, owner()), &of_other, MINUTE, &Cancel::default());
        assert!(circle.is_err_and(|error| error.to_string().contains("Deadlock")));
        locks.release(other);
        assert!(waits.join().is_ok_and(|ended| ended));
        let late = locks.wait((other, owner()), &of_other, Duration::ZERO, &Cancel::default());
        assert!(late.is_err_and(|error| error.code() == ErrorCode::LockTimeout));
        Ok(())
    }
}
