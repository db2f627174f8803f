//! Pipes.

use std::sync::Arc;

use firn_storage::format::v1;
use firn_types::Result;

use super::Lists;
use super::object::{header_from, header_to};
use crate::catalog::{Pipe, QueuedFile};

/// A pipe as it is persisted; `rows` says whether its loads and its queue are, too.
pub(super) fn pipe_to(pipe: &Pipe, lists: &Lists<'_>, rows: bool) -> Result<v1::Pipe> {
    let mut persisted = v1::Pipe {
        header: header_to(&pipe.header),
        definition: pipe.definition.clone(),
        auto_ingest: pipe.auto_ingest,
        options: pipe.options.clone(),
        pattern: pipe.pattern.clone(),
        internal: pipe.is_internal,
        paused: pipe.paused,
        cloned: pipe.cloned,
        load_files: Vec::new(),
        loads: Vec::new(),
        queue: Vec::new(),
    };
    if rows {
        (persisted.load_files, persisted.loads) = lists.loads_to(&pipe.loads)?;
        persisted.queue = pipe.queue.files().map(|file| queued_to(&file)).collect();
    }
    Ok(persisted)
}

pub(super) fn pipe_from(pipe: v1::Pipe, lists: &Lists<'_>) -> Result<Pipe> {
    Ok(Pipe {
        header: header_from(pipe.header),
        definition: pipe.definition,
        auto_ingest: pipe.auto_ingest,
        options: pipe.options,
        pattern: pipe.pattern,
        is_internal: pipe.internal,
        paused: pipe.paused,
        cloned: pipe.cloned,
        loads: Arc::new(lists.loads_from(pipe.load_files, pipe.loads, None)?),
        queue: pipe.queue.into_iter().map(queued_from).collect(),
    })
}

pub(super) fn queued_to(file: &QueuedFile) -> (String, i64) {
    (file.path.clone(), file.received_nanos)
}

pub(super) fn queued_from((path, received_nanos): (String, i64)) -> QueuedFile {
    QueuedFile { path, received_nanos }
}
