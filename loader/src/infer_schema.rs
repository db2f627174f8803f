//! INFER_SCHEMA: the columns that staged files seem to have.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::Array as _;
use firn_column::{Array, Column};
use firn_types::number_text::parse_decimal;
use firn_types::parse_text::{parse_boolean, parse_date, parse_time, parse_timestamp_ntz};
use firn_types::text_format::{InputFormat, TextFormats};
use firn_types::variant::value::Item;
use firn_types::variant::view::Variant;
use firn_types::{Result, SqlType, number_text};
use rayon::prelude::*;

use crate::format::csv::{CsvFile, CsvPlan, text_sinks};
use crate::format::{DocumentFormat, RowForm};
use crate::options::{CsvOptions, FileFormat, Pictures};
use crate::row_error::LoadTarget;
use crate::stage::{SharedStage, StagedFile};

/// What INFER_SCHEMA is asked for.
#[derive(Clone, Debug, Default)]
pub struct InferRequest {
    /// Most files to look at.
    pub max_file_count: Option<usize>,
    /// Most rows of each to look at.
    pub max_records_per_file: Option<u64>,
    /// Whether names are made upper case.
    pub ignore_case: bool,
}

/// A column found: one row of INFER_SCHEMA's result.
#[derive(Clone, Debug, PartialEq)]
pub struct InferredColumn {
    /// COLUMN_NAME.
    pub name: String,
    /// The type.
    pub sql_type: SqlType,
    /// NULLABLE.
    pub nullable: bool,
    /// EXPRESSION, such as `$1:continent::TEXT`.
    pub expression: String,
    /// FILENAMES: the files that have it, as results name them.
    pub files: Vec<String>,
    /// ORDER_ID, from 0.
    pub order_id: usize,
}

impl InferredColumn {
    /// TYPE, as INFER_SCHEMA prints it.
    pub fn type_text(&self) -> String {
        type_text(self.sql_type)
    }
}

fn type_text(sql_type: SqlType) -> String {
    match sql_type {
        SqlType::Number { precision, scale } => format!("NUMBER({precision}, {scale})"),
        SqlType::Float => "REAL".to_owned(),
        SqlType::Varchar { .. } | SqlType::Null => "TEXT".to_owned(),
        SqlType::Binary { .. } => "BINARY".to_owned(),
        SqlType::Time { .. } => "TIME".to_owned(),
        SqlType::TimestampNtz { .. } => "TIMESTAMP_NTZ".to_owned(),
        SqlType::TimestampLtz { .. } => "TIMESTAMP_LTZ".to_owned(),
        other => other.to_string(),
    }
}

/// The columns of the files, those of the first file first.
///
/// # Errors
/// Files that cannot be read.
pub fn infer_schema(
    stage: &SharedStage,
    files: &[StagedFile],
    format: &FileFormat,
    request: &InferRequest,
) -> Result<Vec<InferredColumn>> {
    let files = &files[..files.len().min(request.max_file_count.unwrap_or(usize::MAX))];
    let limit = request.max_records_per_file.unwrap_or(u64::MAX);
    let found = files.par_iter().map(|file| match format.rows() {
        RowForm::Fields(options) => csv_columns(stage, file, options, limit),
        RowForm::Documents(format) => document_columns(stage, file, format, limit),
        RowForm::Columns(format) => {
            let schema = format.schema(stage, file)?;
            let fields = schema.fields.into_iter().map(|field| {
                let kind = Kind::of(field.sql_type);
                Found { name: field.name, kind, nullable: field.nullable }
            });
            Ok(fields.collect())
        }
    });
    let found = found.collect::<Result<Vec<Vec<Found>>>>()?;
    let by_position = matches!(format.rows(), RowForm::Fields(_));
    let mut merged: Vec<(Found, Vec<String>)> = Vec::new();
    let mut positions: HashMap<String, usize> = HashMap::new();
    for (columns, file) in found.into_iter().zip(files) {
        for mut column in columns {
            if request.ignore_case {
                column.name = column.name.to_uppercase();
            }
            match positions.get(&column.name) {
                Some(&position) => {
                    let (known, files) = &mut merged[position];
                    known.kind = known.kind.join(column.kind);
                    known.nullable |= column.nullable;
                    files.push(stage.shown(&file.path));
                }
                None => {
                    positions.insert(column.name.clone(), merged.len());
                    merged.push((column, vec![stage.shown(&file.path)]));
                }
            }
        }
    }
    let file_count = files.len();
    let columns = merged.into_iter().enumerate().map(|(order_id, (column, files))| {
        let sql_type = column.kind.sql_type();
        let path = match by_position {
            true => format!("${}", order_id + 1),
            false => format!("$1:{}", path_key(&column.name)),
        };
        InferredColumn {
            expression: format!("{path}::{}", type_text(sql_type)),
            // A file without the column gives NULLs for it.
            nullable: column.nullable || files.len() < file_count,
            name: column.name,
            sql_type,
            files,
            order_id,
        }
    });
    Ok(columns.collect())
}

/// A key as a path writes it: quoted where it is no plain name.
fn path_key(key: &str) -> String {
    let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !key.starts_with(|first: char| first.is_ascii_digit());
    if plain && !key.is_empty() {
        key.to_owned()
    } else {
        format!("\"{}\"", key.replace('"', "\"\""))
    }
}

/// A column of one file.
struct Found {
    name: String,
    kind: Kind,
    nullable: bool,
}

/// What values seen so far have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Only NULLs.
    Nothing,
    /// Digits before and after the point.
    Number(u8, u8),
    Real,
    Boolean,
    Date,
    Time,
    Timestamp,
    TimestampLtz,
    Text,
    Binary,
    Object,
    Array,
    Variant,
}

impl Kind {
    fn of(sql_type: SqlType) -> Kind {
        match sql_type {
            SqlType::Number { precision, scale } => {
                Kind::Number(precision.saturating_sub(scale), scale)
            }
            SqlType::Float => Kind::Real,
            SqlType::Boolean => Kind::Boolean,
            SqlType::Date => Kind::Date,
            SqlType::Time { .. } => Kind::Time,
            SqlType::Binary { .. } => Kind::Binary,
            SqlType::Variant => Kind::Variant,
            SqlType::Object => Kind::Object,
            SqlType::Array => Kind::Array,
            SqlType::TimestampLtz { .. } => Kind::TimestampLtz,
            other if other.is_timestamp() => Kind::Timestamp,
            _ => Kind::Text,
        }
    }

    fn sql_type(self) -> SqlType {
        match self {
            Kind::Number(whole, scale) => {
                SqlType::number(whole.saturating_add(scale), scale.min(37))
            }
            Kind::Real => SqlType::Float,
            Kind::Boolean => SqlType::Boolean,
            Kind::Date => SqlType::Date,
            Kind::Time => SqlType::TIME,
            Kind::Timestamp => SqlType::TIMESTAMP_NTZ,
            Kind::TimestampLtz => SqlType::TIMESTAMP_LTZ,
            Kind::Binary => SqlType::BINARY,
            Kind::Object => SqlType::Object,
            Kind::Array => SqlType::Array,
            Kind::Variant => SqlType::Variant,
            Kind::Nothing | Kind::Text => SqlType::TEXT,
        }
    }

    /// The narrowest kind that holds both.
    fn join(self, other: Kind) -> Kind {
        use Kind::{Array, Date, Nothing, Number, Object, Real, Text, Timestamp, Variant};
        match (self, other) {
            (a, b) if a == b => a,
            (Nothing, kind) | (kind, Nothing) => kind,
            (Number(whole, scale), Number(other_whole, other_scale)) => {
                let (whole, scale) = (whole.max(other_whole), scale.max(other_scale));
                if whole + scale > 38 { Real } else { Number(whole, scale) }
            }
            (Number(..), Real) | (Real, Number(..)) => Real,
            (Date, Timestamp) | (Timestamp, Date) => Timestamp,
            (Object | Array | Variant, _) | (_, Object | Array | Variant) => Variant,
            _ => Text,
        }
    }
}

fn csv_columns(
    stage: &SharedStage,
    file: &StagedFile,
    options: &CsvOptions,
    limit: u64,
) -> Result<Vec<Found>> {
    let csv = CsvFile::open(&**stage, file, options)?;
    let guess = Guess::new(&options.pictures);
    let mut names: Vec<String> = csv.header().map(<[String]>::to_vec).unwrap_or_default();
    let mut kinds: Vec<Kind> = vec![Kind::Nothing; names.len()];
    let mut rows = 0;
    while let Some(chunk) = csv.next_chunk()? {
        if csv.header().is_none() {
            let width = chunk.width(options, limit - rows).max(kinds.len());
            names.extend((names.len()..width).map(|position| format!("c{}", position + 1)));
            kinds.resize(width, Kind::Nothing);
        }
        let width = kinds.len();
        let plan = CsvPlan::new(options, (0..width).collect(), None, LoadTarget::default());
        chunk.parse(&Arc::new(plan), &mut text_sinks(width), |batch| {
            let take = usize::try_from(limit - rows).unwrap_or(usize::MAX).min(batch.batch.rows());
            for (column, kind) in batch.batch.columns().iter().zip(&mut kinds) {
                let Column::Flat(Array::Text(texts)) = column else { continue };
                for text in (0..take).filter(|row| texts.is_valid(*row)).map(|row| texts.value(row))
                {
                    if *kind == Kind::Text {
                        break;
                    }
                    *kind = kind.join(guess.field(text.trim()));
                }
            }
            rows += take as u64;
            Ok(())
        })?;
        if rows >= limit {
            break;
        }
    }
    let found = names.into_iter().zip(kinds);
    Ok(found.map(|(name, kind)| Found { name, kind, nullable: true }).collect())
}

fn document_columns(
    stage: &SharedStage,
    file: &StagedFile,
    format: &dyn DocumentFormat,
    limit: u64,
) -> Result<Vec<Found>> {
    let documents = format.reader(LoadTarget::default())?.open(stage, file)?;
    let guess = Guess::new(format.pictures());
    let mut columns: Vec<(String, Kind)> = Vec::new();
    let mut positions: HashMap<String, usize> = HashMap::new();
    let mut rows = 0;
    while rows < limit
        && let Some(chunk) = documents.next_chunk()?
    {
        chunk.parse(|batch| {
            if let Some(error) = batch.errors.first() {
                return Err(error.to_error());
            }
            let Column::Flat(Array::Bytes(values)) = batch.batch.column(0) else { return Ok(()) };
            for row in 0..values.len() {
                if rows >= limit {
                    break;
                }
                rows += 1;
                let Some(fields) = Variant::new(values.value(row)).as_object() else { continue };
                for (key, value) in fields.iter() {
                    let kind = guess.value(value);
                    match positions.get(key) {
                        Some(&position) => columns[position].1 = columns[position].1.join(kind),
                        None => {
                            positions.insert(key.to_owned(), columns.len());
                            columns.push((key.to_owned(), kind));
                        }
                    }
                }
            }
            Ok(())
        })?;
    }
    let found = columns.into_iter();
    Ok(found.map(|(name, kind)| Found { name, kind, nullable: true }).collect())
}

/// Tells what a value looks like.
struct Guess {
    formats: TextFormats,
    /// Whether dates have a format of their own, rather than AUTO.
    own_date: bool,
    own_timestamp: bool,
}

impl Guess {
    fn new(pictures: &Pictures) -> Guess {
        let Pictures { date, time, timestamp, .. } = pictures;
        let mut formats = TextFormats::default();
        formats.date_in = InputFormat::compile(date);
        formats.time_in = InputFormat::compile(time);
        formats.timestamp_in = InputFormat::compile(timestamp);
        let own = |format: &str| !format.eq_ignore_ascii_case("AUTO");
        Guess { formats, own_date: own(date), own_timestamp: own(timestamp) }
    }

    /// A field of CSV.
    fn field(&self, text: &str) -> Kind {
        if let Some(kind) = number(text) {
            return kind;
        }
        let word = text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
        if word && parse_boolean(text).is_some() {
            return Kind::Boolean;
        }
        self.moment(text)
    }

    /// A date, a time, a timestamp, or a text. Of AUTO's many forms only ISO's are taken.
    fn moment(&self, text: &str) -> Kind {
        let century = self.formats.two_digit_century_start;
        let bytes = text.as_bytes();
        let dashes = bytes.len() >= 10 && bytes[4] == b'-' && bytes[7] == b'-';
        let is_date = |date: &str| parse_date(date, &self.formats.date_in, century).is_some();
        if (self.own_date || dashes && bytes.len() == 10) && is_date(text) {
            return Kind::Date;
        }
        let is_timestamp =
            || parse_timestamp_ntz(text, &self.formats.timestamp_in, century).is_some();
        if (self.own_timestamp || dashes && bytes.len() > 10) && is_timestamp() {
            return Kind::Timestamp;
        }
        let colons = bytes.len() >= 8 && bytes[2] == b':' && bytes[5] == b':';
        if colons && parse_time(text, &self.formats.time_in, century, 9).is_some() {
            return Kind::Time;
        }
        Kind::Text
    }

    /// A member of a JSON object.
    fn value(&self, value: Variant<'_>) -> Kind {
        match value.item() {
            _ if value.as_object().is_some() => Kind::Object,
            _ if value.as_array().is_some() => Kind::Array,
            _ if value.is_null() || value.is_undefined() => Kind::Nothing,
            Item::Text(text) => self.moment(text),
            Item::Boolean(_) => Kind::Boolean,
            Item::Float(_) => Kind::Real,
            Item::Number(number) => digits(number),
            _ => Kind::Text,
        }
    }
}

fn number(text: &str) -> Option<Kind> {
    let first = text.trim_start_matches(['-', '+']).bytes().next()?;
    if !first.is_ascii_digit() && first != b'.' {
        return None;
    }
    if text.contains(['e', 'E']) {
        return number_text::parse_float(text).map(|_| Kind::Real);
    }
    match parse_decimal(text) {
        Ok(decimal) => {
            // Zeros that were written count: 1.50 has two digits after the point.
            let written = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            let scale = u8::try_from(written).unwrap_or(u8::MAX).clamp(decimal.scale, 37);
            let Kind::Number(whole, _) = digits(decimal) else { return None };
            Some(Kind::Number(whole, scale.min(38 - whole.min(38))))
        }
        Err(_) => number_text::parse_float(text).map(|_| Kind::Real),
    }
}

fn digits(number: firn_types::Decimal) -> Kind {
    let all = number_text::digit_count(number.unscaled.unsigned_abs());
    Kind::Number(all.saturating_sub(number.scale).max(u8::from(number.scale == 0)), number.scale)
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;
    use crate::options::JsonOptions;
    use crate::stage::{ObjectStage, put_bytes};

    fn infer(files: &[&str], format: FileFormat) -> String {
        let stage: SharedStage = Arc::new(ObjectStage::new(Arc::new(InMemory::new()), "", ""));
        for (number, text) in files.iter().enumerate() {
            put_bytes(&*stage, &format!("f{number}"), text.as_bytes()).unwrap();
        }
        let files = stage.list("").unwrap();
        let columns = infer_schema(&stage, &files, &format, &InferRequest::default()).unwrap();
        let shown = columns
            .iter()
            .map(|column| format!("{} {} {}", column.name, column.type_text(), column.expression));
        shown.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn types_are_as_narrow_as_all_values_allow() {
        let csv = FileFormat::Csv(CsvOptions::default());
        assert_eq!(
            infer(
                &[
                    "1,a,2024-01-02,true,1.50,2024-01-02 03:04:05,2024/01/02,\n",
                    "-234,5,2024-01-03,FALSE,10,2024-01-02,1e2,\n"
                ],
                csv
            ),
            "c1 NUMBER(3, 0) $1::NUMBER(3, 0); c2 TEXT $2::TEXT; c3 DATE $3::DATE; \
             c4 BOOLEAN $4::BOOLEAN; c5 NUMBER(4, 2) $5::NUMBER(4, 2); \
             c6 TIMESTAMP_NTZ $6::TIMESTAMP_NTZ; c7 TEXT $7::TEXT; c8 TEXT $8::TEXT"
        );
        let header = CsvOptions { parse_header: true, ..CsvOptions::default() };
        assert_eq!(
            infer(&["id,Name\n1,x\n"], FileFormat::Csv(header)),
            "id NUMBER(1, 0) $1::NUMBER(1, 0); Name TEXT $2::TEXT"
        );
        assert_eq!(
            infer(
                &["{\"a\":1,\"b c\":{},\"d\":[1]} {\"a\":1E2,\"e\":\"2024-01-01\",\"f\":null}"],
                FileFormat::Json(JsonOptions::default())
            ),
            "a REAL $1:a::REAL; b c OBJECT $1:\"b c\"::OBJECT; d ARRAY $1:d::ARRAY; \
             e DATE $1:e::DATE; f TEXT $1:f::TEXT"
        );
    }
}
