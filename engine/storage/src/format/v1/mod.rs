//! Version 1 of what is persisted. Fields may be added with a default; nothing else changes.
//!
//! Integers of 128 bits are texts, bytes are base 64.

mod catalog;
mod commit;
mod partition;

pub use catalog::{
    Column, ColumnDefault, Constraint, Container, FileFormat, ForeignKey, Grant, Grantee, Header,
    Integration, LoadError, LoadRecord, MaterializedView, Named, Object, Sequence, Stage,
    StageFileFormat, StageLocation, StarColumns, Table, Target, User, View, ViewColumn, Warehouse,
};
pub use commit::{Change, Checkpoint, Commit, Mark, Parameter};
pub use partition::{
    ColumnStatistics, Manifest, Partition, PartitionList, Snapshot, SqlType, StoredColumn, Value,
};
