//! Expressions and the functions they call.
//!
//! [`functions`] knows columns, types and constants, and never a bound expression; [`expr`] is the
//! bound expression that plans are made of, and evaluates it over batches by calling functions.

pub mod expr;
pub mod functions;

pub use expr::Expr;
