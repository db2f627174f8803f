//! Where the fields of a column go: converted straight from the file's bytes.

use arrow::array::StringViewBuilder;
use firn_column::{Array, Column};
use firn_types::{ErrorCode, Result};

use super::{Field, Fields, Rejection};
use crate::row_error::ErrorCategory;

/// Takes the fields of one column.
///
/// The reader calls [`FieldSink::append`] once for each block of rows, so that the loop over the fields
/// is the sink's own, without a call for each.
pub trait FieldSink: Send {
    /// Converts and keeps the fields, one value for each row. A field that does not convert is
    /// reported in `rejected`, and a NULL kept in its place: the reader takes the row out later.
    fn append(&mut self, fields: &Fields<'_>, rejected: &mut Vec<Rejection>);

    /// The values kept since the last call.
    ///
    /// # Errors
    /// Whatever building a column gives.
    fn finish(&mut self) -> Result<Column>;
}

/// Keeps fields as texts.
#[derive(Default)]
pub struct TextSink {
    builder: StringViewBuilder,
}

/// One sink for texts for each of `count` columns.
pub fn text_sinks(count: usize) -> Vec<Box<dyn FieldSink>> {
    (0..count).map(|_| Box::new(TextSink::default()) as Box<dyn FieldSink>).collect()
}

impl FieldSink for TextSink {
    fn append(&mut self, fields: &Fields<'_>, rejected: &mut Vec<Rejection>) {
        for row in 0..fields.len() {
            let Field::Text(bytes) = fields.get(row) else {
                self.builder.append_null();
                continue;
            };
            match fields.text(row, bytes) {
                Ok(text) => self.builder.append_value(text),
                Err(message) => {
                    self.builder.append_null();
                    let (code, category) = (ErrorCode::InvalidUtf8, ErrorCategory::Parsing);
                    rejected.push(Rejection { row, code, category, message });
                }
            }
        }
    }

    fn finish(&mut self) -> Result<Column> {
        Ok(Column::Flat(Array::Text(self.builder.finish())))
    }
}
