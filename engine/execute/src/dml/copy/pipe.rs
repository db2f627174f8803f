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

/// The files that a pipe has to load now, at most as many as one load takes, and the queued paths that there is no file for.
///
/// # Errors
/// A stage that cannot be listed, or a wrong pattern.
pub fn files_for_pipe(
    plan: &CopyIntoTable,
    pipe: &Pipe,
    stage: &OpenStage,
    now_nanos: i64,
) -> Result<(Vec<StagedFile>, Vec<String>)> {
    let selection = FileSelection {
        prefix: plan.path.clone(),
        files: None,
        pattern: plan.pattern.as_deref().map(Pattern::new).transpose()?,
    };
    let (mut files, _) = select(&*stage.stage, &selection)?;
    let from = pipe.header.created_nanos.saturating_sub(BLUR_NANOS);
    let from = from.max(now_nanos.saturating_sub(LOOKED_FOR_NANOS));
    let mut found = 0;
    files.retain(|file| {
        let key = stage.key_of(&file.path);
        let queued = pipe.queue.contains(&key);
        found += usize::from(queued);
        let comes = pipe.auto_ingest && file.arrived >= from;
        !pipe.has_taken(&key) && (queued || comes && !pipe.loads.knows(&key, &file.etag))
    });
    let missing = match found == pipe.queue.len() {
        true => Vec::new(),
        false => missing(pipe, &files, stage),
    };
    files.truncate(FILES_MAX);
    Ok((files, missing))
}

/// The queued paths without a file.
fn missing(pipe: &Pipe, files: &[StagedFile], stage: &OpenStage) -> Vec<String> {
    let keys = files.iter().map(|file| stage.key_of(&file.path));
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
    let (files, missing) = files_for_pipe(plan, pipe, stage, now)?;
    let result =
        |path: &String| FileResult::of_broken_file(path.as_str().into(), &file_missing(path));
    let left_out = missing.iter().map(result).collect();
    let missing = missing.into_iter().map(|path| absent(path, now)).collect();
    Ok(Chosen { files, left_out, missing })
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
    for record in records {
        let received = pipe.and_then(|pipe| pipe.queue.received_nanos(&record.path));
        record.by_pipe = Some(PipeLoad { table, received_nanos: received.unwrap_or(now) });
    }
}
