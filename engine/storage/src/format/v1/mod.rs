//! Versions 1 to 5 of what is persisted. Version 2 has a header around each file, and fields that version
//! 1 lacks: hashes that chain the commits, seals of micro-partitions, checkpoints that rest on others. Version
//! 3 has the ids of owners and of those who have grants, where the others have names, and lists of
//! micro-partitions in parts. Version 4 has what users log in with, network policies, sealed credentials of stages,
//! functions, procedures, streams, tasks, dynamic tables, tags and policies, and the history. Version 5 has load
//! histories in parts, and what stands at the paths of semi-structured columns. Fields may be added with a default, together with a new version; nothing else
//! changes.
//!
//! Integers of 128 bits are texts, bytes are base 64.

mod access;
mod alert;
mod catalog;
mod commit;
mod directory;
mod dynamic;
mod external;
mod function;
mod history;
mod partition;
mod pipe;
mod policy;
mod stream;
mod task;

pub use access::{AccessToken, NetworkPolicy, Password, PublicKey, User, UserLogin};
pub use alert::{Alert, AlertProgress, AlertRun};
pub use catalog::{
    Column, ColumnDefault, Constraint, Container, FileFormat, ForeignKey, Grant, Grantee, Header,
    Integration, LoadError, LoadFile, LoadList, LoadRecord, MaterializedView, Named, Object,
    Principal, Sealed, Sequence, Stage, StageFileFormat, StageLocation, StarColumns, Table, Target,
    View, ViewColumn, Warehouse,
};
pub use commit::{
    Change, Checkpoint, Claim, Commit, CommitHeader, NewestCheckpoint, Parameter, Vacuum,
};
pub use directory::{Directory, DirectoryChange, DirectoryFile};
pub use dynamic::Dynamic;
pub use external::{
    ExternalColumn, ExternalFile, ExternalFormat, ExternalTable, FileRegistration, Registration,
};
pub use function::{Function, Handler, Language, Parameter as FunctionParameter, Procedure};
pub use history::{
    Access, AccessedObject, AccessedPolicy, ChangedDefinition, ColumnLineage, History, LoginRecord,
    RanStatement, RefreshRun, StatementEnd,
};
pub use partition::{
    ColumnStatistics, FieldPaths, ListPart, ListTotals, Manifest, Part, Partition, PartitionList,
    PathType, PathValues, Snapshot, SqlType, StoredColumn, Value,
};
pub use pipe::Pipe;
pub use policy::{Attached, Policy, PolicyUse, Properties, Tag};
pub use stream::Stream;
pub use task::{GraphRun, Task, TaskProgress, TaskRun};
