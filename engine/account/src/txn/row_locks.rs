//! Who waits for whom: the changes of this process's open transactions that nobody else may overtake.
//!
//! A statement computes its changes first and then holds them ([`Transaction::hold`](super::Transaction::hold)).
//! Those that meet what another open transaction holds wait until that one has ended, and are computed again
//! on what is there then. So the first one wins, and the second one is not told at its commit that it
//! has lost. Locks are of rows, by their places in files; where rows come to lie in other files meanwhile, by their places
//! there too. A change that follows from all rows of a table holds the table. Other processes are not waited for: who loses against one of them
//! is run again, or fails at the commit.
//!
//! Waiting in a circle is found when the circle would close: the statement that would close it fails.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use firn_types::{Cancel, Error, ErrorCode, ObjectId, PartitionId, Result};
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
    /// Each one that waits, and for whom.
    waits_for: HashMap<TransactionNumber, TransactionNumber>,
}

#[derive(Debug)]
struct Holder {
    /// What users know the transaction by.
    id: String,
    changes: Changes,
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
    /// What users know it by.
    pub transaction: String,
    /// The table.
    pub table: ObjectId,
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
        (number, id): (TransactionNumber, &str),
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
                let transaction = holder.id.clone();
                return Some(Blocker { number: *other, transaction, table: *table });
            }
        }
        let holder = Holder {
            id: id.to_string(),
            changes,
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
        holder.changes = changes_of(operations);
        holder.operations = Arc::new(operations.to_vec());
        holder.version = holder.base.version();
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

    /// Waits until the blocker has let go of something.
    ///
    /// # Errors
    /// `LockTimeout` after that many seconds, or when the blocker waits for this very transaction; `Canceled`.
    pub(crate) fn wait(
        &self,
        number: TransactionNumber,
        blocker: &Blocker,
        seconds: u64,
        cancel: &Cancel,
    ) -> Result<()> {
        let start = Instant::now();
        let mut state = self.state();
        if state.waits_in_circle(number, blocker.number) {
            let text = format!(
                "Deadlock: transaction {} holds rows that this statement changes, and waits for rows that \
                 its own transaction holds.",
                blocker.transaction
            );
            return Err(Error::new(ErrorCode::LockTimeout, text));
        }
        state.waits_for.insert(number, blocker.number);
        let outcome = loop {
            if !state.holders.contains_key(&blocker.number) {
                break Ok(());
            }
            if let Err(error) = cancel.check() {
                break Err(error);
            }
            let left = Duration::from_secs(seconds).checked_sub(start.elapsed());
            let Some(left) = left.filter(|left| !left.is_zero()) else {
                let text = format!(
                    "Transaction {} has locked rows that this statement changes, and has not released them \
                     within {seconds} seconds (LOCK_TIMEOUT).",
                    blocker.transaction
                );
                break Err(Error::new(ErrorCode::LockTimeout, text));
            };
            let woken = self.released.wait_for(&mut state, left.min(PATIENCE));
            // It may have undone just what was in the way.
            if !woken.timed_out() {
                break Ok(());
            }
        };
        state.waits_for.remove(&number);
        outcome
    }
}

impl State {
    /// Whether `other` waits for `number`, or for somebody who does.
    fn waits_in_circle(&self, number: TransactionNumber, other: TransactionNumber) -> bool {
        let mut at = other;
        while let Some(next) = self.waits_for.get(&at) {
            if *next == number {
                return true;
            }
            at = *next;
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
            let blocker = locks.hold((number, "x"), &nothing(), operations, None);
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
        assert!(locks.hold((one, "1"), &nothing(), &deletes("a", &[1]), None).is_none());
        assert!(locks.hold((other, "2"), &nothing(), &deletes("b", &[1]), None).is_none());
        let wanted = [deletes("a", &[1]), deletes("b", &[1])].concat();
        let of_one = locks
            .hold((one, "1"), &nothing(), &wanted, None)
            .ok_or_else(|| Error::internal("free"))?;
        let of_other = locks
            .hold((other, "2"), &nothing(), &wanted, None)
            .ok_or_else(|| Error::internal("free"))?;
        let waiting = Arc::clone(&locks);
        let waits =
            thread::spawn(move || waiting.wait(one, &of_one, 60, &Cancel::default()).is_ok());
        while !locks.state().waits_for.contains_key(&one) {
            thread::yield_now();
        }
        let circle = locks.wait(other, &of_other, 60, &Cancel::default());
        assert!(circle.is_err_and(|error| error.to_string().contains("Deadlock")));
        locks.release(other);
        assert!(waits.join().is_ok_and(|ended| ended));
        let late = locks.wait(other, &of_other, 0, &Cancel::default());
        assert!(late.is_err_and(|error| error.code() == ErrorCode::LockTimeout));
        Ok(())
    }
}
