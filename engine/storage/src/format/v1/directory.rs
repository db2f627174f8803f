//! Directory tables of stages.

use serde::{Deserialize, Serialize};

use super::partition::is_false;

/// The directory table of a stage. Times are nanoseconds since 1970 UTC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// AUTO_REFRESH.
    #[serde(default, skip_serializing_if = "is_false")]
    pub auto_refresh: bool,
    /// When it was last refreshed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refreshed_nanos: Option<i64>,
    /// The files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<DirectoryFile>,
}

/// A file of a directory table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryFile {
    /// The path below the stage.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// When it was last modified: nanoseconds since 1970 UTC.
    pub modified_nanos: i64,
    /// The content's mark.
    pub etag: String,
}

/// How a directory table changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryChange {
    /// Files that are new, or have changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registered: Vec<DirectoryFile>,
    /// The paths of files that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unregistered: Vec<String>,
}
