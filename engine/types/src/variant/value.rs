//! One semi-structured value looked at: a scalar, or the entrance to an object or an array.

use super::view::{Elements, Fields};
use crate::Decimal;
use crate::value::TimestampTz;

/// One value, with borrowed contents. Foreign physical types appear as the nearest of these.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// JSON's null, which is not SQL's NULL.
    Null,
    /// A SQL NULL inside an array.
    Undefined,
    /// true or false.
    Boolean(bool),
    /// An exact number, without trailing zeros after the point.
    Number(Decimal),
    /// A floating-point number.
    Float(f64),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
    /// Days since 1970-01-01.
    Date(i32),
    /// Nanoseconds since midnight.
    Time(i64),
    /// Nanoseconds since 1970-01-01 00:00 of the wall clock.
    TimestampNtz(i128),
    /// Nanoseconds since 1970-01-01 00:00 UTC.
    TimestampLtz(i128),
    /// An instant and its offset.
    TimestampTz(TimestampTz),
    /// Keys with values, ascending by key.
    Object(Fields<'a>),
    /// Values in order.
    Array(Elements<'a>),
}

impl Item<'_> {
    /// The name that TYPEOF answers.
    pub fn type_name(&self) -> &'static str {
        match self {
            Item::Null | Item::Undefined => "NULL_VALUE",
            Item::Boolean(_) => "BOOLEAN",
            Item::Number(Decimal { scale: 0, .. }) => "INTEGER",
            Item::Number(_) => "DECIMAL",
            Item::Float(_) => "DOUBLE",
            Item::Text(_) => "VARCHAR",
            Item::Binary(_) => "BINARY",
            Item::Date(_) => "DATE",
            Item::Time(_) => "TIME",
            Item::TimestampNtz(_) => "TIMESTAMP_NTZ",
            Item::TimestampLtz(_) => "TIMESTAMP_LTZ",
            Item::TimestampTz(_) => "TIMESTAMP_TZ",
            Item::Object(_) => "OBJECT",
            Item::Array(_) => "ARRAY",
        }
    }

    /// Whether this is null or undefined.
    pub fn is_null(&self) -> bool {
        matches!(self, Item::Null | Item::Undefined)
    }
}

/// Codes of the encoding, as the specification numbers them.
pub(super) mod code {
    /// Basic type, in the lowest two bits of a value's first byte.
    pub(in crate::variant) const PRIMITIVE: u8 = 0;
    pub(in crate::variant) const SHORT_TEXT: u8 = 1;
    pub(in crate::variant) const OBJECT: u8 = 2;
    pub(in crate::variant) const ARRAY: u8 = 3;

    /// Primitive type, in the upper six bits.
    pub(in crate::variant) const NULL: u8 = 0;
    pub(in crate::variant) const TRUE: u8 = 1;
    pub(in crate::variant) const FALSE: u8 = 2;
    pub(in crate::variant) const INT8: u8 = 3;
    pub(in crate::variant) const INT16: u8 = 4;
    pub(in crate::variant) const INT32: u8 = 5;
    pub(in crate::variant) const INT64: u8 = 6;
    pub(in crate::variant) const DOUBLE: u8 = 7;
    pub(in crate::variant) const DECIMAL4: u8 = 8;
    pub(in crate::variant) const DECIMAL8: u8 = 9;
    pub(in crate::variant) const DECIMAL16: u8 = 10;
    pub(in crate::variant) const DATE: u8 = 11;
    pub(in crate::variant) const INSTANT_MICROS: u8 = 12;
    pub(in crate::variant) const WALL_MICROS: u8 = 13;
    pub(in crate::variant) const FLOAT: u8 = 14;
    pub(in crate::variant) const BINARY: u8 = 15;
    pub(in crate::variant) const TEXT: u8 = 16;
    pub(in crate::variant) const TIME: u8 = 17;
    pub(in crate::variant) const INSTANT_NANOS: u8 = 18;
    pub(in crate::variant) const WALL_NANOS: u8 = 19;
    pub(in crate::variant) const UUID: u8 = 20;

    /// The byte after a null that makes it `undefined`.
    pub(in crate::variant) const UNDEFINED_PADDING: u8 = 0xFF;
    /// Longest text whose length fits the first byte.
    pub(in crate::variant) const SHORT_TEXT_MAX: usize = 63;
    /// Metadata without keys: version 1, sorted, one-byte offsets, no string.
    pub(in crate::variant) const EMPTY_METADATA: [u8; 3] = [0x11, 0, 0];
}
