//! COUNT and COUNT_IF.

use std::any::Any;

use arrow::array::BooleanArray;
use arrow::buffer::NullBuffer;
use firn_column::{Array, Column, kernels};
use firn_types::{Error, Result, SqlType};

use super::grouped::{add_by_group, boxed, partition, same_kind};
use super::{Accumulator, AggregateBinding, AggregateFunction, CATEGORY};
use crate::driver::Output;
use crate::meaning::AggregateMeaning;
use crate::{Arity, Documentation, Example, accept};

/// COUNT(*), COUNT(value, ...)
pub(crate) const COUNT: AggregateFunction = AggregateFunction::new(
    "COUNT",
    Arity::at_least(0),
    |arguments| {
        let types = arguments.iter().map(|argument| argument.sql_type).collect();
        AggregateBinding::new(types, COUNT_TYPE, || Count { counts: Vec::new(), of: Of::Present })
    },
    Documentation::of(
        CATEGORY,
        "The number of rows in which no argument is NULL.",
        &[Example::of("COUNT(*)", "1"), Example::of("COUNT(NULL)", "0")],
    ),
)
.with_distinct()
.with_meaning(AggregateMeaning::Count);

/// COUNT_IF(condition)
pub(crate) const COUNT_IF: AggregateFunction = AggregateFunction::new(
    "COUNT_IF",
    Arity::exactly(1),
    |arguments| {
        let input = accept::boolean("COUNT_IF", arguments, 0)?;
        AggregateBinding::new(vec![input], COUNT_TYPE, || Count {
            counts: Vec::new(),
            of: Of::True,
        })
    },
    Documentation::of(
        CATEGORY,
        "The number of rows for which a condition is TRUE.",
        &[Example::of("COUNT_IF(1 < 2)", "1"), Example::of("COUNT_IF(NULL)", "0")],
    ),
)
.with_meaning(AggregateMeaning::CountIf);

const COUNT_TYPE: SqlType = SqlType::Number { precision: 18, scale: 0 };

struct Count {
    counts: Vec<i64>,
    of: Of,
}

/// Which rows are counted.
#[derive(Clone, Copy)]
enum Of {
    /// Those without a NULL argument.
    Present,
    /// Those whose argument is TRUE.
    True,
}

impl Count {
    /// The rows that count; none when all do.
    fn chosen(&self, arguments: &[Column]) -> Result<Option<NullBuffer>> {
        if let Of::Present = self.of {
            return Ok(arguments.iter().fold(None, |sum: Option<NullBuffer>, column| {
                NullBuffer::union(sum.as_ref(), column.nulls().as_ref())
            }));
        }
        match arguments.first().map(Column::flat) {
            Some(Array::Bool(flags)) => Ok(Some(truths(&flags))),
            _ => Err(Error::internal("COUNT_IF of what is no BOOLEAN")),
        }
    }
}

/// The TRUE rows of a BOOLEAN array.
fn truths(flags: &BooleanArray) -> NullBuffer {
    NullBuffer::new(kernels::boolean::truths(flags))
}

impl Accumulator for Count {
    fn resize(&mut self, groups: usize) {
        self.counts.resize(groups, 0);
    }

    fn update(&mut self, groups: &[u32], arguments: &[Column]) -> Result<()> {
        match self.chosen(arguments)? {
            None => add_by_group(&mut self.counts, groups, |_| 1),
            Some(chosen) => {
                add_by_group(&mut self.counts, groups, |row| i64::from(chosen.is_valid(row)));
            }
        }
        Ok(())
    }

    fn update_all(&mut self, rows: usize, arguments: &[Column]) -> Result<()> {
        let skipped = self.chosen(arguments)?.map_or(0, |chosen| chosen.null_count());
        self.counts[0] += (rows - skipped) as i64;
        Ok(())
    }

    fn merge(&mut self, other: Box<dyn Accumulator>, groups: &[u32]) -> Result<()> {
        let other: Count = same_kind(other)?;
        for (count, &group) in other.counts.iter().zip(groups) {
            self.counts[group as usize] += count;
        }
        Ok(())
    }

    fn split(self: Box<Self>, parts: &[u32], count: usize) -> Result<Vec<Box<dyn Accumulator>>> {
        let of = self.of;
        let partitioned = partition(self.counts, parts, count).into_iter();
        Ok(boxed(partitioned.map(|counts| Count { counts, of })))
    }

    fn finish(self: Box<Self>) -> Result<Column> {
        Ok(Column::Flat(i64::array(self.counts, None)))
    }

    fn memory_bytes(&self) -> usize {
        self.counts.capacity() * size_of::<i64>()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
