//! Descriptions of pipes.

use serde::{Deserialize, Serialize};

use super::partition::is_false;
use super::{Header, LoadFile, LoadRecord};

/// A pipe. Times are nanoseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipe {
    /// What all objects have.
    pub header: Header,
    /// The COPY INTO statement.
    pub definition: String,
    /// AUTO_INGEST.
    #[serde(default, skip_serializing_if = "is_false")]
    pub auto_ingest: bool,
    /// Other options.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<(String, String)>,
    /// PATTERN of its COPY.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Whether its files are in an internal stage.
    #[serde(default, skip_serializing_if = "is_false")]
    pub internal: bool,
    /// Whether it loads nothing now.
    #[serde(default, skip_serializing_if = "is_false")]
    pub paused: bool,
    /// Whether it is a clone that nobody has resumed yet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cloned: bool,
    /// Where its earlier loads are listed, in order; since format 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_files: Vec<LoadFile>,
    /// Its loads since; all of them before format 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loads: Vec<LoadRecord>,
    /// Files that wait to be loaded, each with when it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queue: Vec<(String, i64)>,
}
