//! Reading JSON files as documents.

use std::sync::Arc;

use firn_types::Result;

use super::{JsonFile, JsonPlan};
use crate::format::{ChunkedFile, DocumentFormat, EmitBatch, FileChunk, FileReader};
use crate::options::{JsonOptions, Pictures};
use crate::row_error::LoadTarget;
use crate::stage::{SharedStage, StagedFile};

/// Reads JSON documents, each as one VARIANT.
pub struct JsonReader {
    options: JsonOptions,
    plan: Arc<JsonPlan>,
}

impl JsonReader {
    /// A reader of files of this format; `target` names the column in messages.
    ///
    /// # Errors
    /// Options that firn does not have.
    pub fn new(options: &JsonOptions, target: LoadTarget) -> Result<JsonReader> {
        let plan = Arc::new(JsonPlan::new(options, target)?);
        Ok(JsonReader { options: options.clone(), plan })
    }
}

impl DocumentFormat for JsonOptions {
    fn reader(&self, target: LoadTarget) -> Result<Arc<dyn FileReader>> {
        Ok(Arc::new(JsonReader::new(self, target)?))
    }

    fn pictures(&self) -> &Pictures {
        &self.pictures
    }
}

impl FileReader for JsonReader {
    fn open(&self, stage: &SharedStage, file: &StagedFile) -> Result<Box<dyn ChunkedFile>> {
        let file = JsonFile::open(&**stage, file, &self.options)?;
        Ok(Box::new(Opened { file, plan: Arc::clone(&self.plan) }))
    }
}

struct Opened {
    file: JsonFile,
    plan: Arc<JsonPlan>,
}

impl ChunkedFile for Opened {
    fn next_chunk(&self) -> Result<Option<FileChunk>> {
        let Some(chunk) = self.file.next_chunk()? else { return Ok(None) };
        let (index, plan) = (chunk.index, Arc::clone(&self.plan));
        let parse = move |emit: EmitBatch<'_>| chunk.parse(&plan, emit);
        Ok(Some(FileChunk::new(index, parse)))
    }

    fn is_busy(&self) -> bool {
        self.file.is_busy()
    }
}
