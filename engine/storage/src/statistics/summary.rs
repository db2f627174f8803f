//! What is known of a column over a whole table.

use std::sync::OnceLock;

use firn_types::Value;

use super::{ColumnStatistics, DistinctSketch, compare};
use crate::Partition;

/// What is known of a column over a whole table, merged from its micro-partitions.
#[derive(Clone, Debug)]
pub struct ColumnSummary {
    /// The least value or less; none when it is not known.
    pub min: Option<Value>,
    /// The greatest value or more; none when it is not known.
    pub max: Option<Value>,
    /// Whether `min` and `max` are exactly the least and greatest value, as MIN and MAX would say.
    pub exact: bool,
    /// Rows that are NULL in the partitions that have the column; deleted rows still count.
    pub null_count: u64,
    /// Rows of the partitions that have the column; deleted rows still count.
    pub rows: u64,
    /// The number of different values, about.
    pub distinct: DistinctSketch,
    /// Bytes of the column in all files.
    pub bytes: u64,
    /// Whether every partition that has values gave bounds.
    bounded: bool,
    /// What the sketch tells, once somebody asked.
    distinct_count: OnceLock<u64>,
}

impl Default for ColumnSummary {
    fn default() -> ColumnSummary {
        ColumnSummary {
            min: None,
            max: None,
            exact: true,
            null_count: 0,
            rows: 0,
            distinct: DistinctSketch::new(),
            bytes: 0,
            bounded: true,
            distinct_count: OnceLock::new(),
        }
    }
}

impl ColumnSummary {
    /// The number of different values, about.
    pub fn distinct_count(&self) -> u64 {
        let estimate = || self.distinct.estimate().min(self.rows.saturating_sub(self.null_count));
        *self.distinct_count.get_or_init(estimate)
    }

    /// Adds one partition's column.
    pub(crate) fn add(&mut self, column: &ColumnStatistics, partition: &Partition) {
        self.distinct_count.take();
        self.rows += partition.rows;
        self.null_count += column.null_count;
        self.bytes += column.bytes;
        self.distinct.merge(&column.distinct);
        if column.null_count == partition.rows {
            return;
        }
        self.exact &= column.exact && partition.deleted.is_none();
        self.bounded &= column.min.is_some() && column.max.is_some();
        self.widen(column.min.as_ref(), column.max.as_ref());
    }

    /// Adds what is known of further partitions.
    pub(crate) fn merge(&mut self, other: &ColumnSummary) {
        self.distinct_count.take();
        self.rows += other.rows;
        self.null_count += other.null_count;
        self.bytes += other.bytes;
        self.distinct.merge(&other.distinct);
        self.exact &= other.exact;
        self.bounded &= other.bounded;
        self.widen(other.min.as_ref(), other.max.as_ref());
    }

    fn widen(&mut self, min: Option<&Value>, max: Option<&Value>) {
        if self.bounded {
            further(&mut self.min, min, std::cmp::Ordering::Less);
            further(&mut self.max, max, std::cmp::Ordering::Greater);
        } else {
            (self.min, self.max, self.exact) = (None, None, false);
        }
    }
}

/// Takes over a value that lies further to the side that `wanted` says.
fn further(known: &mut Option<Value>, value: Option<&Value>, wanted: std::cmp::Ordering) {
    let Some(value) = value else { return };
    if known.as_ref().is_none_or(|known| compare(value, known) == Some(wanted)) {
        *known = Some(value.clone());
    }
}
