//! Stages and file formats.

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
    /// Whether it has a directory table.
    pub directory: bool,
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
        /// Credentials as name and value; names in upper case.
        credentials: Vec<(String, String)>,
    },
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
            directory: false,
            temporary: false,
        }
    }
}
