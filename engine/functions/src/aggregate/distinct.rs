//! DISTINCT before the arguments of any aggregate.

use std::any::Any;

use arrow::array::UInt32Array;
use firn_column::{Array, Column};
use firn_types::{Result, SqlType};
use hashbrown::HashSet;

use super::grouped::{boxed, compacted, partition_rows, same_kind};
use super::key::{SortOrder, push_key};
use super::{Accumulator, AggregateBinding};

/// The same aggregate over distinct arguments: it passes on the first row of each group and arguments.
///
/// Argument lists with a NULL member count too, as one value each; the aggregate skips them itself.
pub fn distinct(binding: AggregateBinding) -> AggregateBinding {
    let inner = binding.clone();
    let create = std::sync::Arc::new(move || {
        Box::new(Distinct {
            inner: (inner.create)(),
            types: inner.arguments.clone(),
            narrow: HashSet::default(),
            seen: HashSet::default(),
            rows: Vec::new(),
            groups: 0,
            key_bytes: 0,
        }) as Box<dyn Accumulator>
    });
    AggregateBinding { create, ..binding }
}

struct Distinct {
    inner: Box<dyn Accumulator>,
    types: Vec<SqlType>,
    /// The group's number and the argument of every row that was passed on, for one whole number.
    narrow: HashSet<(u32, i64), rapidhash::fast::RandomState>,
    /// The group's number and the arguments' keys of every other row that was passed on.
    seen: HashSet<Box<[u8]>, rapidhash::fast::RandomState>,
    /// What was passed on, for a merge: the keys alone cannot be turned back into values.
    rows: Vec<(Vec<u32>, Vec<Column>)>,
    groups: usize,
    key_bytes: usize,
}

impl Distinct {
    /// The rows that are new.
    fn new_rows(&mut self, groups: &[u32], arguments: &[Column]) -> Result<Vec<u32>> {
        let arrays: Vec<Array> = arguments.iter().map(Column::flat).collect();
        let single = match (arrays.as_slice(), self.types.as_slice()) {
            ([array], [sql_type]) if is_plain_integer(array, *sql_type) => Some(array),
            _ => None,
        };
        let mut key = Vec::new();
        let mut new_rows = Vec::new();
        for (row, &group) in groups.iter().enumerate() {
            let number = single.filter(|array| !array.is_null(row)).map(|a| a.integer(row));
            if let Some(Ok(number)) = number.map(i64::try_from) {
                if self.narrow.insert((group, number)) {
                    new_rows.push(row as u32);
                }
                continue;
            }
            key.clear();
            key.extend(group.to_be_bytes());
            for (array, &sql_type) in arrays.iter().zip(&self.types) {
                push_key(array, row, sql_type, SortOrder::ASCENDING, &mut key)?;
            }
            if !self.seen.contains(key.as_slice()) {
                self.key_bytes += key.len() + size_of::<Box<[u8]>>();
                self.seen.insert(key.as_slice().into());
                new_rows.push(row as u32);
            }
        }
        Ok(new_rows)
    }
}

/// Whether equal values are equal integers.
fn is_plain_integer(array: &Array, sql_type: SqlType) -> bool {
    array.physical().is_integer() && !matches!(sql_type, SqlType::TimestampTz { .. })
}

impl Accumulator for Distinct {
    fn resize(&mut self, groups: usize) {
        self.groups = groups;
        self.inner.resize(groups);
    }

    fn update(&mut self, groups: &[u32], arguments: &[Column]) -> Result<()> {
        let new_rows = self.new_rows(groups, arguments)?;
        if new_rows.is_empty() {
            return Ok(());
        }
        let groups: Vec<u32> = new_rows.iter().map(|&row| groups[row as usize]).collect();
        let new_rows = UInt32Array::from(new_rows);
        let arguments: Vec<Column> =
            arguments.iter().map(|column| compacted(&column.take(&new_rows))).collect();
        self.inner.update(&groups, &arguments)?;
        self.rows.push((groups, arguments));
        Ok(())
    }

    fn merge(&mut self, other: Box<dyn Accumulator>, groups: &[u32]) -> Result<()> {
        let other: Distinct = same_kind(other)?;
        for (their_groups, arguments) in other.rows {
            let ours: Vec<u32> = their_groups.iter().map(|&group| groups[group as usize]).collect();
            self.update(&ours, &arguments)?;
        }
        Ok(())
    }

    fn split(self: Box<Self>, parts: &[u32], count: usize) -> Result<Vec<Box<dyn Accumulator>>> {
        let mut sizes = vec![0; count];
        parts.iter().for_each(|&part| sizes[part as usize] += 1);
        let inner = self.inner.split(parts, count)?.into_iter().zip(sizes);
        let mut split: Vec<Distinct> = inner
            .map(|(inner, groups)| Distinct {
                inner,
                types: self.types.clone(),
                narrow: HashSet::default(),
                seen: HashSet::default(),
                rows: Vec::new(),
                groups,
                key_bytes: 0,
            })
            .collect();
        for (groups, arguments) in self.rows {
            let partitioned = partition_rows(&groups, &arguments, parts, count);
            for (part, (groups, arguments)) in split.iter_mut().zip(partitioned) {
                // The inner accumulator already has them.
                part.new_rows(&groups, &arguments)?;
                part.rows.push((groups, arguments));
            }
        }
        Ok(boxed(split.into_iter()))
    }

    fn finish(self: Box<Self>) -> Result<Column> {
        self.inner.finish()
    }

    fn memory_bytes(&self) -> usize {
        let rows = self.rows.iter().flat_map(|(_, columns)| columns).map(Column::memory_bytes);
        let narrow = self.narrow.capacity() * size_of::<(u32, i64)>();
        self.inner.memory_bytes() + narrow + self.key_bytes + rows.sum::<usize>()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Argument;
    use crate::aggregate::count::COUNT;
    use firn_types::Value;

    #[test]
    fn a_split_keeps_every_group_and_goes_on_counting() -> Result<()> {
        let binding = distinct((COUNT.bind)(&[Argument::of(SqlType::INTEGER)])?);
        let column = |values: &[i64]| {
            let values: Vec<Value> = values.iter().map(|value| Value::integer(*value)).collect();
            Column::from_values(SqlType::INTEGER, &values)
        };
        let mut whole = (binding.create)();
        whole.resize(4);
        whole.update(&[0, 1, 2, 3, 1], &[column(&[7, 7, 8, 9, 6])?])?;
        let mut parts = whole.split(&[1, 0, 1, 0], 2)?;
        parts[0].update(&[0, 0, 1], &[column(&[7, 5, 5])?])?;
        let mut answers = Vec::new();
        for part in parts {
            let counts = part.finish()?.flat();
            answers.push((counts.integer(0), counts.integer(1)));
        }
        assert_eq!(answers, [(3, 2), (1, 1)]);
        Ok(())
    }

    #[test]
    fn whole_numbers_of_all_widths_count_once() -> Result<()> {
        let binding = distinct((COUNT.bind)(&[Argument::of(SqlType::INTEGER)])?);
        let mut count = (binding.create)();
        count.resize(1);
        for numbers in [[1, 2, i128::MAX], [2, 1 << 40, i128::MAX], [1 << 40, 1, 1]] {
            let numbers = numbers.map(Value::integer);
            count.update(&[0; 3], &[Column::from_values(SqlType::INTEGER, &numbers)?])?;
        }
        count.update(&[0], &[Column::nulls_of(SqlType::INTEGER, 1)])?;
        assert_eq!(count.finish()?.flat().integer(0), 4);
        Ok(())
    }

    #[test]
    fn distinct_counts_each_value_of_a_group_once_also_after_a_merge() -> Result<()> {
        let binding = distinct((COUNT.bind)(&[Argument::of(SqlType::TEXT)])?);
        let values = |texts: &[&str]| {
            let texts: Vec<Value> = texts.iter().map(|text| Value::text(*text)).collect();
            Column::from_values(SqlType::TEXT, &texts)
        };
        let mut first = (binding.create)();
        first.resize(2);
        first.update(&[0, 0, 1, 1], &[values(&["a", "a", "a", "b"])?])?;
        let mut second = (binding.create)();
        second.resize(1);
        second.update(&[0, 0], &[values(&["b", "c"])?])?;
        first.merge(second, &[1])?;
        let counts = first.finish()?.flat();
        assert_eq!((counts.integer(0), counts.integer(1)), (1, 3));
        Ok(())
    }
}
