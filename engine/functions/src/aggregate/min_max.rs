//! MIN and MAX.

use std::any::Any;
use std::cmp::Ordering;

use arrow::array::{BinaryViewBuilder, BooleanArray, Float64Array, StringViewBuilder};
use arrow::buffer::NullBuffer;
use firn_column::{Array, Column, kernels};
use firn_types::variant::{Variant, compare};
use firn_types::{Error, Result, SqlType};

use super::grouped::{boxed, partition, same_kind};
use super::key::{float_bits, float_of_bits};
use super::{Accumulator, AggregateBinding, AggregateFunction, CATEGORY};
use crate::driver::Output;
use crate::meaning::AggregateMeaning;
use crate::signature::wrong_types;
use crate::{Argument, Arity, Documentation, Example};

/// MIN(value)
pub(crate) const MIN: AggregateFunction = AggregateFunction::new(
    "MIN",
    Arity::exactly(1),
    |arguments| bind("MIN", arguments, Ordering::Less),
    Documentation::of(
        CATEGORY,
        "The least of the values that are not NULL; NULL when there is none.",
        &[Example::of("MIN('a')", "a"), Example::of("MIN(NULL)", "NULL")],
    ),
)
.with_distinct()
.with_meaning(AggregateMeaning::Least);

/// MAX(value)
pub(crate) const MAX: AggregateFunction = AggregateFunction::new(
    "MAX",
    Arity::exactly(1),
    |arguments| bind("MAX", arguments, Ordering::Greater),
    Documentation::of(
        CATEGORY,
        "The greatest of the values that are not NULL; NULL when there is none.",
        &[Example::of("MAX(2.5)", "2.5")],
    ),
)
.with_distinct()
.with_meaning(AggregateMeaning::Greatest);

fn bind(name: &str, arguments: &[Argument], wanted: Ordering) -> Result<AggregateBinding> {
    let input = arguments[0].sql_type;
    match input {
        SqlType::Object | SqlType::Array | SqlType::Structured(_) | SqlType::Vector { .. } => {
            Err(wrong_types(name, arguments))
        }
        SqlType::Varchar { .. } | SqlType::Binary { .. } | SqlType::Variant => {
            AggregateBinding::new(vec![input], input, move || ByteExtremes {
                best: Vec::new(),
                heap_bytes: 0,
                sql_type: input,
                wanted,
            })
        }
        _ => AggregateBinding::new(vec![input], input, move || FixedExtremes {
            best: Best::EncodedColumn(Vec::new()),
            seen: Vec::new(),
            sql_type: input,
            wanted,
        }),
    }
}

/// Extremes of everything that is a number inside: floating-point numbers as bits that sort as they
/// do, truth values as 0 and 1.
struct FixedExtremes {
    best: Best,
    seen: Vec<bool>,
    sql_type: SqlType,
    wanted: Ordering,
}

/// The best value of each group; in 128 bits once there was a batch of that width.
enum Best {
    EncodedColumn(Vec<i64>),
    Wide(Vec<i128>),
}

/// A number that no value is worse than.
fn worst(wanted: Ordering) -> (i64, i128) {
    if wanted == Ordering::Less { (i64::MAX, i128::MAX) } else { (i64::MIN, i128::MIN) }
}

fn bits_as_integer(value: f64) -> i64 {
    (float_bits(value) ^ (1 << 63)) as i64
}

/// Takes each value that is not NULL into the best one of its group.
macro_rules! better_each {
    ($self:expr, $best:expr, $groups:expr, $values:expr, $nulls:expr) => {{
        let (best, values) = ($best, $values);
        let less = $self.wanted == Ordering::Less;
        let mut take = |row: usize| {
            let slot = &mut best[$groups[row] as usize];
            let value = values(row);
            *slot = if less { value.min(*slot) } else { value.max(*slot) };
        };
        match $nulls {
            None => (0..$groups.len()).for_each(&mut take),
            Some(nulls) => nulls.valid_indices().for_each(&mut take),
        }
    }};
}

impl FixedExtremes {
    fn widen(&mut self) {
        if let Best::EncodedColumn(narrow) = &self.best {
            let worst = worst(self.wanted).1;
            let seen = self.seen.iter();
            let wide =
                narrow.iter().zip(seen).map(|(&v, &s)| if s { i128::from(v) } else { worst });
            self.best = Best::Wide(wide.collect());
        }
    }

    /// Takes one value, which is the best of many rows.
    fn take(&mut self, group: usize, value: i128) {
        if i64::try_from(value).is_err() {
            self.widen();
        }
        let less = self.wanted == Ordering::Less;
        self.seen[group] = true;
        match &mut self.best {
            Best::EncodedColumn(best) => {
                let (slot, value) = (&mut best[group], value as i64);
                *slot = if less { value.min(*slot) } else { value.max(*slot) };
            }
            Best::Wide(best) => {
                let slot = &mut best[group];
                *slot = if less { value.min(*slot) } else { value.max(*slot) };
            }
        }
    }

    fn mark(&mut self, groups: &[u32], nulls: Option<&NullBuffer>) {
        match nulls {
            None => groups.iter().for_each(|&group| self.seen[group as usize] = true),
            Some(nulls) => {
                nulls.valid_indices().for_each(|row| self.seen[groups[row] as usize] = true);
            }
        }
    }
}

impl Accumulator for FixedExtremes {
    fn resize(&mut self, groups: usize) {
        let (narrow, wide) = worst(self.wanted);
        match &mut self.best {
            Best::EncodedColumn(best) => best.resize(groups, narrow),
            Best::Wide(best) => best.resize(groups, wide),
        }
        self.seen.resize(groups, false);
    }

    fn update(&mut self, groups: &[u32], arguments: &[Column]) -> Result<()> {
        let values = arguments[0].flat();
        if matches!(values, Array::I128(_)) {
            self.widen();
        }
        let nulls = values.nulls();
        match (&mut self.best, &values) {
            (Best::EncodedColumn(best), Array::I32(a)) => {
                better_each!(self, best, groups, |row: usize| i64::from(a.value(row)), nulls);
            }
            (Best::EncodedColumn(best), Array::I64(a)) => {
                better_each!(self, best, groups, |row: usize| a.value(row), nulls);
            }
            (Best::EncodedColumn(best), Array::F64(a)) => {
                better_each!(self, best, groups, |row: usize| bits_as_integer(a.value(row)), nulls);
            }
            (Best::EncodedColumn(best), Array::Bool(a)) => {
                better_each!(self, best, groups, |row: usize| i64::from(a.value(row)), nulls);
            }
            (Best::Wide(best), values) if values.physical().is_integer() => {
                better_each!(self, best, groups, |row: usize| values.integer(row), nulls);
            }
            (_, other) => return Err(wrong_form(other)),
        }
        self.mark(groups, nulls);
        Ok(())
    }

    fn update_all(&mut self, rows: usize, arguments: &[Column]) -> Result<()> {
        let values = arguments[0].flat();
        if !values.physical().is_integer() {
            return self.update(&vec![0; rows], arguments);
        }
        if let Some((low, high)) = kernels::min_max::integer_range(&values) {
            self.take(0, if self.wanted == Ordering::Less { low } else { high });
        }
        Ok(())
    }

    fn merge(&mut self, other: Box<dyn Accumulator>, groups: &[u32]) -> Result<()> {
        let other: FixedExtremes = same_kind(other)?;
        for (from, &group) in groups.iter().enumerate() {
            if other.seen[from] {
                let value = match &other.best {
                    Best::EncodedColumn(best) => i128::from(best[from]),
                    Best::Wide(best) => best[from],
                };
                self.take(group as usize, value);
            }
        }
        Ok(())
    }

    fn split(self: Box<Self>, parts: &[u32], count: usize) -> Result<Vec<Box<dyn Accumulator>>> {
        let FixedExtremes { best, seen, sql_type, wanted } = *self;
        let best: Vec<Best> = match best {
            Best::EncodedColumn(best) => {
                partition(best, parts, count).into_iter().map(Best::EncodedColumn).collect()
            }
            Best::Wide(best) => partition(best, parts, count).into_iter().map(Best::Wide).collect(),
        };
        let parts = best.into_iter().zip(partition(seen, parts, count));
        Ok(boxed(parts.map(|(best, seen)| FixedExtremes { best, seen, sql_type, wanted })))
    }

    fn finish(self: Box<Self>) -> Result<Column> {
        let FixedExtremes { best, seen, sql_type, .. } = *self;
        let any_empty = seen.contains(&false);
        let nulls = any_empty.then(|| NullBuffer::from(seen));
        let array = match (best, sql_type) {
            (Best::EncodedColumn(best), SqlType::Float) => {
                let floats = best.iter().map(|&bits| float_of_bits(bits as u64 ^ (1 << 63)));
                Array::F64(Float64Array::new(floats.collect(), nulls))
            }
            (Best::EncodedColumn(best), SqlType::Boolean | SqlType::Null) => {
                let flags = best.iter().map(|&flag| flag > 0).collect();
                Array::Bool(BooleanArray::new(flags, nulls))
            }
            (Best::EncodedColumn(best), SqlType::Date) => {
                i32::array(best.iter().map(|&day| day as i32).collect(), nulls)
            }
            (Best::EncodedColumn(best), SqlType::TimestampTz { .. }) => {
                i128::array(best.into_iter().map(i128::from).collect(), nulls)
                    .widened(firn_column::PhysicalType::I128)
            }
            (Best::EncodedColumn(best), _) => i64::array(best, nulls),
            (Best::Wide(mut best), SqlType::TimestampTz { .. }) => {
                clear_unseen(&mut best, nulls.as_ref());
                i128::array(best, nulls).widened(firn_column::PhysicalType::I128)
            }
            (Best::Wide(mut best), _) => {
                clear_unseen(&mut best, nulls.as_ref());
                i128::array(best, nulls)
            }
        };
        Ok(Column::Flat(array))
    }

    fn memory_bytes(&self) -> usize {
        let best = match &self.best {
            Best::EncodedColumn(best) => best.capacity() * size_of::<i64>(),
            Best::Wide(best) => best.capacity() * size_of::<i128>(),
        };
        best + self.seen.capacity()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Groups without a value must not decide the answer's width.
fn clear_unseen(best: &mut [i128], nulls: Option<&NullBuffer>) {
    if let Some(nulls) = nulls {
        for (group, slot) in best.iter_mut().enumerate() {
            if nulls.is_null(group) {
                *slot = 0;
            }
        }
    }
}

fn wrong_form(array: &Array) -> Error {
    Error::internal(format!("an extreme of {:?}", array.physical()))
}

/// Extremes of texts, bytes and variants. A group's buffer is written only when a better value comes.
struct ByteExtremes {
    best: Vec<Option<Vec<u8>>>,
    heap_bytes: usize,
    sql_type: SqlType,
    wanted: Ordering,
}

impl ByteExtremes {
    fn order(&self, left: &[u8], right: &[u8]) -> Ordering {
        match self.sql_type {
            SqlType::Variant => compare::compare(Variant::new(left), Variant::new(right)),
            _ => left.cmp(right),
        }
    }

    fn take(&mut self, group: usize, value: &[u8]) {
        let better = match &self.best[group] {
            Some(best) => self.order(value, best) == self.wanted,
            None => true,
        };
        if better {
            let slot = self.best[group].get_or_insert_default();
            let before = slot.capacity();
            slot.clear();
            slot.extend_from_slice(value);
            self.heap_bytes += slot.capacity() - before;
        }
    }

    /// The best value of a batch that is one group.
    fn best_of<'a>(&self, values: impl Iterator<Item = &'a [u8]>) -> Option<&'a [u8]> {
        values
            .reduce(|best, value| if self.order(value, best) == self.wanted { value } else { best })
    }
}

impl Accumulator for ByteExtremes {
    fn resize(&mut self, groups: usize) {
        self.best.resize(groups, None);
    }

    fn update(&mut self, groups: &[u32], arguments: &[Column]) -> Result<()> {
        match &arguments[0].flat() {
            Array::Text(a) => {
                for (value, &group) in a.iter().zip(groups) {
                    value.into_iter().for_each(|v| self.take(group as usize, v.as_bytes()));
                }
            }
            Array::Bytes(a) => {
                for (value, &group) in a.iter().zip(groups) {
                    value.into_iter().for_each(|v| self.take(group as usize, v));
                }
            }
            other => return Err(wrong_form(other)),
        }
        Ok(())
    }

    fn update_all(&mut self, _: usize, arguments: &[Column]) -> Result<()> {
        let values = arguments[0].flat();
        let best = match &values {
            Array::Text(a) => self.best_of(a.iter().flatten().map(str::as_bytes)),
            Array::Bytes(a) => self.best_of(a.iter().flatten()),
            other => return Err(wrong_form(other)),
        };
        best.into_iter().for_each(|value| self.take(0, value));
        Ok(())
    }

    fn merge(&mut self, other: Box<dyn Accumulator>, groups: &[u32]) -> Result<()> {
        let other: ByteExtremes = same_kind(other)?;
        for (best, &group) in other.best.iter().zip(groups) {
            best.iter().for_each(|value| self.take(group as usize, value));
        }
        Ok(())
    }

    fn split(self: Box<Self>, parts: &[u32], count: usize) -> Result<Vec<Box<dyn Accumulator>>> {
        let ByteExtremes { best, heap_bytes, sql_type, wanted } = *self;
        let heap_bytes = heap_bytes / count.max(1);
        let parts = partition(best, parts, count).into_iter();
        Ok(boxed(parts.map(|best| ByteExtremes { best, heap_bytes, sql_type, wanted })))
    }

    fn finish(self: Box<Self>) -> Result<Column> {
        bytes_column(&self.best, self.sql_type)
    }

    fn memory_bytes(&self) -> usize {
        self.best.capacity() * size_of::<Option<Vec<u8>>>() + self.heap_bytes
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// A column of texts or of bytes, whichever the type is made of.
///
/// # Errors
/// An internal error when a text's bytes are no UTF-8.
pub(crate) fn bytes_column(values: &[Option<Vec<u8>>], sql_type: SqlType) -> Result<Column> {
    if !matches!(sql_type, SqlType::Varchar { .. }) {
        let mut builder = BinaryViewBuilder::with_capacity(values.len());
        values.iter().for_each(|value| builder.append_option(value.as_deref()));
        return Ok(Column::Flat(Array::Bytes(builder.finish())));
    }
    let mut builder = StringViewBuilder::with_capacity(values.len());
    for value in values {
        let text = value.as_deref().map(std::str::from_utf8).transpose();
        builder.append_option(text.map_err(|_| Error::internal("a text that is not UTF-8"))?);
    }
    Ok(Column::Flat(Array::Text(builder.finish())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use firn_types::Value;

    fn extreme(function: &AggregateFunction, sql_type: SqlType, values: &[Value]) -> Result<Value> {
        let binding = (function.bind)(&[Argument::of(sql_type)])?;
        let mut grouped = (binding.create)();
        grouped.resize(2);
        let mut all = (binding.create)();
        all.resize(1);
        for value in values {
            let column = Column::constant(value, sql_type, 1)?;
            grouped.update(&[1], std::slice::from_ref(&column))?;
            all.update_all(1, &[Column::Flat(column.flat())])?;
        }
        let answers = grouped.finish()?;
        assert!(answers.is_null(0));
        let answer = answers.value(1, sql_type);
        let same = all.finish()?.value(0, sql_type);
        assert_eq!(format!("{same:?}"), format!("{answer:?}"));
        Ok(answer)
    }

    #[test]
    fn extremes_of_every_form() -> Result<()> {
        let floats: Vec<Value> = [2.0, f64::NAN, -1.5].into_iter().map(Value::Float).collect();
        assert_eq!(extreme(&MIN, SqlType::Float, &floats)?, Value::Float(-1.5));
        let max = extreme(&MAX, SqlType::Float, &floats)?;
        assert!(matches!(max, Value::Float(f) if f.is_nan()));
        let numbers: Vec<Value> =
            [5, i128::MAX, -7, 1 << 40].into_iter().map(Value::integer).collect();
        assert_eq!(extreme(&MIN, SqlType::INTEGER, &numbers)?, Value::integer(-7));
        assert_eq!(extreme(&MAX, SqlType::INTEGER, &numbers)?, Value::integer(i128::MAX));
        let texts: Vec<Value> = ["b", "", "ab"].into_iter().map(Value::text).collect();
        assert_eq!(extreme(&MIN, SqlType::TEXT, &texts)?, Value::text(""));
        assert_eq!(extreme(&MAX, SqlType::TEXT, &texts)?, Value::text("b"));
        let flags = [Value::Boolean(true), Value::Null, Value::Boolean(false)];
        assert_eq!(extreme(&MIN, SqlType::Boolean, &flags)?, Value::Boolean(false));
        assert_eq!(extreme(&MAX, SqlType::Date, &[Value::Date(-3), Value::Null])?, Value::Date(-3));
        Ok(())
    }
}
