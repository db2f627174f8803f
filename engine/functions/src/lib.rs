//! The built-in functions.
//!
//! To add a scalar function: write one file in the folder of its theme with one constant
//! [`ScalarFunction`] (name, aliases, documentation with examples, arity, binding rule) and the row
//! function below it, and name the constant in the folder's list. Nothing else changes: SHOW FUNCTIONS,
//! completion, error messages and the test of all documented examples read the same constant.

pub(crate) mod accept;
pub mod aggregate;
mod bitmap;
pub mod cast;
pub(crate) mod collator;
pub mod context;
pub mod documentation;
pub(crate) mod driver;
pub mod foreign;
pub mod foreign_session;
mod lists;
mod matched_rows;
pub mod meaning;
pub mod registry;
pub mod row_pattern;
pub mod scalar;
pub mod signature;
mod sketch;
pub mod table;
#[cfg(test)]
pub(crate) mod test_call;
pub(crate) mod text_buffer;
pub mod window;

pub use aggregate::{Accumulator, AggregateBinding, AggregateFunction};
pub use context::{FunctionContext, FunctionHost};
pub use documentation::{Documentation, Example};
pub use foreign::{ForeignFunction, ForeignProcessor, ForeignReturns, Processed};
pub use foreign_session::{ForeignRows, ForeignSession, StatementFailed};
pub use meaning::{AggregateMeaning, Meaning, WindowMeaning};
pub use scalar::{Call, Kernel, NullRule, ScalarBinding, ScalarFunction};
pub use signature::{Argument, Arity, Signature, Volatility};
pub use table::{TableBinding, TableFunction};
pub use window::{WindowBinding, WindowFunction, WindowInput};
