//! Rows of staged files as a source. No order; a morsel is one worker's share of all files.

use std::sync::{Arc, OnceLock};

use firn_loader::format::{FileChunk, FileReader};
use firn_loader::options::{FormatDefinition, from_plan};
use firn_loader::row_error::LoadTarget;
use firn_loader::scan::FileScan;
use firn_loader::stage::{FileSelection, Pattern, SharedStage, StagedFile, select};
use firn_plan::StageScan;
use firn_types::{Error, ErrorCode, Result};

use crate::context::QueryContext;
use crate::operator::{Emit, Flow, Source};
use crate::staged::StagedFields;

/// Reads the files of a stage that a query names.
pub struct StageSource {
    stage: SharedStage,
    selection: FileSelection,
    reader: Arc<dyn FileReader>,
    fields: StagedFields,
    opened: OnceLock<(FileScan, Vec<StagedFile>)>,
}

impl StageSource {
    /// A source of a plan's scan; `start_nanos` is when the statement started.
    ///
    /// # Errors
    /// Options that the format does not have, or a pattern that does not compile.
    pub fn new(stage: SharedStage, scan: &StageScan, start_nanos: i64) -> Result<StageSource> {
        let format = FormatDefinition::parse(&from_plan(&scan.format)?)?.typed()?;
        let target = LoadTarget::default();
        let (reader, fields) =
            StagedFields::new(&format, &scan.columns, None, target, start_nanos)?;
        let pattern = scan.pattern.as_deref().map(Pattern::new).transpose()?;
        let selection =
            FileSelection { prefix: scan.path.clone(), files: scan.files.clone(), pattern };
        Ok(StageSource { stage, selection, reader, fields, opened: OnceLock::new() })
    }
}

impl Source for StageSource {
    fn open(&self, context: &QueryContext) -> Result<usize> {
        let (files, missing) = select(&*self.stage, &self.selection)?;
        if let Some(path) = missing.first() {
            return Err(file_missing(&self.stage.shown(path)));
        }
        let workers = if files.is_empty() { 0 } else { context.threads() };
        announce(&files, context);
        let scan = FileScan::new(self.stage.clone(), files.clone(), Arc::clone(&self.reader));
        let again = |_| Error::internal("staged files opened twice");
        self.opened.set((scan, files)).map_err(again)?;
        Ok(workers)
    }

    fn read(&self, _: usize, context: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        let Some((scan, files)) = self.opened.get() else { return Ok(Flow::Continue) };
        let mut flow = Flow::Continue;
        while let Some(chunk) = scan.next() {
            let file = &files[chunk.file];
            begin(&chunk, context);
            let parsed = chunk.parse(|batch| {
                context.check()?;
                context.monitor.progress.add_rows(batch.rows_parsed);
                if let Some(error) = batch.errors.first() {
                    return Err(error.to_error());
                }
                flow = emit(self.fields.make(&batch, file)?)?;
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
