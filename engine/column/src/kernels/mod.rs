//! Work on whole columns: dispatch on the form once per batch, then a tight loop.
//!
//! A kernel here knows physical forms, NULL and the width of integers; it does not know functions or
//! expressions. [`forms`] sees to it that constants and dictionaries are worked on once per value.

pub mod arithmetic;
pub mod boolean;
pub mod compare;
pub mod forms;
pub mod in_list;
pub mod min_max;
pub mod take;
