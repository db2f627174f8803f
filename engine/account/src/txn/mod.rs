//! Transactions, time travel and the log: see [`Transaction`] and [`Account`](crate::Account).

mod load_history;
mod session_space;
mod transaction;

pub use load_history::{LoadError, LoadHistory, LoadRecord, LoadStatus};
pub use session_space::SessionSpace;
pub use transaction::{Savepoint, SequenceBlock, Transaction};

/// The version of what is not committed yet.
pub const PENDING: u64 = u64::MAX;
