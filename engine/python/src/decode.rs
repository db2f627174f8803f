//! Python's values on their way to SQL, a column at a time; `worker/wire.py` writes them.

use arrow::array::builder::{BinaryViewBuilder, BooleanBuilder, StringViewBuilder};
use arrow::array::{Float64Array, Int32Array};
use arrow::buffer::NullBuffer;
use firn_column::column::integers;
use firn_column::{Array, Column, PhysicalType};
use firn_functions::FunctionContext;
use firn_functions::cast::{CastMode, cast_column};
use firn_types::limits::{
    BINARY_LENGTH_MAX, NUMBER_PRECISION_MAX, VALUE_BYTES_MAX, VARCHAR_LENGTH_MAX,
};
use firn_types::number_text::parse_decimal;
use firn_types::value::TimestampTz;
use firn_types::variant::{JsonReader, RepeatedKey};
use firn_types::{Error, ErrorCode, Result, SqlType, Value};

use crate::encode::{AS_TEXT, HAS_NULLS, kind_of};
use crate::frame::{FrameReader, broken};

/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;
const NANOS_PER_MICRO: i128 = 1000;
/// The largest offset from UTC, in minutes.
const OFFSET_MAX: i16 = 24 * 60;

/// Reads a column of a type.
///
/// # Errors
/// `PythonExecution` for what is no column; that of a cast, for values that the type does not take.
pub(crate) fn take_column(
    frame: &mut FrameReader<'_>,
    rows: usize,
    sql_type: SqlType,
    context: &FunctionContext,
) -> Result<Column> {
    let (kind, flags) = (frame.byte()?, frame.byte()?);
    if kind != kind_of(sql_type) {
        return Err(broken());
    }
    let nulls = match flags & HAS_NULLS {
        0 => None,
        _ => Some(frame.take(rows)?.iter().map(|null| *null == 0).collect::<NullBuffer>()),
    };
    let reading = Reading { rows, nulls };
    let (array, natural) = match kind {
        b'i' if flags & AS_TEXT == 0 => {
            (reading.integers(frame.fixed(rows)?.map(i64::from_ne_bytes)), SqlType::INTEGER)
        }
        // As long as they may be, so that the cast looks how long they are.
        b'i' | b'd' | b't' => (reading.texts(frame)?, SqlType::varchar(VARCHAR_LENGTH_MAX)),
        b'x' => (reading.bytes(frame)?, SqlType::Binary { length: BINARY_LENGTH_MAX }),
        b'f' => {
            let values = frame.fixed(rows)?.map(f64::from_ne_bytes).collect();
            (Array::F64(Float64Array::new(values, reading.nulls)), SqlType::Float)
        }
        b'b' => {
            let mut values = BooleanBuilder::with_capacity(rows);
            for (row, value) in frame.take(rows)?.iter().enumerate() {
                values.append_option(reading.is_valid(row).then_some(*value != 0));
            }
            (Array::Bool(values.finish()), SqlType::Boolean)
        }
        b'D' => {
            let days = frame.fixed(rows)?.map(i32::from_ne_bytes).collect();
            (Array::I32(Int32Array::new(days, reading.nulls)), SqlType::Date)
        }
        b'T' => {
            let micros = frame.fixed(rows)?.map(i64::from_ne_bytes);
            let within = |micros: i64| micros.rem_euclid(DAY_MICROS);
            let values = micros.enumerate().map(|(row, micros)| {
                reading.is_valid(row).then(|| within(micros) * NANOS_PER_MICRO as i64)
            });
            (Array::I64(values.collect()), SqlType::TIME)
        }
        b'N' => {
            let micros = frame.fixed(rows)?.map(i64::from_ne_bytes);
            let nanos = reading.wide(micros.map(|micros| i128::from(micros) * NANOS_PER_MICRO));
            (nanos.widened(PhysicalType::I64), SqlType::TIMESTAMP_NTZ)
        }
        b'Z' => (reading.instants(frame)?, SqlType::TIMESTAMP_TZ),
        _ => (reading.json(frame)?, SqlType::Variant),
    };
    let column = Column::Flat(array);
    match natural == sql_type {
        true => Ok(column),
        false => cast_column(&column, natural, sql_type, CastMode::Strict, context),
    }
}

/// Reads a value of the type that it has in Python.
///
/// # Errors
/// As [`take_column`].
pub(crate) fn take_value(frame: &mut FrameReader<'_>) -> Result<(Value, SqlType)> {
    let context = FunctionContext::default();
    let sql_type = match frame.peek()? {
        b'd' => return take_decimal(frame),
        b'i' => SqlType::INTEGER,
        b'f' => SqlType::Float,
        b'b' => SqlType::Boolean,
        b't' => SqlType::TEXT,
        b'x' => SqlType::BINARY,
        b'D' => SqlType::Date,
        b'T' => SqlType::TIME,
        b'N' => SqlType::TIMESTAMP_NTZ,
        b'Z' => SqlType::TIMESTAMP_TZ,
        _ => SqlType::Variant,
    };
    Ok((take_column(frame, 1, sql_type, &context)?.value(0, sql_type), sql_type))
}

/// Reads a Decimal, with as many digits behind the point as it has.
fn take_decimal(frame: &mut FrameReader<'_>) -> Result<(Value, SqlType)> {
    let sql_type = SqlType::Number { precision: NUMBER_PRECISION_MAX, scale: 1 };
    frame.byte()?;
    let nulls = if frame.byte()? & HAS_NULLS != 0 { frame.take(1)? } else { &[0] };
    let reading = Reading { rows: 1, nulls: None };
    let text = reading.pieces(frame)?.pop().flatten().unwrap_or_default();
    let text = std::str::from_utf8(text).map_err(|_| broken())?;
    if nulls[0] != 0 {
        return Ok((Value::Null, sql_type));
    }
    let number = parse_decimal(text).map_err(|_| {
        let text = format!("Numeric value '{text}' is out of range");
        Error::new(ErrorCode::NumberOutOfRange, text)
    })?;
    let scale = number.scale;
    Ok((Value::Number(number), SqlType::Number { precision: NUMBER_PRECISION_MAX, scale }))
}

/// What is known of a column before its values.
struct Reading {
    rows: usize,
    nulls: Option<NullBuffer>,
}

impl Reading {
    fn is_valid(&self, row: usize) -> bool {
        self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
    }

    fn integers(&self, values: impl Iterator<Item = i64>) -> Array {
        self.wide(values.map(i128::from))
    }

    fn wide(&self, values: impl Iterator<Item = i128>) -> Array {
        let valid = |(row, value)| self.is_valid(row).then_some(value);
        integers(values.enumerate().map(valid).collect())
    }

    /// The bytes of each row, which begin and end where the frame says.
    fn pieces<'f>(&self, frame: &mut FrameReader<'f>) -> Result<Vec<Option<&'f [u8]>>> {
        let ends: Vec<u32> = frame.fixed(self.rows + 1)?.map(u32::from_ne_bytes).collect();
        let content = frame.take(ends.last().copied().unwrap_or(0) as usize)?;
        let piece = |(row, ends): (usize, &[u32])| {
            let range = ends[0] as usize..ends[1] as usize;
            let piece = content.get(range).ok_or_else(broken)?;
            if piece.len() > VALUE_BYTES_MAX {
                let text = format!("A value of {} bytes is larger than any may be", piece.len());
                return Err(Error::new(ErrorCode::ValueTooLarge, text));
            }
            Ok(self.is_valid(row).then_some(piece))
        };
        ends.windows(2).enumerate().map(piece).collect()
    }

    fn texts(&self, frame: &mut FrameReader<'_>) -> Result<Array> {
        let mut values = StringViewBuilder::with_capacity(self.rows);
        for piece in self.pieces(frame)? {
            let text = piece.map(std::str::from_utf8).transpose().map_err(|_| broken())?;
            values.append_option(text);
        }
        Ok(Array::Text(values.finish()))
    }

    fn bytes(&self, frame: &mut FrameReader<'_>) -> Result<Array> {
        let mut values = BinaryViewBuilder::with_capacity(self.rows);
        self.pieces(frame)?.into_iter().for_each(|piece| values.append_option(piece));
        Ok(Array::Bytes(values.finish()))
    }

    fn json(&self, frame: &mut FrameReader<'_>) -> Result<Array> {
        let mut reader = JsonReader::new(RepeatedKey::KeepLast);
        let mut values = BinaryViewBuilder::with_capacity(self.rows);
        let mut encoded = Vec::new();
        for piece in self.pieces(frame)? {
            let Some(piece) = piece else {
                values.append_null();
                continue;
            };
            encoded.clear();
            reader.read(std::str::from_utf8(piece).map_err(|_| broken())?, &mut encoded)?;
            values.append_value(&encoded);
        }
        Ok(Array::Bytes(values.finish()))
    }

    fn instants(&self, frame: &mut FrameReader<'_>) -> Result<Array> {
        let micros: Vec<i64> = frame.fixed(self.rows)?.map(i64::from_ne_bytes).collect();
        let minutes = frame.fixed(self.rows)?.map(i16::from_ne_bytes);
        let instant = |(micros, minutes): (&i64, i16)| TimestampTz {
            utc_nanos: i128::from(*micros) * NANOS_PER_MICRO,
            offset_minutes: minutes.clamp(-OFFSET_MAX, OFFSET_MAX),
        };
        let packed = micros.iter().zip(minutes).map(|both| instant(both).packed());
        Ok(self.wide(packed).widened(PhysicalType::I128))
    }
}
