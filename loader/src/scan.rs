//! One way to read staged files, whatever their format: what COPY and queries on stages use.
//!
//! ```text
//! let scan = FileScan::new(stage, files, reading);
//! // in every worker:
//! while let Some(chunk) = scan.next() {
//!     chunk.parse(|batch| ...)?;
//! }
//! ```

use std::sync::Arc;

use firn_types::{Error, Result, SqlType};

use crate::format::csv::{CsvChunk, CsvFile, CsvPlan, FieldSink};
use crate::format::json::{JsonChunk, JsonFile, JsonPlan};
use crate::format::parquet::{ParquetChunk, ParquetFile, ParquetPlan, WantedColumn};
use crate::format::{FileBatch, FileQueue};
use crate::options::{CsvOptions, JsonOptions, ParquetOptions};
use crate::row_error::LoadTarget;
use crate::stage::{SharedStage, StagedFile};

/// Makes the sinks for the columns of one chunk.
pub type SinkFactory = Arc<dyn Fn() -> Vec<Box<dyn FieldSink>> + Send + Sync>;

/// What is read of files of each format.
#[derive(Clone)]
pub enum Reading {
    /// Delimited text, into sinks.
    Csv {
        /// The file format.
        options: CsvOptions,
        /// The field of each sink.
        columns: CsvColumns,
        /// The number of fields that a record must have; see [`CsvPlan::new`].
        expected: Option<usize>,
        /// The sinks.
        sinks: SinkFactory,
        /// For messages: the columns that the fields go to.
        target: LoadTarget,
    },
    /// JSON documents, as one VARIANT column.
    Json {
        /// The file format.
        options: JsonOptions,
        /// What is done with them.
        plan: Arc<JsonPlan>,
    },
    /// Parquet.
    Parquet {
        /// The file format.
        options: ParquetOptions,
        /// Which columns, in which form.
        plan: Arc<ParquetPlan>,
    },
}

/// Which field goes to which sink.
#[derive(Clone, Debug)]
pub enum CsvColumns {
    /// By position in the record, from 0, none twice.
    Positions(Vec<usize>),
    /// By the file's header, with PARSE_HEADER; a column that a file does not have is NULL.
    Names(Vec<WantedColumn>),
}

/// Reads many files with many workers.
pub struct FileScan {
    queue: Queue,
}

enum Queue {
    Csv(FileQueue<CsvFile>, Box<Reading>),
    Json(FileQueue<JsonFile>, Arc<JsonPlan>),
    Parquet(FileQueue<ParquetFile>, Arc<ParquetPlan>),
}

/// A part of a file, to be parsed by the worker that got it.
pub struct FileChunk {
    /// The file's position in the list given.
    pub file: usize,
    /// The number, from 0, of the chunk in its file: chunks in order of file and index are the rows in
    /// order.
    pub index: u64,
    part: Part,
}

enum Part {
    Csv(CsvChunk, Arc<CsvPlan>, SinkFactory),
    Json(JsonChunk, Arc<JsonPlan>),
    Parquet(ParquetChunk, Arc<ParquetPlan>),
    Failed(Error),
}

impl FileScan {
    /// A scan of these files of the stage.
    pub fn new(stage: SharedStage, files: Vec<StagedFile>, reading: Reading) -> FileScan {
        let queue = match reading {
            Reading::Csv { ref options, .. } => {
                let options = options.clone();
                let open = move |file: &StagedFile| CsvFile::open(&*stage, file, &options);
                Queue::Csv(FileQueue::new(files, open), Box::new(reading))
            }
            Reading::Json { options, plan } => {
                let open = move |file: &StagedFile| JsonFile::open(&*stage, file, &options);
                Queue::Json(FileQueue::new(files, open), plan)
            }
            Reading::Parquet { options, plan } => {
                let open =
                    move |file: &StagedFile| ParquetFile::open(Arc::clone(&stage), file, &options);
                Queue::Parquet(FileQueue::new(files, open), plan)
            }
        };
        FileScan { queue }
    }

    /// The next part of any file; none when all are read. Any number of workers may ask. A file that
    /// cannot be opened or read gives a part whose parsing fails, so that the caller knows whose
    /// error it is; the other files go on.
    pub fn next(&self) -> Option<FileChunk> {
        Some(match &self.queue {
            Queue::Csv(queue, reading) => {
                let Reading::Csv { options, columns, expected, sinks, target } = &**reading else {
                    return None;
                };
                let (file, chunk) = queue.next()?;
                let part = chunk.map(|chunk| {
                    let wanted = columns.positions(chunk.header());
                    let target = columns.target(chunk.header(), target);
                    let plan = CsvPlan::new(options, wanted, *expected, target);
                    (chunk.index, Part::Csv(chunk, Arc::new(plan), Arc::clone(sinks)))
                });
                FileChunk::of(file, part)
            }
            Queue::Json(queue, plan) => {
                let (file, chunk) = queue.next()?;
                let part = chunk.map(|chunk| (chunk.index, Part::Json(chunk, Arc::clone(plan))));
                FileChunk::of(file, part)
            }
            Queue::Parquet(queue, plan) => {
                let (file, chunk) = queue.next()?;
                let part =
                    chunk.map(|chunk| (chunk.index as u64, Part::Parquet(chunk, Arc::clone(plan))));
                FileChunk::of(file, part)
            }
        })
    }
}

impl FileChunk {
    fn of(file: usize, part: Result<(u64, Part)>) -> FileChunk {
        match part {
            Ok((index, part)) => FileChunk { file, index, part },
            Err(error) => FileChunk { file, index: u64::MAX, part: Part::Failed(error) },
        }
    }

    /// The types of a Parquet batch's columns, which differ from file to file; none for columns that
    /// the file does not have. Empty for the other formats, whose types the caller chose.
    pub fn types(&self) -> Vec<Option<SqlType>> {
        match &self.part {
            Part::Parquet(chunk, plan) => chunk.types(plan),
            _ => Vec::new(),
        }
    }

    /// Reads the rows, in batches of about 8,192.
    ///
    /// # Errors
    /// A file that cannot be opened or read or is corrupt, and what `emit` gives; bad rows come in the
    /// batches.
    pub fn parse(self, emit: impl FnMut(FileBatch) -> Result<()>) -> Result<()> {
        match self.part {
            Part::Csv(chunk, plan, sinks) => chunk.parse(&plan, &mut sinks(), emit),
            Part::Json(chunk, plan) => chunk.parse(&plan, emit),
            Part::Parquet(chunk, plan) => chunk.parse(&plan, emit),
            Part::Failed(error) => Err(error),
        }
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
            let found = header.iter().position(|name| names(column, name));
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
            let sink = wanted.iter().position(|column| names(column, name));
            sink.and_then(|sink| target.columns.get(sink)).unwrap_or(name).clone()
        });
        LoadTarget { table: target.table.clone(), columns: columns.collect() }
    }
}

/// Whether a column of a file is the wanted one.
fn names(column: &WantedColumn, name: &str) -> bool {
    match column.case_sensitive {
        true => name == column.name,
        false => name.to_lowercase() == column.name.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use firn_types::Value;
    use object_store::memory::InMemory;

    use super::*;
    use crate::compression::Compression;
    use crate::format::csv::text_sinks;
    use crate::stage::{ObjectStage, put_bytes};

    #[test]
    fn many_workers_read_all_rows_of_all_files_once() -> Result<()> {
        use std::io::Write;
        let stage: SharedStage = Arc::new(ObjectStage::new(Arc::new(InMemory::new()), "", ""));
        for number in 0..4u64 {
            // The first file makes two chunks.
            let count = if number == 0 { 260_000u64 } else { 10_000 };
            let lines =
                (0..count).map(|row| format!("{row},{number},some text to fill the line\n"));
            let text = format!("ID,Other,N\n{}", lines.collect::<String>());
            let mut gzip = Compression::Gzip.writer(Vec::new()).unwrap();
            gzip.write_all(text.as_bytes()).unwrap();
            put_bytes(&*stage, &format!("f{number}.csv.gz"), &gzip.finish().unwrap())?;
        }
        let wanted = [("other", false), ("id", true), ("ID", true)];
        let wanted = wanted
            .map(|(name, case_sensitive)| WantedColumn { name: name.to_owned(), case_sensitive });
        let reading = Reading::Csv {
            options: CsvOptions { parse_header: true, ..CsvOptions::default() },
            columns: CsvColumns::Names(wanted.to_vec()),
            expected: Some(3),
            sinks: Arc::new(|| text_sinks(3)),
            target: LoadTarget::default(),
        };
        let scan = FileScan::new(Arc::clone(&stage), stage.list("")?, reading);
        let seen: Mutex<BTreeMap<(String, u64), String>> = Mutex::new(BTreeMap::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Some(chunk) = scan.next() {
                        chunk
                            .parse(|batch| {
                                let text = |row, column: usize| match batch
                                    .batch
                                    .column(column)
                                    .value(row, SqlType::TEXT)
                                {
                                    Value::Text(text) => text.to_string(),
                                    _ => "~".to_owned(),
                                };
                                let mut seen = seen.lock().unwrap();
                                for row in 0..batch.batch.rows() {
                                    let key = (text(row, 0), batch.row_number(row));
                                    assert_eq!(text(row, 1), "~");
                                    assert!(seen.insert(key, text(row, 2)).is_none());
                                }
                                Ok(())
                            })
                            .unwrap();
                    }
                });
            }
        });
        let seen = seen.into_inner().unwrap();
        assert_eq!(seen.len(), 290_000);
        assert!(seen.iter().all(|((_, number), id)| (number - 1).to_string() == *id));
        Ok(())
    }
}
