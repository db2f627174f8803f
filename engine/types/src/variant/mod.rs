//! Semi-structured values: what a VARIANT, OBJECT or ARRAY is made of.
//!
//! A value is the Parquet Variant encoding: the *metadata* (a dictionary of all object keys in the
//! value) directly followed by the *value*, in one buffer. The metadata's length is in its own header,
//! so that [`split`] finds the border; a Parquet file stores the two parts as two binary columns.
//!
//! Three things that Snowflake has and the specification has not are written so that other readers see
//! the nearest thing that they know and skip the rest:
//!
//! | Snowflake | written as | others read |
//! |---|---|---|
//! | `undefined`, a SQL NULL inside an array | null and one byte of padding | null |
//! | TIMESTAMP_TZ | timestamp and two bytes of offset in minutes | the same instant |
//! | nanoseconds of a TIME | time in microseconds and two bytes with the rest | the time in microseconds |
//!
//! Timestamps are written in nanoseconds, or in microseconds where 64 bits do not hold the nanoseconds
//! (before 1677, after 2262). Values nest at most [`crate::limits::NESTING_MAX`] deep: the [`Builder`]
//! sees to it, and [`validate()`] checks what comes from elsewhere. So recursion over a value is safe.
//!
//! Reading order: [`Item`] is one value looked at; [`Variant`] reads; [`Builder`] writes; [`JsonReader`]
//! and [`JsonWriter`] turn texts into values and back; [`Path`] walks; [`compare`] orders.

pub mod compare;
pub mod encode;
pub mod json_read;
pub mod json_write;
pub mod path;
pub mod validate;
pub mod value;
pub mod view;
pub mod xml_read;
pub mod xml_write;

mod keys;
mod number;

pub use encode::{Builder, text_bytes};
pub use json_read::{JsonReader, RepeatedKey};
pub use json_write::{JsonWriter, PlainText, ScalarText};
pub use number::{to_double, without_trailing_zeros};
pub use path::{Path, Step, Walker};
pub use validate::validate;
pub use value::Item;
pub use view::{Elements, Fields, Variant, join, split};
pub use xml_write::{XmlWriter, is_element};

#[cfg(test)]
mod tests;
