//! Rows as keys: what grouping, joining and sorting compare instead of values.
//!
//! Two keys are equal when SQL groups their rows together: 1 is 1 in any width, NULL is NULL, NaN is NaN,
//! -0 is 0, and two timestamps with offsets are one when they are the same instant.
//!
//! Keys come in three representations: packed into 64 or 128 bits where the values' ranges allow it
//! ([`fixed`]), else as bytes ([`encode`]). [`table`] numbers distinct keys, for grouping; [`join`] finds
//! the rows with a key, [`bits`] only whether there is one; [`sort`] puts rows in the order of their keys.

pub mod bits;
pub mod encode;
pub mod fixed;
pub mod hash;
pub mod join;
mod slots;
pub mod sort;
pub mod table;
mod texts;

pub use bits::KeyBits;
pub use encode::{KeyEncoder, RowKeys};
pub use fixed::{KeyLayout, KeyOrder, Packed};
pub use join::{JoinKeys, JoinTable};
pub use sort::{common_bytes, sort_rows};
pub use table::GroupTable;
pub(crate) use texts::{one_dictionary, repeated_texts};

#[cfg(test)]
mod tests;
