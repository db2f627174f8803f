//! Every bound of the system, with its reason.

/// Most digits of a NUMBER: what 128 bits hold.
pub const NUMBER_PRECISION_MAX: u8 = 38;
/// Largest scale of a NUMBER.
pub const NUMBER_SCALE_MAX: u8 = 37;
/// Characters of a VARCHAR without a length.
pub const VARCHAR_LENGTH_DEFAULT: u32 = 16_777_216;
/// Largest length that a VARCHAR may declare.
pub const VARCHAR_LENGTH_MAX: u32 = 134_217_728;
/// Bytes of a BINARY without a length.
pub const BINARY_LENGTH_DEFAULT: u32 = 8_388_608;
/// Largest length that a BINARY may declare.
pub const BINARY_LENGTH_MAX: u32 = 67_108_864;
/// Bytes that one value may have: Snowflake's limit for a large object.
pub const VALUE_BYTES_MAX: usize = 134_217_728;
/// Largest dimension of a VECTOR.
pub const VECTOR_DIMENSION_MAX: u16 = 4_096;
/// Digits of a second's fraction.
pub const TIME_SCALE_MAX: u8 = 9;
/// Characters of a name.
pub const IDENTIFIER_LENGTH_MAX: usize = 255;
/// Rows that one batch aims at: its columns stay in the second-level cache.
pub const BATCH_ROWS: usize = 8_192;
/// Days of time travel that a table may ask for.
pub const RETENTION_DAYS_MAX: u32 = 90;
/// Levels of nesting in an expression, a query or a JSON document, so that no recursion overflows.
pub const NESTING_MAX: usize = 500;
