//! A file's bytes while it is made.

use std::io::{self, Write};
use std::ops::Range;

use bytes::Bytes;
use object_store::PutPayload;

use crate::checksum::checksum_of_parts;

/// Bytes of a block: large ones would come from the system and go back to it, cleared each time.
const BLOCK_BYTES: usize = 1 << 20;

/// Bytes in blocks that later files use again.
#[derive(Debug, Default)]
pub(super) struct FileSink {
    full: Vec<Bytes>,
    last: Vec<u8>,
}

impl FileSink {
    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.full.iter().map(Bytes::len).sum::<usize>() + self.last.len()
    }

    /// The checksum of some of the bytes.
    pub(super) fn checksum(&self, range: Range<u64>) -> u64 {
        let mut start = 0;
        let mut parts = Vec::new();
        for block in self.full.iter().map(Bytes::as_ref).chain([self.last.as_slice()]) {
            let end = start + block.len() as u64;
            let from = range.start.clamp(start, end) - start;
            let to = range.end.clamp(start, end) - start;
            parts.push(&block[from as usize..to as usize]);
            start = end;
        }
        checksum_of_parts(parts)
    }

    /// The bytes as an object is written from them.
    pub(super) fn into_payload(self) -> PutPayload {
        self.into_blocks().into_iter().collect()
    }

    /// The bytes at one place.
    pub(super) fn into_bytes(self) -> Bytes {
        match self.full.is_empty() {
            true => Bytes::from(self.last),
            false => Bytes::from(self.into_blocks().concat()),
        }
    }

    fn into_blocks(self) -> Vec<Bytes> {
        let mut blocks = self.full;
        blocks.push(Bytes::from(self.last));
        blocks
    }
}

impl Write for FileSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.last.len() + bytes.len() > BLOCK_BYTES && !self.last.is_empty() {
            let full = std::mem::take(&mut self.last);
            self.full.push(Bytes::from(full));
            self.last = Vec::with_capacity(BLOCK_BYTES);
        }
        self.last.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
