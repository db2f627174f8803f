//! What all readers of files have in common.

use firn_types::{Error, Result, SqlType};

use super::FileBatch;
use crate::stage::{SharedStage, StagedFile};

/// Takes the batches of a chunk as they are read.
pub type EmitBatch<'e> = &'e mut dyn FnMut(FileBatch) -> Result<()>;

/// Reads the files of one format: made of the format's options and of what is wanted of the files.
pub trait FileReader: Send + Sync {
    /// Opens a file.
    ///
    /// # Errors
    /// A file that cannot be opened, or is none of the format.
    fn open(&self, stage: &SharedStage, file: &StagedFile) -> Result<Box<dyn ChunkedFile>>;
}

/// A file that is handed out in parts.
pub trait ChunkedFile: Send + Sync {
    /// The next part; none at the file's end. Waits while another worker fetches one.
    ///
    /// # Errors
    /// A file that cannot be read.
    fn next_chunk(&self) -> Result<Option<FileChunk>>;

    /// Whether another worker is fetching a part right now.
    fn is_busy(&self) -> bool;
}

/// A part of a file, to be parsed by the worker that got it.
pub struct FileChunk {
    /// The file's position in the list given.
    pub file: usize,
    /// The number, from 0, of the chunk in its file: chunks in order of file and index are the rows in
    /// order.
    pub index: u64,
    types: Vec<Option<SqlType>>,
    parse: Box<dyn FnOnce(EmitBatch<'_>) -> Result<()> + Send>,
}

impl FileChunk {
    /// The chunk of this number, whose rows come of `parse`.
    pub(crate) fn new(
        index: u64,
        parse: impl FnOnce(EmitBatch<'_>) -> Result<()> + Send + 'static,
    ) -> FileChunk {
        FileChunk { file: 0, index, types: Vec::new(), parse: Box::new(parse) }
    }

    /// The chunk with the types of its columns.
    pub(super) fn with_types(self, types: Vec<Option<SqlType>>) -> FileChunk {
        FileChunk { types, ..self }
    }

    /// The chunk as one of this file of the list.
    pub(crate) fn of_file(self, file: usize) -> FileChunk {
        FileChunk { file, ..self }
    }

    /// A chunk that stands for a file that cannot be opened or read.
    pub(crate) fn failed(error: Error) -> FileChunk {
        FileChunk::new(u64::MAX, move |_| Err(error))
    }

    /// The types of the columns, where the file decides them, which differ from file to file; none for
    /// columns that the file does not have. Empty where the caller chose them.
    pub fn types(&self) -> Vec<Option<SqlType>> {
        self.types.clone()
    }

    /// Reads the rows, in batches of about 8,192.
    ///
    /// # Errors
    /// A file that cannot be opened or read or is corrupt, and what `emit` gives; bad rows come in the
    /// batches.
    pub fn parse(self, mut emit: impl FnMut(FileBatch) -> Result<()>) -> Result<()> {
        (self.parse)(&mut emit)
    }
}
