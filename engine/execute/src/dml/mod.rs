//! Statements that write rows: INSERT, UPDATE, DELETE, MERGE and COPY.
//!
//! ```text
//! source plan ─► batches on all threads ─► NewRows: values, conversions, NOT NULL ─► RowsWriter ─► micro-partitions
//!                     └► locators of old rows ─► Touched ─► rows that are gone ─► SnapshotDelta of a Transaction
//! new values of some columns ─► ChangedRows, by micro-partition ─► few rows: whole rows to a RowsWriter
//!                                                                └► most rows: a file with some columns anew
//! ```
//!
//! Nothing here commits: a statement adds what it did to the transaction that it is given. Statements that
//! change rows must be planned on the version that the transaction sees ([`is_current`]).

mod changed_rows;
mod cluster;
mod compact;
mod copy;
mod copy_into_stage;
mod delete;
mod insert;
mod insert_many;
mod merge;
mod new_rows;
mod old_rows;
mod pending;
mod replace;
mod source;
mod touched;
mod update;
mod writer;

pub use compact::compact;
pub use copy::{Copied, LoadedFiles, OpenStage, copy_into_table, files_for_pipe};
pub use copy_into_stage::{Unloaded, copy_into_stage};
pub use delete::delete;
pub use insert::insert;
pub use insert_many::{ClusterKeys, insert_many};
pub use merge::{MergeCounts, merge};
pub use touched::is_current;
pub use update::{UpdateCounts, update};

#[cfg(test)]
mod tests;
