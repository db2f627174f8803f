//! Files that are read while someone watches: what is read is counted, and a canceled statement reads
//! no further.

use std::io::{self, Read};
use std::ops::Range;

use bytes::Bytes;
use firn_types::{Monitor, Result};

use super::{SharedStage, Stage, StageWriter, StagedFile};

/// A stage whose reads a statement's monitor counts and ends.
pub struct MonitoredStage {
    stage: SharedStage,
    monitor: Monitor,
}

impl MonitoredStage {
    /// The stage as a statement reads it.
    pub fn new(stage: SharedStage, monitor: Monitor) -> MonitoredStage {
        MonitoredStage { stage, monitor }
    }
}

impl Stage for MonitoredStage {
    fn list(&self, prefix: &str) -> Result<Vec<StagedFile>> {
        self.monitor.cancel.check()?;
        self.stage.list(prefix)
    }

    fn find(&self, path: &str) -> Result<Option<StagedFile>> {
        self.stage.find(path)
    }

    fn read(&self, path: &str) -> Result<Box<dyn Read + Send>> {
        self.monitor.cancel.check()?;
        Ok(Box::new(Monitored { source: self.stage.read(path)?, monitor: self.monitor.clone() }))
    }

    fn read_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        self.monitor.cancel.check()?;
        let bytes = self.stage.read_range(path, range)?;
        self.monitor.progress.add_bytes(bytes.len() as u64);
        Ok(bytes)
    }

    fn write(&self, path: &str) -> Result<Box<dyn StageWriter>> {
        self.monitor.cancel.check()?;
        self.stage.write(path)
    }

    fn remove(&self, path: &str) -> Result<()> {
        self.monitor.cancel.check()?;
        self.stage.remove(path)
    }

    fn shown(&self, path: &str) -> String {
        self.stage.shown(path)
    }
}

/// A source of bytes that a statement's monitor counts and ends.
pub(super) struct Monitored<R> {
    pub(super) source: R,
    pub(super) monitor: Monitor,
}

impl<R: Read> Read for Monitored<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // Not `Interrupted`, after which readers try again.
        self.monitor.cancel.check().map_err(|error| io::Error::other(error.to_string()))?;
        let count = self.source.read(into)?;
        self.monitor.progress.add_bytes(count as u64);
        Ok(count)
    }
}
