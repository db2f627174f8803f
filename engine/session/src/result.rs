//! What a statement answers.

use std::sync::Arc;

use firn_column::record_batch::{self, RecordBatch, SchemaRef};
use firn_column::{Batch, Column, PhysicalType};
use firn_execute::Spool;
use firn_execute::spool::BatchSize;
use firn_functions::{FunctionContext, cast};
use firn_types::{Field, Result, SqlType, Value, print_text};

/// The rows that a statement answers with, and what a client says of them.
#[derive(Clone, Debug)]
pub struct StatementResult {
    /// The statement's id.
    pub query_id: String,
    /// The columns.
    pub fields: Vec<Field>,
    /// The rows, in order.
    pub(crate) spool: Arc<Spool>,
    /// The number that a client prints: rows given, or rows affected.
    pub row_count: u64,
    /// How values are printed.
    pub(crate) functions: Arc<FunctionContext>,
}

/// One value as a client prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// SQL NULL.
    Null,
    /// A BOOLEAN, which every client spells in its own way.
    Boolean(bool),
    /// Everything else, as the server prints it.
    Text(String),
}

impl StatementResult {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        usize::try_from(self.spool.rows()).unwrap_or(usize::MAX)
    }

    /// The rows as batches, in order. They are read one after another, from disk if they lie there.
    pub fn batches(&self) -> impl Iterator<Item = Result<Batch>> + '_ {
        (0..self.spool.batches()).filter_map(|index| self.spool.batch(index).transpose())
    }

    /// How large each of its batches is, in order.
    pub fn batch_sizes(&self) -> Vec<BatchSize> {
        self.spool.sizes()
    }

    /// The widest form that each column has in any batch; empty without rows.
    pub fn forms(&self) -> Vec<PhysicalType> {
        self.spool.forms()
    }

    /// The batch of that number, from 0; none behind the last.
    ///
    /// # Errors
    /// When it lies on disk and cannot be read.
    pub fn batch(&self, index: usize) -> Result<Option<Batch>> {
        self.spool.batch(index)
    }

    /// Appends the text of a VARIANT, OBJECT or ARRAY as a client prints it.
    pub fn write_variant(&self, bytes: &[u8], out: &mut String) {
        cast::display_variant(bytes, &self.functions, out);
    }

    /// The schema of its rows as Arrow record batches.
    pub fn arrow_schema(&self) -> SchemaRef {
        record_batch::schema(&self.fields)
    }

    /// One of its batches as an Arrow record batch, with the SQL types in the fields' metadata.
    ///
    /// # Errors
    /// An internal error when it is of another result.
    pub fn to_arrow(&self, batch: &Batch, schema: &SchemaRef) -> Result<RecordBatch> {
        let texts = cast::SessionText(&self.functions);
        record_batch::encode(batch, &self.fields, schema, &texts)
    }

    /// Every row's cells, in order, one batch at a time.
    ///
    /// # Errors
    /// When rows on disk cannot be read, or a BINARY cannot be printed in the session's format.
    pub fn for_each_row(&self, f: &mut dyn FnMut(&[Cell])) -> Result<()> {
        self.batches().try_for_each(|batch| self.print(&batch?, f))
    }

    /// The cells of every row of one of its batches, in order.
    ///
    /// # Errors
    /// When a BINARY cannot be printed in the session's format.
    pub fn print(&self, batch: &Batch, f: &mut dyn FnMut(&[Cell])) -> Result<()> {
        Printer { fields: &self.fields, functions: &self.functions }.for_each_row(batch, f)
    }

    /// All rows' cells.
    ///
    /// # Errors
    /// As [`StatementResult::for_each_row`].
    pub fn cells(&self) -> Result<Vec<Vec<Cell>>> {
        let mut rows = Vec::with_capacity(self.rows());
        self.for_each_row(&mut |row| rows.push(row.to_vec()))?;
        Ok(rows)
    }
}

/// Prints values as the server does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer<'a> {
    /// The columns.
    pub(crate) fields: &'a [Field],
    /// How values are printed.
    pub(crate) functions: &'a FunctionContext,
}

impl Printer<'_> {
    /// The cells of every row of a batch, in order.
    ///
    /// # Errors
    /// When a BINARY cannot be printed in the session's format.
    pub(crate) fn for_each_row(&self, batch: &Batch, f: &mut dyn FnMut(&[Cell])) -> Result<()> {
        let mut row = vec![Cell::Null; self.fields.len()];
        for index in 0..batch.rows() {
            for ((cell, column), field) in row.iter_mut().zip(batch.columns()).zip(self.fields) {
                *cell = self.cell(column, index, field.sql_type)?;
            }
            f(&row);
        }
        Ok(())
    }

    /// One value.
    ///
    /// # Errors
    /// When a BINARY cannot be printed in the session's format.
    pub(crate) fn cell(&self, column: &Column, row: usize, sql_type: SqlType) -> Result<Cell> {
        let value = column.value(row, sql_type);
        let mut text = String::new();
        match &value {
            Value::Null => return Ok(Cell::Null),
            Value::Boolean(value) => return Ok(Cell::Boolean(*value)),
            Value::Variant(bytes) => {
                cast::display_variant(bytes, self.functions, &mut text);
            }
            value => {
                let (formats, zone) = (&self.functions.text, self.functions.time_zone);
                print_text::write_value(&mut text, value, sql_type, formats, zone)?;
            }
        }
        Ok(Cell::Text(text))
    }
}

/// Rows that a command makes by hand: few, and all of texts, numbers and booleans.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    /// The columns.
    pub(crate) fields: Vec<Field>,
    /// The rows.
    pub(crate) rows: Vec<Vec<Value>>,
}

impl Rows {
    /// No rows yet, of these columns.
    pub(crate) fn new(fields: Vec<Field>) -> Rows {
        Rows { fields, rows: Vec::new() }
    }

    /// Text columns of these names.
    pub(crate) fn texts(names: &[&str]) -> Rows {
        Rows::new(names.iter().map(|name| Field::new(*name, SqlType::TEXT)).collect())
    }

    /// One row of one column `status`.
    pub(crate) fn status(text: impl Into<Arc<str>>) -> Rows {
        let mut rows = Rows::texts(&["status"]);
        rows.rows.push(vec![Value::text(text)]);
        rows
    }

    /// `Statement executed successfully.`
    pub(crate) fn done() -> Rows {
        Rows::status("Statement executed successfully.")
    }

    /// The rows as one batch.
    ///
    /// # Errors
    /// An internal error when a value is not of its column's type.
    pub(crate) fn batch(&self) -> Result<Batch> {
        let columns = self.fields.iter().enumerate().map(|(position, field)| {
            Column::from_values(field.sql_type, self.rows.iter().map(|row| &row[position]))
        });
        Ok(Batch::new(columns.collect::<Result<_>>()?, self.rows.len()))
    }
}
