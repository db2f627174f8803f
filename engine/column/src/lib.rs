//! Columns and batches: what flows between the operators of a query.
//!
//! Reading order: [`Array`] holds the values of one column in one of seven physical forms; [`Column`]
//! is an array as it stands, one value repeated, or codes into a dictionary; [`Batch`] is columns of
//! equal length; [`EncodedColumn`] is a column as a cache keeps it. The kernels work on whole columns and
//! dispatch on the form once per batch.
//!
//! Which [`Array`] a SQL type uses is decided by [`PhysicalType`], and only there.

pub mod array;
pub mod batch;
pub mod builder;
pub mod column;
pub mod encoded;
pub mod kernels;
pub mod physical;
pub mod record_batch;
pub mod row_key;
pub mod selection;
pub mod vary_forms;

pub use array::Array;
pub use batch::Batch;
pub use builder::RowsBuilder;
pub use column::Column;
pub use encoded::{EncodedColumn, IntegerTest};
pub use physical::PhysicalType;
pub use selection::Selection;
