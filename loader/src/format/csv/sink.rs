//! Where the fields of a column go: converted straight from the file's bytes.

use arrow::array::{Array as _, StringViewBuilder};
use firn_column::{Array, Column};
use firn_types::{ErrorCode, Result};

use super::{Field, Fields, Rejection};
use crate::row_error::ErrorCategory;

/// Bytes of a block that texts are copied into, at least and at most.
const TEXT_BLOCK_BYTES_MIN: usize = 8 << 10;
const TEXT_BLOCK_BYTES_MAX: usize = 2 << 20;

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
    texts: TextColumn,
}

/// One sink for texts for each of `count` columns.
pub fn text_sinks(count: usize) -> Vec<Box<dyn FieldSink>> {
    (0..count).map(|_| Box::new(TextSink::default()) as Box<dyn FieldSink>).collect()
}

impl FieldSink for TextSink {
    fn append(&mut self, fields: &Fields<'_>, rejected: &mut Vec<Rejection>) {
        for row in 0..fields.len() {
            let Field::Text(bytes) = fields.get(row) else {
                self.texts.push_null();
                continue;
            };
            match fields.text(row, bytes) {
                Ok(text) => self.texts.push(&text),
                Err(message) => {
                    self.texts.push_null();
                    let (code, category) = (ErrorCode::InvalidUtf8, ErrorCategory::Parsing);
                    rejected.push(Rejection { row, code, category, message });
                }
            }
        }
    }

    fn finish(&mut self) -> Result<Column> {
        Ok(self.texts.finish())
    }
}

/// The texts of a batch, in blocks of about what the batch before it took: a builder that is used again
/// would take blocks of its largest size for every batch.
#[derive(Default)]
pub(super) struct TextColumn {
    builder: StringViewBuilder,
    bytes: usize,
}

impl TextColumn {
    pub(super) fn push(&mut self, text: &str) {
        self.bytes += text.len();
        self.builder.append_value(text);
    }

    pub(super) fn push_null(&mut self) {
        self.builder.append_null();
    }

    /// The texts since the last call.
    pub(super) fn finish(&mut self) -> Column {
        let texts = self.builder.finish();
        let room = (self.bytes + self.bytes / 8).clamp(TEXT_BLOCK_BYTES_MIN, TEXT_BLOCK_BYTES_MAX);
        let next = StringViewBuilder::with_capacity(texts.len());
        *self = TextColumn { builder: next.with_fixed_block_size(room as u32), bytes: 0 };
        Column::Flat(Array::Text(texts))
    }
}
