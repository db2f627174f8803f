//! The options of FILE FORMAT, per type.

use std::fmt;

use firn_types::{Error, ErrorCode, Result};

use super::OptionDefault::{Boolean as Truth, List, Nothing, Number as Count, Text as Word};
use super::OptionKind::{Boolean, Character, Choice, Delimiter, Number, OneOf, Text, TextList};
use super::typed::{AvroOptions, CsvOptions, FileFormat, JsonOptions, ParquetOptions};
use super::{NamedOption, OptionEntry, OptionRow, OptionSet, OptionTable, OptionValue, entry};

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

pub(super) const CSV: &[OptionEntry] = &[
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

pub(super) const JSON: &[OptionEntry] = &[
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

pub(super) const PARQUET: &[OptionEntry] = &[
    entry("TRIM_SPACE", Boolean, Truth(false)),
    entry("NULL_IF", TextList, List(&[])),
    entry("COMPRESSION", Choice(PARQUET_COMPRESSIONS), Word("AUTO")),
    entry("SNAPPY_COMPRESSION", Boolean, Truth(true)),
    entry("BINARY_AS_TEXT", Boolean, Truth(true)),
    entry("USE_LOGICAL_TYPE", Boolean, Truth(false)),
    entry("USE_VECTORIZED_SCANNER", Boolean, Truth(false)),
    entry("REPLACE_INVALID_CHARACTERS", Boolean, Truth(false)),
];

pub(super) const AVRO: &[OptionEntry] = &[
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
        let avro = self.format_type == FormatType::Avro;
        if avro && self.options.boolean("REPLACE_INVALID_CHARACTERS") {
            // Arrow's reader of Avro takes no texts that are none.
            return Err(Error::not_supported("REPLACE_INVALID_CHARACTERS = TRUE for AVRO"));
        }
        match self.format_type {
            FormatType::Csv => Ok(FileFormat::Csv(CsvOptions::of(&self.options)?)),
            FormatType::Json => Ok(FileFormat::Json(JsonOptions::of(&self.options))),
            FormatType::Parquet => Ok(FileFormat::Parquet(ParquetOptions::of(&self.options))),
            FormatType::Avro => Ok(FileFormat::Avro(AvroOptions::of(&self.options))),
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
