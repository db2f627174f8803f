//! Writing delimited text.

use arrow::array::Array as _;
use firn_column::{Array, Batch};
use firn_types::{Error, Field, Result, SqlType};

use crate::encoding::Encoding;
use crate::format::WritableFormat;
use crate::format::registry::text_extension;
use crate::format::write::{FileWriter, TextOutput, Written};
use crate::options::CsvOptions;
use crate::stage::StageWriter;

/// Writes one file of delimited text. Its batches have texts only, printed by the file format's
/// formats.
pub struct CsvWriter {
    rules: Rules,
    output: TextOutput,
    buffer: Vec<u8>,
}

/// How fields are written.
struct Rules {
    field: Vec<u8>,
    record: Vec<u8>,
    quote: Option<u8>,
    escape_enclosed: Option<u8>,
    escape_plain: Option<u8>,
    null: Vec<u8>,
    enclosed: Vec<bool>,
}

/// Bytes gathered before they are compressed.
const BUFFER_BYTES: usize = 256 * 1024;

impl WritableFormat for CsvOptions {
    fn check(&self) -> Result<()> {
        match self.encoding {
            Encoding::Utf8 => Ok(()),
            _ => Err(Error::not_supported("unloading with an ENCODING other than UTF8")),
        }
    }

    fn extension(&self) -> String {
        text_extension(self.file_extension.as_ref(), ".csv", self.compression)
    }

    fn writer(
        &self,
        sink: Box<dyn StageWriter>,
        file: String,
        fields: &[Field],
        header: bool,
    ) -> Result<Box<dyn FileWriter>> {
        let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
        let bare = |kind: SqlType| kind.is_numeric() || kind == SqlType::Boolean;
        let enclosed = fields.iter().map(|field| !bare(field.sql_type)).collect();
        let header = header.then_some(&names[..]);
        Ok(Box::new(CsvWriter::new(sink, file, self, enclosed, header)?))
    }
}

impl CsvWriter {
    /// A writer into `sink`, the file named `file`. `enclosed` says which columns are texts in SQL and
    /// so are enclosed when the options name a quote; `header` is the first record, if there is one.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub fn new(
        sink: Box<dyn StageWriter>,
        file: String,
        options: &CsvOptions,
        enclosed: Vec<bool>,
        header: Option<&[String]>,
    ) -> Result<CsvWriter> {
        let bytes = |text: &Option<String>| text.clone().unwrap_or_default().into_bytes();
        let rules = Rules {
            field: bytes(&options.field_delimiter),
            record: bytes(&options.record_delimiter),
            quote: options.field_optionally_enclosed_by,
            escape_enclosed: options.escape,
            escape_plain: options.escape.or(options.escape_unenclosed_field),
            null: options.null_if.first().cloned().unwrap_or_default().into_bytes(),
            enclosed,
        };
        let output = TextOutput::new(sink, options.compression, file)?;
        let mut writer = CsvWriter { rules, output, buffer: Vec::with_capacity(BUFFER_BYTES) };
        if let Some(names) = header {
            let fields = names.iter().map(|name| (Some(name.as_str()), true));
            writer.rules.record(fields, &mut writer.buffer);
        }
        Ok(writer)
    }
}

impl FileWriter for CsvWriter {
    fn write(&mut self, batch: &Batch) -> Result<()> {
        let columns: Vec<Array> = batch.columns().iter().map(|column| column.flat()).collect();
        let texts: Option<Vec<_>> = columns
            .iter()
            .map(|array| match array {
                Array::Text(texts) => Some(texts),
                _ => None,
            })
            .collect();
        let texts = texts.ok_or_else(|| Error::internal("a CSV writer takes texts only"))?;
        for row in 0..batch.rows() {
            let fields = texts.iter().enumerate().map(|(column, texts)| {
                let text = texts.is_valid(row).then(|| texts.value(row));
                (text, self.rules.enclosed.get(column).copied().unwrap_or(false))
            });
            self.rules.record(fields, &mut self.buffer);
            if self.buffer.len() >= BUFFER_BYTES {
                self.output.write(&self.buffer)?;
                self.buffer.clear();
            }
        }
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.output.bytes()
    }

    fn finish(mut self: Box<Self>) -> Result<Written> {
        self.output.write(&self.buffer)?;
        self.output.finish()
    }
}

impl Rules {
    fn record<'t>(&self, fields: impl Iterator<Item = (Option<&'t str>, bool)>, out: &mut Vec<u8>) {
        for (position, (text, is_text)) in fields.enumerate() {
            if position > 0 {
                out.extend_from_slice(&self.field);
            }
            match (text, self.quote) {
                (None, _) => out.extend_from_slice(&self.null),
                (Some(text), Some(quote)) if is_text => self.enclosed(text, quote, out),
                (Some(text), _) => self.plain(text, out),
            }
        }
        out.extend_from_slice(&self.record);
    }

    /// A quote within is doubled, or escaped where there is an escape.
    fn enclosed(&self, text: &str, quote: u8, out: &mut Vec<u8>) {
        out.push(quote);
        for &byte in text.as_bytes() {
            if byte == quote || Some(byte) == self.escape_enclosed {
                out.push(self.escape_enclosed.unwrap_or(quote));
            }
            out.push(byte);
        }
        out.push(quote);
    }

    /// Delimiters and the escape itself are escaped, where there is an escape.
    fn plain(&self, text: &str, out: &mut Vec<u8>) {
        let Some(escape) = self.escape_plain else {
            out.extend_from_slice(text.as_bytes());
            return;
        };
        let mut rest = text.as_bytes();
        while let Some((&first, after)) = rest.split_first() {
            let delimiter = [&self.field, &self.record]
                .into_iter()
                .find(|d| !d.is_empty() && rest.starts_with(d));
            if first == escape || delimiter.is_some() {
                out.push(escape);
            }
            out.push(first);
            rest = after;
        }
    }
}
