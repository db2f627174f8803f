//! Accumulators made of one state per group.
//!
//! An aggregate that is not worth loops of its own implements [`Fold`]; the frequent ones (COUNT, SUM,
//! AVG, MIN, MAX) are accumulators by themselves.

use std::any::Any;
use std::sync::Arc;

use arrow::array::UInt32Array;
use firn_column::Column;
use firn_types::{Error, Result};

use super::Accumulator;

/// How the state of one group takes rows in.
pub(crate) trait Fold: Send + Sync + 'static {
    /// What is known of a group.
    type State: Send + 'static;

    /// The state of a group without rows.
    fn start(&self) -> Self::State;

    /// Takes one batch: row `i` belongs to `states[groups[i]]`. Adds to `heap` the bytes by which
    /// states grew outside of themselves.
    fn update(
        &self,
        states: &mut [Self::State],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()>;

    /// Adds a state to another.
    fn merge(&self, into: &mut Self::State, from: Self::State) -> Result<()>;

    /// The answers of all groups.
    fn finish(&self, states: Vec<Self::State>) -> Result<Column>;
}

/// The accumulator of a [`Fold`].
pub(crate) struct Folded<F: Fold> {
    fold: Arc<F>,
    states: Vec<F::State>,
    heap_bytes: usize,
}

impl<F: Fold> Folded<F> {
    /// An accumulator without any group.
    pub(crate) fn new(fold: F) -> Folded<F> {
        Folded { fold: Arc::new(fold), states: Vec::new(), heap_bytes: 0 }
    }
}

impl<F: Fold> Accumulator for Folded<F> {
    fn resize(&mut self, groups: usize) {
        let fold = &self.fold;
        self.states.resize_with(groups, || fold.start());
    }

    fn update(&mut self, groups: &[u32], arguments: &[Column]) -> Result<()> {
        self.fold.update(&mut self.states, groups, arguments, &mut self.heap_bytes)
    }

    fn merge(&mut self, other: Box<dyn Accumulator>, groups: &[u32]) -> Result<()> {
        let other: Self = same_kind(other)?;
        self.heap_bytes += other.heap_bytes;
        for (state, &group) in other.states.into_iter().zip(groups) {
            self.fold.merge(&mut self.states[group as usize], state)?;
        }
        Ok(())
    }

    fn split(self: Box<Self>, parts: &[u32], count: usize) -> Result<Vec<Box<dyn Accumulator>>> {
        let heap_bytes = self.heap_bytes / count.max(1);
        let fold = &self.fold;
        let part = |states| Folded { fold: Arc::clone(fold), states, heap_bytes };
        Ok(boxed(partition(self.states, parts, count).into_iter().map(part)))
    }

    fn finish(self: Box<Self>) -> Result<Column> {
        self.fold.finish(self.states)
    }

    fn memory_bytes(&self) -> usize {
        self.states.capacity() * size_of::<F::State>() + self.heap_bytes
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// The values of all groups partitioned to the parts that the groups belong to, for `split`.
pub(crate) fn partition<T>(values: Vec<T>, parts: &[u32], count: usize) -> Vec<Vec<T>> {
    let mut partitioned: Vec<Vec<T>> = Vec::new();
    partitioned.resize_with(count, Vec::new);
    for (value, &part) in values.into_iter().zip(parts) {
        partitioned[part as usize].push(value);
    }
    partitioned
}

/// Accumulators behind the trait.
pub(crate) fn boxed<A: Accumulator + 'static>(
    parts: impl Iterator<Item = A>,
) -> Vec<Box<dyn Accumulator>> {
    parts.map(|part| Box::new(part) as Box<dyn Accumulator>).collect()
}

/// Rows with their groups partitioned to the parts that the groups belong to, with the groups' numbers
/// there.
pub(crate) fn partition_rows(
    groups: &[u32],
    columns: &[Column],
    parts: &[u32],
    count: usize,
) -> Vec<(Vec<u32>, Vec<Column>)> {
    let mut sizes = vec![0; count];
    let numbers: Vec<u32> = parts
        .iter()
        .map(|&part| {
            sizes[part as usize] += 1;
            sizes[part as usize] - 1
        })
        .collect();
    let rows: Vec<u32> = (0..groups.len() as u32).collect();
    let of_row: Vec<u32> = groups.iter().map(|&group| parts[group as usize]).collect();
    let partitioned = partition(rows, &of_row, count).into_iter().map(|rows| {
        let groups = rows.iter().map(|&row| numbers[groups[row as usize] as usize]).collect();
        let rows = UInt32Array::from(rows);
        (groups, columns.iter().map(|column| column.take(&rows)).collect())
    });
    partitioned.collect()
}

/// The other accumulator of a merge, which is of our kind.
///
/// # Errors
/// An internal error when it is not.
pub(crate) fn same_kind<A: Accumulator + 'static>(other: Box<dyn Accumulator>) -> Result<A> {
    match other.into_any().downcast::<A>() {
        Ok(other) => Ok(*other),
        Err(_) => Err(Error::internal("a merge of accumulators of different kinds")),
    }
}

/// Up to so many groups a batch is added in several lanes.
const FEW_GROUPS: usize = 32;
/// How many rows are added side by side.
const LANES: usize = 4;

/// Adds to each group what each of its rows comes to. With few groups the same sums are needed again and again
/// before the last addition to them is done: rows then go by turns to sums of their own, which are added
/// up at the end.
pub(crate) fn add_by_group<T: Copy + Default + std::ops::AddAssign>(
    sums: &mut [T],
    groups: &[u32],
    amount: impl Fn(usize) -> T,
) {
    if sums.len() > FEW_GROUPS || groups.len() < LANES * FEW_GROUPS {
        for (row, &group) in groups.iter().enumerate() {
            sums[group as usize] += amount(row);
        }
        return;
    }
    let mut lanes = [[T::default(); FEW_GROUPS]; LANES];
    let whole = groups.len() / LANES * LANES;
    for first in (0..whole).step_by(LANES) {
        for (lane, sums) in lanes.iter_mut().enumerate() {
            sums[groups[first + lane] as usize % FEW_GROUPS] += amount(first + lane);
        }
    }
    for (row, &group) in groups.iter().enumerate().skip(whole) {
        sums[group as usize] += amount(row);
    }
    for (group, sum) in sums.iter_mut().enumerate() {
        lanes.iter().for_each(|lane| *sum += lane[group]);
    }
}

/// The rows of a column in buffers of their own: texts of a few rows must not keep the buffers of a
/// whole batch alive.
pub(crate) fn compacted(column: &Column) -> Column {
    Column::Flat(column.flat().compacted())
}
