//! One file for the batches of many holders, which read them in any order.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use firn_column::Batch;
use firn_types::Result;

use super::{decode, encode, failed};
use crate::context::lock;

/// A file without a name that batches are added to: it vanishes with its last holder, or the process.
#[derive(Debug)]
pub struct SpillLog {
    file: Mutex<File>,
    /// Where the next batch goes.
    end: AtomicU64,
    /// The folder's count of bytes that its files hold now.
    held: Arc<AtomicU64>,
}

/// Where a batch lies in a [`SpillLog`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    offset: u64,
    bytes: usize,
}

impl SpillLog {
    /// An empty file below `parent`.
    pub(super) fn create(parent: &Path, held: Arc<AtomicU64>) -> Result<SpillLog> {
        let file = tempfile::tempfile_in(parent).map_err(failed)?;
        Ok(SpillLog { file: Mutex::new(file), end: AtomicU64::new(0), held })
    }

    /// Adds a batch, and says where it lies.
    ///
    /// # Errors
    /// `Storage` when the disk is full.
    pub fn append(&self, batch: &Batch) -> Result<Extent> {
        let encoded = encode::encode(batch);
        let mut file = lock(&self.file);
        let offset = self.end.load(Ordering::Relaxed);
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        file.write_all(&encoded).map_err(failed)?;
        let bytes = encoded.len();
        self.end.store(offset + bytes as u64, Ordering::Relaxed);
        self.held.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(Extent { offset, bytes })
    }

    /// The batch that lies there.
    ///
    /// # Errors
    /// `Storage` when the file cannot be read.
    pub fn read(&self, extent: Extent) -> Result<Batch> {
        let mut bytes = vec![0; extent.bytes];
        {
            let mut file = lock(&self.file);
            file.seek(SeekFrom::Start(extent.offset)).map_err(failed)?;
            file.read_exact(&mut bytes).map_err(failed)?;
        }
        decode::decode(&bytes)
    }

    /// How many bytes it takes on disk.
    pub fn bytes(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }
}

impl Drop for SpillLog {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes(), Ordering::Relaxed);
    }
}
