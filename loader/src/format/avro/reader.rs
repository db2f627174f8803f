//! Chunks of whole blocks, each decoded by the worker that got it.

use std::io::{BufRead, Cursor, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow_avro::compression::CompressionCodec;
use arrow_avro::reader::ReaderBuilder;
use arrow_avro::schema::AvroSchema;
use firn_column::Batch;
use firn_types::limits::BATCH_ROWS;
use firn_types::{Error, ErrorCode, Field, Result, Schema};

use super::block::{Blocks, Header};
use super::schema::plain_schema;
use super::unpack::Unpacked;
use crate::format::arrow::{Read, natural_type};
use crate::format::chunk::{CHUNK_BYTES, ChunkSource};
use crate::format::columns::RowsFrom;
use crate::format::{
    ChunkedFile, ColumnFormat, ColumnsPlan, EmitBatch, FileBatch, FileChunk, FileReader,
};
use crate::options::AvroOptions;
use crate::stage::{SharedStage, Stage, StagedFile, io_error};

/// Reads the wanted columns of Avro files.
pub struct AvroReader {
    options: AvroOptions,
    plan: Arc<ColumnsPlan>,
}

impl ColumnFormat for AvroOptions {
    fn reader(&self, plan: ColumnsPlan) -> Arc<dyn FileReader> {
        Arc::new(AvroReader { options: self.clone(), plan: Arc::new(plan) })
    }

    fn schema(&self, stage: &SharedStage, file: &StagedFile) -> Result<Schema> {
        Ok(open(&**stage, file, self, CHUNK_BYTES)?.0.schema.clone())
    }
}

impl FileReader for AvroReader {
    fn open(&self, stage: &SharedStage, file: &StagedFile) -> Result<Box<dyn ChunkedFile>> {
        let (inner, source) = open(&**stage, file, &self.options, CHUNK_BYTES)?;
        Ok(Box::new(AvroFile::new(inner, source, Arc::clone(&self.plan))))
    }
}

/// What all chunks of a file share.
pub(super) struct Inner {
    shown: Arc<str>,
    header: Header,
    /// What the blocks are read as.
    reader_schema: String,
    options: AvroOptions,
    schema: Schema,
}

/// A file that is handed out in whole blocks.
pub(super) struct AvroFile {
    inner: Arc<Inner>,
    plan: Arc<ColumnsPlan>,
    state: Mutex<State>,
}

struct State {
    source: ChunkSource,
    next_row: u64,
    next_chunk: u64,
}

/// Some blocks of a file.
struct Chunk {
    file: Arc<Inner>,
    bytes: Vec<u8>,
    blocks: Blocks,
    first_row: u64,
    /// Where in the file the first of them begins.
    offset: u64,
}

/// Opens a file, to be read in chunks of about `chunk_bytes`.
pub(super) fn open(
    stage: &dyn Stage,
    file: &StagedFile,
    options: &AvroOptions,
    chunk_bytes: usize,
) -> Result<(Inner, ChunkSource)> {
    let shown = stage.shown(&file.path);
    let reader = options.compression.reader(&file.path, stage.read(&file.path)?);
    let reader = reader.map_err(|error| io_error(&shown, &error))?;
    let mut source = ChunkSource::new(reader, shown.clone(), chunk_bytes);
    let invalid = |reason: String| {
        let detail = format!("File '{shown}' is not a valid Avro file: {reason}");
        Error::new(ErrorCode::CorruptFile, detail)
    };
    let header = Header::take(&mut source)?.map_err(invalid)?;
    if header.codec == Some(CompressionCodec::Xz) {
        return Err(Error::not_supported(format!("the codec xz of Avro, as in '{shown}'")));
    }
    let reader_schema = plain_schema(&header.schema).map_err(invalid)?;
    let columns = arrow_schema(&header, &reader_schema).map_err(invalid)?;
    let fields = columns.fields().iter().map(|field| {
        let kind = field.data_type();
        let sql_type = natural_type(kind, &options.arrow).ok_or_else(|| {
            Error::not_supported(format!("Avro column {} of type {kind}", field.name()))
        })?;
        Ok(Field { name: field.name().clone(), sql_type, nullable: field.is_nullable() })
    });
    let schema = Schema::new(fields.collect::<Result<Vec<_>>>()?);
    if schema.is_empty() {
        return Err(Error::not_supported(format!("Avro records without fields, as in '{shown}'")));
    }
    let shown = shown.as_str().into();
    Ok((Inner { shown, header, reader_schema, options: options.clone(), schema }, source))
}

fn arrow_schema(
    header: &Header,
    schema: &str,
) -> std::result::Result<arrow::datatypes::SchemaRef, String> {
    let build = || {
        ReaderBuilder::new()
            .with_reader_schema(AvroSchema::new(schema.to_owned()))
            .build(Cursor::new(&header.bytes))
    };
    match catch_unwind(AssertUnwindSafe(build)) {
        Ok(Ok(reader)) => Ok(reader.schema()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("its schema is broken".to_owned()),
    }
}

impl AvroFile {
    pub(super) fn new(inner: Inner, source: ChunkSource, plan: Arc<ColumnsPlan>) -> AvroFile {
        let state = Mutex::new(State { source, next_row: 0, next_chunk: 0 });
        AvroFile { inner: Arc::new(inner), plan, state }
    }
}

impl ChunkedFile for AvroFile {
    fn next_chunk(&self) -> Result<Option<FileChunk>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut blocks = Blocks::default();
        let cut = |bytes: &[u8], last| {
            blocks = self.inner.header.blocks(bytes, last);
            // What is broken goes to the worker, which says so after the whole blocks before it.
            if blocks.broken.is_some() { bytes.len() } else { blocks.bytes }
        };
        let Some((bytes, offset)) = state.source.next(cut)? else { return Ok(None) };
        let (index, first_row) = (state.next_chunk, state.next_row);
        state.next_chunk += 1;
        state.next_row = first_row.saturating_add(blocks.rows);
        let chunk = Chunk { file: Arc::clone(&self.inner), bytes, blocks, first_row, offset };
        let plan = Arc::clone(&self.plan);
        let types = plan.types(&self.inner.schema);
        let parse = move |emit: EmitBatch<'_>| chunk.parse(&plan, emit);
        Ok(Some(FileChunk::new(index, parse).with_types(types)))
    }

    fn is_busy(&self) -> bool {
        self.state.try_lock().is_err()
    }
}

impl Chunk {
    fn parse(mut self, plan: &Arc<ColumnsPlan>, emit: EmitBatch<'_>) -> Result<()> {
        let file = Arc::clone(&self.file);
        let mut read: Vec<usize> = plan.positions(&file.schema).into_iter().flatten().collect();
        read.sort_unstable();
        read.dedup();
        let mut done = 0;
        let mut send = |arrays: &[Read], rows: usize| {
            let found = |at: usize| {
                let place = read.binary_search(&at).ok()?;
                Some((arrays.get(place)?, &file.options.arrow))
            };
            let columns = plan.make(&file.schema, found, rows).map_err(|error| {
                Error::new(error.code(), format!("File '{}': {}", file.shown, error.detail()))
            })?;
            // What the blocks before say of their rows, anybody may have written.
            let first_row = self.first_row.saturating_add(done);
            done += rows as u64;
            let origin =
                RowsFrom { file: Arc::clone(&file.shown), first_row, plan: Arc::clone(plan) };
            emit(FileBatch::new(Batch::new(columns, rows), Vec::new(), rows as u64, origin))
        };
        let bytes = std::mem::take(&mut self.bytes);
        let broken = |reason: &str| {
            let (shown, offset) = (&self.file.shown, self.offset);
            let detail =
                format!("File '{shown}' is corrupt in its blocks from byte {offset}: {reason}");
            Error::new(ErrorCode::CorruptFile, detail)
        };
        // Where nothing of the file itself is wanted its rows are, of which a block only says how many there are.
        let decoded: &[usize] = if read.is_empty() { &[0] } else { &read };
        let blocks = &bytes[..self.blocks.bytes];
        let mut reader = self.decoder(blocks, decoded).map_err(|error| broken(&error))?;
        // The library checks most of what a broken file may hold, but not all.
        while let Some(batch) = next(&mut reader).map_err(|error| broken(&error))? {
            let arrays = batch.columns().iter();
            let arrays: Vec<Read> =
                arrays.map(|array| Read { array: Arc::clone(array), nanos: None }).collect();
            send(&arrays, batch.num_rows())?;
        }
        match self.blocks.broken {
            Some(reason) => Err(broken(reason)),
            None if done != self.blocks.rows => Err(broken(&format!(
                "they have {done} rows, and say that they have {}",
                self.blocks.rows
            ))),
            None => Ok(()),
        }
    }

    /// Decodes the columns at these positions of whole blocks.
    fn decoder<'c>(
        &'c self,
        blocks: &'c [u8],
        positions: &[usize],
    ) -> std::result::Result<impl Iterator<Item = arrow::error::Result<RecordBatch>> + 'c, String>
    {
        let header = &self.file.header;
        let blocks: Box<dyn BufRead + 'c> = match header.codec {
            None => Box::new(blocks),
            Some(codec) => Box::new(Unpacked::new(header, codec, blocks)),
        };
        let build = || {
            ReaderBuilder::new()
                .with_batch_size(BATCH_ROWS)
                .with_reader_schema(AvroSchema::new(self.file.reader_schema.clone()))
                .with_projection(positions.to_vec())
                .build(Cursor::new(header.plain()).chain(blocks))
        };
        catch_unwind(AssertUnwindSafe(build))
            .map_err(|_| "their schema is broken".to_owned())?
            .map_err(|error| error.to_string())
    }
}

fn next(
    reader: &mut impl Iterator<Item = arrow::error::Result<RecordBatch>>,
) -> std::result::Result<Option<RecordBatch>, String> {
    match catch_unwind(AssertUnwindSafe(|| reader.next())) {
        Ok(None) => Ok(None),
        Ok(Some(Ok(batch))) => Ok(Some(batch)),
        Ok(Some(Err(error))) => Err(error.to_string()),
        Err(_) => Err("their data is broken".to_owned()),
    }
}
