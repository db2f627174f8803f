//! The table format: what the files of an account hold, and who points to whom.
//!
//! ```text
//! ACCOUNT/
//!   log/00000000000000000042        one commit, created only if absent
//!   checkpoint/00000000000000000040 everything at that version, so that opening is fast
//!   data/<table id>/<uuid>.parquet  micro-partitions, never changed
//!   meta/<table id>/<uuid>          long lists of micro-partitions and of loads, never changed
//!   stages/<stage id>/...           files of internal stages
//!   temporary/<uuid>/...            what a session keeps for itself
//! ```
//!
//! A commit points to micro-partitions and lists; both are durable before it exists. This crate reads and
//! writes the files; what a commit means is the account's matter. Storage never sees an expression: it
//! skips by [`ScanPredicate`](firn_types::scan_predicate::ScanPredicate).
//!
//! Reading order: [`ObjectAccess`], [`Partition`] and [`Snapshot`], [`PartitionWriter`],
//! [`PartitionReader`], [`shredding`], [`prune`], [`ColumnCache`].

pub mod cache;
pub mod checksum;
mod folder;
pub mod format;
pub mod object;
pub mod parallel;
pub mod partition;
pub mod path;
pub mod prune;
mod sealed;
pub mod shredding;
pub mod snapshot;
pub mod statistics;

pub use cache::ColumnCache;
pub use object::{ObjectAccess, ObjectInfo};
pub use partition::{
    Chunks, FooterSeal, PartitionReader, PartitionWriter, ROW_ID_FIELD, ReadColumn, Replacement,
    RowGroup, RowSelection, StoredColumn, WriterOptions, value_bytes,
};
pub use prune::{Prune, prune};
pub use sealed::{MasterKey, rotate_key};
pub use shredding::{FieldPaths, PathType, PathValues};
pub use snapshot::{Embedded, Location, Partition, Partitions, Snapshot, SnapshotDelta, Totals};
pub use statistics::{ColumnStatistics, ColumnSummary, DistinctSketch};
