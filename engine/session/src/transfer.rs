//! Files of clients that are not on this machine, and this machine's files, which are not theirs.

use std::fmt;

use firn_loader::stage::{SharedStage, StageLocation, StagedFile};
use firn_types::{Error, ErrorCode, Result};

/// Which files of this machine the statements of a session reach, by `file://`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LocalFiles {
    /// All: whoever sends them is on this machine.
    #[default]
    All,
    /// Those below these folders: whoever sends them is elsewhere, and moves the files of PUT and GET itself.
    Below(Vec<String>),
}

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

impl LocalFiles {
    /// Whether clients move the files of PUT and GET themselves.
    pub(crate) fn are_elsewhere(&self) -> bool {
        *self != LocalFiles::All
    }

    /// Looks whether a stage may lie at a URL.
    ///
    /// # Errors
    /// `InsufficientPrivileges` for folders of this machine out of reach.
    pub(crate) fn check(&self, url: &str) -> Result<()> {
        let LocalFiles::Below(folders) = self else { return Ok(()) };
        // What is no URL of a stage is refused where it is opened.
        let Ok(StageLocation::Local { folder }) = StageLocation::parse(url) else { return Ok(()) };
        let inside = |allowed: &String| {
            let allowed = allowed.trim_end_matches('/');
            folder
                .strip_prefix(allowed)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if !folder.split('/').any(|part| part == "..") && folders.iter().any(inside) {
            return Ok(());
        }
        let text = format!(
            "Files of the server's own machine are out of reach: '{url}' is not below a folder that the \
             server was started with."
        );
        Err(Error::new(ErrorCode::InsufficientPrivileges, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_below_an_allowed_folder_is_in_reach() {
        let below = LocalFiles::Below(vec!["/data/in/".to_string(), "/x".to_string()]);
        for fine in ["file:///data/in", "file:///data/in/a/", "FILE:///x/y", "s3://bucket/x"] {
            assert!(below.check(fine).is_ok(), "{fine}");
        }
        for wrong in ["file:///", "file:///data/inner", "file:///data/in/../out", "file:///etc"] {
            assert!(below.check(wrong).is_err(), "{wrong}");
            assert!(LocalFiles::All.check(wrong).is_ok());
        }
    }
}
