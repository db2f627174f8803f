//! Queries: from text to an optimized plan.

pub mod parse;
pub mod plan;
