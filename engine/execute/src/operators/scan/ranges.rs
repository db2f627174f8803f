//! What the conditions say of single columns, asked of their narrow form before anything is widened.
//!
//! Of what follows from the conditions, the ranges of integers are asked of packed columns. Where few rows
//! are left, only those are widened and filtered; where most are, the ranges are soon asked no more.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use firn_column::{IntegerTest, Selection};
use firn_storage::{Chunks, ReadColumn};
use firn_types::scan_predicate::{Comparison, ScanPredicate};
use firn_types::{ColumnPath, Value};

/// Rows after which it is decided whether asking pays.
const TRIAL_ROWS: u64 = 1 << 16;
/// Rows are filtered one by one when fewer than one in so many is left.
const SPARSE: usize = 4;

/// Ranges that every wanted row's values lie in, or outside of.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    ranges: Vec<ColumnRange>,
    asked: AtomicU64,
    passed: AtomicU64,
}

#[derive(Debug)]
struct ColumnRange {
    /// Position among the columns that are filtered by.
    position: usize,
    test: IntegerTest,
}

impl Ranges {
    /// The ranges that a predicate names of these columns.
    pub(super) fn of(predicate: &ScanPredicate, columns: &[ReadColumn]) -> Ranges {
        let mut ranges: Vec<ColumnRange> = Vec::new();
        let mut waiting = vec![predicate];
        while let Some(predicate) = waiting.pop() {
            if let ScanPredicate::And(parts) = predicate {
                waiting.extend(parts);
                continue;
            }
            let Some((column, test)) = test_of(predicate) else { continue };
            let Some(position) = columns.iter().position(|read| read.column == *column) else {
                continue;
            };
            let meets =
                |range: &&mut ColumnRange| range.position == position && !range.test.outside;
            match ranges.iter_mut().find(meets).filter(|_| !test.outside) {
                Some(range) => {
                    range.test.low = range.test.low.max(test.low);
                    range.test.high = range.test.high.min(test.high);
                }
                None => ranges.push(ColumnRange { position, test }),
            }
        }
        Ranges { ranges, ..Ranges::default() }
    }

    /// The rows, counted from the first of them, that may be wanted.
    pub(super) fn passing(&self, chunks: &Chunks, rows: &Range<usize>) -> Selection {
        if self.ranges.is_empty() || self.is_idle() {
            return Selection::All;
        }
        let mut passing = Selection::All;
        for range in &self.ranges {
            let column = chunks.column(range.position);
            if let Some(found) = column.passing(rows, &range.test) {
                passing = passing.within(&found);
            }
        }
        let count = passing.count(rows.len());
        self.asked.fetch_add(rows.len() as u64, Ordering::Relaxed);
        self.passed.fetch_add(count as u64, Ordering::Relaxed);
        passing
    }

    /// Whether too many rows pass for asking to pay.
    fn is_idle(&self) -> bool {
        let asked = self.asked.load(Ordering::Relaxed);
        asked >= TRIAL_ROWS && self.passed.load(Ordering::Relaxed) * SPARSE as u64 > asked
    }
}

/// Whether so few of the rows may be wanted that these are better filtered one by one.
pub(super) fn are_few(passing: &Selection, rows: usize) -> bool {
    passing.count(rows) * SPARSE < rows
}

/// What a column's integers are asked.
fn test_of(predicate: &ScanPredicate) -> Option<(&ColumnPath, IntegerTest)> {
    let test = |low, high| IntegerTest { low, high, outside: false };
    Some(match predicate {
        ScanPredicate::Compare { column, operator, value } => {
            let value = integer(value)?;
            let test = match operator {
                Comparison::Equal => test(value, value),
                Comparison::NotEqual => IntegerTest { outside: true, ..test(value, value) },
                Comparison::Less => test(i128::MIN, value.checked_sub(1)?),
                Comparison::LessOrEqual => test(i128::MIN, value),
                Comparison::Greater => test(value.checked_add(1)?, i128::MAX),
                Comparison::GreaterOrEqual => test(value, i128::MAX),
            };
            (column, test)
        }
        ScanPredicate::In { column, values } => {
            let values: Vec<i128> = values.iter().map(integer).collect::<Option<_>>()?;
            (column, test(values.iter().min().copied()?, values.iter().max().copied()?))
        }
        _ => return None,
    })
}

/// The integer that an array holds for the value, whose scale is the column's.
fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Number(decimal) => Some(decimal.unscaled),
        Value::Date(days) => Some(i128::from(*days)),
        Value::Time(nanoseconds) => Some(i128::from(*nanoseconds)),
        Value::Timestamp(nanoseconds) => Some(*nanoseconds),
        _ => None,
    }
}
