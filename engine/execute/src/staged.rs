//! Records of staged files as the columns of a plan: fields, whole documents and METADATA$ columns.

use std::sync::Arc;

use arrow::array::Int64Array;
use firn_column::{Array, Batch, Column};
use firn_functions::FunctionContext;
use firn_loader::format::csv::{CsvColumns, CsvReader, RecordReader, text_sinks};
use firn_loader::format::{ColumnsPlan, FileBatch, FileReader, RowForm};
use firn_loader::options::FileFormat;
use firn_loader::row_error::LoadTarget;
use firn_loader::stage::StagedFile;
use firn_plan::{StageColumn, StageValue};
use firn_types::text_format::{TextFormats, TextSettings};
use firn_types::{Result, Value};

use crate::context::QueryContext;

/// Makes the columns that a plan asks of staged files.
pub(crate) struct StagedFields {
    columns: Vec<StageColumn>,
    /// Where each column stands in what is read of the file.
    read: Vec<Option<usize>>,
    start_nanos: i64,
}

impl StagedFields {
    /// What is to be read of files of this format, and how the columns come of it. Of objects that
    /// are made of columns, only `members` are read, where that is given. `target` names the fields in
    /// messages.
    ///
    /// # Errors
    /// Options that firn does not have.
    pub(crate) fn new(
        format: &FileFormat,
        columns: &[StageColumn],
        members: Option<Vec<String>>,
        target: LoadTarget,
        start_nanos: i64,
    ) -> Result<(Arc<dyn FileReader>, StagedFields)> {
        // Each field is read once, however many columns ask for it.
        let mut positions: Vec<usize> = Vec::new();
        let mut read = Vec::with_capacity(columns.len());
        for column in columns {
            read.push(match column.value {
                StageValue::Position(position) => {
                    let field = position.saturating_sub(1);
                    let known = positions.iter().position(|known| *known == field);
                    Some(known.unwrap_or_else(|| {
                        positions.push(field);
                        positions.len() - 1
                    }))
                }
                _ => None,
            });
        }
        let is_fields = matches!(format.rows(), RowForm::Fields(_));
        let has_rows = columns.iter().any(|column| column.value == StageValue::Row);
        // Whole records come behind the fields; other formats have nothing but whole rows.
        let row_at = if is_fields { positions.len() } else { 0 };
        if !is_fields {
            whole_documents(&mut read, &positions);
            if has_rows && !positions.contains(&0) {
                positions.push(0);
            }
        }
        for (read, column) in read.iter_mut().zip(columns) {
            if column.value == StageValue::Row {
                *read = Some(row_at);
            }
        }
        let reader: Arc<dyn FileReader> = match format.rows() {
            RowForm::Fields(options) if has_rows => {
                Arc::new(RecordReader { options: options.clone(), positions, target })
            }
            RowForm::Fields(options) => {
                let count = positions.len();
                Arc::new(CsvReader {
                    options: options.clone(),
                    columns: CsvColumns::Positions(positions),
                    expected: None,
                    sinks: Arc::new(move || text_sinks(count)),
                    target,
                })
            }
            RowForm::Documents(format) => format.reader(target)?,
            RowForm::Columns(format) => format.reader(match positions.contains(&0) {
                true => ColumnsPlan::object(members, target),
                false => ColumnsPlan::columns(Vec::new(), target),
            }),
        };
        Ok((reader, StagedFields { columns: columns.to_vec(), read, start_nanos }))
    }

    /// The columns without what is read of the files: METADATA$ columns, and NULL for the others.
    pub(crate) fn without_fields(columns: &[StageColumn], start_nanos: i64) -> StagedFields {
        let read = vec![None; columns.len()];
        StagedFields { columns: columns.to_vec(), read, start_nanos }
    }

    /// The columns of a batch's good rows, of a file with the values of the partition that it was added with.
    ///
    /// # Errors
    /// Whatever building a column gives.
    pub(crate) fn make(
        &self,
        batch: &FileBatch,
        (file, partition): (&StagedFile, Option<&str>),
    ) -> Result<Batch> {
        let rows = batch.batch.rows();
        let made = self.columns.iter().zip(&self.read).map(|(column, read)| {
            let sql_type = column.column.sql_type;
            let constant = |value: Value| Column::constant(&value, sql_type, rows);
            match (&column.value, read) {
                (StageValue::Position(_) | StageValue::Row, Some(position)) => {
                    Ok(batch.batch.column(*position).clone())
                }
                (StageValue::Position(_) | StageValue::Row, None) => {
                    Ok(Column::nulls_of(sql_type, rows))
                }
                (StageValue::FileRowNumber, _) => {
                    let number = |row| i64::try_from(batch.row_number(row)).unwrap_or(i64::MAX);
                    let numbers = Int64Array::from_iter_values((0..rows).map(number));
                    Ok(Column::Flat(Array::I64(numbers)))
                }
                (of_file, _) => constant(file_value(of_file, file, partition, self.start_nanos)),
            }
        });
        Ok(Batch::new(made.collect::<Result<_>>()?, rows))
    }
}

/// What all rows of a file have in a column; NULL of one that differs from row to row.
pub(crate) fn file_value(
    value: &StageValue,
    file: &StagedFile,
    partition: Option<&str>,
    start_nanos: i64,
) -> Value {
    match value {
        StageValue::FileName => Value::text(file.path.as_str()),
        StageValue::FileContentKey => Value::text(file.etag.as_str()),
        StageValue::FileLastModified => Value::Timestamp(i128::from(file.last_modified)),
        StageValue::StartScanTime => Value::Timestamp(i128::from(start_nanos)),
        StageValue::Partition => partition.map_or(Value::Null, Value::text),
        StageValue::Position(_) | StageValue::Row | StageValue::FileRowNumber => Value::Null,
    }
}

/// The functions' context with the file format's own pictures of what is read.
pub(crate) fn input_functions(format: &FileFormat, context: &QueryContext) -> FunctionContext {
    let session = &context.functions.text;
    with_settings(context, format.pictures().map(|own| own.input_settings(session)))
}

/// The functions' context with the file format's own pictures of what is written.
pub(crate) fn output_functions(format: &FileFormat, context: &QueryContext) -> FunctionContext {
    let session = &context.functions.text;
    with_settings(context, format.pictures().map(|own| own.output_settings(session)))
}

fn with_settings(context: &QueryContext, settings: Option<TextSettings>) -> FunctionContext {
    let mut functions = context.functions.as_ref().clone();
    if let Some(settings) = settings {
        functions.text = Arc::new(TextFormats::new(settings));
    }
    functions
}

/// Formats without fields have one column, `$1`.
fn whole_documents(read: &mut [Option<usize>], positions: &[usize]) {
    for place in read.iter_mut() {
        *place = place.filter(|position| positions[*position] == 0).map(|_| 0);
    }
}
