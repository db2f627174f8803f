//! Files of clients that are not on this machine.

use std::fmt;

use firn_loader::stage::{SharedStage, StagedFile};

/// Whether a PUT or a GET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the stage.
    Upload,
    /// From the stage.
    Download,
}

/// What a client elsewhere is to do for PUT or GET.
#[derive(Clone)]
pub struct Transfer {
    /// Whether files go to the stage or come from it.
    pub direction: Direction,
    /// The client's files, or its folder, without `file://`.
    pub local: String,
    /// The stage.
    pub stage: SharedStage,
    /// Where in the stage files go: a folder without slashes around it.
    pub folder: String,
    /// The files that come from the stage.
    pub files: Vec<StagedFile>,
    /// Files moved at the same time.
    pub parallel: usize,
    /// Whether files that are not compressed are.
    pub auto_compress: bool,
    /// How the client's files are compressed, as SOURCE_COMPRESSION names it.
    pub source_compression: String,
    /// Whether files in the way are replaced.
    pub overwrite: bool,
}

impl fmt::Debug for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Transfer");
        out.field("direction", &self.direction).field("folder", &self.folder);
        out.field("files", &self.files.len()).finish_non_exhaustive()
    }
}
