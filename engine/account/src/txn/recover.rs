//! Opening an account: a checkpoint, and the log behind it.

use std::sync::Arc;

use firn_types::Result;

use super::log::Log;
use super::time_travel::Timeline;
use crate::catalog::{Catalog, Layer};

/// The newest version, and the commits since a checkpoint.
///
/// A checkpoint that cannot be read is passed over: an older one, or none, and the log behind it say the
/// same, as far as the log reaches back.
///
/// # Errors
/// `Storage` when something cannot be read; `CorruptFile` when the log has a hole, is forked or damaged, and
/// when a checkpoint is damaged whose place nothing else can take.
pub(crate) fn recover(log: &Log) -> Result<(Catalog, Timeline)> {
    let mut checkpoints = log.checkpoints()?;
    let mut passed_over = None;
    loop {
        let version = checkpoints.pop();
        let start = match version {
            Some(version) => from_checkpoint(log, version),
            None => Ok((
                Catalog::new(0, Arc::new(Layer::default()), Arc::default()),
                Timeline::default(),
            )),
        };
        let (mut catalog, mut timeline) = match start {
            Ok(start) => start,
            Err(error) => {
                passed_over.get_or_insert(error);
                continue;
            }
        };
        return match log.follow(&mut catalog, |_, mark| timeline.add(mark)) {
            // Without a checkpoint and without a log there is no account, unless there was one.
            Ok(()) if catalog.version() > 0 => Ok((catalog, timeline)),
            Ok(()) => passed_over.map_or(Ok((catalog, timeline)), Err),
            Err(error) => Err(passed_over.unwrap_or(error)),
        };
    }
}

fn from_checkpoint(log: &Log, version: u64) -> Result<(Catalog, Timeline)> {
    let checkpoint = log.checkpoint(version)?;
    let timeline = Timeline::of(&checkpoint);
    Ok((log.catalog_of(checkpoint)?, timeline))
}
