//! File formats in the form that readers and writers use.

use firn_types::{Error, Result};

use super::OptionSet;
use super::file_format::{AVRO, CSV, JSON, PARQUET};
use super::pictures::Pictures;
use crate::compression::Compression;
use crate::encoding::Encoding;

/// A file format as readers and writers use it.
#[derive(Clone, Debug, PartialEq)]
pub enum FileFormat {
    /// Delimited text.
    Csv(CsvOptions),
    /// JSON documents.
    Json(JsonOptions),
    /// Parquet.
    Parquet(ParquetOptions),
    /// Avro.
    Avro(AvroOptions),
}

/// The options of TYPE = CSV.
#[derive(Clone, Debug, PartialEq)]
pub struct CsvOptions {
    /// How the file is compressed.
    pub compression: Compression,
    /// What ends a record; none makes the file one record. `\n` takes `\r\n` too.
    pub record_delimiter: Option<String>,
    /// What ends a field; none makes each record one field.
    pub field_delimiter: Option<String>,
    /// The extension of unloaded files, instead of the format's own.
    pub file_extension: Option<String>,
    /// Whether the first record names the columns.
    pub parse_header: bool,
    /// How many lines to pass over.
    pub skip_header: u64,
    /// Whether empty records are passed over.
    pub skip_blank_lines: bool,
    /// How dates, times, timestamps and BINARY are written.
    pub pictures: Pictures,
    /// The escape in enclosed fields, and in others too when set.
    pub escape: Option<u8>,
    /// The escape in fields that are not enclosed; `escape` overrides it.
    pub escape_unenclosed_field: Option<u8>,
    /// Whether blanks around fields are dropped.
    pub trim_space: bool,
    /// The quote that may enclose a field.
    pub field_optionally_enclosed_by: Option<u8>,
    /// The texts that stand for NULL.
    pub null_if: Vec<String>,
    /// Whether a record of another width than the table is an error.
    pub error_on_column_count_mismatch: bool,
    /// Whether bytes that are no UTF-8 become U+FFFD instead of an error.
    pub replace_invalid_characters: bool,
    /// Whether an empty field is NULL.
    pub empty_field_as_null: bool,
    /// Whether a byte order mark is dropped.
    pub skip_byte_order_mark: bool,
    /// Whether the record delimiter may stand in an enclosed field.
    pub multi_line: bool,
    /// How the file's characters are written.
    pub encoding: Encoding,
}

impl Default for CsvOptions {
    fn default() -> CsvOptions {
        CsvOptions::checked(&OptionSet::new(CSV))
    }
}

impl CsvOptions {
    pub(super) fn of(options: &OptionSet) -> Result<CsvOptions> {
        let name = options.text("ENCODING").unwrap_or_default();
        match Encoding::from_name(&name) {
            Some(_) => Ok(CsvOptions::checked(options)),
            None => Err(Error::not_supported(format!("ENCODING = {name}"))),
        }
    }

    fn checked(options: &OptionSet) -> CsvOptions {
        let byte = |name| options.text(name).and_then(|text| text.as_bytes().first().copied());
        CsvOptions {
            compression: options.compression("COMPRESSION"),
            record_delimiter: options.text("RECORD_DELIMITER"),
            field_delimiter: options.text("FIELD_DELIMITER"),
            file_extension: options.text("FILE_EXTENSION"),
            parse_header: options.boolean("PARSE_HEADER"),
            skip_header: options.number("SKIP_HEADER").unwrap_or(0),
            skip_blank_lines: options.boolean("SKIP_BLANK_LINES"),
            pictures: Pictures::of(options),
            escape: byte("ESCAPE"),
            escape_unenclosed_field: byte("ESCAPE_UNENCLOSED_FIELD"),
            trim_space: options.boolean("TRIM_SPACE"),
            field_optionally_enclosed_by: byte("FIELD_OPTIONALLY_ENCLOSED_BY"),
            null_if: options.texts("NULL_IF"),
            error_on_column_count_mismatch: options.boolean("ERROR_ON_COLUMN_COUNT_MISMATCH"),
            replace_invalid_characters: options.boolean("REPLACE_INVALID_CHARACTERS"),
            empty_field_as_null: options.boolean("EMPTY_FIELD_AS_NULL"),
            skip_byte_order_mark: options.boolean("SKIP_BYTE_ORDER_MARK"),
            multi_line: options.boolean("MULTI_LINE"),
            encoding: options
                .text("ENCODING")
                .and_then(|name| Encoding::from_name(&name))
                .unwrap_or(Encoding::Utf8),
        }
    }
}

/// The options of TYPE = JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonOptions {
    /// How the file is compressed.
    pub compression: Compression,
    /// The extension of unloaded files, instead of the format's own.
    pub file_extension: Option<String>,
    /// How dates, times, timestamps and BINARY are written.
    pub pictures: Pictures,
    /// Whether blanks around texts are dropped.
    pub trim_space: bool,
    /// The texts that stand for NULL.
    pub null_if: Vec<String>,
    /// Whether a number with a leading zero is octal.
    pub enable_octal: bool,
    /// Whether a key may occur twice in an object; the last one counts.
    pub allow_duplicate: bool,
    /// Whether the elements of a top-level array are the rows.
    pub strip_outer_array: bool,
    /// Whether object members that are null are dropped.
    pub strip_null_values: bool,
    /// Whether bytes that are no UTF-8 become U+FFFD instead of an error.
    pub replace_invalid_characters: bool,
    /// Whether a byte order mark is dropped.
    pub skip_byte_order_mark: bool,
}

impl Default for JsonOptions {
    fn default() -> JsonOptions {
        JsonOptions::of(&OptionSet::new(JSON))
    }
}

impl JsonOptions {
    pub(super) fn of(options: &OptionSet) -> JsonOptions {
        JsonOptions {
            compression: options.compression("COMPRESSION"),
            file_extension: options.text("FILE_EXTENSION"),
            pictures: Pictures::of(options),
            trim_space: options.boolean("TRIM_SPACE"),
            null_if: options.texts("NULL_IF"),
            enable_octal: options.boolean("ENABLE_OCTAL"),
            allow_duplicate: options.boolean("ALLOW_DUPLICATE"),
            strip_outer_array: options.boolean("STRIP_OUTER_ARRAY"),
            strip_null_values: options.boolean("STRIP_NULL_VALUES"),
            replace_invalid_characters: options.boolean("REPLACE_INVALID_CHARACTERS")
                || options.boolean("IGNORE_UTF8_ERRORS"),
            skip_byte_order_mark: options.boolean("SKIP_BYTE_ORDER_MARK"),
        }
    }
}

/// How Arrow's values, which the readers of several formats give, become SQL's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArrowOptions {
    /// Whether binary columns without a logical type are texts.
    pub binary_as_text: bool,
    /// Whether timestamps with a time zone are points in time, rather than wall clocks of UTC.
    pub use_logical_type: bool,
    /// Whether blanks around texts are dropped.
    pub trim_space: bool,
    /// The texts that stand for NULL.
    pub null_if: Vec<String>,
    /// Whether bytes that are no UTF-8 become U+FFFD instead of an error.
    pub replace_invalid_characters: bool,
}

impl ArrowOptions {
    fn of(options: &OptionSet) -> ArrowOptions {
        ArrowOptions {
            binary_as_text: options.boolean("BINARY_AS_TEXT"),
            use_logical_type: options.boolean("USE_LOGICAL_TYPE"),
            trim_space: options.boolean("TRIM_SPACE"),
            null_if: options.texts("NULL_IF"),
            replace_invalid_characters: options.boolean("REPLACE_INVALID_CHARACTERS"),
        }
    }
}

/// The options of TYPE = PARQUET.
#[derive(Clone, Debug, PartialEq)]
pub struct ParquetOptions {
    /// The compression of unloaded files: SNAPPY, ZSTD, GZIP or NONE.
    pub compression: String,
    /// How values are read.
    pub arrow: ArrowOptions,
}

impl Default for ParquetOptions {
    fn default() -> ParquetOptions {
        ParquetOptions::of(&OptionSet::new(PARQUET))
    }
}

impl ParquetOptions {
    pub(super) fn of(options: &OptionSet) -> ParquetOptions {
        let compression = match options.text("COMPRESSION").as_deref() {
            None | Some("AUTO") if options.boolean("SNAPPY_COMPRESSION") => "SNAPPY".to_owned(),
            None | Some("AUTO") => "NONE".to_owned(),
            Some(other) => other.to_owned(),
        };
        ParquetOptions { compression, arrow: ArrowOptions::of(options) }
    }
}

/// The options of TYPE = AVRO.
#[derive(Clone, Debug, PartialEq)]
pub struct AvroOptions {
    /// How the file as a whole is compressed; the codec within it is the file's own affair.
    pub compression: Compression,
    /// How values are read.
    pub arrow: ArrowOptions,
}

impl Default for AvroOptions {
    fn default() -> AvroOptions {
        AvroOptions::of(&OptionSet::new(AVRO))
    }
}

impl AvroOptions {
    pub(super) fn of(options: &OptionSet) -> AvroOptions {
        // Avro's timestamps are points in time, unless their type says that they are local.
        let arrow = ArrowOptions { use_logical_type: true, ..ArrowOptions::of(options) };
        AvroOptions { compression: options.compression("COMPRESSION"), arrow }
    }
}
