//! Cutting a stream of bytes into chunks of whole records.

use std::io::Read;

use firn_types::limits::VALUE_BYTES_MAX;
use firn_types::{Error, ErrorCode, Result};

use crate::compression::ByteReader;

/// Bytes of one chunk: enough work for a worker, little enough for many of them.
pub(super) const CHUNK_BYTES: usize = 8 * 1024 * 1024;
/// Bytes at which a record is given up: a value of the largest size and something around it.
const RECORD_BYTES_MAX: usize = VALUE_BYTES_MAX + CHUNK_BYTES;

/// Cuts a stream into chunks.
pub(super) struct ChunkSource {
    reader: ByteReader,
    file: String,
    chunk_bytes: usize,
    pending: Vec<u8>,
    offset: u64,
    at_end: bool,
}

impl ChunkSource {
    /// A source of the decompressed bytes of `file`.
    pub(super) fn new(reader: ByteReader, file: String, chunk_bytes: usize) -> ChunkSource {
        ChunkSource { reader, file, chunk_bytes, pending: Vec::new(), offset: 0, at_end: false }
    }

    /// The next chunk and where in the file it starts. `cut(bytes, last)` says how many bytes are
    /// whole records; when `last`, the bytes end where the file does, and all of them count.
    pub(super) fn next(
        &mut self,
        mut cut: impl FnMut(&[u8], bool) -> usize,
    ) -> Result<Option<(Vec<u8>, u64)>> {
        let mut wanted = self.chunk_bytes;
        loop {
            self.fill(wanted)?;
            if self.pending.is_empty() {
                return Ok(None);
            }
            let end = cut(&self.pending, self.at_end);
            if end > 0 {
                let rest = self.pending.split_off(end);
                let chunk = std::mem::replace(&mut self.pending, rest);
                let offset = self.offset;
                self.offset += chunk.len() as u64;
                return Ok(Some((chunk, offset)));
            }
            if self.pending.len() > RECORD_BYTES_MAX {
                let detail = format!(
                    "Max LOB size ({VALUE_BYTES_MAX}) exceeded, actual size of parsed column is {} \
                     or more: file '{}', byte offset {}",
                    self.pending.len(),
                    self.file,
                    self.offset
                );
                return Err(Error::new(ErrorCode::ValueTooLarge, detail));
            }
            wanted = (self.pending.len() * 2).min(RECORD_BYTES_MAX + 1);
        }
    }

    /// Takes `count` bytes off the front, for what comes before the first record.
    pub(super) fn drop_front(&mut self, count: usize) {
        self.pending.drain(..count);
        self.offset += count as u64;
    }

    /// The bytes at the front, at least `wanted` of them unless the file ends.
    pub(super) fn peek(&mut self, wanted: usize) -> Result<&[u8]> {
        self.fill(wanted)?;
        Ok(&self.pending)
    }

    /// Where in the file the next chunk starts.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the bytes at the front are the file's last.
    pub(super) fn at_end(&self) -> bool {
        self.at_end
    }

    fn fill(&mut self, wanted: usize) -> Result<()> {
        if self.at_end || self.pending.len() >= wanted {
            return Ok(());
        }
        let missing = wanted - self.pending.len();
        self.pending.reserve(missing);
        let read = self.reader.by_ref().take(missing as u64).read_to_end(&mut self.pending);
        let count = read.map_err(|error| {
            // What was read so far is not to be taken for the file's end.
            let offset = self.offset + self.pending.len() as u64;
            self.pending.clear();
            self.at_end = true;
            let detail = format!(
                "File '{}' is corrupt or cannot be read near byte offset {}: {error}",
                self.file, offset
            );
            Error::new(ErrorCode::CorruptFile, detail)
        })?;
        self.at_end = count < missing;
        Ok(())
    }
}
