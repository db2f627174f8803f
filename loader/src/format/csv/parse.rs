//! Parsing a chunk: fields to sinks, rows to batches, bad rows to errors.

use std::sync::Arc;

use arrow::array::BooleanArray;
use firn_column::Batch;
use firn_types::limits::BATCH_ROWS;
use firn_types::{ErrorCode, Result};

use super::fields::{NullRule, Span};
use super::grammar::{EnclosureFault, Grammar, RawField, Visitor};
use super::read::CsvChunk;
use super::{FieldSink, Fields};
use crate::format::{FileBatch, RowOrigin};
use crate::options::CsvOptions;
use crate::row_error::{ErrorCategory, LoadTarget, RowError};

/// Rows tokenized before the sinks get them: their spans and bytes stay in the second-level cache.
const BLOCK_ROWS: usize = 1024;

/// What is wanted of the files: shared by all chunks.
#[derive(Clone, Debug)]
pub struct CsvPlan {
    pub(super) grammar: Grammar,
    pub(super) nulls: NullRule,
    pub(super) target: LoadTarget,
    pub(super) record_delimiter: String,
    replace_invalid: bool,
    /// The sink of each field that has one.
    slot_of: Vec<Option<u32>>,
    /// The field of each sink.
    wanted: Vec<usize>,
    expected: Option<usize>,
}

impl CsvPlan {
    /// The place of a sink that no field goes to: all its fields are missing.
    pub const NO_FIELD: usize = usize::MAX;

    /// A plan that hands field `wanted[i]` (from 0, none twice, or [`CsvPlan::NO_FIELD`]) to sink `i`. With `expected` and
    /// ERROR_ON_COLUMN_COUNT_MISMATCH, a record of another number of fields is an error; else missing
    /// fields are [`super::Field::Missing`] and further ones are passed over. `target` names columns
    /// in messages.
    pub fn new(
        options: &CsvOptions,
        wanted: Vec<usize>,
        expected: Option<usize>,
        target: LoadTarget,
    ) -> CsvPlan {
        let last = wanted.iter().filter(|field| **field != CsvPlan::NO_FIELD).max();
        let mut slot_of = vec![None; last.map_or(0, |last| last + 1)];
        for (slot, &field) in (0u32..).zip(&wanted) {
            if let Some(place) = slot_of.get_mut(field) {
                *place = Some(slot);
            }
        }
        CsvPlan {
            grammar: Grammar::new(options),
            nulls: NullRule::new(options),
            target,
            record_delimiter: options.record_delimiter.clone().unwrap_or_default(),
            replace_invalid: options.replace_invalid_characters,
            slot_of,
            wanted,
            expected: expected.filter(|_| options.error_on_column_count_mismatch),
        }
    }

    /// The number of sinks.
    pub fn width(&self) -> usize {
        self.wanted.len()
    }
}

/// A field that a sink could not convert.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// The row within the [`Fields`] given.
    pub row: usize,
    /// Which error.
    pub code: ErrorCode,
    /// Parsing or conversion.
    pub category: ErrorCategory,
    /// Its text.
    pub message: String,
}

/// Where a row stands in its chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The record's first byte.
    pub(super) offset: u32,
    /// The record's number in the chunk, from 0.
    pub(super) record: u32,
}

/// Where the rows of a batch stand.
struct CsvOrigin {
    places: Vec<Place>,
    chunk: Arc<CsvChunk>,
    plan: Arc<CsvPlan>,
}

impl RowOrigin for CsvOrigin {
    fn row_number(&self, row: usize) -> u64 {
        self.chunk.row_number(self.places[row])
    }

    fn reject(
        &self,
        row: usize,
        field: Option<usize>,
        code: ErrorCode,
        message: String,
    ) -> RowError {
        let category = ErrorCategory::Conversion;
        let reason = RejectReason { field, at: None, code, category, message };
        self.chunk.row_error(&self.plan, self.places[row], reason)
    }
}

/// What is wrong with a record.
pub(super) struct RejectReason {
    /// The field.
    pub(super) field: Option<usize>,
    /// The byte of the chunk, where it is not the field's first.
    pub(super) at: Option<usize>,
    pub(super) code: ErrorCode,
    pub(super) category: ErrorCategory,
    pub(super) message: String,
}

impl CsvChunk {
    /// Parses the chunk into batches of about 8,192 rows.
    ///
    /// # Errors
    /// Those of sinks and of `emit`; bad rows are none, but come in the batches.
    pub fn parse(
        self,
        plan: &Arc<CsvPlan>,
        sinks: &mut [Box<dyn FieldSink>],
        mut emit: impl FnMut(FileBatch) -> Result<()>,
    ) -> Result<()> {
        let chunk = Arc::new(self);
        let mut block = Block::new(&chunk, plan);
        let mut building = Building::default();
        while block.fill() {
            building.append(&block, sinks);
            if building.rows >= BATCH_ROWS {
                emit(building.finish(&chunk, plan, sinks)?)?;
            }
        }
        if building.rows + building.errors.len() > 0 {
            emit(building.finish(&chunk, plan, sinks)?)?;
        }
        Ok(())
    }
}

/// A batch under way.
#[derive(Default)]
struct Building {
    rows: usize,
    parsed: u64,
    places: Vec<Place>,
    errors: Vec<(Place, RowError)>,
    /// Rows that sinks rejected.
    bad: Vec<usize>,
}

impl Building {
    fn append(&mut self, block: &Block<'_>, sinks: &mut [Box<dyn FieldSink>]) {
        let mut worst: Vec<(usize, usize, Rejection)> = Vec::new();
        let mut rejected = Vec::new();
        for (slot, sink) in sinks.iter_mut().enumerate() {
            sink.append(&block.fields(slot), &mut rejected);
            let field = block.plan.wanted[slot];
            worst.extend(rejected.drain(..).map(|rejection| (rejection.row, field, rejection)));
        }
        // A row's error is that of its first bad field.
        worst.sort_by_key(|(row, field, _)| (*row, *field));
        worst.dedup_by_key(|(row, ..)| *row);
        for (row, field, rejection) in worst {
            let Rejection { code, category, message, .. } = rejection;
            let field = Some(field).filter(|field| *field != CsvPlan::NO_FIELD);
            let reason = RejectReason { field, at: None, code, category, message };
            let place = block.places[row];
            self.errors.push((place, block.chunk.row_error(block.plan, place, reason)));
            self.bad.push(self.rows + row);
        }
        for (place, reason) in &block.faults {
            let reason = reason();
            self.errors.push((*place, block.chunk.row_error(block.plan, *place, reason)));
        }
        self.rows += block.places.len();
        self.parsed += (block.places.len() + block.faults.len()) as u64;
        self.places.extend_from_slice(&block.places);
    }

    fn finish(
        &mut self,
        chunk: &Arc<CsvChunk>,
        plan: &Arc<CsvPlan>,
        sinks: &mut [Box<dyn FieldSink>],
    ) -> Result<FileBatch> {
        let done = std::mem::take(self);
        let columns = sinks.iter_mut().map(|sink| sink.finish()).collect::<Result<_>>()?;
        let mut batch = Batch::new(columns, done.rows);
        let mut places = done.places;
        if !done.bad.is_empty() {
            let mut keep = vec![true; done.rows];
            done.bad.iter().for_each(|&row| keep[row] = false);
            let mut row = 0;
            places.retain(|_| {
                row += 1;
                keep[row - 1]
            });
            batch = batch.filter(&BooleanArray::from(keep));
        }
        let mut errors = done.errors;
        errors.sort_by_key(|(place, _)| place.record);
        let origin = CsvOrigin { places, chunk: Arc::clone(chunk), plan: Arc::clone(plan) };
        let errors = errors.into_iter().map(|(_, error)| error).collect();
        Ok(FileBatch::new(batch, errors, done.parsed, origin))
    }
}

/// Makes the text of a fault when it is needed.
type LazyBlame<'a> = Box<dyn Fn() -> RejectReason + 'a>;

/// Some records, tokenized.
struct Block<'a> {
    chunk: &'a CsvChunk,
    /// The chunk's bytes, if they are UTF-8.
    whole: Option<&'a str>,
    plan: &'a CsvPlan,
    at: usize,
    record: u32,
    spans: Vec<Span>,
    resolved: Vec<u8>,
    places: Vec<Place>,
    faults: Vec<(Place, LazyBlame<'a>)>,
}

impl<'a> Block<'a> {
    fn new(chunk: &'a CsvChunk, plan: &'a CsvPlan) -> Block<'a> {
        Block {
            chunk,
            whole: std::str::from_utf8(&chunk.bytes).ok(),
            plan,
            at: 0,
            record: 0,
            spans: Vec::with_capacity(BLOCK_ROWS * plan.width()),
            resolved: Vec::new(),
            places: Vec::with_capacity(BLOCK_ROWS),
            faults: Vec::new(),
        }
    }

    /// Tokenizes the next records; false when there is none.
    fn fill(&mut self) -> bool {
        self.spans.clear();
        self.resolved.clear();
        self.places.clear();
        self.faults.clear();
        let bytes = &self.chunk.bytes[..];
        let grammar = &self.plan.grammar;
        while self.places.len() < BLOCK_ROWS {
            self.at = grammar.skip_blanks(bytes, self.at);
            if self.at >= bytes.len() {
                break;
            }
            let place = Place { offset: self.at as u32, record: self.record };
            let base = self.spans.len();
            self.spans.resize(base + self.plan.width(), Span::MISSING);
            let mut row = Row {
                plan: self.plan,
                bytes,
                spans: &mut self.spans[base..],
                resolved: &mut self.resolved,
                fields: 0,
                fault: None,
                surplus: None,
                end: 0,
            };
            // A chunk ends with a record, so that its end is as good as the file's.
            let next = grammar.record(bytes, self.at, true, &mut row);
            let fault = row.reason(self.chunk.first_row == 1 && self.record == 0);
            self.at = next.unwrap_or(bytes.len());
            self.record += 1;
            match fault {
                None => self.places.push(place),
                Some(reason) => {
                    self.spans.truncate(base);
                    self.faults.push((place, reason));
                }
            }
        }
        self.places.len() + self.faults.len() > 0
    }

    fn fields(&self, slot: usize) -> Fields<'_> {
        Fields {
            bytes: &self.chunk.bytes,
            whole: self.whole,
            resolved: &self.resolved,
            spans: &self.spans,
            slot,
            slots: self.plan.width(),
            nulls: &self.plan.nulls,
            replace_invalid: self.plan.replace_invalid,
        }
    }
}

/// One record being tokenized.
struct Row<'a, 'b> {
    plan: &'a CsvPlan,
    bytes: &'a [u8],
    spans: &'b mut [Span],
    resolved: &'b mut Vec<u8>,
    fields: usize,
    fault: Option<(usize, EnclosureFault)>,
    /// The byte of the delimiter after the last field expected.
    surplus: Option<usize>,
    end: usize,
}

impl Visitor for Row<'_, '_> {
    #[inline]
    fn field(&mut self, field: RawField) {
        let position = self.fields;
        self.fields += 1;
        self.end = field.end + usize::from(field.enclosed);
        if self.plan.expected == Some(position) {
            self.surplus = Some(field.start);
        }
        if let Some(fault) = field.fault {
            self.fault.get_or_insert((position, fault));
        }
        if let Some(Some(slot)) = self.plan.slot_of.get(position) {
            self.spans[*slot as usize] = self.span(field);
        }
    }
}

impl<'a> Row<'a, '_> {
    #[inline]
    fn span(&mut self, field: RawField) -> Span {
        let RawField { mut start, mut end, enclosed, .. } = field;
        if self.plan.grammar.trims() && !enclosed {
            let text = self.bytes[start..end].trim_ascii();
            let before =
                self.bytes[start..end].len() - self.bytes[start..end].trim_ascii_start().len();
            (start, end) = (start + before, start + before + text.len());
        }
        if !field.escaped {
            return Span::new(start, end - start, enclosed, false);
        }
        let text = &self.bytes[start..end];
        if self.plan.nulls.is_null(text) {
            return Span::NULL;
        }
        let from = self.resolved.len();
        self.plan.grammar.resolve(text, enclosed, self.resolved);
        Span::new(from, self.resolved.len() - from, enclosed, true)
    }

    /// What is wrong with the record; `first` when it is the first of its file.
    fn reason(&self, first: bool) -> Option<LazyBlame<'a>> {
        let (plan, bytes, fields) = (self.plan, self.bytes, self.fields);
        let parsing = |code, field, at, message| RejectReason {
            field,
            at,
            code,
            category: ErrorCategory::Parsing,
            message,
        };
        if let Some((field, fault)) = self.fault {
            return Some(match fault {
                EnclosureFault::Unclosed(end) => Box::new(move || {
                    let message = end_of_record(&plan.target.label(field));
                    parsing(ErrorCode::TooFewFields, Some(field), Some(end), message)
                }),
                EnclosureFault::AfterQuote(at) => Box::new(move || {
                    let found = String::from_utf8_lossy(&bytes[at..bytes.len().min(at + 4)]);
                    let found = found.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER);
                    let delimiter = plan.grammar.shown_field_delimiter();
                    let message = format!(
                        "Found character '{found}' instead of field delimiter '{delimiter}'"
                    );
                    parsing(ErrorCode::TooManyFields, Some(field), Some(at), message)
                }),
            });
        }
        let expected = plan.expected.filter(|expected| *expected != fields)?;
        let (surplus, end) = (self.surplus, self.end);
        Some(Box::new(move || {
            let too_many = fields > expected;
            let field = if too_many { expected.saturating_sub(1) } else { fields };
            if first {
                let message = format!(
                    "Number of columns in file ({fields}) does not match that of the corresponding \
                     table ({expected}), use file format option \
                     error_on_column_count_mismatch=false to ignore this error"
                );
                return parsing(
                    ErrorCode::ColumnCountMismatch,
                    Some(field),
                    surplus.or(Some(end)),
                    message,
                );
            }
            if too_many {
                let message = format!(
                    "Field delimiter '{}' found while expecting record delimiter '{}'",
                    plan.grammar.shown_field_delimiter(),
                    crate::options::shown_text(&plan.record_delimiter)
                );
                let at = plan.grammar.delimiter_before(bytes, surplus.unwrap_or(end));
                return parsing(ErrorCode::TooManyFields, Some(field), Some(at), message);
            }
            let message = end_of_record(&plan.target.label(field));
            parsing(ErrorCode::TooFewFields, Some(field), Some(end), message)
        }))
    }
}

fn end_of_record(label: &str) -> String {
    format!("End of record reached while expected to parse column '{label}'")
}
