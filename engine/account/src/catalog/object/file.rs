//! Stages and file formats.

use std::sync::Arc;

use super::Directory;
use crate::catalog::Header;

/// A named stage: a place that holds files.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// What all objects have; the parent is the schema.
    pub header: Header,
    /// Where the files are.
    pub location: StageLocation,
    /// How its files are read when a statement does not say.
    pub file_format: Option<StageFileFormat>,
    /// COPY options as name and value, in the order written; names in upper case.
    pub copy_options: Vec<(String, String)>,
    /// Its directory table.
    pub directory: Option<Arc<Directory>>,
    /// Whether it belongs to one session only.
    pub temporary: bool,
}

/// Where a stage's files are.
#[derive(Clone, Debug, PartialEq)]
pub enum StageLocation {
    /// In the account, under the stage's id.
    Internal,
    /// Elsewhere.
    External {
        /// The URL of a folder: `s3://bucket/prefix/`, `file:///folder/`.
        url: String,
        /// The name of the storage integration.
        integration: Option<String>,
        /// The endpoint of an S3-compatible server.
        endpoint: Option<String>,
        /// Credentials.
        credentials: StageCredentials,
    },
}

/// What a stage logs in to its storage with.
#[derive(Clone, PartialEq)]
pub enum StageCredentials {
    /// As name and value, names in upper case: of temporary stages, and of those from before format 4.
    Plain(Vec<(String, String)>),
    /// Sealed.
    Sealed(Sealed),
}

/// A secret that is sealed under a key outside of the account.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed {
    /// The id of the key.
    pub key: String,
    /// Nonce, what is sealed, and tag of AES-256-GCM, in base 64.
    pub data: String,
}

impl StageCredentials {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        matches!(self, StageCredentials::Plain(pairs) if pairs.is_empty())
    }
}

impl Default for StageCredentials {
    fn default() -> StageCredentials {
        StageCredentials::Plain(Vec::new())
    }
}

/// Without the credentials.
impl std::fmt::Debug for StageCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StageCredentials").finish_non_exhaustive()
    }
}

/// How a stage's files are read.
#[derive(Clone, Debug, PartialEq)]
pub enum StageFileFormat {
    /// As a file format object says: its name as written, dotted.
    Named(String),
    /// As these options say, TYPE among them; names in upper case.
    Options(Vec<(String, String)>),
}

/// A file format: options of reading and writing files under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct FileFormat {
    /// What all objects have; the parent is the schema.
    pub header: Header,
    /// `CSV`, `JSON`, `PARQUET` ...
    pub format_type: String,
    /// Options as name and value text, in the order written; names in upper case.
    pub options: Vec<(String, String)>,
    /// Whether it belongs to one session only.
    pub temporary: bool,
}

impl Stage {
    /// An internal stage.
    pub fn internal(header: Header) -> Stage {
        Stage {
            header,
            location: StageLocation::Internal,
            file_format: None,
            copy_options: Vec::new(),
            directory: None,
            temporary: false,
        }
    }
}
