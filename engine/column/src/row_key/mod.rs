//! Rows as keys: what grouping, joining and sorting compare instead of values.
//!
//! Two keys are equal when SQL groups their rows together: 1 is 1 in any width, NULL is NULL, NaN is NaN,
//! -0 is 0, and two timestamps with offsets are one when they are the same instant.

pub mod hash;
