//! A file as chunks of whole records.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use firn_types::Result;
use memchr::memchr_iter;

use super::grammar::{Grammar, RawField, Visitor};
use super::parse::{CsvPlan, Place, RejectReason};
use crate::format::chunk::{CHUNK_BYTES, ChunkSource};
use crate::options::CsvOptions;
use crate::row_error::RowError;
use crate::stage::{Stage, StagedFile, io_error};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file of delimited text, open for reading by many workers.
pub struct CsvFile {
    shown: Arc<str>,
    grammar: Grammar,
    header: Option<Arc<[String]>>,
    state: Mutex<State>,
}

struct State {
    source: ChunkSource,
    next_row: u64,
    next_line: u64,
    next_chunk: u64,
}

/// Whole records of a file, to be parsed by [`CsvChunk::parse`].
pub struct CsvChunk {
    pub(super) bytes: Vec<u8>,
    /// The number, from 1, of its first row.
    pub(super) first_row: u64,
    /// The number, from 0, of the chunk in its file.
    pub index: u64,
    file: Arc<str>,
    header: Option<Arc<[String]>>,
    first_line: u64,
    offset: u64,
}

impl CsvFile {
    /// Opens a file, and reads or passes over its header.
    ///
    /// # Errors
    /// A file that cannot be opened or decompressed.
    pub fn open(stage: &dyn Stage, file: &StagedFile, options: &CsvOptions) -> Result<CsvFile> {
        CsvFile::open_in_chunks(stage, file, options, CHUNK_BYTES)
    }

    /// As [`CsvFile::open`], with chunks of about `chunk_bytes`.
    pub(super) fn open_in_chunks(
        stage: &dyn Stage,
        file: &StagedFile,
        options: &CsvOptions,
        chunk_bytes: usize,
    ) -> Result<CsvFile> {
        let shown = stage.shown(&file.path);
        let reader = options.compression.reader(&file.path, stage.read(&file.path)?);
        let reader = reader.map_err(|error| io_error(&shown, &error))?;
        let mut state = State {
            source: ChunkSource::new(options.encoding.reader(reader), shown.clone(), chunk_bytes),
            next_row: 1,
            next_line: 1,
            next_chunk: 0,
        };
        let grammar = Grammar::new(options);
        if options.skip_byte_order_mark && state.source.peek(3)?.starts_with(BYTE_ORDER_MARK) {
            state.source.drop_front(3);
        }
        for _ in 0..options.skip_header {
            state.skip_line()?;
        }
        let header = match options.parse_header {
            true => state.read_header(&grammar)?.map(Arc::from),
            false => None,
        };
        Ok(CsvFile { shown: shown.into(), grammar, header, state: Mutex::new(state) })
    }

    /// The column names of the first record, with PARSE_HEADER; none of an empty file.
    pub fn header(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    /// The file as messages name it.
    pub fn shown(&self) -> &Arc<str> {
        &self.shown
    }
}

impl CsvFile {
    /// The next part; none at the file's end. Waits while another worker fetches one.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn next_chunk(&self) -> Result<Option<CsvChunk>> {
        let mut state: MutexGuard<'_, State> =
            self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows = 0;
        let cut = |bytes: &[u8], last| {
            let (end, records) = self.grammar.whole_records(bytes, last);
            rows = records;
            end
        };
        let Some((bytes, offset)) = state.source.next(cut)? else { return Ok(None) };
        let lines = memchr_iter(self.grammar.line_byte(), &bytes).count() as u64;
        let chunk = CsvChunk {
            bytes,
            first_row: state.next_row,
            index: state.next_chunk,
            file: Arc::clone(&self.shown),
            header: self.header.clone(),
            first_line: state.next_line,
            offset,
        };
        state.next_row += rows;
        state.next_line += lines;
        state.next_chunk += 1;
        Ok(Some(chunk))
    }

    pub(super) fn is_busy(&self) -> bool {
        self.state.try_lock().is_err()
    }
}

impl State {
    /// Passes over one line, whatever the delimiters.
    fn skip_line(&mut self) -> Result<()> {
        let mut wanted = 4096;
        loop {
            let bytes = self.source.peek(wanted)?;
            let (found, length) = (memchr::memchr(b'\n', bytes), bytes.len());
            if let Some(end) = found {
                self.source.drop_front(end + 1);
                self.next_line += 1;
                return Ok(());
            }
            if self.source.at_end() {
                self.source.drop_front(length);
                return Ok(());
            }
            wanted = length * 2;
        }
    }

    fn read_header(&mut self, grammar: &Grammar) -> Result<Option<Vec<String>>> {
        let mut wanted = 64 * 1024;
        loop {
            self.source.peek(wanted)?;
            let last = self.source.at_end();
            let bytes = self.source.peek(wanted)?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let mut fields = RawFields::default();
            let at = grammar.skip_blanks(bytes, 0);
            let Some(end) = grammar.record(bytes, at, last, &mut fields) else {
                wanted = bytes.len() * 2;
                continue;
            };
            let names = fields.0.iter().map(|field| {
                let mut text = Vec::new();
                grammar.resolve(&bytes[field.start..field.end], field.enclosed, &mut text);
                String::from_utf8_lossy(&text).trim().to_owned()
            });
            let names = names.collect();
            let lines = memchr_iter(grammar.line_byte(), &bytes[..end]).count() as u64;
            self.source.drop_front(end);
            self.next_line += lines;
            return Ok(Some(names));
        }
    }
}

/// All fields of a record.
#[derive(Default)]
pub(super) struct RawFields(pub(super) Vec<RawField>);

impl Visitor for RawFields {
    fn field(&mut self, field: RawField) {
        self.0.push(field);
    }
}

impl CsvChunk {
    /// The column names of the file's first record, with PARSE_HEADER.
    pub fn header(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    /// The most fields that one of the first `limit` records has.
    pub(crate) fn width(&self, options: &CsvOptions, limit: u64) -> usize {
        let grammar = Grammar::new(options);
        let (mut at, mut width, mut left) = (0, 0, limit);
        while at < self.bytes.len() && left > 0 {
            let mut fields = RawFields::default();
            let next = grammar.record(&self.bytes, at, true, &mut fields);
            at = next.unwrap_or(self.bytes.len());
            width = width.max(fields.0.len());
            left -= 1;
        }
        width
    }

    pub(super) fn row_number(&self, place: Place) -> u64 {
        self.first_row + u64::from(place.record)
    }

    /// The error of the record at `place`; its text is looked through again, which only bad rows cost.
    pub(super) fn row_error(&self, plan: &CsvPlan, place: Place, reason: RejectReason) -> RowError {
        let start = place.offset as usize;
        let mut fields = RawFields::default();
        let next = plan.grammar.record(&self.bytes, start, true, &mut fields);
        let next = next.unwrap_or(self.bytes.len());
        let raw_start = |field: &RawField| field.start - usize::from(field.enclosed);
        let field = reason.field.and_then(|position| fields.0.get(position));
        let at = reason.at.or(field.map(raw_start)).unwrap_or(start).clamp(start, self.bytes.len());
        let line_byte = plan.grammar.line_byte();
        let lines = |bytes: &[u8]| memchr_iter(line_byte, bytes).count() as u64;
        let row_start_line = self.first_line + lines(&self.bytes[..start]);
        let line_start =
            memchr::memrchr(line_byte, &self.bytes[start..at]).map_or(start, |end| start + end + 1);
        let record = String::from_utf8_lossy(&self.bytes[start..next]);
        let record = record.strip_suffix(plan.record_delimiter.as_str()).unwrap_or(&record);
        RowError {
            file: Arc::clone(&self.file),
            line: row_start_line + lines(&self.bytes[start..at]),
            character: (at - line_start) as u64 + 1,
            byte_offset: self.offset + at as u64,
            category: reason.category,
            code: reason.code,
            message: reason.message,
            column: reason.field.map(|position| plan.target.column(position)),
            row_number: self.row_number(place),
            row_start_line,
            record: record.strip_suffix('\r').unwrap_or(record).to_owned(),
        }
    }
}
