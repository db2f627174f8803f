//! Rows of staged files as a source. No order; a morsel is one worker's share of all files.

use std::sync::{Arc, OnceLock};

use firn_loader::format::{ChunkedFile, FileChunk, FileReader};
use firn_loader::options::{FormatDefinition, from_plan};
use firn_loader::row_error::LoadTarget;
use firn_loader::scan::FileScan;
use firn_loader::stage::{FileSelection, Pattern, SharedStage, StagedFile, select};
use firn_plan::{RegisteredFiles, StageScan};
use firn_types::{Error, ErrorCode, Result};

use super::stage_files::{FileConditions, ScannedFile, registered};
use crate::context::QueryContext;
use crate::operator::{Emit, Flow, Source};
use crate::profile::{OperatorCounters, OperatorId};
use crate::staged::StagedFields;

/// Reads the files of a stage that a query names.
pub struct StageSource {
    stage: SharedStage,
    selection: FileSelection,
    registered: Option<RegisteredFiles>,
    conditions: FileConditions,
    reader: Arc<dyn FileReader>,
    fields: StagedFields,
    /// The operator in the profile, which is told how many files are left out.
    id: OperatorId,
    opened: OnceLock<(FileScan, Vec<ScannedFile>)>,
}

impl StageSource {
    /// A source of a plan's scan; `start_nanos` is when the statement started.
    ///
    /// # Errors
    /// Options that the format does not have, or a pattern that does not compile.
    pub fn new(
        stage: SharedStage,
        scan: &StageScan,
        id: OperatorId,
        start_nanos: i64,
    ) -> Result<StageSource> {
        let format = FormatDefinition::parse(&from_plan(&scan.format)?)?.typed()?;
        let target = LoadTarget::default();
        let members = scan.members.clone();
        let (mut reader, fields) =
            StagedFields::new(&format, &scan.columns, members, target, start_nanos)?;
        if scan.registered.is_some() {
            reader = Arc::new(UnchangedReader(reader));
        }
        let pattern = scan.pattern.as_deref().map(Pattern::new).transpose()?;
        let selection =
            FileSelection { prefix: scan.path.clone(), files: scan.files.clone(), pattern };
        Ok(StageSource {
            stage,
            selection,
            registered: scan.registered.clone(),
            conditions: FileConditions::of(scan, start_nanos)?,
            reader,
            fields,
            id,
            opened: OnceLock::new(),
        })
    }

    /// The files that the scan is of.
    fn files(&self) -> Result<Vec<ScannedFile>> {
        if let Some(files) = &self.registered {
            return Ok(files.files().map(registered).collect());
        }
        let (files, missing) = select(&*self.stage, &self.selection)?;
        match missing.first() {
            Some(path) => Err(file_missing(&self.stage.shown(path))),
            None => {
                Ok(files.into_iter().map(|file| ScannedFile { file, partition: None }).collect())
            }
        }
    }
}

impl Source for StageSource {
    fn open(&self, context: &QueryContext) -> Result<usize> {
        let all = self.files()?;
        let total = all.len();
        let files = self.conditions.left(all, &context.functions);
        if let Some(counters) = context.profile.counters(self.id)
            && self.registered.is_some()
        {
            OperatorCounters::add(&counters.partitions_total, total);
            OperatorCounters::add(&counters.partitions_scanned, files.len());
            OperatorCounters::add(&counters.partitions_pruned, total - files.len());
        }
        let workers = if files.is_empty() { 0 } else { context.threads() };
        let staged: Vec<StagedFile> = files.iter().map(|scanned| scanned.file.clone()).collect();
        announce(&staged, context);
        let scan = FileScan::new(self.stage.clone(), staged, Arc::clone(&self.reader));
        let again = |_| Error::internal("staged files opened twice");
        self.opened.set((scan, files)).map_err(again)?;
        Ok(workers)
    }

    fn read(&self, _: usize, context: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        let Some((scan, files)) = self.opened.get() else { return Ok(Flow::Continue) };
        let mut flow = Flow::Continue;
        while let Some(chunk) = scan.next() {
            let ScannedFile { file, partition } = &files[chunk.file];
            begin(&chunk, context);
            let parsed = chunk.parse(|batch| {
                context.check()?;
                context.monitor.progress.add_rows(batch.rows_parsed);
                if let Some(error) = batch.errors.first() {
                    return Err(error.to_error());
                }
                flow = emit(self.fields.make(&batch, (file, partition.as_deref()))?)?;
                // An error is the way to end a chunk early.
                if flow.is_stop() { Err(Error::internal("enough rows")) } else { Ok(()) }
            });
            if flow.is_stop() {
                return Ok(flow);
            }
            parsed?;
        }
        Ok(flow)
    }
}

/// Opens files only as they were when they were registered: another content under the same name would be rows that nobody
/// has registered, and half of them may have been read already.
struct UnchangedReader(Arc<dyn FileReader>);

impl FileReader for UnchangedReader {
    fn open(&self, stage: &SharedStage, file: &StagedFile) -> Result<Box<dyn ChunkedFile>> {
        let (shown, code) = (stage.shown(&file.path), ErrorCode::FileNotFound);
        match stage.find(&file.path)? {
            Some(now) if now.etag == file.etag && now.size == file.size => self.0.open(stage, file),
            Some(_) => {
                let text = format!(
                    "Remote file '{shown}' has changed since it was registered: ALTER EXTERNAL TABLE .. REFRESH."
                );
                Err(Error::new(code, text))
            }
            None => {
                let text = format!(
                    "Remote file '{shown}' was not found. If it was removed on purpose: ALTER EXTERNAL TABLE .. REFRESH."
                );
                Err(Error::new(code, text))
            }
        }
    }
}

/// Tells those who watch the statement which files it is going to read.
pub(crate) fn announce(files: &[StagedFile], context: &QueryContext) {
    context.monitor.progress.add_total(files.len(), files.iter().map(|file| file.size).sum());
}

/// Tells them that a file is begun, at its first chunk.
pub(crate) fn begin(chunk: &FileChunk, context: &QueryContext) {
    if chunk.index == 0 {
        context.monitor.progress.begin_file();
    }
}

/// The error of a file that is named and not there.
pub(crate) fn file_missing(shown: &str) -> Error {
    Error::new(ErrorCode::FileNotFound, format!("Remote file '{shown}' was not found."))
}
