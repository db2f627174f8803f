//! Files that are read while someone watches: what is read is counted, and a canceled statement reads
//! no further.

use std::io::{self, Read};
use std::ops::Range;

use bytes::Bytes;
use firn_types::{Result, Watch};

use super::{SharedStage, Stage, StageWriter, StagedFile};

/// A stage whose files are read under watch.
pub struct WatchedStage {
    stage: SharedStage,
    watch: Watch,
}

impl WatchedStage {
    /// The stage as a statement reads it.
    pub fn new(stage: SharedStage, watch: Watch) -> WatchedStage {
        WatchedStage { stage, watch }
    }
}

impl Stage for WatchedStage {
    fn list(&self, prefix: &str) -> Result<Vec<StagedFile>> {
        self.watch.cancel.check()?;
        self.stage.list(prefix)
    }

    fn find(&self, path: &str) -> Result<Option<StagedFile>> {
        self.stage.find(path)
    }

    fn read(&self, path: &str) -> Result<Box<dyn Read + Send>> {
        self.watch.cancel.check()?;
        Ok(Box::new(Watched { source: self.stage.read(path)?, watch: self.watch.clone() }))
    }

    fn read_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        self.watch.cancel.check()?;
        let bytes = self.stage.read_range(path, range)?;
        self.watch.progress.add_bytes(bytes.len() as u64);
        Ok(bytes)
    }

    fn write(&self, path: &str) -> Result<Box<dyn StageWriter>> {
        self.watch.cancel.check()?;
        self.stage.write(path)
    }

    fn remove(&self, path: &str) -> Result<()> {
        self.watch.cancel.check()?;
        self.stage.remove(path)
    }

    fn shown(&self, path: &str) -> String {
        self.stage.shown(path)
    }
}

/// A source of bytes under watch.
pub(super) struct Watched<R> {
    pub(super) source: R,
    pub(super) watch: Watch,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // Not `Interrupted`, after which readers try again.
        self.watch.cancel.check().map_err(|error| io::Error::other(error.to_string()))?;
        let count = self.source.read(into)?;
        self.watch.progress.add_bytes(count as u64);
        Ok(count)
    }
}
