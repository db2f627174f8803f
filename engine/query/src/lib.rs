//! Queries: from text to an optimized plan.

pub mod bind;
pub mod optimize;
pub mod parse;
pub mod plan;
