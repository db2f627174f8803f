//! Accumulators made of one state per group.
//!
//! An aggregate that is not worth loops of its own implements [`Fold`]; the frequent ones (COUNT, SUM,
//! AVG, MIN, MAX) are accumulators by themselves.

use std::any::Any;

use firn_column::{Array, Column};
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
    fold: F,
    states: Vec<F::State>,
    heap_bytes: usize,
}

impl<F: Fold> Folded<F> {
    /// An accumulator without any group.
    pub(crate) fn new(fold: F) -> Folded<F> {
        Folded { fold, states: Vec::new(), heap_bytes: 0 }
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

/// The rows of a column in buffers of their own: texts of a few rows must not keep the buffers of a
/// whole batch alive.
pub(crate) fn compacted(column: &Column) -> Column {
    Column::Flat(match column.flat() {
        Array::Text(texts) => Array::Text(texts.gc()),
        Array::Bytes(bytes) => Array::Bytes(bytes.gc()),
        other => other,
    })
}
