//! Snapshot isolation in firn.
//!
//! ```text
//!   version 7 ──────────────► version 8 ──────────────► version 9      the log: one object each
//!       │                         ▲                         ▲
//!       │  Transaction A: base 7, operations ─ commit: 8 ───┘ │
//!       └─ Transaction B: base 7, operations ─ 8 is taken: conflict? no ─ perform on 8, commit: 9
//! ```
//!
//! A [`Transaction`] holds a base catalog and a list of operations, performed at once on a copy that only
//! it sees. A commit is the creation of the next log object; who loses the race looks whether its
//! operations still make sense ([`conflict`]) and performs them on the newest catalog. Reading a log is
//! performing its operations in order, so that a catalog of the past is a checkpoint and some commits.

mod changes;
mod checkpoint;
mod clone;
mod conflict;
mod convert;
mod first;
mod log;
mod operation;
mod rebase;
mod recover;
mod row_locks;
mod sequence;
mod session_space;
mod storage;
mod time_travel;
mod transaction;
mod vacuum;

pub use changes::{ChangedRows, Changes, changes, rows_alone};
pub(crate) use checkpoint::{CHECKPOINT_COMMITS, LastCheckpoint, Opened};
pub use clone::CLONED;
pub(crate) use conflict::{Conflict, ConflictKind};
pub(crate) use first::first_operations;
pub(crate) use log::{CommitHeader, Log, Logged, READ_AHEAD};
pub(crate) use operation::Operation;
pub(crate) use rebase::{Rebased, Rewrite, RowIds, rebase};
pub(crate) use recover::recover;
pub(crate) use row_locks::RowLocks;
pub use row_locks::{Blocker, LockOwner, RowLock, TransactionNumber};
pub use sequence::SequenceBlock;
pub(crate) use sequence::SequenceBlocks;
pub use session_space::SessionSpace;
pub use storage::HeldBytes;
pub use time_travel::TimePoint;
pub(crate) use time_travel::{Found, HistoricalCatalogs, Timeline, nothing_at};
pub use transaction::{Hold, Savepoint, Transaction};
pub use vacuum::{DeadFiles, Vacuumed};

#[cfg(test)]
mod tests;
