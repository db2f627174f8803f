//! A file's bytes while it is made.

use std::io::{self, Write};

use bytes::Bytes;
use object_store::PutPayload;

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
