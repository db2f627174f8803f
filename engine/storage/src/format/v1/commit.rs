//! The log's objects and checkpoints.

use serde::{Deserialize, Serialize};

use super::alert::AlertProgress;
use super::directory::DirectoryChange;
use super::external::FileRegistration;
use super::partition::is_false;
use super::task::TaskProgress;
use super::{Grant, LoadRecord, Object, PartitionList};

/// A file `log/<version>`: one step of the whole account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// The format's version.
    pub format: u32,
    /// The account's version after it.
    pub version: u64,
    /// When: nanoseconds since 1970 UTC; never less than the commit before.
    pub time_nanos: i64,
    /// The statements whose effects it has.
    pub statements: Vec<String>,
    /// A mark of the writer, who so knows its own commit again.
    pub nonce: String,
    /// The hash of the object of the commit before; none in the first, and in format 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// What happened, in order.
    pub changes: Vec<Change>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// A new object.
    Create {
        /// The object.
        object: Box<Object>,
        /// Whether the old object of the name is dropped.
        #[serde(default, skip_serializing_if = "is_false")]
        replace: bool,
    },
    /// Another definition of an object.
    Alter {
        /// The object without its rows.
        object: Box<Object>,
    },
    /// Another name.
    Rename {
        /// The object.
        id: u64,
        /// Its container.
        parent: u64,
        /// Its name.
        name: String,
    },
    /// Two objects exchange their names.
    Swap {
        /// One.
        left: u64,
        /// The other.
        right: u64,
    },
    /// An object is dropped.
    Drop {
        /// The object.
        id: u64,
    },
    /// A dropped object returns.
    Undrop {
        /// The object.
        id: u64,
    },
    /// A dropped object is forgotten.
    Purge {
        /// The object.
        id: u64,
    },
    /// A privilege is given.
    Grant(Grant),
    /// A privilege is taken.
    Revoke(Grant),
    /// A parameter is set or unset.
    Parameter(Parameter),
    /// A materialized view reflects a commit.
    Refreshed {
        /// The view.
        view: u64,
        /// The commit.
        reflects: u64,
    },
    /// A task has come further; since format 4.
    TaskProgressed {
        /// The root task.
        task: u64,
        /// How far.
        progress: Box<TaskProgress>,
    },
    /// A task has ended in the run of its graph; since format 4.
    TaskEnded {
        /// The root task.
        root: u64,
        /// The task, how it ended, and what it returned.
        end: (u64, String, Option<String>),
    },
    /// An alert has come further; since format 4.
    AlertProgressed {
        /// The alert.
        alert: u64,
        /// How far.
        progress: AlertProgress,
    },
    /// The directory table of a stage is refreshed; since format 4.
    DirectoryRefreshed {
        /// The stage.
        stage: u64,
        /// What is different.
        change: DirectoryChange,
    },
    /// The files of an external table are others; since format 6.
    FilesRegistered {
        /// The table.
        table: u64,
        /// What is different.
        change: FileRegistration,
    },
    /// A pipe is asked to load files; since format 4.
    PipeQueued {
        /// The pipe.
        pipe: u64,
        /// The files, each with when it was asked for.
        files: Vec<(String, i64)>,
    },
    /// Rows come and go.
    Rows {
        /// The table or materialized view.
        table: u64,
        /// New micro-partitions; their first row ids follow from the order of commits.
        added: PartitionList,
        /// Micro-partitions that go.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        removed: Vec<String>,
        /// Deleted rows: a micro-partition, and a portable Roaring bitmap in base 64.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        deleted: Vec<(String, String)>,
        /// Whether everything goes that was there before.
        #[serde(default, skip_serializing_if = "is_false")]
        truncated: bool,
        /// Whether the added micro-partitions hold the rows of the removed ones.
        #[serde(default, skip_serializing_if = "is_false")]
        rewritten: bool,
    },
    /// Files were loaded.
    Loads {
        /// The table, or the pipe.
        table: u64,
        /// The files.
        records: Vec<LoadRecord>,
    },
    /// A sequence's values up to this one are given away.
    Reserve {
        /// The sequence.
        sequence: u64,
        /// The first value that is not.
        next: i64,
    },
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// The object, 0 for the account.
    pub on: u64,
    /// The name.
    pub name: String,
    /// The value; none when it is unset.
    pub value: Option<String>,
}

/// A file `checkpoint/<version>`: everything at that version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The format's version.
    pub format: u32,
    /// The account's version.
    pub version: u64,
    /// All objects, dropped ones too.
    pub objects: Vec<Object>,
    /// All grants.
    pub grants: Vec<Grant>,
    /// All parameters.
    pub parameters: Vec<Parameter>,
    /// The commits since the checkpoint before, this version's own the last.
    #[serde(rename = "marks")]
    pub headers: Vec<CommitHeader>,
    /// The checkpoint before.
    pub previous: Option<u64>,
    /// The full checkpoint on which this one rests: `objects` are then those that changed since; none for a
    /// full one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<u64>,
    /// Objects of that one that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<u64>,
    /// Whether grants and parameters are those of that one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub inherits_settings: bool,
    /// The hash of this version's object in the log; none in format 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

impl Change {
    /// The files of lists that it refers to.
    pub fn list_files(&self) -> Box<dyn Iterator<Item = &String> + '_> {
        match self {
            Change::Rows { added, .. } => Box::new(added.files()),
            Change::Create { object, .. } => Box::new(object.list_files()),
            _ => Box::new(std::iter::empty()),
        }
    }
}

/// The file `service/checkpoint`: where to begin reading. It may be behind, and is not needed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewestCheckpoint {
    /// The format's version.
    pub format: u32,
    /// The version of a checkpoint.
    pub version: u64,
    /// That of the full one on which it rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<u64>,
}

/// A file `service/vacuum`: what a vacuum remembers of the ones before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vacuum {
    /// The format's version.
    pub format: u32,
    /// When the last one came to its end: nanoseconds since 1970 UTC.
    pub finished_nanos: i64,
    /// The files that no live version has, and when each was first found to be so.
    pub dead: Vec<(String, i64)>,
    /// Tables whose files others share, and the longest retention time of those, in nanoseconds.
    pub shared: Vec<(u64, i64)>,
}

/// A file `service/<job>/<number>`: a process has the job for itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The format's version.
    pub format: u32,
    /// A mark of the process.
    pub owner: String,
    /// How long: nanoseconds since 1970 UTC.
    pub until_nanos: i64,
}

/// The header of a commit: all but its changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitHeader {
    /// The version.
    pub version: u64,
    /// When: nanoseconds since 1970 UTC.
    pub time_nanos: i64,
    /// The statements.
    pub statements: Vec<String>,
}
