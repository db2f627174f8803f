//! ANY_VALUE: the first value that comes.

use std::any::Any;

use firn_column::Column;
use firn_types::{Result, SqlType, Value};

use super::grouped::{boxed, partition, same_kind};
use super::{Accumulator, AggregateBinding, AggregateFunction, CATEGORY};
use crate::meaning::AggregateMeaning;
use crate::{Arity, Documentation, Example};

/// ANY_VALUE(value)
pub(crate) const ANY_VALUE: AggregateFunction = AggregateFunction::new(
    "ANY_VALUE",
    Arity::exactly(1),
    |arguments| {
        let input = arguments[0].sql_type;
        AggregateBinding::new(vec![input], input, move || AnyValue {
            values: Vec::new(),
            heap_bytes: 0,
            sql_type: input,
        })
    },
    Documentation::of(
        CATEGORY,
        "Some value of the group, not NULL if there is one.",
        &[Example::of("ANY_VALUE('a')", "a")],
    ),
)
.with_distinct()
.with_meaning(AggregateMeaning::Any);

struct AnyValue {
    values: Vec<Value>,
    heap_bytes: usize,
    sql_type: SqlType,
}

/// About how many bytes a value holds beside itself.
pub(crate) fn heap_bytes(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Binary(bytes) | Value::Variant(bytes) => bytes.len(),
        _ => 0,
    }
}

impl AnyValue {
    fn take(&mut self, group: u32, column: &Column, row: usize) {
        let slot = &mut self.values[group as usize];
        if slot.is_null() && !column.is_null(row) {
            *slot = column.value(row, self.sql_type);
            self.heap_bytes += heap_bytes(slot);
        }
    }
}

impl Accumulator for AnyValue {
    fn resize(&mut self, groups: usize) {
        self.values.resize(groups, Value::Null);
    }

    fn update(&mut self, groups: &[u32], arguments: &[Column]) -> Result<()> {
        for (row, &group) in groups.iter().enumerate() {
            self.take(group, &arguments[0], row);
        }
        Ok(())
    }

    fn update_all(&mut self, rows: usize, arguments: &[Column]) -> Result<()> {
        if self.values[0].is_null() {
            (0..rows)
                .find(|&row| !arguments[0].is_null(row))
                .into_iter()
                .for_each(|row| self.take(0, &arguments[0], row));
        }
        Ok(())
    }

    fn merge(&mut self, other: Box<dyn Accumulator>, groups: &[u32]) -> Result<()> {
        let other: AnyValue = same_kind(other)?;
        self.heap_bytes += other.heap_bytes;
        for (value, &group) in other.values.into_iter().zip(groups) {
            let slot = &mut self.values[group as usize];
            if slot.is_null() {
                *slot = value;
            }
        }
        Ok(())
    }

    fn split(self: Box<Self>, parts: &[u32], count: usize) -> Result<Vec<Box<dyn Accumulator>>> {
        let AnyValue { values, heap_bytes, sql_type } = *self;
        let heap_bytes = heap_bytes / count.max(1);
        let parts = partition(values, parts, count).into_iter();
        Ok(boxed(parts.map(|values| AnyValue { values, heap_bytes, sql_type })))
    }

    fn finish(self: Box<Self>) -> Result<Column> {
        Column::from_values(self.sql_type, &self.values)
    }

    fn memory_bytes(&self) -> usize {
        self.values.capacity() * size_of::<Value>() + self.heap_bytes
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
