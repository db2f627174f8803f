//! What all writers of files have in common.

use std::io::{self, Write};

use firn_column::Batch;
use firn_types::Result;

use crate::compression::{CompressedWriter, Compression};
use crate::stage::{StageWriter, io_error};

/// Writes one file of a format.
pub trait FileWriter: Send {
    /// Writes the rows of a batch.
    ///
    /// # Errors
    /// A store that cannot be written, values that the format does not have.
    fn write(&mut self, batch: &Batch) -> Result<()>;

    /// Bytes written so far, after compression, as far as they are known.
    fn bytes(&self) -> u64;

    /// Ends the file, which appears then.
    ///
    /// # Errors
    /// A store that cannot be written.
    fn finish(self: Box<Self>) -> Result<Written>;
}

/// What a finished file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the file.
    pub size: u64,
    /// Bytes before compression; of Parquet, which compresses inside, those of the file.
    pub plain: u64,
}

/// Counts the bytes on their way into a stage.
pub(super) struct Counted {
    sink: Box<dyn StageWriter>,
    bytes: u64,
}

impl Counted {
    pub(super) fn new(sink: Box<dyn StageWriter>) -> Counted {
        Counted { sink, bytes: 0 }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn finish(self) -> Result<u64> {
        self.sink.finish()?;
        Ok(self.bytes)
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.sink.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// A text file: compressed, with a name for messages.
pub(super) struct TextOutput {
    out: CompressedWriter<Counted>,
    file: String,
    /// Bytes before compression.
    plain: u64,
}

impl TextOutput {
    pub(super) fn new(
        sink: Box<dyn StageWriter>,
        compression: Compression,
        file: String,
    ) -> Result<TextOutput> {
        let out = compression.writer(Counted::new(sink)).map_err(|e| io_error(&file, &e))?;
        Ok(TextOutput { out, file, plain: 0 })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.plain += bytes.len() as u64;
        self.out.write_all(bytes).map_err(|error| io_error(&self.file, &error))
    }

    pub(super) fn bytes(&self) -> u64 {
        self.out.sink().bytes()
    }

    pub(super) fn finish(self) -> Result<Written> {
        let sink = self.out.finish().map_err(|error| io_error(&self.file, &error))?;
        Ok(Written { size: sink.finish()?, plain: self.plain })
    }
}
