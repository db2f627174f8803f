//! Queries: from a syntax tree to an optimized plan.

pub mod bind;
pub(crate) mod collation;
pub mod optimize;
