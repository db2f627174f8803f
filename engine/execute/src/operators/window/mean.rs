//! Means of all values so far, of rows that come by in segments.

use arrow::array::{Array as _, Float64Array};
use firn_column::column::integers;
use firn_column::{Array, Column};
use firn_types::decimal::divide_scaled;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::answer::SUM_MAX;

/// What the mean of all values so far is made of.
#[derive(Debug, Default)]
pub(super) struct RunningMean {
    exact: i128,
    float: f64,
    count: u64,
}

impl RunningMean {
    /// The means for a segment's rows of all values up to the end that each of them has, which lies in the segment;
    /// all the segment's values count from then on. `types` are those of the values and of the answers.
    pub(super) fn answers(
        &mut self,
        values: &Column,
        types: (SqlType, SqlType),
        end: impl Fn(usize) -> usize,
    ) -> Result<Column> {
        let values = values.flat();
        let rows = values.len();
        let mut next = 0;
        if let Array::F64(values) = &values {
            let mut answers = Vec::with_capacity(rows);
            for row in 0..rows {
                for at in next..end(row) {
                    if values.is_valid(at) {
                        self.float += values.value(at);
                        self.count += 1;
                    }
                }
                next = next.max(end(row));
                answers.push((self.count > 0).then(|| self.float / self.count as f64));
            }
            return Ok(Column::Flat(Array::F64(Float64Array::from(answers))));
        }
        let raise = types.1.scale().saturating_sub(types.0.scale());
        let mut answers = Vec::with_capacity(rows);
        for row in 0..rows {
            for at in (next..end(row)).filter(|at| !values.is_null(*at)) {
                let sum = self.exact.checked_add(values.integer(at));
                self.exact = sum.filter(|sum| sum.abs() < SUM_MAX).ok_or_else(out_of_range)?;
                self.count += 1;
            }
            next = next.max(end(row));
            let mean = || {
                let mean = divide_scaled(self.exact, i128::from(self.count), raise);
                mean.ok_or_else(out_of_range)
            };
            answers.push((self.count > 0).then(mean).transpose()?);
        }
        Ok(Column::Flat(integers(answers)))
    }
}

fn out_of_range() -> Error {
    Error::new(ErrorCode::NumberOverflow, "Number out of representable range")
}
