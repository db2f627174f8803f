//! The account: what exists in it, and how it changes.
//!
//! [`catalog`] is one immutable version of all descriptions. [`txn`] makes the next version out of it:
//! the log, transactions, conflicts, time travel, load history. [`Account`] is both at work.

mod account;
pub mod catalog;
mod commit;
pub mod txn;

pub use account::{Account, no_past};
pub use catalog::{Catalog, CatalogChange};
pub use txn::{SessionSpace, TimePoint, Transaction};
