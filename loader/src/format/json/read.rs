//! A file as chunks of whole documents, and documents as VARIANTs.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::BinaryViewBuilder;
use firn_column::{Array, Batch, Column};
use firn_types::limits::BATCH_ROWS;
use firn_types::variant::encode::Builder;
use firn_types::variant::json_read::{JsonReader, RepeatedKey};
use firn_types::variant::view::Variant;
use firn_types::{Error, ErrorCode, Result};
use memchr::memchr_iter;

use super::document::{Extent, Scanner};
use super::shape::Shape;
use crate::format::chunk::{CHUNK_BYTES, ChunkSource};
use crate::format::{FileBatch, RowOrigin};
use crate::options::JsonOptions;
use crate::row_error::{ErrorCategory, LoadTarget, RowError};
use crate::stage::{Stage, StagedFile, io_error};

/// A file of JSON documents, open for reading by many workers.
pub struct JsonFile {
    shown: Arc<str>,
    state: Mutex<State>,
}

struct State {
    source: ChunkSource,
    scanner: Scanner,
    next_row: u64,
    next_line: u64,
    /// Bytes of that line before the next chunk.
    line_bytes: u64,
    next_chunk: u64,
}

/// Whole documents of a file, to be parsed by [`JsonChunk::parse`].
pub struct JsonChunk {
    bytes: Vec<u8>,
    documents: Vec<Extent>,
    first_row: u64,
    first_line: u64,
    /// Bytes of that line before the chunk.
    line_bytes: u64,
    offset: u64,
    /// The number, from 0, of the chunk in its file.
    pub index: u64,
    file: Arc<str>,
}

/// What is wanted of the files: shared by all chunks.
#[derive(Clone, Debug)]
pub struct JsonPlan {
    repeated: RepeatedKey,
    shape: Option<Shape>,
    replace_invalid: bool,
    target: LoadTarget,
}

impl JsonPlan {
    /// A plan; `target` names the column in messages.
    ///
    /// # Errors
    /// Options that firn does not have.
    pub fn new(options: &JsonOptions, target: LoadTarget) -> Result<JsonPlan> {
        if options.enable_octal {
            return Err(Error::not_supported("ENABLE_OCTAL = TRUE"));
        }
        Ok(JsonPlan {
            repeated: match options.allow_duplicate {
                true => RepeatedKey::KeepLast,
                false => RepeatedKey::Refuse,
            },
            shape: Shape::new(options),
            replace_invalid: options.replace_invalid_characters,
            target,
        })
    }
}

impl JsonFile {
    /// Opens a file.
    ///
    /// # Errors
    /// A file that cannot be opened or decompressed.
    pub fn open(stage: &dyn Stage, file: &StagedFile, options: &JsonOptions) -> Result<JsonFile> {
        JsonFile::open_in_chunks(stage, file, options, CHUNK_BYTES)
    }

    /// As [`JsonFile::open`], with chunks of about `chunk_bytes`.
    pub(super) fn open_in_chunks(
        stage: &dyn Stage,
        file: &StagedFile,
        options: &JsonOptions,
        chunk_bytes: usize,
    ) -> Result<JsonFile> {
        let shown = stage.shown(&file.path);
        let reader = options.compression.reader(&file.path, stage.read(&file.path)?);
        let reader = reader.map_err(|error| io_error(&shown, &error))?;
        let mut source = ChunkSource::new(reader, shown.clone(), chunk_bytes);
        if options.skip_byte_order_mark && source.peek(3)?.starts_with(b"\xef\xbb\xbf") {
            source.drop_front(3);
        }
        let scanner = Scanner::new(options.strip_outer_array);
        let state =
            State { source, scanner, next_row: 1, next_line: 1, line_bytes: 0, next_chunk: 0 };
        Ok(JsonFile { shown: shown.into(), state: Mutex::new(state) })
    }
}

impl JsonFile {
    /// The next part; none at the file's end. Waits while another worker fetches one.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn next_chunk(&self) -> Result<Option<JsonChunk>> {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        let mut documents = Vec::new();
        let scanner = &mut state.scanner;
        let cut = |bytes: &[u8], last| {
            documents.clear();
            let mut trial = scanner.clone();
            let end = trial.scan(bytes, last, &mut documents);
            // A scan that got nowhere is repeated with more bytes.
            if end > 0 {
                *scanner = trial;
            }
            end
        };
        let (bytes, offset) = match state.source.next(cut)? {
            Some(found) => found,
            None if state.scanner.take_unclosed() => {
                // A file that was cut: the bracket that nothing closes is its last document, and reading it
                // says so.
                documents.push((0, 1));
                (b"[".to_vec(), state.source.offset())
            }
            None => return Ok(None),
        };
        let lines = memchr_iter(b'\n', &bytes).count() as u64;
        let chunk = JsonChunk {
            bytes,
            first_row: state.next_row,
            first_line: state.next_line,
            line_bytes: state.line_bytes,
            offset,
            index: state.next_chunk,
            file: Arc::clone(&self.shown),
            documents,
        };
        state.next_row += chunk.documents.len() as u64;
        state.next_line += lines;
        state.line_bytes = match memchr::memrchr(b'\n', &chunk.bytes) {
            Some(end) => (chunk.bytes.len() - end - 1) as u64,
            None => state.line_bytes + chunk.bytes.len() as u64,
        };
        state.next_chunk += 1;
        Ok(Some(chunk))
    }

    pub(super) fn is_busy(&self) -> bool {
        self.state.try_lock().is_err()
    }
}

impl JsonChunk {
    /// Parses the chunk into batches of about 8,192 rows of one VARIANT column.
    ///
    /// # Errors
    /// Those of `emit`; bad documents are none, but come in the batches.
    pub fn parse(
        self,
        plan: &Arc<JsonPlan>,
        mut emit: impl FnMut(FileBatch) -> Result<()>,
    ) -> Result<()> {
        let chunk = Arc::new(self);
        let mut reader = JsonReader::new(plan.repeated);
        let mut builder = Builder::new();
        for (group, first) in chunk.documents.chunks(BATCH_ROWS).zip((0..).step_by(BATCH_ROWS)) {
            let mut column = BinaryViewBuilder::with_capacity(group.len());
            let (mut rows, mut errors) = (Vec::with_capacity(group.len()), Vec::new());
            let mut bytes = Vec::new();
            for (row, extent) in (first..).zip(group) {
                bytes.clear();
                match chunk.read(plan, *extent, &mut reader, &mut builder, &mut bytes) {
                    Ok(()) => {
                        column.append_value(&bytes);
                        rows.push(row);
                    }
                    Err(error) => {
                        let (code, text) = (error.code(), error.detail().to_owned());
                        let category = ErrorCategory::Parsing;
                        errors.push(chunk.row_error(plan, row, code, category, text));
                    }
                }
            }
            let count = rows.len();
            let batch = Batch::new(vec![Column::Flat(Array::Bytes(column.finish()))], count);
            let origin = JsonOrigin { rows, chunk: Arc::clone(&chunk), plan: Arc::clone(plan) };
            emit(FileBatch::new(batch, errors, group.len() as u64, origin))?;
        }
        Ok(())
    }

    fn read(
        &self,
        plan: &JsonPlan,
        extent: Extent,
        reader: &mut JsonReader,
        builder: &mut Builder,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let bytes = self.document(extent);
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) if plan.replace_invalid => String::from_utf8_lossy(bytes),
            Err(error) => {
                let from = error.valid_up_to();
                let near = &bytes[from.saturating_sub(8)..bytes.len().min(from + 8)];
                let shown = crate::format::csv::show_invalid(near);
                let detail = format!("Invalid UTF8 detected in string '{shown}'");
                return Err(Error::new(ErrorCode::InvalidUtf8, detail));
            }
        };
        reader.read(&text, out)?;
        if let Some(shape) = &plan.shape {
            let plain = std::mem::take(out);
            builder.clear();
            shape.write(Variant::new(&plain), builder)?;
            builder.finish(out)?;
        }
        Ok(())
    }

    fn document(&self, (start, end): Extent) -> &[u8] {
        &self.bytes[start as usize..end as usize]
    }

    fn row_error(
        &self,
        plan: &JsonPlan,
        row: usize,
        code: ErrorCode,
        category: ErrorCategory,
        message: String,
    ) -> RowError {
        let extent = self.documents[row];
        let before = &self.bytes[..extent.0 as usize];
        let line = self.first_line + memchr_iter(b'\n', before).count() as u64;
        let in_line = match memchr::memrchr(b'\n', before) {
            Some(end) => (before.len() - end - 1) as u64,
            None => self.line_bytes + before.len() as u64,
        };
        RowError {
            file: Arc::clone(&self.file),
            line,
            character: in_line + 1,
            byte_offset: self.offset + before.len() as u64,
            category,
            code,
            message,
            column: Some(plan.target.column(0)),
            row_number: self.first_row + row as u64,
            row_start_line: line,
            record: String::from_utf8_lossy(self.document(extent)).into_owned(),
        }
    }
}

/// Where the rows of a batch stand.
struct JsonOrigin {
    rows: Vec<usize>,
    chunk: Arc<JsonChunk>,
    plan: Arc<JsonPlan>,
}

impl RowOrigin for JsonOrigin {
    fn row_number(&self, row: usize) -> u64 {
        self.chunk.first_row + self.rows[row] as u64
    }

    fn reject(
        &self,
        row: usize,
        field: Option<usize>,
        code: ErrorCode,
        message: String,
    ) -> RowError {
        let category = ErrorCategory::Conversion;
        let mut error = self.chunk.row_error(&self.plan, self.rows[row], code, category, message);
        error.column = field.map(|field| self.plan.target.column(field));
        error
    }
}
