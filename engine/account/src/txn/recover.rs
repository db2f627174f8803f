//! Opening an account: a checkpoint, and the log behind it.

use firn_types::Result;

use super::checkpoint::Opened;
use super::log::Log;

/// The newest version, and the commits since a checkpoint.
///
/// A checkpoint that cannot be read is passed over: an older one, or none, and the log behind it say the
/// same, as far as the log reaches back.
///
/// # Errors
/// `Storage` when something cannot be read; `CorruptFile` when the log has a hole, is forked or damaged, and
/// when a checkpoint is damaged whose place nothing else can take.
pub(crate) fn recover(log: &Log) -> Result<Opened> {
    // It may be behind; where it is damaged or gone, or leads nowhere, the names of all tell as much.
    if let Ok(opened) = log.open_newest_checkpoint()
        && let Ok(opened) = followed(log, opened)
    {
        return Ok(opened);
    }
    let mut checkpoints = log.checkpoints()?;
    let mut passed_over = None;
    loop {
        let opened = match checkpoints.pop() {
            Some(version) => log.open_checkpoint(version),
            None => Ok(Opened::empty()),
        };
        let opened = match opened {
            Ok(opened) => opened,
            Err(error) => {
                passed_over.get_or_insert(error);
                continue;
            }
        };
        return match followed(log, opened) {
            // Without a checkpoint and without a log there is no account, unless there was one.
            Ok(opened) if opened.catalog.version() > 0 => Ok(opened),
            Ok(opened) => passed_over.map_or(Ok(opened), Err),
            Err(error) => Err(passed_over.unwrap_or(error)),
        };
    }
}

/// A checkpoint with the commits behind it.
fn followed(log: &Log, mut opened: Opened) -> Result<Opened> {
    let timeline = &mut opened.timeline;
    log.follow(&mut opened.catalog, |_, header| timeline.add(header))?;
    Ok(opened)
}
