//! From and to VARIANT, OBJECT and ARRAY.
//!
//! The scalars inside a VARIANT convert as columns of their own type do: the rows are sorted into lanes
//! by the type inside, each lane is converted as a whole, and the answers are put back in order.

use arrow::array::{
    Array as _, BinaryViewArray, BinaryViewBuilder, StringViewBuilder, UInt32Array,
};
use firn_column::column::integers;
use firn_column::{Array, Column, PhysicalType};
use firn_types::coerce::can_cast;
use firn_types::decimal::rescale_to;
use firn_types::number_text::{write_decimal, write_float};
use firn_types::print_text::{
    write_binary, write_date, write_time, write_timestamp_ltz, write_timestamp_ntz,
    write_timestamp_tz,
};
use firn_types::text_format::TextFormats;
use firn_types::value::TimestampTz;
use firn_types::variant::{
    Builder, Item, JsonWriter, PlainText, ScalarText, Variant, XmlWriter, to_double,
};
use firn_types::{Decimal, Error, ErrorCode, Result, SqlType, TypeFamily, Value};

use super::{Failures, convert_array, keeps_values, structured};
use crate::FunctionContext;

/// Digits after the point with which numbers become timestamps.
const EPOCH_TYPE: SqlType = SqlType::Number { precision: 38, scale: 9 };

/// Writes the dates, times, timestamps and bytes inside a VARIANT in the session's output formats.
#[derive(Clone, Copy, Debug)]
pub struct SessionText<'a>(pub &'a FunctionContext);

impl ScalarText for SessionText<'_> {
    fn write(&self, item: &Item<'_>, out: &mut String) {
        let (formats, zone): (&TextFormats, _) = (&self.0.text, self.0.time_zone);
        match *item {
            Item::Date(days) => write_date(out, days, &formats.date_out),
            Item::Time(nanos) => write_time(out, nanos, &formats.time_out),
            Item::TimestampNtz(nanos) => {
                write_timestamp_ntz(out, nanos, &formats.timestamp_ntz_out);
            }
            Item::TimestampLtz(nanos) => {
                write_timestamp_ltz(out, nanos, zone, &formats.timestamp_ltz_out);
            }
            Item::TimestampTz(value) => write_timestamp_tz(out, value, &formats.timestamp_tz_out),
            // Bytes that are no text have no UTF-8 form: those are written in hexadecimal.
            Item::Binary(bytes) if write_binary(out, bytes, formats.binary_out).is_err() => {
                PlainText.write(item, out);
            }
            _ => {}
        }
    }
}

/// The text that the server sends for a VARIANT, OBJECT or ARRAY: JSON, indented by JSON_INDENT; XML of an element.
pub fn display_variant(bytes: &[u8], context: &FunctionContext, out: &mut String) {
    let indent = usize::from(context.text.json_indent);
    let texts = SessionText(context);
    if XmlWriter::pretty(&texts, indent).write_element(Variant::new(bytes), out) {
        return;
    }
    JsonWriter::pretty(&texts, indent).write(Variant::new(bytes), out);
}

/// Converts VARIANT, OBJECT or ARRAY values to any type.
///
/// # Errors
/// As `failures` decides about values that do not convert.
pub(super) fn from_variant(
    array: &Array,
    from: SqlType,
    to: SqlType,
    failures: &mut Failures,
    context: &FunctionContext,
) -> Result<Array> {
    let Array::Bytes(values) = array else {
        return Err(Error::internal(format!("{from} in {:?}", array.physical())));
    };
    if let SqlType::Structured(to) = to {
        return structured::convert(values, &to.structure(), failures, context);
    }
    match to.family() {
        TypeFamily::Variant | TypeFamily::Null => Ok(array.clone()),
        TypeFamily::Object | TypeFamily::Array => containers(values, to, failures, context),
        _ => {
            let mut lanes = Lanes::new(to, context);
            for row in 0..values.len() {
                if values.is_valid(row) {
                    lanes.add(row, Variant::new(values.value(row)))?;
                }
            }
            lanes.finish(values.len(), failures)
        }
    }
}

/// Objects or arrays. Whatever is no array becomes an array of one.
fn containers(
    values: &BinaryViewArray,
    to: SqlType,
    failures: &mut Failures,
    context: &FunctionContext,
) -> Result<Array> {
    let mut answers = BinaryViewBuilder::with_capacity(values.len());
    let (mut builder, mut bytes) = (Builder::new(), Vec::new());
    for (row, value) in values.iter().enumerate() {
        let Some(value) = value else {
            answers.append_null();
            continue;
        };
        match (Variant::new(value).item(), to) {
            (Item::Null | Item::Undefined, _) => answers.append_null(),
            (Item::Object(_), SqlType::Object) | (Item::Array(_), SqlType::Array) => {
                answers.append_value(value);
            }
            (_, SqlType::Array) => {
                builder.begin_array()?;
                builder.copy(Variant::new(value))?;
                builder.end_array()?;
                bytes.clear();
                builder.finish(&mut bytes)?;
                answers.append_value(&bytes);
            }
            _ => {
                failures.add(row, || failed(Variant::new(value), to, context))?;
                answers.append_null();
            }
        }
    }
    Ok(Array::Bytes(answers.finish()))
}

/// `Failed to cast variant value {"b":1} to FIXED`.
pub(super) fn failed(value: Variant<'_>, to: SqlType, context: &FunctionContext) -> Error {
    let name = match to.family() {
        TypeFamily::Number => "FIXED",
        TypeFamily::Float => "REAL",
        TypeFamily::Text => "TEXT",
        TypeFamily::Binary => "BINARY",
        TypeFamily::Boolean => "BOOLEAN",
        TypeFamily::Date => "DATE",
        TypeFamily::Time => "TIME",
        TypeFamily::TimestampNtz => "TIMESTAMP_NTZ",
        TypeFamily::TimestampLtz => "TIMESTAMP_LTZ",
        TypeFamily::TimestampTz => "TIMESTAMP_TZ",
        TypeFamily::Object => "OBJECT",
        TypeFamily::Array => "ARRAY",
        TypeFamily::Vector => "VECTOR",
        TypeFamily::Variant | TypeFamily::Null => "VARIANT",
    };
    let name = match to {
        SqlType::Structured(_) | SqlType::Vector { .. } => to.to_string(),
        _ => name.to_string(),
    };
    let text = JsonWriter::compact(&SessionText(context)).text(value);
    Error::new(ErrorCode::VariantCast, format!("Failed to cast variant value {text} to {name}"))
}

/// The rows of a column, sorted by what is inside.
struct Lanes<'a> {
    to: SqlType,
    context: &'a FunctionContext,
    lanes: Vec<Lane>,
    /// The lane that got the last row: mostly the next one's too.
    last: usize,
    failures: Vec<(usize, Error)>,
}

/// Rows with one type inside.
struct Lane {
    source: SqlType,
    rows: Vec<u32>,
    values: Values,
}

enum Values {
    Texts(StringViewBuilder),
    Integers(Vec<Option<i128>>),
    Floats(Vec<f64>),
    Others(Vec<Value>),
}

impl<'a> Lanes<'a> {
    fn new(to: SqlType, context: &'a FunctionContext) -> Lanes<'a> {
        Lanes { to, context, lanes: Vec::new(), last: 0, failures: Vec::new() }
    }

    fn add(&mut self, row: usize, value: Variant<'_>) -> Result<()> {
        let item = value.item();
        if item.is_null() {
            return Ok(());
        }
        if self.to.family() == TypeFamily::Text && self.add_text(row, value, &item) {
            return Ok(());
        }
        let (source, other) = match item {
            Item::Text(text) => {
                if let Values::Texts(texts) = self.lane(row, SqlType::TEXT) {
                    texts.append_value(text);
                }
                return Ok(());
            }
            Item::Number(number) => {
                self.add_number(row, value, number);
                return Ok(());
            }
            Item::Float(value) => {
                if let Values::Floats(floats) = self.lane(row, SqlType::Float) {
                    floats.push(value);
                }
                return Ok(());
            }
            Item::Boolean(value) => (SqlType::Boolean, Value::Boolean(value)),
            Item::Binary(bytes) => (SqlType::BINARY, Value::Binary(bytes.into())),
            Item::Date(days) => (SqlType::Date, Value::Date(days)),
            Item::Time(nanos) => (SqlType::TIME, Value::Time(nanos)),
            Item::TimestampNtz(nanos) => (SqlType::TIMESTAMP_NTZ, Value::Timestamp(nanos)),
            Item::TimestampLtz(nanos) => (SqlType::TIMESTAMP_LTZ, Value::Timestamp(nanos)),
            Item::TimestampTz(value) => (SqlType::TIMESTAMP_TZ, Value::TimestampTz(value)),
            _ => (SqlType::Null, Value::Null),
        };
        if source == SqlType::Null || !can_cast(source, self.to) {
            self.failures.push((row, failed(value, self.to, self.context)));
        } else if let Values::Others(others) = self.lane(row, source) {
            others.push(other);
        }
        Ok(())
    }

    /// The text of what needs no format; false for dates and their like.
    fn add_text(&mut self, row: usize, value: Variant<'_>, item: &Item<'_>) -> bool {
        let mut out = String::new();
        let text = match item {
            Item::Text(text) => *text,
            Item::Boolean(true) => "true",
            Item::Boolean(false) => "false",
            Item::Number(number) => {
                write_decimal(&mut out, number.unscaled, number.scale);
                &out
            }
            Item::Float(float) => {
                write_float(&mut out, *float);
                &out
            }
            Item::Object(_) | Item::Array(_) => {
                let texts = SessionText(self.context);
                if !XmlWriter::compact(&texts).write_element(value, &mut out) {
                    JsonWriter::compact(&texts).write(value, &mut out);
                }
                &out
            }
            _ => return false,
        };
        if let Values::Texts(texts) = self.lane(row, SqlType::TEXT) {
            texts.append_value(text);
        }
        true
    }

    /// An exact number, which a lane of NUMBERs takes at the scale that is wanted.
    fn add_number(&mut self, row: usize, value: Variant<'_>, number: Decimal) {
        let source = match self.to.family() {
            TypeFamily::Number => self.to,
            TypeFamily::Float => SqlType::Float,
            TypeFamily::Boolean => SqlType::INTEGER,
            _ if self.to.is_timestamp() => EPOCH_TYPE,
            _ => {
                self.failures.push((row, failed(value, self.to, self.context)));
                return;
            }
        };
        let unscaled = match source {
            SqlType::Number { precision, scale } if self.to != SqlType::Boolean => {
                rescale_to(number, precision, scale)
            }
            _ => Some(i128::from(number.unscaled != 0)),
        };
        if unscaled.is_none() {
            let text = JsonWriter::compact(&PlainText).text(value);
            let message = format!("Numeric value '{text}' is out of range");
            self.failures.push((row, Error::new(ErrorCode::NumberOutOfRange, message)));
            return;
        }
        match self.lane(row, source) {
            Values::Floats(floats) => floats.push(to_double(number)),
            Values::Integers(integers) => integers.push(unscaled),
            _ => {}
        }
    }

    /// The values of the lane of a type, with the row noted in it.
    fn lane(&mut self, row: usize, source: SqlType) -> &mut Values {
        if self.lanes.get(self.last).is_none_or(|lane| lane.source != source) {
            let found = self.lanes.iter().position(|lane| lane.source == source);
            self.last = found.unwrap_or_else(|| {
                let values = match source.family() {
                    TypeFamily::Text => Values::Texts(StringViewBuilder::new()),
                    TypeFamily::Number => Values::Integers(Vec::new()),
                    TypeFamily::Float => Values::Floats(Vec::new()),
                    _ => Values::Others(Vec::new()),
                };
                self.lanes.push(Lane { source, rows: Vec::new(), values });
                self.lanes.len() - 1
            });
        }
        let lane = &mut self.lanes[self.last];
        lane.rows.push(row as u32);
        &mut lane.values
    }

    /// Converts each lane and puts the answers in the order of the rows.
    fn finish(mut self, count: usize, failures: &mut Failures) -> Result<Array> {
        let (mut parts, mut places) = (Vec::new(), vec![None; count]);
        let mut start = 0_u32;
        for lane in std::mem::take(&mut self.lanes) {
            let rows = lane.rows.clone();
            for (&row, place) in rows.iter().zip(start..) {
                places[row as usize] = Some(place);
            }
            start += rows.len() as u32;
            let mut found = Failures::listed();
            parts.push(Column::Flat(self.convert(lane, &mut found)?));
            let found = found.into_list().into_iter();
            self.failures.extend(found.map(|(at, error)| (rows[at] as usize, error)));
        }
        self.failures.sort_by_key(|(row, _)| *row);
        for (row, error) in self.failures {
            failures.add(row, || error)?;
        }
        if start == 0 {
            return Ok(Array::nulls_of(narrowest(self.to), count));
        }
        let all = Column::concat(&parts.iter().collect::<Vec<_>>())?;
        if parts.len() == 1 && start as usize == count {
            return Ok(all.flat());
        }
        Ok(all.take(&UInt32Array::from(places)).flat())
    }

    fn convert(&self, lane: Lane, failures: &mut Failures) -> Result<Array> {
        let array = match lane.values {
            Values::Texts(mut texts) => Array::Text(texts.finish()),
            Values::Integers(values) => integers(values),
            Values::Floats(values) => Array::F64(values.into()),
            Values::Others(values) => Column::from_values(lane.source, &values)?.flat(),
        };
        if keeps_values(lane.source, self.to) {
            return Ok(array);
        }
        // Numbers inside a VARIANT count seconds of UTC, also for a wall clock.
        if lane.source == EPOCH_TYPE && matches!(self.to, SqlType::TimestampNtz { .. }) {
            let instants = SqlType::TIMESTAMP_LTZ;
            let array = convert_array(&array, EPOCH_TYPE, instants, failures, self.context)?;
            return convert_array(&array, instants, self.to, failures, self.context);
        }
        convert_array(&array, lane.source, self.to, failures, self.context)
    }
}

fn narrowest(sql_type: SqlType) -> PhysicalType {
    Column::nulls_of(sql_type, 1).physical()
}

/// Converts values of any other type to VARIANT.
///
/// # Errors
/// None for the pairs that convert.
pub(super) fn to_variant(
    array: &Array,
    from: SqlType,
    to: SqlType,
    _context: &FunctionContext,
) -> Result<Array> {
    if to != SqlType::Variant {
        return Err(Error::internal(format!("no conversion of {from} to {to}")));
    }
    let mut answers = BinaryViewBuilder::with_capacity(array.len());
    let (mut builder, mut bytes) = (Builder::new(), Vec::new());
    for row in 0..array.len() {
        if array.is_null(row) {
            answers.append_null();
            continue;
        }
        write_value(array, row, from, &mut builder)?;
        bytes.clear();
        builder.finish(&mut bytes)?;
        answers.append_value(&bytes);
    }
    Ok(Array::Bytes(answers.finish()))
}

/// Writes a value that is not NULL into a VARIANT.
pub(super) fn write_value(
    array: &Array,
    row: usize,
    from: SqlType,
    builder: &mut Builder,
) -> Result<()> {
    match (array, from.family()) {
        (Array::Bool(values), _) => builder.boolean(values.value(row)),
        (Array::F64(values), _) => builder.float(values.value(row)),
        (Array::Text(values), _) => builder.text(values.value(row)),
        (Array::Bytes(values), _) if from.is_semi_structured() => {
            builder.copy(Variant::new(values.value(row)))?;
        }
        (Array::Bytes(values), _) => builder.binary(values.value(row)),
        (_, TypeFamily::Date) => builder.date(array.integer(row) as i32),
        (_, TypeFamily::Time) => builder.time(array.integer(row) as i64),
        (_, TypeFamily::TimestampNtz) => builder.timestamp_ntz(array.integer(row)),
        (_, TypeFamily::TimestampLtz) => builder.timestamp_ltz(array.integer(row)),
        (_, TypeFamily::TimestampTz) => {
            builder.timestamp_tz(TimestampTz::unpacked(array.integer(row)));
        }
        _ => builder.decimal(Decimal { unscaled: array.integer(row), scale: from.scale() }),
    }
    Ok(())
}
