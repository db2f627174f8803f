//! Which Parquet type holds a column in one file: the narrowest that its values need.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use firn_types::SqlType;
use firn_types::limits::NUMBER_PRECISION_MAX;
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

use super::{FileColumn, ROW_ID_FIELD};

/// Most digits of a decimal in 32 bits.
const DIGITS_32: u8 = 9;
/// Most digits of a decimal in 64 bits.
const DIGITS_64: u8 = 18;
/// The two parts of a semi-structured value.
const METADATA: &str = "metadata";
const VALUE: &str = "value";

/// How a column is held in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileType {
    /// One bit.
    Boolean,
    /// A decimal in 32 bits.
    Decimal32 { precision: u8, scale: u8 },
    /// A decimal in 64 bits.
    Decimal64 { precision: u8, scale: u8 },
    /// A decimal in 128 bits; also packed and very early or late timestamps, with scale 0.
    Decimal128 { precision: u8, scale: u8 },
    /// A 64-bit integer: row ids.
    Integer,
    /// A double.
    Double,
    /// Days in 32 bits.
    Date,
    /// A time of day in 64 bits.
    Time(TimeUnit),
    /// A timestamp in 64 bits; `utc` for instants.
    Timestamp { unit: TimeUnit, utc: bool },
    /// UTF-8.
    Text,
    /// Bytes.
    Binary,
    /// Two columns of bytes.
    Variant,
}

/// What the choice of a type needs to know of the values.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IntegerRange {
    /// The least value.
    pub(super) low: i128,
    /// The greatest value.
    pub(super) high: i128,
    /// Whether all are whole thousands.
    pub(super) thousands: bool,
}

impl FileType {
    /// The narrowest type for values of this SQL type.
    pub(super) fn narrowest(sql_type: SqlType, range: IntegerRange) -> FileType {
        match sql_type {
            SqlType::Null | SqlType::Boolean => FileType::Boolean,
            SqlType::Number { precision, scale } => decimal(precision, scale, range),
            SqlType::Float => FileType::Double,
            SqlType::Varchar { .. } => FileType::Text,
            SqlType::Binary { .. } | SqlType::Vector { .. } => FileType::Binary,
            SqlType::Date => FileType::Date,
            SqlType::Time { .. } if range.thousands => FileType::Time(TimeUnit::Microsecond),
            SqlType::Time { .. } => FileType::Time(TimeUnit::Nanosecond),
            SqlType::TimestampNtz { .. } => timestamp(false, range),
            SqlType::TimestampLtz { .. } => timestamp(true, range),
            SqlType::TimestampTz { .. } => {
                FileType::Decimal128 { precision: NUMBER_PRECISION_MAX, scale: 0 }
            }
            SqlType::Variant | SqlType::Object | SqlType::Array | SqlType::Structured(_) => {
                FileType::Variant
            }
        }
    }

    /// The Arrow type that the file is written from.
    pub(super) fn arrow(self) -> DataType {
        match self {
            FileType::Boolean => DataType::Boolean,
            FileType::Decimal32 { precision, scale } => {
                DataType::Decimal32(precision, scale.cast_signed())
            }
            FileType::Decimal64 { precision, scale } => {
                DataType::Decimal64(precision, scale.cast_signed())
            }
            FileType::Decimal128 { precision, scale } => {
                DataType::Decimal128(precision, scale.cast_signed())
            }
            FileType::Integer => DataType::Int64,
            FileType::Double => DataType::Float64,
            FileType::Date => DataType::Date32,
            FileType::Time(unit) => DataType::Time64(unit),
            FileType::Timestamp { unit, utc } => {
                DataType::Timestamp(unit, utc.then(|| Arc::from("UTC")))
            }
            FileType::Text => DataType::Utf8View,
            FileType::Binary => DataType::BinaryView,
            FileType::Variant => DataType::Struct(variant_fields()),
        }
    }

    /// The column of the file.
    pub(super) fn field(self, column: &FileColumn) -> Field {
        let field = Field::new(&column.name, self.arrow(), true);
        if column.column.path.is_some() {
            return field;
        }
        let id = (PARQUET_FIELD_ID_META_KEY.to_string(), column.column.field.0.to_string());
        field.with_metadata(HashMap::from([id]))
    }

    /// The names of the file's leaf columns below the column, as Parquet's paths have them.
    pub(super) fn leaves(self, name: &str) -> Vec<Vec<String>> {
        match self {
            FileType::Variant => {
                [METADATA, VALUE].map(|part| vec![name.to_string(), part.to_string()]).to_vec()
            }
            _ => vec![vec![name.to_string()]],
        }
    }
}

/// The two parts of a semi-structured value as a struct's fields.
pub(super) fn variant_fields() -> Fields {
    let part = |name: &str| Field::new(name, DataType::BinaryView, false);
    Fields::from(vec![part(METADATA), part(VALUE)])
}

/// The stored column of row ids.
pub(super) fn row_id_column() -> FileColumn {
    let (name, sql_type) = ("_row_id".to_string(), SqlType::INTEGER);
    FileColumn { column: ROW_ID_FIELD.into(), name, sql_type }
}

fn decimal(precision: u8, scale: u8, range: IntegerRange) -> FileType {
    let digits = digits(range.low.unsigned_abs().max(range.high.unsigned_abs()));
    // A decimal's precision is at least its scale, and at most what the table says.
    let needed = digits.max(scale).max(1);
    if needed <= DIGITS_32 {
        FileType::Decimal32 { precision: precision.min(DIGITS_32).max(needed), scale }
    } else if needed <= DIGITS_64 {
        FileType::Decimal64 { precision: precision.min(DIGITS_64).max(needed), scale }
    } else {
        FileType::Decimal128 { precision: precision.max(needed), scale }
    }
}

fn timestamp(utc: bool, range: IntegerRange) -> FileType {
    let fits = |low: i128, high: i128| i64::try_from(low).is_ok() && i64::try_from(high).is_ok();
    if fits(range.low, range.high) {
        FileType::Timestamp { unit: TimeUnit::Nanosecond, utc }
    } else if range.thousands && fits(range.low / 1000, range.high / 1000) {
        FileType::Timestamp { unit: TimeUnit::Microsecond, utc }
    } else {
        FileType::Decimal128 { precision: NUMBER_PRECISION_MAX, scale: 0 }
    }
}

/// Decimal digits of a number.
fn digits(number: u128) -> u8 {
    number.checked_ilog10().map_or(1, |log| log as u8 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(low: i128, high: i128) -> IntegerRange {
        IntegerRange { low, high, thousands: low % 1000 == 0 && high % 1000 == 0 }
    }

    #[test]
    fn numbers_are_as_narrow_as_their_values_and_scale_allow() {
        let number = |p, s, low, high| FileType::narrowest(SqlType::number(p, s), range(low, high));
        assert_eq!(number(38, 0, -5, 999_999_999), FileType::Decimal32 { precision: 9, scale: 0 });
        assert_eq!(number(5, 2, 0, 99_999), FileType::Decimal32 { precision: 5, scale: 2 });
        assert_eq!(number(38, 0, 0, 1 << 31), FileType::Decimal64 { precision: 18, scale: 0 });
        assert_eq!(number(38, 12, 0, 1), FileType::Decimal64 { precision: 18, scale: 12 });
        assert_eq!(number(38, 20, 0, 1), FileType::Decimal128 { precision: 38, scale: 20 });
        let large = 10_i128.pow(37);
        assert_eq!(number(38, 0, 0, large), FileType::Decimal128 { precision: 38, scale: 0 });
    }

    #[test]
    fn timestamps_take_nanoseconds_where_they_fit() {
        let kind = |low, high| FileType::narrowest(SqlType::TIMESTAMP_NTZ, range(low, high));
        let unit = |unit| FileType::Timestamp { unit, utc: false };
        let far = i128::from(i64::MAX) * 2;
        assert_eq!(kind(0, 1), unit(TimeUnit::Nanosecond));
        assert_eq!(kind(0, far - far % 1000), unit(TimeUnit::Microsecond));
        assert!(matches!(kind(1, far), FileType::Decimal128 { .. }));
    }
}
