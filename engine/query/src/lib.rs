//! Queries: from a syntax tree to an optimized plan.

pub mod bind;
pub mod optimize;
