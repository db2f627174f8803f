//! Pipes.

use std::sync::Arc;

use firn_storage::format::v1;
use firn_types::Result;

use super::object::{header_from, header_to, load_from, load_to};
use crate::catalog::{LoadHistory, Pipe, QueuedFile};

/// A pipe as it is persisted; `rows` says whether its loads and its queue are, too.
pub(super) fn pipe_to(pipe: &Pipe, rows: bool) -> v1::Pipe {
    let mut persisted = v1::Pipe {
        header: header_to(&pipe.header),
        definition: pipe.definition.clone(),
        auto_ingest: pipe.auto_ingest,
        options: pipe.options.clone(),
        pattern: pipe.pattern.clone(),
        internal: pipe.is_internal,
        paused: pipe.paused,
        cloned: pipe.cloned,
        loads: Vec::new(),
        queue: Vec::new(),
    };
    if rows {
        persisted.loads = pipe.loads.records().map(|record| load_to(record)).collect();
        persisted.queue = pipe.queue.files().map(|file| queued_to(&file)).collect();
    }
    persisted
}

pub(super) fn pipe_from(pipe: v1::Pipe) -> Result<Pipe> {
    let mut loads = LoadHistory::default();
    for record in pipe.loads {
        loads.add(Arc::new(load_from(record)?));
    }
    Ok(Pipe {
        header: header_from(pipe.header),
        definition: pipe.definition,
        auto_ingest: pipe.auto_ingest,
        options: pipe.options,
        pattern: pipe.pattern,
        is_internal: pipe.internal,
        paused: pipe.paused,
        cloned: pipe.cloned,
        loads: Arc::new(loads),
        queue: pipe.queue.into_iter().map(queued_from).collect(),
    })
}

pub(super) fn queued_to(file: &QueuedFile) -> (String, i64) {
    (file.path.clone(), file.received_nanos)
}

pub(super) fn queued_from((path, received_nanos): (String, i64)) -> QueuedFile {
    QueuedFile { path, received_nanos }
}
