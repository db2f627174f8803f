//! Writing JSON: one document to a line.

use firn_column::{Array, Batch};
use firn_types::variant::json_write::{JsonWriter as TextWriter, PlainText};
use firn_types::variant::view::Variant;
use firn_types::{Error, Field, Result};

use crate::format::WritableFormat;
use crate::format::registry::text_extension;
use crate::format::write::{FileWriter, TextOutput, Written};
use crate::options::JsonOptions;
use crate::stage::StageWriter;

/// Writes one file of JSON documents. Its batches have one column: VARIANTs, or JSON texts.
pub struct JsonWriter {
    output: TextOutput,
}

impl WritableFormat for JsonOptions {
    fn extension(&self) -> String {
        text_extension(self.file_extension.as_ref(), ".json", self.compression)
    }

    fn writer(
        &self,
        sink: Box<dyn StageWriter>,
        file: String,
        _: &[Field],
        _: bool,
    ) -> Result<Box<dyn FileWriter>> {
        Ok(Box::new(JsonWriter::new(sink, file, self)?))
    }
}

impl JsonWriter {
    /// A writer into `sink`, the file named `file`.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub fn new(
        sink: Box<dyn StageWriter>,
        file: String,
        options: &JsonOptions,
    ) -> Result<JsonWriter> {
        Ok(JsonWriter { output: TextOutput::new(sink, options.compression, file)? })
    }
}

impl FileWriter for JsonWriter {
    fn write(&mut self, batch: &Batch) -> Result<()> {
        let [column] = batch.columns() else {
            return Err(Error::internal("a JSON writer takes one column"));
        };
        let mut text = String::new();
        let printer = TextWriter::compact(&PlainText);
        let array = column.flat();
        for row in 0..batch.rows() {
            match &array {
                array if array.is_null(row) => text.push_str("null"),
                Array::Text(texts) => text.push_str(texts.value(row)),
                Array::Bytes(values) => printer.write(Variant::new(values.value(row)), &mut text),
                _ => return Err(Error::internal("a JSON writer takes VARIANTs or texts")),
            }
            text.push('\n');
        }
        self.output.write(text.as_bytes())
    }

    fn bytes(&self) -> u64 {
        self.output.bytes()
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        self.output.finish()
    }
}
