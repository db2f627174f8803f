//! Directory tables of stages: which files there were when somebody last looked.

use rpds::RedBlackTreeMapSync as Map;

/// The directory table of a stage. Cloning shares it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// AUTO_REFRESH: it follows the files.
    pub auto_refresh: bool,
    /// When it was last refreshed: nanoseconds since 1970 UTC.
    pub refreshed_nanos: Option<i64>,
    files: Map<String, DirectoryFile>,
}

/// A file of a directory table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryFile {
    /// The path below the stage.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// When it was last modified: nanoseconds since 1970 UTC.
    pub modified_nanos: i64,
    /// The content's mark.
    pub etag: String,
}

/// How a directory table changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectoryChange {
    /// Files that are new, or have changed.
    pub registered: Vec<DirectoryFile>,
    /// The paths of files that are gone.
    pub unregistered: Vec<String>,
}

impl Directory {
    /// The files, by path.
    pub fn files(&self) -> impl Iterator<Item = &DirectoryFile> {
        self.files.values()
    }

    /// The file of a path.
    pub fn file(&self, path: &str) -> Option<&DirectoryFile> {
        self.files.get(path)
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.size()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The same without its files.
    pub fn emptied(&self) -> Directory {
        Directory { auto_refresh: self.auto_refresh, ..Directory::default() }
    }

    /// The same files under the settings of another one.
    pub(crate) fn with_settings_of(&self, other: &Directory) -> Directory {
        Directory { auto_refresh: other.auto_refresh, ..self.clone() }
    }

    /// Takes over what a refresh has found.
    pub fn change(&mut self, change: &DirectoryChange, nanos: i64) {
        for file in &change.registered {
            self.files.insert_mut(file.path.clone(), file.clone());
        }
        for path in &change.unregistered {
            self.files.remove_mut(path);
        }
        self.refreshed_nanos = Some(nanos);
    }
}
