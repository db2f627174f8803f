//! One SQL value, apart from any column: literals, defaults, statistics, session variables.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// One SQL value.
///
/// Equality here is identity of the value as written (`1` and `1.0` differ, `0.0` and `-0.0` too, NaN equals
/// NaN); SQL's comparison lives with the comparison kernels.
#[derive(Clone, Debug)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// BOOLEAN.
    Boolean(bool),
    /// NUMBER.
    Number(Decimal),
    /// FLOAT.
    Float(f64),
    /// VARCHAR.
    Text(Arc<str>),
    /// BINARY.
    Binary(Arc<[u8]>),
    /// DATE: days since 1970-01-01.
    Date(i32),
    /// TIME: nanoseconds since midnight.
    Time(i64),
    /// TIMESTAMP_NTZ or TIMESTAMP_LTZ: nanoseconds since 1970-01-01 00:00, of the wall clock or of UTC.
    Timestamp(i128),
    /// TIMESTAMP_TZ: an instant and the offset that it is shown with.
    TimestampTz(TimestampTz),
    /// VARIANT, OBJECT or ARRAY: the value's encoding (metadata, then value; Parquet's Variant).
    Variant(Arc<[u8]>),
}

/// An exact number: `unscaled / 10^scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The number times 10^scale.
    pub unscaled: i128,
    /// Digits after the point.
    pub scale: u8,
}

/// An instant with an offset from UTC.
///
/// In a column it is one 128-bit integer, [`TimestampTz::packed`], whose order is the instants' order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimestampTz {
    /// Nanoseconds since 1970-01-01 00:00 UTC.
    pub utc_nanos: i128,
    /// Minutes east of UTC, -1440 to 1440.
    pub offset_minutes: i16,
}

/// Bits of a packed TIMESTAMP_TZ below the instant.
pub const TIMESTAMP_TZ_OFFSET_BITS: u32 = 12;
/// Added to the offset so that it is never negative when packed.
const OFFSET_BIAS: i128 = 1 << (TIMESTAMP_TZ_OFFSET_BITS - 1);

impl TimestampTz {
    /// One integer that holds both: the instant above, the biased offset in the lowest 12 bits.
    ///
    /// Two packed values are the same instant when they agree after `>> TIMESTAMP_TZ_OFFSET_BITS`.
    pub fn packed(self) -> i128 {
        (self.utc_nanos << TIMESTAMP_TZ_OFFSET_BITS)
            | (i128::from(self.offset_minutes) + OFFSET_BIAS)
    }

    /// The value of a packed integer.
    pub fn unpacked(packed: i128) -> TimestampTz {
        let low = packed & ((1 << TIMESTAMP_TZ_OFFSET_BITS) - 1);
        TimestampTz {
            utc_nanos: packed >> TIMESTAMP_TZ_OFFSET_BITS,
            offset_minutes: i16::try_from(low - OFFSET_BIAS).unwrap_or(0),
        }
    }

    /// The wall clock's reading at the offset: nanoseconds since 1970-01-01 00:00.
    pub fn wall_nanos(self) -> i128 {
        self.utc_nanos + i128::from(self.offset_minutes) * 60_000_000_000
    }
}

impl Decimal {
    /// A whole number.
    pub fn integer(value: impl Into<i128>) -> Decimal {
        Decimal { unscaled: value.into(), scale: 0 }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Boolean(one), Value::Boolean(other)) => one == other,
            (Value::Number(one), Value::Number(other)) => one == other,
            (Value::Float(one), Value::Float(other)) => one.to_bits() == other.to_bits(),
            (Value::Text(one), Value::Text(other)) => one == other,
            (Value::Binary(one), Value::Binary(other)) => one == other,
            (Value::Date(one), Value::Date(other)) => one == other,
            (Value::Time(one), Value::Time(other)) => one == other,
            (Value::Timestamp(one), Value::Timestamp(other)) => one == other,
            (Value::TimestampTz(one), Value::TimestampTz(other)) => one == other,
            (Value::Variant(one), Value::Variant(other)) => one == other,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Value::Null => {}
            Value::Boolean(value) => value.hash(state),
            Value::Number(value) => value.hash(state),
            Value::Float(value) => value.to_bits().hash(state),
            Value::Text(value) => value.hash(state),
            Value::Binary(value) | Value::Variant(value) => value.hash(state),
            Value::Date(value) => value.hash(state),
            Value::Time(value) => value.hash(state),
            Value::Timestamp(value) => value.hash(state),
            Value::TimestampTz(value) => value.hash(state),
        }
    }
}

impl Value {
    /// Whether this is SQL NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// A text.
    pub fn text(text: impl Into<Arc<str>>) -> Value {
        Value::Text(text.into())
    }

    /// A whole number.
    pub fn integer(value: impl Into<i128>) -> Value {
        Value::Number(Decimal::integer(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_timestamp_keeps_instant_and_offset_and_sorts_by_instant() {
        for (utc_nanos, offset_minutes) in [(-1, 840), (0, -720), (1 << 90, 0), (-(1 << 90), 1440)]
        {
            let value = TimestampTz { utc_nanos, offset_minutes };
            assert_eq!(TimestampTz::unpacked(value.packed()), value);
        }
        let early = TimestampTz { utc_nanos: 5, offset_minutes: 1000 };
        let late = TimestampTz { utc_nanos: 6, offset_minutes: -1000 };
        assert!(early.packed() < late.packed());
    }

    #[test]
    fn floats_are_told_apart_by_their_bits() {
        assert_eq!(Value::Float(f64::NAN), Value::Float(f64::NAN));
        assert_ne!(Value::Float(0.0), Value::Float(-0.0));
    }
}
