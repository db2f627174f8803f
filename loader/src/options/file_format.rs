//! The options of FILE FORMAT, per type.

use std::fmt;

use firn_types::text_format::TextSettings;
use firn_types::{Error, ErrorCode, Result};

use super::OptionDefault::{Boolean as Truth, List, Nothing, Number as Count, Text as Word};
use super::OptionKind::{Boolean, Character, Choice, Delimiter, Number, OneOf, Text, TextList};
use super::{NamedOption, OptionEntry, OptionRow, OptionSet, OptionTable, OptionValue, entry};
use crate::compression::Compression;
use crate::encoding::Encoding;

const COMPRESSIONS: &[&str] =
    &["AUTO", "GZIP", "BZ2", "BROTLI", "ZSTD", "DEFLATE", "RAW_DEFLATE", "NONE"];
const PARQUET_COMPRESSIONS: &[&str] = &["AUTO", "LZO", "SNAPPY", "ZSTD", "GZIP", "NONE"];
const BINARY_FORMATS: &[&str] = &["HEX", "BASE64", "UTF8", "UTF-8"];
const ENCODINGS: &[&str] = &[
    "UTF8",
    "UTF-8",
    "BIG5",
    "EUCJP",
    "EUCKR",
    "GB18030",
    "IBM420",
    "IBM424",
    "IBM949",
    "ISO2022CN",
    "ISO2022JP",
    "ISO2022KR",
    "ISO88591",
    "ISO88592",
    "ISO88595",
    "ISO88596",
    "ISO88597",
    "ISO88598",
    "ISO88599",
    "ISO885915",
    "KOI8R",
    "SHIFTJIS",
    "UTF16",
    "UTF16BE",
    "UTF16LE",
    "UTF32",
    "UTF32BE",
    "UTF32LE",
    "WINDOWS874",
    "WINDOWS949",
    "WINDOWS1250",
    "WINDOWS1251",
    "WINDOWS1252",
    "WINDOWS1253",
    "WINDOWS1254",
    "WINDOWS1255",
    "WINDOWS1256",
];

const CSV: &[OptionEntry] = &[
    entry("RECORD_DELIMITER", Delimiter, Word("\n")),
    entry("FIELD_DELIMITER", Delimiter, Word(",")),
    entry("FILE_EXTENSION", Text, Nothing),
    entry("SKIP_HEADER", Number(0), Count(0)),
    entry("PARSE_HEADER", Boolean, Truth(false)),
    entry("DATE_FORMAT", Text, Word("AUTO")),
    entry("TIME_FORMAT", Text, Word("AUTO")),
    entry("TIMESTAMP_FORMAT", Text, Word("AUTO")),
    entry("BINARY_FORMAT", Choice(BINARY_FORMATS), Word("HEX")),
    entry("ESCAPE", Character, Nothing),
    entry("ESCAPE_UNENCLOSED_FIELD", Character, Word("\\")),
    entry("TRIM_SPACE", Boolean, Truth(false)),
    entry("FIELD_OPTIONALLY_ENCLOSED_BY", OneOf(&["'", "\""]), Nothing),
    entry("NULL_IF", TextList, List(&["\\N"])),
    entry("COMPRESSION", Choice(COMPRESSIONS), Word("AUTO")),
    entry("ERROR_ON_COLUMN_COUNT_MISMATCH", Boolean, Truth(true)),
    entry("VALIDATE_UTF8", Boolean, Truth(true)),
    entry("SKIP_BLANK_LINES", Boolean, Truth(false)),
    entry("REPLACE_INVALID_CHARACTERS", Boolean, Truth(false)),
    entry("EMPTY_FIELD_AS_NULL", Boolean, Truth(true)),
    entry("SKIP_BYTE_ORDER_MARK", Boolean, Truth(true)),
    entry("ENCODING", Choice(ENCODINGS), Word("UTF8")),
    entry("MULTI_LINE", Boolean, Truth(true)),
];

const JSON: &[OptionEntry] = &[
    entry("FILE_EXTENSION", Text, Nothing),
    entry("DATE_FORMAT", Text, Word("AUTO")),
    entry("TIME_FORMAT", Text, Word("AUTO")),
    entry("TIMESTAMP_FORMAT", Text, Word("AUTO")),
    entry("BINARY_FORMAT", Choice(BINARY_FORMATS), Word("HEX")),
    entry("TRIM_SPACE", Boolean, Truth(false)),
    entry("NULL_IF", TextList, List(&[])),
    entry("COMPRESSION", Choice(COMPRESSIONS), Word("AUTO")),
    entry("ENABLE_OCTAL", Boolean, Truth(false)),
    entry("ALLOW_DUPLICATE", Boolean, Truth(false)),
    entry("STRIP_OUTER_ARRAY", Boolean, Truth(false)),
    entry("STRIP_NULL_VALUES", Boolean, Truth(false)),
    entry("IGNORE_UTF8_ERRORS", Boolean, Truth(false)),
    entry("REPLACE_INVALID_CHARACTERS", Boolean, Truth(false)),
    entry("SKIP_BYTE_ORDER_MARK", Boolean, Truth(true)),
    entry("MULTI_LINE", Boolean, Truth(true)),
];

const PARQUET: &[OptionEntry] = &[
    entry("TRIM_SPACE", Boolean, Truth(false)),
    entry("NULL_IF", TextList, List(&[])),
    entry("COMPRESSION", Choice(PARQUET_COMPRESSIONS), Word("AUTO")),
    entry("SNAPPY_COMPRESSION", Boolean, Truth(true)),
    entry("BINARY_AS_TEXT", Boolean, Truth(true)),
    entry("USE_LOGICAL_TYPE", Boolean, Truth(false)),
    entry("USE_VECTORIZED_SCANNER", Boolean, Truth(false)),
    entry("REPLACE_INVALID_CHARACTERS", Boolean, Truth(false)),
];

const AVRO: &[OptionEntry] = &[
    entry("TRIM_SPACE", Boolean, Truth(false)),
    entry("NULL_IF", TextList, List(&[])),
    entry("COMPRESSION", Choice(COMPRESSIONS), Word("AUTO")),
    entry("REPLACE_INVALID_CHARACTERS", Boolean, Truth(false)),
];

const ORC: &[OptionEntry] = &[
    entry("TRIM_SPACE", Boolean, Truth(false)),
    entry("NULL_IF", TextList, List(&[])),
    entry("REPLACE_INVALID_CHARACTERS", Boolean, Truth(false)),
];

const XML: &[OptionEntry] = &[
    entry("COMPRESSION", Choice(COMPRESSIONS), Word("AUTO")),
    entry("IGNORE_UTF8_ERRORS", Boolean, Truth(false)),
    entry("PRESERVE_SPACE", Boolean, Truth(false)),
    entry("STRIP_OUTER_ELEMENT", Boolean, Truth(false)),
    entry("DISABLE_AUTO_CONVERT", Boolean, Truth(false)),
    entry("DISABLE_SNOWFLAKE_DATA", Boolean, Truth(false)),
    entry("REPLACE_INVALID_CHARACTERS", Boolean, Truth(false)),
    entry("SKIP_BYTE_ORDER_MARK", Boolean, Truth(true)),
];

/// The TYPE of a file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatType {
    /// Delimited text.
    Csv,
    /// JSON documents.
    Json,
    /// Avro.
    Avro,
    /// ORC.
    Orc,
    /// Parquet.
    Parquet,
    /// XML.
    Xml,
}

impl FormatType {
    const ALL: [FormatType; 6] = [
        FormatType::Csv,
        FormatType::Json,
        FormatType::Avro,
        FormatType::Orc,
        FormatType::Parquet,
        FormatType::Xml,
    ];

    /// The type of this name in any case.
    pub fn from_name(name: &str) -> Option<FormatType> {
        FormatType::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// The name in upper case.
    pub fn name(self) -> &'static str {
        match self {
            FormatType::Csv => "CSV",
            FormatType::Json => "JSON",
            FormatType::Avro => "AVRO",
            FormatType::Orc => "ORC",
            FormatType::Parquet => "PARQUET",
            FormatType::Xml => "XML",
        }
    }

    /// The options that the type has.
    pub fn table(self) -> OptionTable {
        match self {
            FormatType::Csv => CSV,
            FormatType::Json => JSON,
            FormatType::Avro => AVRO,
            FormatType::Orc => ORC,
            FormatType::Parquet => PARQUET,
            FormatType::Xml => XML,
        }
    }
}

impl fmt::Display for FormatType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A file format as defined: its type and the options that were set. The catalog keeps
/// [`FormatDefinition::pairs`]; readers and writers use [`FormatDefinition::typed`].
#[derive(Clone, Debug, PartialEq)]
pub struct FormatDefinition {
    format_type: FormatType,
    options: OptionSet,
}

impl Default for FormatDefinition {
    fn default() -> FormatDefinition {
        FormatDefinition::new(FormatType::Csv)
    }
}

impl FormatDefinition {
    /// A type with all its defaults.
    pub fn new(format_type: FormatType) -> FormatDefinition {
        FormatDefinition { format_type, options: OptionSet::new(format_type.table()) }
    }

    /// The format that a list of options describes; without TYPE it is CSV. FORMAT_NAME is the
    /// caller's affair and unknown here.
    ///
    /// # Errors
    /// Unknown options, values out of range, options that contradict each other.
    pub fn parse(given: &[NamedOption]) -> Result<FormatDefinition> {
        FormatDefinition::default().overridden(given)
    }

    /// This format with some options replaced; another TYPE starts from that type's defaults.
    ///
    /// # Errors
    /// As [`FormatDefinition::parse`].
    pub fn overridden(&self, given: &[NamedOption]) -> Result<FormatDefinition> {
        let mut format = match given.iter().rev().find(|(name, _)| name == "TYPE") {
            Some((name, value)) => FormatDefinition::new(type_of(name, value)?),
            None => self.clone(),
        };
        for (name, value) in given.iter().filter(|(name, _)| name != "TYPE") {
            format.options.set(name, value)?;
        }
        format.check()?;
        Ok(format)
    }

    /// The set that counts: the statement's, else the stage's, else the table's, else CSV.
    pub fn chosen(
        statement: Option<&FormatDefinition>,
        stage: Option<&FormatDefinition>,
        table: Option<&FormatDefinition>,
    ) -> FormatDefinition {
        statement.or(stage).or(table).cloned().unwrap_or_default()
    }

    /// The TYPE.
    pub fn format_type(&self) -> FormatType {
        self.format_type
    }

    /// TYPE and the options that were set: [`FormatDefinition::parse`] takes them back.
    pub fn pairs(&self) -> Vec<NamedOption> {
        let word = OptionValue::Word(self.format_type.name().to_owned());
        let mut pairs = vec![("TYPE".to_owned(), word)];
        pairs.extend(self.options.pairs());
        pairs
    }

    /// The rows of DESC FILE FORMAT.
    pub fn describe(&self) -> Vec<OptionRow> {
        let mut rows = vec![OptionRow {
            property: "TYPE",
            property_type: "String",
            value: self.format_type.name().to_owned(),
            default: "CSV".to_owned(),
        }];
        rows.extend(self.options.describe());
        rows
    }

    /// All options as a JSON text, as SHOW FILE FORMATS prints them.
    pub fn to_json(&self) -> String {
        let members = self.options.json_members().join(",");
        format!("{{\"TYPE\":\"{}\",{members}}}", self.format_type)
    }

    /// The options in the form that readers and writers use.
    ///
    /// # Errors
    /// A type, an encoding or an option that firn does not have.
    pub fn typed(&self) -> Result<FileFormat> {
        let json = self.format_type == FormatType::Json;
        if json && !self.options.boolean("MULTI_LINE") {
            return Err(Error::not_supported("MULTI_LINE = FALSE for JSON"));
        }
        match self.format_type {
            FormatType::Csv => Ok(FileFormat::Csv(CsvOptions::of(&self.options)?)),
            FormatType::Json => Ok(FileFormat::Json(JsonOptions::of(&self.options))),
            FormatType::Parquet => Ok(FileFormat::Parquet(ParquetOptions::of(&self.options))),
            other => Err(Error::not_supported(format!("file format {other}"))),
        }
    }

    fn check(&self) -> Result<()> {
        if self.format_type != FormatType::Csv {
            return Ok(());
        }
        let conflict = |detail: &str| Err(Error::new(ErrorCode::InvalidParameterValue, detail));
        if self.options.boolean("PARSE_HEADER") && self.options.number("SKIP_HEADER") > Some(0) {
            return conflict("PARSE_HEADER and SKIP_HEADER cannot be combined");
        }
        let record = self.options.text("RECORD_DELIMITER").unwrap_or_default();
        let field = self.options.text("FIELD_DELIMITER").unwrap_or_default();
        let both = !record.is_empty() && !field.is_empty();
        if both && (record.contains(&field) || field.contains(&record)) {
            return conflict(
                "RECORD_DELIMITER and FIELD_DELIMITER may not be a substring of each other",
            );
        }
        Ok(())
    }
}

fn type_of(name: &str, value: &OptionValue) -> Result<FormatType> {
    let word = match value {
        OptionValue::Word(word) | OptionValue::Text(word) => FormatType::from_name(word),
        _ => None,
    };
    word.ok_or_else(|| super::invalid_value(name, value))
}

/// A file format as readers and writers use it.
#[derive(Clone, Debug, PartialEq)]
pub enum FileFormat {
    /// Delimited text.
    Csv(CsvOptions),
    /// JSON documents.
    Json(JsonOptions),
    /// Parquet.
    Parquet(ParquetOptions),
}

/// How BINARY values are written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryFormat {
    /// Hexadecimal digits.
    Hex,
    /// Base 64.
    Base64,
    /// The bytes as text.
    Utf8,
}

impl BinaryFormat {
    fn of(options: &OptionSet) -> BinaryFormat {
        match options.text("BINARY_FORMAT").as_deref() {
            Some("BASE64") => BinaryFormat::Base64,
            Some("UTF8" | "UTF-8") => BinaryFormat::Utf8,
            _ => BinaryFormat::Hex,
        }
    }
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
    /// The picture of dates, or AUTO.
    pub date_format: String,
    /// The picture of times, or AUTO.
    pub time_format: String,
    /// The picture of timestamps, or AUTO.
    pub timestamp_format: String,
    /// How BINARY is written.
    pub binary_format: BinaryFormat,
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
    fn of(options: &OptionSet) -> Result<CsvOptions> {
        let name = options.text("ENCODING").unwrap_or_default();
        match Encoding::from_name(&name) {
            Some(_) => Ok(CsvOptions::checked(options)),
            None => Err(Error::not_supported(format!("ENCODING = {name}"))),
        }
    }

    /// The session's text settings with this format's own over them, for reading and for writing.
    pub fn text_settings(&self, session: &TextSettings) -> TextSettings {
        let pictures = [&self.date_format, &self.time_format, &self.timestamp_format];
        settings_over(session, pictures, self.binary_format)
    }

    fn checked(options: &OptionSet) -> CsvOptions {
        let byte = |name| options.text(name).and_then(|text| text.as_bytes().first().copied());
        let picture = |name| options.text(name).unwrap_or_else(|| "AUTO".to_owned());
        CsvOptions {
            compression: options.compression("COMPRESSION"),
            record_delimiter: options.text("RECORD_DELIMITER"),
            field_delimiter: options.text("FIELD_DELIMITER"),
            file_extension: options.text("FILE_EXTENSION"),
            parse_header: options.boolean("PARSE_HEADER"),
            skip_header: options.number("SKIP_HEADER").unwrap_or(0),
            skip_blank_lines: options.boolean("SKIP_BLANK_LINES"),
            date_format: picture("DATE_FORMAT"),
            time_format: picture("TIME_FORMAT"),
            timestamp_format: picture("TIMESTAMP_FORMAT"),
            binary_format: BinaryFormat::of(options),
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
    /// The picture of dates, or AUTO.
    pub date_format: String,
    /// The picture of times, or AUTO.
    pub time_format: String,
    /// The picture of timestamps, or AUTO.
    pub timestamp_format: String,
    /// How BINARY is written.
    pub binary_format: BinaryFormat,
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
    /// The session's text settings with this format's own over them, for reading and for writing.
    pub fn text_settings(&self, session: &TextSettings) -> TextSettings {
        let pictures = [&self.date_format, &self.time_format, &self.timestamp_format];
        settings_over(session, pictures, self.binary_format)
    }

    fn of(options: &OptionSet) -> JsonOptions {
        let picture = |name| options.text(name).unwrap_or_else(|| "AUTO".to_owned());
        JsonOptions {
            compression: options.compression("COMPRESSION"),
            file_extension: options.text("FILE_EXTENSION"),
            date_format: picture("DATE_FORMAT"),
            time_format: picture("TIME_FORMAT"),
            timestamp_format: picture("TIMESTAMP_FORMAT"),
            binary_format: BinaryFormat::of(options),
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

/// What is not AUTO replaces the session's formats, of input and output alike.
fn settings_over(
    session: &TextSettings,
    [date, time, timestamp]: [&String; 3],
    binary: BinaryFormat,
) -> TextSettings {
    let mut settings = session.clone();
    let own = |format: &String| (!format.eq_ignore_ascii_case("AUTO")).then(|| format.clone());
    if let Some(date) = own(date) {
        settings.date_input.clone_from(&date);
        settings.date_output = date;
    }
    if let Some(time) = own(time) {
        settings.time_input.clone_from(&time);
        settings.time_output = time;
    }
    if let Some(timestamp) = own(timestamp) {
        settings.timestamp_input.clone_from(&timestamp);
        settings.timestamp_ntz_output.clone_from(&timestamp);
        settings.timestamp_ltz_output.clone_from(&timestamp);
        settings.timestamp_tz_output.clone_from(&timestamp);
        settings.timestamp_output = timestamp;
    }
    let binary = match binary {
        BinaryFormat::Hex => "HEX",
        BinaryFormat::Base64 => "BASE64",
        BinaryFormat::Utf8 => "UTF-8",
    };
    binary.clone_into(&mut settings.binary_input);
    binary.clone_into(&mut settings.binary_output);
    settings
}

/// The options of TYPE = PARQUET.
#[derive(Clone, Debug, PartialEq)]
pub struct ParquetOptions {
    /// The compression of unloaded files: SNAPPY, ZSTD, GZIP or NONE.
    pub compression: String,
    /// Whether binary columns without a logical type are texts.
    pub binary_as_text: bool,
    /// Whether logical types are honored on load.
    pub use_logical_type: bool,
    /// Whether blanks around texts are dropped.
    pub trim_space: bool,
    /// The texts that stand for NULL.
    pub null_if: Vec<String>,
    /// Whether bytes that are no UTF-8 become U+FFFD instead of an error.
    pub replace_invalid_characters: bool,
}

impl Default for ParquetOptions {
    fn default() -> ParquetOptions {
        ParquetOptions::of(&OptionSet::new(PARQUET))
    }
}

impl ParquetOptions {
    fn of(options: &OptionSet) -> ParquetOptions {
        let compression = match options.text("COMPRESSION").as_deref() {
            None | Some("AUTO") if options.boolean("SNAPPY_COMPRESSION") => "SNAPPY".to_owned(),
            None | Some("AUTO") => "NONE".to_owned(),
            Some(other) => other.to_owned(),
        };
        ParquetOptions {
            compression,
            binary_as_text: options.boolean("BINARY_AS_TEXT"),
            use_logical_type: options.boolean("USE_LOGICAL_TYPE"),
            trim_space: options.boolean("TRIM_SPACE"),
            null_if: options.texts("NULL_IF"),
            replace_invalid_characters: options.boolean("REPLACE_INVALID_CHARACTERS"),
        }
    }
}
