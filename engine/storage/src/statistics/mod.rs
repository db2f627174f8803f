//! What is known of a column without reading it: least and greatest value, NULLs, distinct values.

mod gather;
mod order;
mod sketch;
mod summary;

use firn_types::{ColumnPath, Value};

pub(crate) use gather::{Gathering, integer_bounds};
pub use order::compare;
pub use sketch::DistinctSketch;
pub use summary::ColumnSummary;

/// Bytes of a text that bounds keep; a longer one is cut, and the upper bound raised.
pub const BOUND_BYTES_MAX: usize = 64;

/// What is known of one column of one micro-partition, over all rows of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnStatistics {
    /// The column, or the path of a sub-column.
    pub column: ColumnPath,
    /// The least value that is not NULL, or less than it; none when there is no value or no order.
    pub min: Option<Value>,
    /// The greatest value that is not NULL, or more than it; NaN is the greatest FLOAT.
    pub max: Option<Value>,
    /// Whether `min` and `max` are values of the column and not just bounds.
    pub exact: bool,
    /// Rows that are NULL.
    pub null_count: u64,
    /// The number of different values, about.
    pub distinct: DistinctSketch,
    /// Bytes of the column in the file.
    pub bytes: u64,
}
