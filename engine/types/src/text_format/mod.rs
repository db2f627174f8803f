//! How dates, times, timestamps and binary values are written as text.
//!
//! [`TextSettings`] holds the session's parameters as the user wrote them; [`TextFormats`] is what they
//! compile to, once per statement. A [`Picture`] is one compiled format such as `YYYY-MM-DD`; an
//! [`InputFormat`] is a picture or AUTO, the detection of the usual forms.

mod auto;
mod parse;
mod picture;
mod print;
mod settings;

pub(crate) use auto::parse_canonical_time;
pub use auto::{canonical_date, parse_auto};
pub use picture::Picture;
pub use settings::{BinaryFormat, InputFormat, TextFormats, TextSettings};

/// A day and a time of day, with the offset from UTC where one is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Days since 1970-01-01.
    pub days: i32,
    /// Nanoseconds since midnight.
    pub nanos_of_day: i64,
    /// Minutes east of UTC.
    pub offset_minutes: Option<i16>,
}

/// What a text says about a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A reading of calendar and clock.
    Reading(Reading),
    /// An instant, written as the digits of its distance from 1970: nanoseconds.
    Epoch(i128),
}

/// What kind of value a text is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MomentKind {
    /// A day; a time of day behind it is read and ignored.
    Date,
    /// A time of day.
    Time,
    /// A day with or without a time of day.
    Timestamp,
}
