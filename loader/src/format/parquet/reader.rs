//! Reading Parquet files by row groups.

use std::sync::Arc;

use firn_types::{Result, Schema};

use super::ParquetFile;
use crate::format::{ChunkedFile, ColumnFormat, ColumnsPlan, EmitBatch, FileChunk, FileReader};
use crate::options::ParquetOptions;
use crate::stage::{SharedStage, StagedFile};

/// Reads the wanted columns of Parquet files.
pub struct ParquetReader {
    options: ParquetOptions,
    plan: Arc<ColumnsPlan>,
}

impl ParquetReader {
    /// A reader of files of this format.
    pub fn new(options: &ParquetOptions, plan: ColumnsPlan) -> ParquetReader {
        ParquetReader { options: options.clone(), plan: Arc::new(plan) }
    }
}

impl ColumnFormat for ParquetOptions {
    fn reader(&self, plan: ColumnsPlan) -> Arc<dyn FileReader> {
        Arc::new(ParquetReader::new(self, plan))
    }

    fn schema(&self, stage: &SharedStage, file: &StagedFile) -> Result<Schema> {
        Ok(ParquetFile::open(Arc::clone(stage), file, self)?.schema().clone())
    }
}

impl FileReader for ParquetReader {
    fn open(&self, stage: &SharedStage, file: &StagedFile) -> Result<Box<dyn ChunkedFile>> {
        let file = ParquetFile::open(Arc::clone(stage), file, &self.options)?;
        Ok(Box::new(Opened { file, plan: Arc::clone(&self.plan) }))
    }
}

struct Opened {
    file: ParquetFile,
    plan: Arc<ColumnsPlan>,
}

impl ChunkedFile for Opened {
    fn next_chunk(&self) -> Result<Option<FileChunk>> {
        let Some(chunk) = self.file.next_chunk()? else { return Ok(None) };
        let (index, plan) = (chunk.index as u64, Arc::clone(&self.plan));
        let types = chunk.types(&plan);
        let parse = move |emit: EmitBatch<'_>| chunk.parse(&plan, emit);
        Ok(Some(FileChunk::new(index, parse).with_types(types)))
    }

    fn is_busy(&self) -> bool {
        self.file.is_busy()
    }
}
