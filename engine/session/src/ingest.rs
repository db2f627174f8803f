//! What programs ask of pipes without SQL: to load files, and what has become of them.

use std::sync::Arc;

use firn_account::catalog::{Action, LoadRecord, LoadStatus, Object, QueuedFile};
use firn_types::{Error, Result};

use crate::introspect::{IntrospectionContext, named_pipe, staged_place};
use crate::lifecycle::StatementContext;
use crate::pipe::{self, Opened};
use crate::session::Session;

/// What has become of the files of a pipe.
#[derive(Clone, Debug, PartialEq)]
pub struct PipeReport {
    /// The pipe's whole name.
    pub pipe: String,
    /// Files that it has read, those that it read first in front.
    pub files: Vec<IngestedFile>,
    /// Whether there are no more of them.
    pub complete: bool,
    /// Files that wait.
    pub waiting: usize,
}

/// A file that a pipe has read.
#[derive(Clone, Debug, PartialEq)]
pub struct IngestedFile {
    /// The path below the stage.
    pub path: String,
    /// The stage.
    pub location: String,
    /// How it went: `LOADED`, `PARTIALLY_LOADED` or `LOAD_FAILED`.
    pub status: &'static str,
    /// What the load history has of it.
    pub record: Arc<LoadRecord>,
}

impl Session {
    /// Asks a pipe to load files, by their paths below the location of its statement; tells which it has loaded before.
    ///
    /// # Errors
    /// When there is no such pipe, the role in use may not operate it, its statement cannot be bound any more, or too many
    /// files wait.
    pub fn insert_files(&self, name: &str, paths: &[String]) -> Result<Vec<String>> {
        self.refreshed()?;
        let mut running = StatementContext::described(self.home(), "");
        let pipe = named_pipe(&IntrospectionContext::of(&running), name)?;
        running.catalog().authorize(Action::Operate, &Object::Pipe(Arc::clone(&pipe)))?;
        let shared = Arc::clone(&running.session.shared);
        let Opened { plan, stage } = pipe::open(&shared, &pipe).map_err(Error::without_span)?;
        let received_nanos = running.start_nanos;
        let (mut files, mut known) = (Vec::new(), Vec::new());
        for path in paths {
            let below = path.trim_start_matches('/');
            let whole = match below.starts_with(&plan.path) {
                true => below.to_string(),
                false => format!("{}/{below}", plan.path.trim_end_matches('/')),
            };
            let file = QueuedFile { path: stage.key_of(&whole), received_nanos };
            match pipe.has_taken(&file.path)? {
                true => known.push(path.clone()),
                false => files.push(file),
            }
        }
        pipe::ask(&mut running, &pipe, files)?;
        Ok(known)
    }

    /// What has become of the files that a pipe has read within a time, from its beginning to before its end:
    /// nanoseconds since 1970 UTC. There are about `limit` of them at most, the first ones: files of one time stay
    /// together, so that who goes on behind the last time misses none.
    ///
    /// # Errors
    /// When there is no such pipe.
    pub fn pipe_report(
        &self,
        name: &str,
        range: std::ops::Range<i64>,
        limit: usize,
    ) -> Result<PipeReport> {
        self.refreshed()?;
        let running = StatementContext::described(self.home(), "");
        let context = IntrospectionContext::of(&running);
        let pipe = named_pipe(&context, name)?;
        let mut records: Vec<&Arc<LoadRecord>> = pipe.loads.read()?.records().collect();
        records.retain(|record| range.contains(&record.loaded_nanos));
        records.sort_by_key(|record| record.loaded_nanos);
        let all = records.len();
        if let Some(next) = records.get(limit).map(|record| record.loaded_nanos) {
            let before = records.partition_point(|record| record.loaded_nanos < next);
            let with = records.partition_point(|record| record.loaded_nanos <= next);
            records.truncate(if before == 0 { with } else { before });
        }
        let complete = records.len() == all;
        Ok(PipeReport {
            pipe: context.catalog.full_name(pipe.header.id),
            files: records.into_iter().map(|record| ingested(&context, record)).collect(),
            complete,
            waiting: pipe.queue.len(),
        })
    }

    /// The time by the account's clock: nanoseconds since 1970 UTC.
    pub fn now_nanos(&self) -> i64 {
        self.home().state().shared.account.clock().now_nanos()
    }

    fn refreshed(&self) -> Result<()> {
        self.home().state().shared.account.refresh()
    }
}

fn ingested(context: &IntrospectionContext, record: &Arc<LoadRecord>) -> IngestedFile {
    let (location, path) = staged_place(context, &record.path);
    let status = match record.status {
        LoadStatus::Loaded => "LOADED",
        LoadStatus::Partial => "PARTIALLY_LOADED",
        LoadStatus::Failed => "LOAD_FAILED",
    };
    IngestedFile { path, location, status, record: Arc::clone(record) }
}
