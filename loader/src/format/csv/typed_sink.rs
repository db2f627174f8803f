//! Sinks that convert fields to a column's type, from the file's bytes to numbers without a text
//! column between.

use std::sync::Arc;

use arrow::array::{
    BinaryViewBuilder, BooleanBuilder, Decimal128Builder, Float64Builder, Int32Array, Int64Array,
    PrimitiveArray,
};
use arrow::buffer::NullBuffer;
use chrono_tz::Tz;
use firn_column::{Array, Column, PhysicalType};
use firn_types::decimal::fits_precision;
use firn_types::number_text::{parse_float, parse_number, parse_short};
use firn_types::parse_text::{
    number_error, parse_boolean, parse_date, parse_value, unrecognized_error,
};
use firn_types::text_format::{InputFormat, TextFormats, canonical_date};
use firn_types::variant::json_read::{JsonReader, RepeatedKey};
use firn_types::{Error, ErrorCode, Result, SqlType, Value};

use super::sink::TextColumn;
use super::{Field, FieldSink, Fields, Rejection};
use crate::row_error::ErrorCategory;

/// What a table's column asks of its fields.
#[derive(Clone, Debug)]
pub struct ColumnRule {
    /// Its type.
    pub sql_type: SqlType,
    /// Whether NULL is refused.
    pub required: bool,
    /// Whether a text that is too long is cut instead of refused.
    pub truncate: bool,
    /// The formats of dates, times, timestamps and binaries: the file format's.
    pub formats: Arc<TextFormats>,
    /// The session's time zone.
    pub zone: Tz,
}

/// A sink for a column of a table.
///
/// # Errors
/// None at present.
pub fn typed_sink(rule: ColumnRule) -> Box<dyn FieldSink> {
    match rule.sql_type {
        SqlType::Number { precision, scale } => {
            Box::new(NumberSink { rule, precision, scale, values: Integers::default() })
        }
        SqlType::Float => Box::new(FloatSink { rule, builder: Float64Builder::new() }),
        SqlType::Boolean => Box::new(BooleanSink { rule, builder: BooleanBuilder::new() }),
        SqlType::Date => Box::new(DateSink { rule, values: Integers::default() }),
        SqlType::Varchar { length, .. } => {
            Box::new(LimitedTextSink { rule, length, texts: TextColumn::default() })
        }
        SqlType::Variant | SqlType::Object | SqlType::Array => Box::new(VariantSink {
            rule,
            reader: JsonReader::new(RepeatedKey::Refuse),
            bytes: Vec::new(),
            builder: BinaryViewBuilder::new(),
        }),
        _ => Box::new(ValueSink { rule, values: Vec::new() }),
    }
}

/// The loop over the fields: NULLs, texts and errors are the same for all types.
fn each<T>(
    rule: &ColumnRule,
    fields: &Fields<'_>,
    rejected: &mut Vec<Rejection>,
    convert: impl FnMut(&str) -> Result<T>,
    keep: impl FnMut(Option<T>),
) {
    each_quick(rule, fields, rejected, |_| None, convert, keep);
}

/// As [`each`], where `quick` converts the usual forms from their bytes; `convert` is asked for what it
/// leaves.
fn each_quick<T>(
    rule: &ColumnRule,
    fields: &Fields<'_>,
    rejected: &mut Vec<Rejection>,
    quick: impl Fn(&[u8]) -> Option<T>,
    mut convert: impl FnMut(&str) -> Result<T>,
    mut keep: impl FnMut(Option<T>),
) {
    for row in 0..fields.len() {
        let field = fields.get(row);
        if let Field::Text(bytes) = field
            && let Some(value) = quick(bytes)
        {
            keep(Some(value));
            continue;
        }
        let converted = match field {
            Field::Text(bytes) => match fields.text(row, bytes) {
                Ok(text) => convert(&text).map(Some),
                Err(message) => Err(Error::new(ErrorCode::InvalidUtf8, message)),
            },
            _ if rule.required => Err(null_error(field)),
            _ => Ok(None),
        };
        match converted {
            Ok(value) => keep(value),
            Err(error) => {
                keep(None);
                let category = match error.code() {
                    ErrorCode::InvalidUtf8 | ErrorCode::EmptyFieldNotAllowed => {
                        ErrorCategory::Parsing
                    }
                    _ => ErrorCategory::Conversion,
                };
                let (code, message) = (error.code(), error.detail().to_owned());
                rejected.push(Rejection { row, code, category, message });
            }
        }
    }
}

fn null_error(field: Field<'_>) -> Error {
    let text = "NULL result in a non-nullable column";
    if field == Field::Empty {
        let text = format!(
            "{text}. Use quotes if an empty field should be interpreted as an empty string instead \
             of a null"
        );
        return Error::new(ErrorCode::EmptyFieldNotAllowed, text);
    }
    Error::new(ErrorCode::NullNotAllowed, text)
}

/// Integers of a batch, in the narrowest width that holds them.
#[derive(Default)]
struct Integers {
    values: Vec<i64>,
    /// All values, once one does not fit in 64 bits.
    wide: Option<Vec<i128>>,
    /// The rows that are NULL.
    nulls: Vec<usize>,
    low: i64,
    high: i64,
}

impl Integers {
    #[inline]
    fn push(&mut self, value: Option<i128>) {
        let number = value.unwrap_or_else(|| {
            self.nulls.push(self.wide.as_ref().map_or(self.values.len(), Vec::len));
            0
        });
        match (i64::try_from(number), &mut self.wide) {
            (Ok(short), None) => {
                self.low = self.low.min(short);
                self.high = self.high.max(short);
                self.values.push(short);
            }
            (_, Some(wide)) => wide.push(number),
            (Err(_), wide @ None) => {
                let mut all: Vec<i128> = self.values.iter().map(|v| i128::from(*v)).collect();
                all.push(number);
                *wide = Some(all);
            }
        }
    }

    fn finish(&mut self) -> Array {
        let Integers { values, wide, nulls, low, high } = std::mem::take(self);
        self.values.reserve(values.len());
        let rows = wide.as_ref().map_or(values.len(), Vec::len);
        let nulls = (!nulls.is_empty()).then(|| {
            let mut valid = vec![true; rows];
            nulls.into_iter().for_each(|row| valid[row] = false);
            NullBuffer::from(valid)
        });
        if let Some(wide) = wide {
            let valid = |row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
            let mut builder = Decimal128Builder::with_capacity(wide.len());
            for (row, value) in wide.into_iter().enumerate() {
                builder.append_option(valid(row).then_some(value));
            }
            return Array::I128(builder.finish());
        }
        match PhysicalType::narrowest(i128::from(low), i128::from(high)) {
            PhysicalType::I32 => {
                let values: Vec<i32> = values.into_iter().map(|value| value as i32).collect();
                Array::I32(Int32Array::from(PrimitiveArray::new(values.into(), nulls)))
            }
            _ => Array::I64(Int64Array::new(values.into(), nulls)),
        }
    }
}

struct NumberSink {
    rule: ColumnRule,
    precision: u8,
    scale: u8,
    values: Integers,
}

impl FieldSink for NumberSink {
    fn append(&mut self, fields: &Fields<'_>, rejected: &mut Vec<Rejection>) {
        let (precision, scale, values) = (self.precision, self.scale, &mut self.values);
        let convert = |text: &str| {
            parse_number(text, precision, scale).map_err(|failure| number_error(text, failure))
        };
        let quick = |bytes: &[u8]| {
            let number = i128::from(parse_short(bytes, scale)?);
            fits_precision(number, precision).then_some(number)
        };
        each_quick(&self.rule, fields, rejected, quick, convert, |value| values.push(value));
    }

    fn finish(&mut self) -> Result<Column> {
        Ok(Column::Flat(self.values.finish()))
    }
}

struct FloatSink {
    rule: ColumnRule,
    builder: Float64Builder,
}

impl FieldSink for FloatSink {
    fn append(&mut self, fields: &Fields<'_>, rejected: &mut Vec<Rejection>) {
        let (formats, builder) = (&self.rule.formats, &mut self.builder);
        let convert = |text: &str| {
            parse_float(text).ok_or_else(|| unrecognized_error(text, SqlType::Float, formats))
        };
        each(&self.rule, fields, rejected, convert, |value| builder.append_option(value));
    }

    fn finish(&mut self) -> Result<Column> {
        Ok(Column::Flat(Array::F64(self.builder.finish())))
    }
}

struct BooleanSink {
    rule: ColumnRule,
    builder: BooleanBuilder,
}

impl FieldSink for BooleanSink {
    fn append(&mut self, fields: &Fields<'_>, rejected: &mut Vec<Rejection>) {
        let (formats, builder) = (&self.rule.formats, &mut self.builder);
        let convert = |text: &str| {
            parse_boolean(text).ok_or_else(|| unrecognized_error(text, SqlType::Boolean, formats))
        };
        each(&self.rule, fields, rejected, convert, |value| builder.append_option(value));
    }

    fn finish(&mut self) -> Result<Column> {
        Ok(Column::Flat(Array::Bool(self.builder.finish())))
    }
}

struct DateSink {
    rule: ColumnRule,
    values: Integers,
}

impl FieldSink for DateSink {
    fn append(&mut self, fields: &Fields<'_>, rejected: &mut Vec<Rejection>) {
        let (formats, values) = (&self.rule.formats, &mut self.values);
        let convert = |text: &str| {
            let date = parse_date(text, &formats.date_in, formats.two_digit_century_start);
            date.ok_or_else(|| unrecognized_error(text, SqlType::Date, formats))
        };
        let is_auto = formats.date_in == InputFormat::Auto;
        let quick = |bytes: &[u8]| {
            let bytes = bytes.try_into().ok().filter(|_| is_auto)?;
            canonical_date(bytes)
        };
        let keep = |day: Option<i32>| values.push(day.map(i128::from));
        each_quick(&self.rule, fields, rejected, quick, convert, keep);
    }

    fn finish(&mut self) -> Result<Column> {
        Ok(Column::Flat(self.values.finish()))
    }
}

struct LimitedTextSink {
    rule: ColumnRule,
    length: u32,
    texts: TextColumn,
}

impl FieldSink for LimitedTextSink {
    fn append(&mut self, fields: &Fields<'_>, rejected: &mut Vec<Rejection>) {
        let limit = self.length as usize;
        for row in 0..fields.len() {
            let field = fields.get(row);
            let (code, message) = match field {
                Field::Text(bytes) => match fields.text(row, bytes) {
                    // No text has more characters than bytes.
                    Ok(text) if text.len() <= limit => {
                        self.texts.push(&text);
                        continue;
                    }
                    Ok(text) => match text.char_indices().nth(limit) {
                        None => {
                            self.texts.push(&text);
                            continue;
                        }
                        Some((end, _)) if self.rule.truncate => {
                            self.texts.push(&text[..end]);
                            continue;
                        }
                        Some(_) => (ErrorCode::StringTooLong, too_long(limit, &text)),
                    },
                    Err(message) => (ErrorCode::InvalidUtf8, message),
                },
                _ if self.rule.required => {
                    let error = null_error(field);
                    (error.code(), error.detail().to_owned())
                }
                _ => {
                    self.texts.push_null();
                    continue;
                }
            };
            self.texts.push_null();
            let category = ErrorCategory::Conversion;
            rejected.push(Rejection { row, code, category, message });
        }
    }

    fn finish(&mut self) -> Result<Column> {
        Ok(self.texts.finish())
    }
}

/// The message for a text that is too long for its column, which COPY words differently from INSERT; of a
/// very long text it shows the beginning.
pub fn too_long(limit: usize, text: &str) -> String {
    const SHOWN_MAX: usize = 1_000;
    match text.char_indices().nth(SHOWN_MAX) {
        None => format!("User character length limit ({limit}) exceeded by string '{text}'"),
        Some((end, _)) => {
            let start = &text[..end];
            format!("User character length limit ({limit}) exceeded by string '{start}...'")
        }
    }
}

struct VariantSink {
    rule: ColumnRule,
    reader: JsonReader,
    bytes: Vec<u8>,
    builder: BinaryViewBuilder,
}

impl FieldSink for VariantSink {
    fn append(&mut self, fields: &Fields<'_>, rejected: &mut Vec<Rejection>) {
        let (reader, bytes, builder) = (&mut self.reader, &mut self.bytes, &mut self.builder);
        let mut out = Vec::new();
        let convert = |text: &str| {
            bytes.clear();
            let found = reader.read(text, bytes)?;
            Ok(found.then(|| bytes.clone()))
        };
        each(&self.rule, fields, rejected, convert, |value| out.push(value.flatten()));
        out.into_iter().for_each(|value| builder.append_option(value));
    }

    fn finish(&mut self) -> Result<Column> {
        Ok(Column::Flat(Array::Bytes(self.builder.finish())))
    }
}

/// Any other type, by way of single values.
struct ValueSink {
    rule: ColumnRule,
    values: Vec<Value>,
}

impl FieldSink for ValueSink {
    fn append(&mut self, fields: &Fields<'_>, rejected: &mut Vec<Rejection>) {
        let (rule, values) = (&self.rule, &mut self.values);
        let convert = |text: &str| parse_value(text, rule.sql_type, &rule.formats, rule.zone);
        each(rule, fields, rejected, convert, |value| values.push(value.unwrap_or(Value::Null)));
    }

    fn finish(&mut self) -> Result<Column> {
        let values = std::mem::take(&mut self.values);
        Column::from_values(self.rule.sql_type, &values)
    }
}
