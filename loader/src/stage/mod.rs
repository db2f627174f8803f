//! Stages: where files wait to be loaded, and where unloaded ones go.
//!
//! A [`Stage`] lists, reads, writes and removes files below one root. Paths are relative to that root,
//! with `/` between folders, and case-sensitive. What a user writes after a stage's name is a prefix of
//! such paths, not a folder: `@st/dat` means `dat1.csv` and `data/x.csv` alike.
//!
//! Everything here is synchronous for the caller; what has to wait for a network does so inside.

mod local;
mod location;
mod monitored;
mod network;
mod object;
mod pattern;
mod put_get;
mod runtime;
mod select;

pub use local::LocalStage;
pub use location::{StageCredentials, StageLocation, StoreAccess, open_url};
pub use monitored::MonitoredStage;
pub use network::{check_endpoint, same_server};
pub use object::ObjectStage;
pub use pattern::Pattern;
pub use put_get::{
    GetRequest, GetRow, ListRow, PutRequest, PutRow, RemoveRow, copy_files, get, list, matching,
    put, remove,
};
pub use select::{FileSelection, select, within_size_limit};

use std::io::{Read, Write};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use firn_types::{Error, ErrorCode, Result};

/// A file in a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedFile {
    /// The path below the stage's root.
    pub path: String,
    /// Bytes as stored, compressed.
    pub size: u64,
    /// What changes when the content does: the store's ETag, or size and time of a local file.
    pub etag: String,
    /// When it was written: nanoseconds since 1970-01-01 UTC.
    pub last_modified: i64,
    /// When it came to its place, which for a local file that was moved there is later: likewise.
    pub arrived: i64,
}

/// A place with files.
pub trait Stage: Send + Sync {
    /// The files whose path begins with `prefix`, sorted by path.
    ///
    /// # Errors
    /// A store that cannot be reached.
    fn list(&self, prefix: &str) -> Result<Vec<StagedFile>>;

    /// The file at exactly this path, if there is one.
    ///
    /// # Errors
    /// A store that cannot be reached.
    fn find(&self, path: &str) -> Result<Option<StagedFile>>;

    /// A reader of the file's bytes as stored.
    ///
    /// # Errors
    /// No such file, or a store that cannot be reached.
    fn read(&self, path: &str) -> Result<Box<dyn Read + Send>>;

    /// Some of the file's bytes.
    ///
    /// # Errors
    /// No such file, a range beyond its end, or a store that cannot be reached.
    fn read_range(&self, path: &str, range: Range<u64>) -> Result<Bytes>;

    /// A writer for a new file, which appears, or replaces an old one, when the writer finishes.
    ///
    /// # Errors
    /// A store that cannot be written.
    fn write(&self, path: &str) -> Result<Box<dyn StageWriter>>;

    /// Removes the file.
    ///
    /// # Errors
    /// No such file, or a store that cannot be written.
    fn remove(&self, path: &str) -> Result<()>;

    /// The file's name as LIST and COPY print it: `stage1/data.csv` for an internal named stage, the
    /// bare path for a user's or table's, the URL for an external one.
    fn shown(&self, path: &str) -> String;
}

/// Takes the bytes of a new file.
pub trait StageWriter: Write + Send {
    /// Makes the file appear.
    ///
    /// # Errors
    /// A store that cannot be written; the file does not appear then.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// A stage behind a shared pointer.
pub type SharedStage = Arc<dyn Stage>;

/// Writes a whole file at once.
///
/// # Errors
/// As [`Stage::write`].
pub fn put_bytes(stage: &dyn Stage, path: &str, bytes: &[u8]) -> Result<()> {
    let mut writer = stage.write(path)?;
    writer.write_all(bytes).map_err(|error| io_error(&stage.shown(path), &error))?;
    writer.finish()
}

/// Reads a whole file at once.
///
/// # Errors
/// As [`Stage::read`].
pub fn read_bytes(stage: &dyn Stage, path: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut reader = stage.read(path)?;
    reader.read_to_end(&mut bytes).map_err(|error| io_error(&stage.shown(path), &error))?;
    Ok(bytes)
}

/// The error of a file that cannot be read or written.
pub(crate) fn io_error(file: &str, error: &std::io::Error) -> Error {
    Error::new(ErrorCode::Storage, format!("File '{file}' cannot be read or written: {error}"))
}

/// The error of a file that is not there.
pub fn not_found(file: &str) -> Error {
    Error::new(ErrorCode::FileNotFound, format!("Remote file '{file}' was not found."))
}
