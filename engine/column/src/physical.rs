//! Which array holds which SQL type: the only place of that mapping.
//!
//! | SQL type | array |
//! |---|---|
//! | BOOLEAN, untyped NULL | `Bool` |
//! | NUMBER(p,s) | `I32`, `I64` or `I128`: the number times 10^s, in any width that holds the batch |
//! | FLOAT | `F64` |
//! | VARCHAR | `Text` |
//! | BINARY | `Bytes` |
//! | VARIANT, OBJECT, ARRAY, structured types | `Bytes`: the value's encoding, metadata then value |
//! | VECTOR | `Bytes`: its elements, four bytes each |
//! | DATE | `I32`: days since 1970-01-01 |
//! | TIME | `I64`: nanoseconds since midnight |
//! | TIMESTAMP_NTZ, TIMESTAMP_LTZ | `I64` or `I128`: nanoseconds since 1970-01-01 |
//! | TIMESTAMP_TZ | `I128`: `TimestampTz::packed` |
//!
//! The width of a NUMBER or a timestamp may differ from batch to batch; readers ask the array.

use firn_types::SqlType;

/// The physical form of an array, without its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhysicalType {
    /// One bit.
    Bool,
    /// 32-bit integers.
    I32,
    /// 64-bit integers.
    I64,
    /// 128-bit integers.
    I128,
    /// 64-bit floating-point numbers.
    F64,
    /// Texts.
    Text,
    /// Bytes.
    Bytes,
}

impl PhysicalType {
    /// The widest form that the type may need; see the module's table.
    pub fn widest(sql_type: SqlType) -> PhysicalType {
        match sql_type {
            SqlType::Null | SqlType::Boolean => PhysicalType::Bool,
            SqlType::Number { precision, .. } if precision <= 9 => PhysicalType::I32,
            SqlType::Number { precision, .. } if precision <= 18 => PhysicalType::I64,
            SqlType::Number { .. } => PhysicalType::I128,
            SqlType::Float => PhysicalType::F64,
            SqlType::Varchar { .. } => PhysicalType::Text,
            SqlType::Binary { .. }
            | SqlType::Variant
            | SqlType::Object
            | SqlType::Array
            | SqlType::Structured(_)
            | SqlType::Vector { .. } => PhysicalType::Bytes,
            SqlType::Date => PhysicalType::I32,
            SqlType::Time { .. } => PhysicalType::I64,
            SqlType::TimestampNtz { .. }
            | SqlType::TimestampLtz { .. }
            | SqlType::TimestampTz { .. } => PhysicalType::I128,
        }
    }

    /// Whether this is one of the three integer widths.
    pub fn is_integer(self) -> bool {
        matches!(self, PhysicalType::I32 | PhysicalType::I64 | PhysicalType::I128)
    }

    /// The narrowest integer width that holds every value from `low` to `high`.
    pub fn narrowest(low: i128, high: i128) -> PhysicalType {
        if i32::try_from(low).is_ok() && i32::try_from(high).is_ok() {
            PhysicalType::I32
        } else if i64::try_from(low).is_ok() && i64::try_from(high).is_ok() {
            PhysicalType::I64
        } else {
            PhysicalType::I128
        }
    }
}
