//! WITHIN GROUP (ORDER BY ..) after any aggregate.

use std::any::Any;

use arrow::array::UInt32Array;
use firn_column::{Array, Column};
use firn_types::{Result, SqlType};

use super::grouped::{boxed, compacted, partition_rows, same_kind};
pub use super::key::SortOrder;
use super::key::push_key;
use super::{Accumulator, AggregateBinding};

/// The same aggregate with its rows in an order: the binding takes one further argument for each key,
/// and the aggregate sees each group's rows sorted by them.
pub fn ordered(binding: AggregateBinding, keys: &[(SqlType, SortOrder)]) -> AggregateBinding {
    let inner = binding.clone();
    let mut arguments = binding.arguments.clone();
    arguments.extend(keys.iter().map(|(sql_type, _)| *sql_type));
    let keys = keys.to_vec();
    let create = std::sync::Arc::new(move || {
        Box::new(Ordered {
            inner: (inner.create)(),
            keys: keys.clone(),
            arguments: inner.arguments.len(),
            rows: Vec::new(),
            groups: 0,
        }) as Box<dyn Accumulator>
    });
    AggregateBinding { arguments, returns: binding.returns, create }
}

struct Ordered {
    inner: Box<dyn Accumulator>,
    keys: Vec<(SqlType, SortOrder)>,
    arguments: usize,
    /// All rows so far: their groups, and the arguments with the keys behind them.
    rows: Vec<(Vec<u32>, Vec<Column>)>,
    groups: usize,
}

impl Ordered {
    /// The groups and arguments of all rows, sorted by group and keys; equal ones as they came.
    fn sorted(&self) -> Result<(Vec<u32>, Vec<Column>)> {
        let groups: Vec<u32> = self.rows.iter().flat_map(|(groups, _)| groups).copied().collect();
        let width = self.arguments + self.keys.len();
        let mut columns = Vec::with_capacity(width);
        for position in 0..width {
            let parts: Vec<&Column> = self.rows.iter().map(|(_, row)| &row[position]).collect();
            columns.push(Column::concat(&parts)?);
        }
        let arrays: Vec<Array> = columns[self.arguments..].iter().map(Column::flat).collect();
        let mut keyed = Vec::with_capacity(groups.len());
        for (row, group) in groups.iter().enumerate() {
            let mut key = Vec::new();
            for (array, &(sql_type, order)) in arrays.iter().zip(&self.keys) {
                push_key(array, row, sql_type, order, &mut key)?;
            }
            keyed.push((*group, key, row as u32));
        }
        keyed.sort_unstable();
        let order = UInt32Array::from_iter_values(keyed.iter().map(|(_, _, row)| *row));
        let groups = keyed.into_iter().map(|(group, _, _)| group).collect();
        columns.truncate(self.arguments);
        Ok((groups, columns.iter().map(|column| column.take(&order)).collect()))
    }
}

impl Accumulator for Ordered {
    fn resize(&mut self, groups: usize) {
        self.groups = groups;
    }

    fn update(&mut self, groups: &[u32], arguments: &[Column]) -> Result<()> {
        if !groups.is_empty() {
            let arguments = arguments.iter().map(compacted).collect();
            self.rows.push((groups.to_vec(), arguments));
        }
        Ok(())
    }

    fn merge(&mut self, other: Box<dyn Accumulator>, groups: &[u32]) -> Result<()> {
        let other: Ordered = same_kind(other)?;
        for (mut rows, arguments) in other.rows {
            rows.iter_mut().for_each(|group| *group = groups[*group as usize]);
            self.rows.push((rows, arguments));
        }
        Ok(())
    }

    fn split(self: Box<Self>, parts: &[u32], count: usize) -> Result<Vec<Box<dyn Accumulator>>> {
        let mut sizes = vec![0; count];
        parts.iter().for_each(|&part| sizes[part as usize] += 1);
        let (keys, arguments) = (&self.keys, self.arguments);
        // Until the end the inner accumulator has no group.
        let inner = self.inner.split(&[], count)?.into_iter().zip(sizes);
        let mut split: Vec<Ordered> = inner
            .map(|(inner, groups)| Ordered {
                inner,
                keys: keys.clone(),
                arguments,
                rows: Vec::new(),
                groups,
            })
            .collect();
        for (groups, columns) in self.rows {
            let partitioned = partition_rows(&groups, &columns, parts, count);
            split.iter_mut().zip(partitioned).for_each(|(part, rows)| part.rows.push(rows));
        }
        Ok(boxed(split.into_iter()))
    }

    fn finish(mut self: Box<Self>) -> Result<Column> {
        self.inner.resize(self.groups);
        if !self.rows.is_empty() {
            let (groups, arguments) = self.sorted()?;
            self.rows.clear();
            self.inner.update(&groups, &arguments)?;
        }
        self.inner.finish()
    }

    fn memory_bytes(&self) -> usize {
        let rows = self.rows.iter().map(|(groups, columns)| {
            let columns: usize = columns.iter().map(Column::memory_bytes).sum();
            groups.capacity() * size_of::<u32>() + columns
        });
        self.inner.memory_bytes() + rows.sum::<usize>()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
