//! Directory tables.

use firn_storage::format::v1;

use crate::catalog::{Directory, DirectoryChange, DirectoryFile};

/// A directory table as it is persisted; `rows` says whether its files are, too.
pub(super) fn directory_to(directory: &Directory, rows: bool) -> v1::Directory {
    v1::Directory {
        auto_refresh: directory.auto_refresh,
        refreshed_nanos: directory.refreshed_nanos.filter(|_| rows),
        files: match rows {
            true => directory.files().map(file_to).collect(),
            false => Vec::new(),
        },
    }
}

/// The directory table of a stage: of what was persisted before there were any, an empty one.
pub(super) fn directory_from(enabled: bool, directory: Option<v1::Directory>) -> Option<Directory> {
    let Some(persisted) = directory else { return enabled.then(Directory::default) };
    let mut directory = Directory::default();
    directory.auto_refresh = persisted.auto_refresh;
    let registered = persisted.files.into_iter().map(file_from).collect();
    directory.change(&DirectoryChange { registered, unregistered: Vec::new() }, 0);
    directory.refreshed_nanos = persisted.refreshed_nanos;
    Some(directory)
}

pub(super) fn change_to(change: &DirectoryChange) -> v1::DirectoryChange {
    v1::DirectoryChange {
        registered: change.registered.iter().map(file_to).collect(),
        unregistered: change.unregistered.clone(),
    }
}

pub(super) fn change_from(change: v1::DirectoryChange) -> DirectoryChange {
    DirectoryChange {
        registered: change.registered.into_iter().map(file_from).collect(),
        unregistered: change.unregistered,
    }
}

fn file_to(file: &DirectoryFile) -> v1::DirectoryFile {
    v1::DirectoryFile {
        path: file.path.clone(),
        size: file.size,
        modified_nanos: file.modified_nanos,
        etag: file.etag.clone(),
    }
}

fn file_from(file: v1::DirectoryFile) -> DirectoryFile {
    DirectoryFile {
        path: file.path,
        size: file.size,
        modified_nanos: file.modified_nanos,
        etag: file.etag,
    }
}
