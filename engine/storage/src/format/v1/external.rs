//! Descriptions of external tables.

use serde::{Deserialize, Serialize};

use super::partition::is_false;
use super::{Header, SqlType};

/// An external table. Times are nanoseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalTable {
    /// What all objects have.
    pub header: Header,
    /// The columns behind VALUE.
    pub columns: Vec<ExternalColumn>,
    /// The next field id.
    pub next_field_id: u32,
    /// The field ids of the columns that partition it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partition_by: Vec<u32>,
    /// PARTITION_TYPE = USER_SPECIFIED.
    #[serde(default, skip_serializing_if = "is_false")]
    pub user_partitions: bool,
    /// The stage of its files.
    pub stage: u64,
    /// The folder below the stage.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// PATTERN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// How its files are read.
    pub format: ExternalFormat,
    /// AUTO_REFRESH.
    #[serde(default, skip_serializing_if = "is_false")]
    pub auto_refresh: bool,
    /// When it was last refreshed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refreshed_nanos: Option<i64>,
    /// The commit that last changed its files or columns.
    #[serde(default)]
    pub data_version: u64,
    /// The files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ExternalFile>,
    /// What was registered in the last 30 days, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registrations: Vec<Registration>,
}

/// How the files of an external table are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ExternalFormat {
    /// The file format object.
    Named(u64),
    /// Options.
    Options(Vec<(String, String)>),
}

/// A column of an external table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalColumn {
    /// The field id.
    pub field: u32,
    /// The name.
    pub name: String,
    /// The type.
    pub sql_type: SqlType,
    /// Its expression's text.
    pub expression: String,
    /// Whether NULL is expected.
    pub nullable: bool,
    /// The comment.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
}

/// A file of an external table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalFile {
    /// The path below the stage.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// When it was last modified.
    pub modified_nanos: i64,
    /// The content's mark.
    pub etag: String,
    /// The partition that its owner has added: the folder below the table's, and the values in JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<(String, String)>,
    /// When it was registered; in a commit that of the commit.
    #[serde(default)]
    pub registered_nanos: i64,
    /// The commit that registered it; in a commit this one.
    #[serde(default)]
    pub version: u64,
}

/// How the files of an external table change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRegistration {
    /// Files that are new, or have changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registered: Vec<ExternalFile>,
    /// The paths of files that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unregistered: Vec<String>,
}

/// What was registered of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// When.
    pub nanos: i64,
    /// The path below the stage.
    pub path: String,
    /// What was done.
    pub status: String,
    /// Its bytes.
    pub size: u64,
    /// When it was last modified.
    pub modified_nanos: i64,
}
