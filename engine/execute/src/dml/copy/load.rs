//! Loading: chunks of files on all threads, then a decision about each file.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use firn_account::Transaction;
use firn_account::catalog::{LoadError, LoadRecord, LoadStatus};
use firn_column::Batch;
use firn_expression::Expr;
use firn_loader::format::FileChunk;
use firn_loader::on_error::{Decision, FileResult, FileStatus, FileTally};
use firn_loader::options::{CopyOptions, OnError};
use firn_loader::row_error::RowError;
use firn_loader::scan::FileScan;
use firn_loader::stage::StagedFile;
use firn_plan::describe::Description;
use firn_plan::statement::CopyIntoTable;
use firn_types::{Error, Result};

use super::choose::Chosen;
use super::projection::LoadProjection;
use super::undecided::UndecidedRows;
use super::{LoadedFiles, OpenStage};
use crate::context::{QueryContext, lock};
use crate::dml::insert::append;
use crate::dml::writer::RowsWriter;
use crate::operators::stage_scan::{announce, begin};
use crate::profile::OperatorCounters;

/// Bad rows that are kept for VALIDATE.
const ERRORS_MAX: usize = 10_000;
/// Chunks of a file at most, so that places of different files differ.
const CHUNK_BITS: u32 = 24;

/// What all workers share.
struct Loading<'l> {
    context: &'l QueryContext,
    projection: &'l LoadProjection,
    files: &'l [StagedFile],
    mode: OnError,
    writer: RowsWriter<'l>,
    states: Vec<Mutex<FileState>>,
    errors: Mutex<Vec<RowError>>,
    profile: LoadProfile,
    /// Whether no further chunk is worth reading.
    stop: AtomicBool,
}

/// Where the time of a load goes: reading files, or making and writing rows.
struct LoadProfile {
    writing: Option<Arc<OperatorCounters>>,
    reading: Option<Arc<OperatorCounters>>,
}

impl LoadProfile {
    fn new(plan: &CopyIntoTable, stage: &OpenStage, context: &QueryContext) -> LoadProfile {
        let (profile, files) = (&context.profile, stage.stage.shown(&plan.path));
        let target = Description::of_object(&plan.target.name);
        let (root, writing) = profile.add_counted(context.purpose, target, None);
        let source = Description::of_object(files);
        let (_, reading) = profile.add_counted("ExternalScan", source, Some(root));
        LoadProfile { writing, reading }
    }

    /// Notes one chunk: how long it took in all, and how long its rows took to be made and written.
    fn add(&self, all: Duration, writing: Duration, read: u64, kept: usize) {
        let nanos = |time: Duration| usize::try_from(time.as_nanos()).unwrap_or(usize::MAX);
        if let Some(counters) = &self.reading {
            OperatorCounters::add(&counters.nanos, nanos(all.saturating_sub(writing)));
            counters.rows_out.fetch_add(read, Ordering::Relaxed);
        }
        if let Some(counters) = &self.writing {
            OperatorCounters::add(&counters.nanos, nanos(writing));
            OperatorCounters::add(&counters.rows_in, kept);
        }
    }

    fn add_bytes(&self, files: &[StagedFile]) {
        if let Some(counters) = &self.reading {
            let bytes = files.iter().map(|file| file.size).sum::<u64>();
            counters.bytes_read.fetch_add(bytes, Ordering::Relaxed);
        }
    }
}

/// What is known of one file.
#[derive(Default)]
struct FileState {
    tally: FileTally,
    undecided: UndecidedRows,
    /// Why it cannot be read on.
    broken: Option<Error>,
}

pub(super) fn load(
    plan: &CopyIntoTable,
    stage: &OpenStage,
    options: &CopyOptions,
    (projection, chosen): (&LoadProjection, Chosen),
    cluster_keys: &[Expr],
    context: &QueryContext,
    transaction: &mut Transaction,
) -> Result<LoadedFiles> {
    let table = &plan.target.table;
    let Chosen { files, left_out, also_noted } = chosen;
    let loading = Loading {
        context,
        projection,
        files: &files,
        mode: options.on_error(),
        writer: RowsWriter::new(table, cluster_keys, false, context, transaction)?,
        states: files.iter().map(|_| Mutex::default()).collect(),
        errors: Mutex::default(),
        profile: LoadProfile::new(plan, stage, context),
        stop: AtomicBool::new(false),
    };
    announce(&files, context);
    loading.profile.add_bytes(&files);
    let scan = FileScan::new(stage.stage.clone(), files.clone(), Arc::clone(&projection.reader));
    context.for_each(context.threads(), |_| loading.work(&scan))?;
    let (results, writer, errors) = loading.decide(stage)?;
    let written = writer.finish()?;
    append(table.id(), false, false, written, transaction)?;
    let now = transaction.account().clock().now_nanos();
    let records = files.iter().zip(&results);
    let records = records.map(|(file, result)| record(stage, file, result, now)).chain(also_noted);
    let mut records: Vec<LoadRecord> = records.collect();
    if let Some(pipe) = plan.pipe {
        super::pipe::note(pipe, table.id(), &mut records, now, transaction);
    }
    transaction.record_loads(plan.pipe.unwrap_or(table.id()), records)?;
    let is_loaded = |result: &FileResult| result.status == FileStatus::Loaded;
    let purge =
        files.iter().zip(&results).filter(|(_, result)| options.purge() && is_loaded(result));
    let purge = purge.map(|(file, _)| file.path.clone()).collect();
    let rows_loaded = results.iter().map(|result| result.rows_loaded).sum();
    let any = !results.is_empty() || !left_out.is_empty();
    let mut results: Vec<FileResult> = results.into_iter().chain(left_out).collect();
    if options.return_failed_only() {
        results.retain(|result| !is_loaded(result));
    }
    Ok(LoadedFiles { results, any, errors, purge, rows_loaded })
}

impl<'l> Loading<'l> {
    /// One worker: takes chunks until there are none.
    fn work(&self, scan: &FileScan) -> Result<()> {
        while !self.stop.load(Ordering::Acquire) {
            self.context.check()?;
            let Some(chunk) = scan.next() else { break };
            let done = self.load_chunk(chunk);
            if done.is_err() {
                self.stop.store(true, Ordering::Release);
            }
            done?;
        }
        Ok(())
    }

    fn load_chunk(&self, chunk: FileChunk) -> Result<()> {
        begin(&chunk, self.context);
        let (file, types) = (chunk.file, chunk.types());
        let index = usize::try_from(chunk.index).unwrap_or(0);
        let place = (file << CHUNK_BITS) | index;
        let mut tally = FileTally::default();
        // Errors of our own, as against those of the file.
        let mut own = None;
        let (started, mut writing, mut kept) = (Instant::now(), Duration::ZERO, 0);
        let parsed = chunk.parse(|batch| {
            let parsed = Instant::now();
            let made = self.context.check().and_then(|()| {
                let (rows, rejected) =
                    self.projection.rows.make(&batch, &types, &self.files[file])?;
                tally.rows_parsed += batch.rows_parsed;
                self.context.monitor.progress.add_rows(batch.rows_parsed);
                self.note(batch.errors.iter().chain(&rejected), &mut tally);
                kept += rows.rows();
                self.keep(file, place, rows)
            });
            writing += parsed.elapsed();
            made.inspect_err(|error| own = Some(error.clone()))
        });
        self.profile.add(started.elapsed(), writing, tally.rows_parsed, kept);
        if let Some(error) = own {
            return Err(error);
        }
        if self.mode.gives_up(tally.errors_seen) {
            self.stop.store(true, Ordering::Release);
        }
        let mut state = lock(&self.states[file]);
        state.tally.merge(tally);
        match parsed {
            Ok(()) => Ok(()),
            Err(error) if self.mode == OnError::AbortStatement => Err(error),
            Err(error) => {
                state.broken.get_or_insert(error);
                Ok(())
            }
        }
    }

    fn note<'e>(&self, errors: impl Iterator<Item = &'e RowError>, tally: &mut FileTally) {
        for error in errors {
            tally.add_error(error);
            let mut kept = lock(&self.errors);
            if kept.len() < ERRORS_MAX {
                kept.push(error.clone());
            }
        }
    }

    /// Rows of a file that may still be skipped are held back.
    fn keep(&self, file: usize, place: usize, rows: Batch) -> Result<()> {
        match self.mode {
            OnError::AbortStatement | OnError::Continue => self.writer.write(place, rows),
            _ => lock(&self.states[file]).undecided.add(place, rows, self.context),
        }
    }

    /// Decides about each file, and writes the rows of those that are loaded.
    fn decide(self, stage: &OpenStage) -> Result<(Vec<FileResult>, RowsWriter<'l>, Vec<RowError>)> {
        let mut errors = self.errors.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut results = Vec::with_capacity(self.files.len());
        for (file, state) in self.files.iter().zip(self.states) {
            let FileState { mut tally, undecided, broken } =
                state.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
            let shown = stage.stage.shown(&file.path);
            if let Some(error) = broken {
                errors.push(RowError::of_file(shown.clone().into(), &error));
                if tally.rows_parsed == 0 || self.mode != OnError::Continue {
                    results.push(FileResult::of_broken_file(shown.into(), &error));
                    continue;
                }
                tally.rows_parsed += 1;
                tally.add_error(&RowError::of_file(shown.clone().into(), &error));
            }
            let decision = self.mode.decide(&tally)?;
            results.push(FileResult::of(shown.into(), self.mode, &tally, decision));
            if decision == Decision::Load {
                undecided.release(|place, rows| self.writer.write(place, rows))?;
            }
        }
        errors.sort_by(|a, b| (&a.file, a.byte_offset).cmp(&(&b.file, b.byte_offset)));
        Ok((results, self.writer, errors))
    }
}

fn record(stage: &OpenStage, file: &StagedFile, result: &FileResult, now: i64) -> LoadRecord {
    LoadRecord {
        path: stage.key_of(&file.path),
        etag: file.etag.clone(),
        size: file.size,
        modified_nanos: file.last_modified,
        loaded_nanos: now,
        status: match result.status {
            FileStatus::Loaded => LoadStatus::Loaded,
            FileStatus::PartiallyLoaded => LoadStatus::Partial,
            FileStatus::LoadFailed | FileStatus::LoadSkipped => LoadStatus::Failed,
        },
        rows_loaded: result.rows_loaded,
        rows_parsed: result.rows_parsed,
        error_count: result.errors_seen,
        error_limit: result.error_limit.unwrap_or(0),
        first_error: result.first_error.as_ref().map(|message| LoadError {
            message: message.clone(),
            line: result.first_error_line.unwrap_or(0),
            character: result.first_error_character.unwrap_or(0),
            column: result.first_error_column_name.clone(),
        }),
        by_pipe: None,
    }
}
