//! Whole records of CSV files: an object of all fields, whatever their number.

use std::sync::Arc;

use arrow::array::{Array as _, BinaryViewBuilder, Int64Array, StringViewArray};
use firn_column::{Array, Batch, Column};
use firn_types::variant::encode::Builder;
use firn_types::{Error, Result};

use super::{CsvFile, CsvPlan, Field, FieldSink, Fields, Rejection, text_sinks};
use crate::format::{ChunkedFile, EmitBatch, FileBatch, FileChunk, FileReader};
use crate::options::CsvOptions;
use crate::row_error::LoadTarget;
use crate::stage::{SharedStage, StagedFile};

/// Reads some fields of each record as texts, and behind them the whole record as an object of its fields `c1`, `c2` ..,
/// of which those that are NULL are JSON's null and those that the record does not have are not there.
pub struct RecordReader {
    /// The file format.
    pub options: CsvOptions,
    /// The fields that are read by themselves, from 0.
    pub positions: Vec<usize>,
    /// For messages: the columns that the fields go to.
    pub target: LoadTarget,
}

impl FileReader for RecordReader {
    fn open(&self, stage: &SharedStage, file: &StagedFile) -> Result<Box<dyn ChunkedFile>> {
        let file = CsvFile::open(&**stage, file, &self.options)?;
        let (options, positions) = (self.options.clone(), self.positions.clone());
        Ok(Box::new(Opened { file, options, positions, target: self.target.clone() }))
    }
}

struct Opened {
    file: CsvFile,
    options: CsvOptions,
    positions: Vec<usize>,
    target: LoadTarget,
}

impl ChunkedFile for Opened {
    fn next_chunk(&self) -> Result<Option<FileChunk>> {
        let Some(chunk) = self.file.next_chunk()? else { return Ok(None) };
        let (options, positions) = (self.options.clone(), self.positions.clone());
        let (target, index) = (self.target.clone(), chunk.index);
        let parse = move |emit: EmitBatch<'_>| {
            let asked = positions.iter().max().map_or(0, |last| last + 1);
            let width = chunk.width(&options, u64::MAX).max(asked);
            let wanted = (0..width).chain([CsvPlan::NO_FIELD]).collect();
            let plan = Arc::new(CsvPlan::new(&options, wanted, None, target));
            let mut sinks = text_sinks(width);
            sinks.push(Box::new(CountSink::default()));
            chunk.parse(&plan, &mut sinks, |batch| emit(whole(batch, &positions)?))
        };
        Ok(Some(FileChunk::new(index, parse)))
    }

    fn is_busy(&self) -> bool {
        self.file.is_busy()
    }
}

/// Counts the fields that each record has.
#[derive(Default)]
struct CountSink {
    counts: Vec<i64>,
}

impl FieldSink for CountSink {
    fn append(&mut self, fields: &Fields<'_>, _: &mut Vec<Rejection>) {
        // The counts stand behind all fields.
        let there = |row: usize| {
            let is_there =
                |slot: &usize| Fields { slot: *slot, ..*fields }.get(row) != Field::Missing;
            let last = (0..fields.slot).rev().find(is_there);
            last.map_or(0, |last| last as i64 + 1)
        };
        self.counts.extend((0..fields.len()).map(there));
    }

    fn finish(&mut self) -> Result<Column> {
        let counts = std::mem::take(&mut self.counts);
        Ok(Column::Flat(Array::I64(Int64Array::from(counts))))
    }
}

/// The asked fields of a batch of all fields, and the records.
fn whole(mut read: FileBatch, positions: &[usize]) -> Result<FileBatch> {
    let rows = read.batch.rows();
    let records = match read.batch.columns() {
        [fields @ .., Column::Flat(Array::I64(counts))] => records(fields, counts)?,
        _ => return Err(Error::internal("records without their widths")),
    };
    let fields = positions.iter().map(|position| read.batch.column(*position).clone());
    read.batch = Batch::new(fields.chain([records]).collect(), rows);
    Ok(read)
}

/// Objects of as many of the fields as `counts` says.
fn records(columns: &[Column], counts: &Int64Array) -> Result<Column> {
    let texts = columns.iter().map(|column| match column {
        Column::Flat(Array::Text(texts)) => Ok(texts),
        _ => Err(Error::internal("a field of a record that is no text")),
    });
    let texts = texts.collect::<Result<Vec<&StringViewArray>>>()?;
    let names: Vec<String> = (1..=texts.len()).map(|position| format!("c{position}")).collect();
    let (mut builder, mut bytes) = (Builder::new(), Vec::new());
    let mut out = BinaryViewBuilder::with_capacity(counts.len());
    for row in 0..counts.len() {
        let count = usize::try_from(counts.value(row)).unwrap_or(0);
        builder.begin_object()?;
        for (name, field) in names.iter().zip(&texts).take(count) {
            builder.key(name);
            match field.is_valid(row) {
                true => builder.text(field.value(row)),
                false => builder.null(),
            }
        }
        builder.end_object()?;
        bytes.clear();
        builder.finish(&mut bytes)?;
        out.append_value(&bytes);
    }
    Ok(Column::Flat(Array::Bytes(out.finish())))
}
