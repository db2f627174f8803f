//! The SQL types.
//!
//! firn has three notions of type. [`SqlType`] is what SQL sees and what plans carry. [`TypeFamily`] is
//! the coarse type that function signatures match on. The physical type is the array underneath a
//! column; only the ground floor (`firn-column`) knows it, and one SQL type may have several: an integer
//! is held in 32, 64 or 128 bits, whichever its values need.

use std::fmt;

use crate::Collation;
use crate::limits::{
    BINARY_LENGTH_DEFAULT, NUMBER_PRECISION_MAX, TIME_SCALE_MAX, VARCHAR_LENGTH_DEFAULT,
};
use crate::structured::{StructuredKind, StructuredType};
use crate::vector::VectorElement;

/// A type as SQL sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SqlType {
    /// The type of an untyped NULL; every type takes it.
    Null,
    /// An exact number: `precision` digits, `scale` of them after the point.
    Number {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point, 0 to 37.
        scale: u8,
    },
    /// A 64-bit floating-point number.
    Float,
    /// A text of at most `length` characters.
    Varchar {
        /// Most characters.
        length: u32,
        /// By which rules it is compared.
        collation: Collation,
    },
    /// At most `length` bytes.
    Binary {
        /// Most bytes.
        length: u32,
    },
    /// TRUE or FALSE.
    Boolean,
    /// A day.
    Date,
    /// A time of day with `scale` digits of a second's fraction.
    Time {
        /// Digits of the fraction, 0 to 9.
        scale: u8,
    },
    /// A wall clock's reading, without a zone.
    TimestampNtz {
        /// Digits of the fraction, 0 to 9.
        scale: u8,
    },
    /// An instant, shown in the session's zone.
    TimestampLtz {
        /// Digits of the fraction, 0 to 9.
        scale: u8,
    },
    /// An instant with an offset from UTC.
    TimestampTz {
        /// Digits of the fraction, 0 to 9.
        scale: u8,
    },
    /// A semi-structured value of any kind.
    Variant,
    /// A semi-structured value that is an object.
    Object,
    /// A semi-structured value that is an array.
    Array,
    /// An array, an object or a map whose parts have types.
    Structured(StructuredType),
    /// So many numbers of 32 bits.
    Vector {
        /// What they are.
        element: VectorElement,
        /// How many, 1 to 4096.
        dimension: u16,
    },
}

/// A type without its parameters: what function signatures match on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TypeFamily {
    /// Untyped NULL.
    Null,
    /// NUMBER of any precision and scale.
    Number,
    /// FLOAT.
    Float,
    /// VARCHAR of any length.
    Text,
    /// BINARY of any length.
    Binary,
    /// BOOLEAN.
    Boolean,
    /// DATE.
    Date,
    /// TIME of any scale.
    Time,
    /// TIMESTAMP_NTZ of any scale.
    TimestampNtz,
    /// TIMESTAMP_LTZ of any scale.
    TimestampLtz,
    /// TIMESTAMP_TZ of any scale.
    TimestampTz,
    /// VARIANT.
    Variant,
    /// OBJECT.
    Object,
    /// ARRAY.
    Array,
    /// VECTOR of any elements and dimension.
    Vector,
}

impl SqlType {
    /// NUMBER(38,0): what INT and its synonyms are.
    pub const INTEGER: SqlType = SqlType::Number { precision: NUMBER_PRECISION_MAX, scale: 0 };
    /// VARCHAR without a length.
    pub const TEXT: SqlType = SqlType::varchar(VARCHAR_LENGTH_DEFAULT);
    /// BINARY without a length.
    pub const BINARY: SqlType = SqlType::Binary { length: BINARY_LENGTH_DEFAULT };
    /// TIME(9).
    pub const TIME: SqlType = SqlType::Time { scale: TIME_SCALE_MAX };
    /// TIMESTAMP_NTZ(9).
    pub const TIMESTAMP_NTZ: SqlType = SqlType::TimestampNtz { scale: TIME_SCALE_MAX };
    /// TIMESTAMP_LTZ(9).
    pub const TIMESTAMP_LTZ: SqlType = SqlType::TimestampLtz { scale: TIME_SCALE_MAX };
    /// TIMESTAMP_TZ(9).
    pub const TIMESTAMP_TZ: SqlType = SqlType::TimestampTz { scale: TIME_SCALE_MAX };

    /// NUMBER(precision, scale), with the precision clamped to what a NUMBER can have.
    pub fn number(precision: u8, scale: u8) -> SqlType {
        SqlType::Number { precision: precision.clamp(1, NUMBER_PRECISION_MAX), scale }
    }

    /// VARCHAR(length) without a collation.
    pub const fn varchar(length: u32) -> SqlType {
        SqlType::Varchar { length, collation: Collation::NONE }
    }

    /// By which rules values are compared: none for what is no text.
    pub fn collation(self) -> Collation {
        match self {
            SqlType::Varchar { collation, .. } => collation,
            _ => Collation::NONE,
        }
    }

    /// The same type with other rules, if it is a text.
    pub fn with_collation(self, collation: Collation) -> SqlType {
        match self {
            SqlType::Varchar { length, .. } => SqlType::Varchar { length, collation },
            other => other,
        }
    }

    /// The type as clients and SHOW VARIABLES call it, without length and precision: `fixed`.
    pub fn client_name(self) -> &'static str {
        match self {
            SqlType::Number { .. } => "fixed",
            SqlType::Float => "real",
            SqlType::Null | SqlType::Varchar { .. } => "text",
            SqlType::Binary { .. } => "binary",
            SqlType::Boolean => "boolean",
            SqlType::Date => "date",
            SqlType::Time { .. } => "time",
            SqlType::TimestampNtz { .. } => "timestamp_ntz",
            SqlType::TimestampLtz { .. } => "timestamp_ltz",
            SqlType::TimestampTz { .. } => "timestamp_tz",
            SqlType::Variant => "variant",
            SqlType::Object => "object",
            SqlType::Array => "array",
            SqlType::Structured(of) => of.plain().client_name(),
            SqlType::Vector { .. } => "vector",
        }
    }

    /// The type without its parameters.
    pub fn family(self) -> TypeFamily {
        match self {
            SqlType::Null => TypeFamily::Null,
            SqlType::Number { .. } => TypeFamily::Number,
            SqlType::Float => TypeFamily::Float,
            SqlType::Varchar { .. } => TypeFamily::Text,
            SqlType::Binary { .. } => TypeFamily::Binary,
            SqlType::Boolean => TypeFamily::Boolean,
            SqlType::Date => TypeFamily::Date,
            SqlType::Time { .. } => TypeFamily::Time,
            SqlType::TimestampNtz { .. } => TypeFamily::TimestampNtz,
            SqlType::TimestampLtz { .. } => TypeFamily::TimestampLtz,
            SqlType::TimestampTz { .. } => TypeFamily::TimestampTz,
            SqlType::Variant => TypeFamily::Variant,
            SqlType::Object => TypeFamily::Object,
            SqlType::Array => TypeFamily::Array,
            SqlType::Structured(of) => of.plain().family(),
            SqlType::Vector { .. } => TypeFamily::Vector,
        }
    }

    /// The scale of a number, time or timestamp; 0 for every other type.
    pub fn scale(self) -> u8 {
        match self {
            SqlType::Number { scale, .. }
            | SqlType::Time { scale }
            | SqlType::TimestampNtz { scale }
            | SqlType::TimestampLtz { scale }
            | SqlType::TimestampTz { scale } => scale,
            _ => 0,
        }
    }

    /// Whether values are held as a VARIANT's are: VARIANT, OBJECT, ARRAY and structured types.
    pub fn is_semi_structured(self) -> bool {
        matches!(self, SqlType::Variant | SqlType::Object | SqlType::Array | SqlType::Structured(_))
    }

    /// Whether values have paths whose values can stand in columns of their own: VARIANT and OBJECT.
    pub fn has_paths(self) -> bool {
        matches!(self, SqlType::Variant | SqlType::Object)
    }

    /// The structured type, when this is one.
    pub fn structured(self) -> Option<StructuredType> {
        match self {
            SqlType::Structured(of) => Some(of),
            _ => None,
        }
    }

    /// Whether this is a MAP.
    pub fn is_map(self) -> bool {
        self.structured().is_some_and(|of| of.kind() == StructuredKind::Map)
    }

    /// Whether this is one of the three timestamps.
    pub fn is_timestamp(self) -> bool {
        matches!(
            self,
            SqlType::TimestampNtz { .. }
                | SqlType::TimestampLtz { .. }
                | SqlType::TimestampTz { .. }
        )
    }

    /// Whether clients align values of this type to the right.
    pub fn is_numeric(self) -> bool {
        matches!(self, SqlType::Number { .. } | SqlType::Float)
    }
}

/// The canonical form, as DESCRIBE shows it.
impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SqlType::Null => f.write_str("NULL"),
            SqlType::Number { precision, scale } => write!(f, "NUMBER({precision},{scale})"),
            SqlType::Float => f.write_str("FLOAT"),
            SqlType::Varchar { length, collation } => write!(f, "VARCHAR({length}){collation}"),
            SqlType::Binary { length } => write!(f, "BINARY({length})"),
            SqlType::Boolean => f.write_str("BOOLEAN"),
            SqlType::Date => f.write_str("DATE"),
            SqlType::Time { scale } => write!(f, "TIME({scale})"),
            SqlType::TimestampNtz { scale } => write!(f, "TIMESTAMP_NTZ({scale})"),
            SqlType::TimestampLtz { scale } => write!(f, "TIMESTAMP_LTZ({scale})"),
            SqlType::TimestampTz { scale } => write!(f, "TIMESTAMP_TZ({scale})"),
            SqlType::Variant => f.write_str("VARIANT"),
            SqlType::Object => f.write_str("OBJECT"),
            SqlType::Array => f.write_str("ARRAY"),
            SqlType::Structured(of) => write!(f, "{of}"),
            SqlType::Vector { element, dimension } => write!(f, "VECTOR({element}, {dimension})"),
        }
    }
}
