//! Reading CSV files into sinks.

use std::sync::Arc;

use firn_types::Result;

use super::{CsvFile, CsvPlan, FieldSink};
use crate::format::{ChunkedFile, EmitBatch, FileChunk, FileReader, WantedColumn};
use crate::options::CsvOptions;
use crate::row_error::LoadTarget;
use crate::stage::{SharedStage, StagedFile};

/// Makes the sinks for the columns of one chunk.
pub type SinkFactory = Arc<dyn Fn() -> Vec<Box<dyn FieldSink>> + Send + Sync>;

/// Reads delimited text into sinks.
pub struct CsvReader {
    /// The file format.
    pub options: CsvOptions,
    /// The field of each sink.
    pub columns: CsvColumns,
    /// The number of fields that a record must have; see [`CsvPlan::new`].
    pub expected: Option<usize>,
    /// The sinks.
    pub sinks: SinkFactory,
    /// For messages: the columns that the fields go to.
    pub target: LoadTarget,
}

/// Which field goes to which sink.
#[derive(Clone, Debug)]
pub enum CsvColumns {
    /// By position in the record, from 0, none twice.
    Positions(Vec<usize>),
    /// By the file's header, with PARSE_HEADER; a column that a file does not have is NULL.
    Names(Vec<WantedColumn>),
}

impl FileReader for CsvReader {
    fn open(&self, stage: &SharedStage, file: &StagedFile) -> Result<Box<dyn ChunkedFile>> {
        let file = CsvFile::open(&**stage, file, &self.options)?;
        let wanted = self.columns.positions(file.header());
        let target = self.columns.target(file.header(), &self.target);
        let plan = Arc::new(CsvPlan::new(&self.options, wanted, self.expected, target));
        Ok(Box::new(Opened { file, plan, sinks: Arc::clone(&self.sinks) }))
    }
}

struct Opened {
    file: CsvFile,
    plan: Arc<CsvPlan>,
    sinks: SinkFactory,
}

impl ChunkedFile for Opened {
    fn next_chunk(&self) -> Result<Option<FileChunk>> {
        let Some(chunk) = self.file.next_chunk()? else { return Ok(None) };
        let (plan, sinks) = (Arc::clone(&self.plan), Arc::clone(&self.sinks));
        let index = chunk.index;
        let parse = move |emit: EmitBatch<'_>| chunk.parse(&plan, &mut sinks(), emit);
        Ok(Some(FileChunk::new(index, parse)))
    }

    fn is_busy(&self) -> bool {
        self.file.is_busy()
    }
}

impl CsvColumns {
    /// The field of each sink in a file with this header.
    fn positions(&self, header: Option<&[String]>) -> Vec<usize> {
        let wanted = match self {
            CsvColumns::Positions(positions) => return positions.clone(),
            CsvColumns::Names(wanted) => wanted,
        };
        let header = header.unwrap_or_default();
        let find = |column: &WantedColumn| {
            let found = header.iter().position(|name| column.is_named(name));
            found.unwrap_or(CsvPlan::NO_FIELD)
        };
        wanted.iter().map(find).collect()
    }

    /// The columns that the fields of a file with this header go to.
    fn target(&self, header: Option<&[String]>, target: &LoadTarget) -> LoadTarget {
        let (CsvColumns::Names(wanted), Some(header)) = (self, header) else {
            return target.clone();
        };
        let columns = header.iter().map(|name| {
            let sink = wanted.iter().position(|column| column.is_named(name));
            sink.and_then(|sink| target.columns.get(sink)).unwrap_or(name).clone()
        });
        LoadTarget { table: target.table.clone(), columns: columns.collect() }
    }
}
