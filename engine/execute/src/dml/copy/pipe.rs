//! Which files a pipe loads: those that somebody has asked for, and with AUTO_INGEST those that have come.
//!
//! A pipe knows a file by its path alone: one that is loaded is not loaded again when it has changed. One that could not
//! be loaded is tried again when it has changed, or when somebody asks for it.

use firn_account::Transaction;
use firn_account::catalog::{LoadError, LoadRecord, LoadStatus, Object, Pipe, PipeLoad};
use firn_loader::on_error::FileResult;
use firn_loader::stage::{FileSelection, Pattern, StagedFile, select};
use firn_plan::statement::CopyIntoTable;
use firn_types::{Error, ErrorCode, ObjectId, Result};

use super::OpenStage;
use super::choose::Chosen;
use crate::operators::stage_scan::file_missing;

/// Files of one load, at most: what one commit does stays bounded.
const FILES_MAX: usize = 1_000;
/// How long a file is looked for that nobody has asked for. It is shorter than the load history is kept, so that no
/// file is forgotten and found again: 14 days.
const LOOKED_FOR_NANOS: i64 = 14 * 86_400_000_000_000;
/// By how much a file may seem older than it is: stores tell whole seconds.
const BLUR_NANOS: i64 = 1_000_000_000;

/// What a pipe has to do now, at most as much as one load takes.
#[derive(Debug, Default)]
pub struct PipeWork {
    /// The files that it has to load.
    pub files: Vec<StagedFile>,
    /// The queued paths that there is no file for.
    pub missing: Vec<String>,
    /// The queued paths of files that it has loaded before they were asked for.
    pub loaded: Vec<String>,
}

impl PipeWork {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.missing.is_empty() && self.loaded.is_empty()
    }
}

/// What a pipe has to do now.
///
/// # Errors
/// A stage that cannot be listed, or a wrong pattern; a load history that cannot be read.
pub fn files_for_pipe(
    plan: &CopyIntoTable,
    pipe: &Pipe,
    stage: &OpenStage,
    now_nanos: i64,
) -> Result<PipeWork> {
    let selection = FileSelection {
        prefix: plan.path.clone(),
        files: None,
        pattern: plan.pattern.as_deref().map(Pattern::new).transpose()?,
    };
    let (mut files, _) = select(&*stage.stage, &selection)?;
    let from = pipe.header.created_nanos.saturating_sub(BLUR_NANOS);
    let from = from.max(now_nanos.saturating_sub(LOOKED_FOR_NANOS));
    let loads = pipe.loads.read()?;
    let loaded: Vec<String> = pipe.queue.files().map(|file| file.path).collect();
    let loaded: Vec<String> = loaded.into_iter().filter(|path| loads.has_taken(path)).collect();
    let missing = missing(pipe, &files, &loaded, stage);
    files.retain(|file| {
        let key = stage.key_of(&file.path);
        if loads.has_taken(&key) {
            return false;
        }
        let queued = pipe.queue.contains(&key);
        let comes = pipe.auto_ingest && file.arrived >= from;
        queued || comes && !loads.knows(&key, &file.etag)
    });
    files.truncate(FILES_MAX);
    Ok(PipeWork { files, missing, loaded })
}

/// The queued paths without a file among those of the stage.
fn missing(pipe: &Pipe, files: &[StagedFile], loaded: &[String], stage: &OpenStage) -> Vec<String> {
    if pipe.queue.len() == loaded.len() {
        return Vec::new();
    }
    let keys = files.iter().map(|file| stage.key_of(&file.path)).chain(loaded.iter().cloned());
    let keys: std::collections::HashSet<String> = keys.collect();
    let absent = pipe.queue.files().map(|file| file.path).filter(|path| !keys.contains(path));
    absent.take(FILES_MAX).collect()
}

/// The files of a load by a pipe.
pub(super) fn choose(
    plan: &CopyIntoTable,
    pipe: ObjectId,
    stage: &OpenStage,
    transaction: &Transaction,
) -> Result<Chosen> {
    let catalog = transaction.catalog();
    let found = catalog.object(pipe).and_then(Object::as_pipe).filter(|_| catalog.is_live(pipe));
    let gone = || Error::new(ErrorCode::ObjectNotFound, "The pipe is gone.");
    let pipe = found.ok_or_else(gone)?;
    let now = transaction.account().clock().now_nanos();
    let PipeWork { files, missing, loaded } = files_for_pipe(plan, pipe, stage, now)?;
    let result =
        |path: &String| FileResult::of_broken_file(path.as_str().into(), &file_missing(path));
    let left_out = missing.iter().map(result).collect();
    let mut also_noted: Vec<LoadRecord> =
        missing.into_iter().map(|path| absent(path, now)).collect();
    // To note a load once more changes nothing, and takes the file off the queue.
    let loads = pipe.loads.read()?;
    let again = loaded.iter().filter_map(|path| loads.load_of(path));
    also_noted.extend(again.map(|record| LoadRecord::clone(record)));
    Ok(Chosen { files, left_out, also_noted })
}

/// What is noted of a file that is not there.
fn absent(path: String, now: i64) -> LoadRecord {
    let message = file_missing(&path).detail().to_string();
    LoadRecord {
        path,
        etag: String::new(),
        size: 0,
        modified_nanos: now,
        loaded_nanos: now,
        status: LoadStatus::Failed,
        rows_loaded: 0,
        rows_parsed: 0,
        error_count: 1,
        error_limit: 1,
        first_error: Some(LoadError { message, line: 0, character: 0, column: None }),
        by_pipe: None,
    }
}

/// Adds to the records of a load what a pipe's history has beside.
pub(super) fn note(
    pipe: ObjectId,
    table: ObjectId,
    records: &mut [LoadRecord],
    now: i64,
    transaction: &Transaction,
) {
    let catalog = transaction.catalog();
    let pipe = catalog.object(pipe).and_then(Object::as_pipe);
    for record in records.iter_mut().filter(|record| record.by_pipe.is_none()) {
        let received = pipe.and_then(|pipe| pipe.queue.received_nanos(&record.path));
        record.by_pipe = Some(PipeLoad { table, received_nanos: received.unwrap_or(now) });
    }
}
