//! The answers of window calls over sorted rows.

use arrow::array::{Array as _, Float64Array, UInt32Array};
use arrow::buffer::NullBuffer;
use firn_column::column::integers;
use firn_column::kernels::min_max::integer_range;
use firn_column::row_key::KeyOrder;
use firn_column::{Array, Batch, Column};
use firn_functions::AggregateMeaning;
use firn_functions::{AggregateBinding, WindowBinding, WindowInput};
use firn_types::decimal::divide_scaled;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::frames::{Sorted, frames};
use super::ranges::{ranges, starts};
use super::{WindowCallSpec, WindowSpec};
use crate::context::QueryContext;
use crate::operators::sort::{SortKeys, sorted_order};

/// What is called.
pub(crate) enum CallTarget {
    /// A function that only works with OVER.
    Window(WindowBinding),
    /// An aggregate of the frame's rows, and its meaning when it may be computed by a way of its own.
    Aggregate(AggregateBinding, AggregateMeaning),
}

/// Rows that an accumulator takes at a time when every frame is computed by itself.
const CHUNK_ROWS: usize = 1 << 16;
/// Sums below this have 38 digits.
pub(super) const SUM_MAX: i128 = 10_i128.pow(38);

/// The answers of some calls.
pub(super) fn answers<'c>(
    spec: &WindowSpec,
    calls: impl IntoIterator<Item = &'c WindowCallSpec>,
    sorted: &Batch,
    context: &QueryContext,
) -> Result<Vec<Column>> {
    let inputs = spec.inputs_of(sorted);
    let types = spec.inputs.types();
    let rows = sorted.rows();
    let (partition_keys, order_keys) =
        (spec.partition_keys, spec.partition_keys + spec.orders.len());
    let of_partition = starts(&inputs[..partition_keys], &types[..partition_keys], rows)?;
    let order_keys = partition_keys..order_keys;
    let of_peers = starts(&inputs[order_keys.clone()], &types[order_keys.clone()], rows)?;
    let partitions = ranges(of_partition.values());
    let peers = ranges(&(of_partition.values() | of_peers.values()));
    let keys: Vec<(Column, SqlType, bool)> = order_keys
        .zip(&spec.orders)
        .map(|(key, order)| (inputs[key].clone(), types[key], order.descending))
        .collect();
    let rows = Sorted { partitions: &partitions, peers: &peers, keys: &keys };
    let answer = |call: &WindowCallSpec| {
        context.check()?;
        let frames = frames(&call.frame, &rows)?;
        let arguments = &inputs[call.arguments.clone()];
        let argument_types = &types[call.arguments.clone()];
        match &call.target {
            CallTarget::Window(binding) => {
                let input = WindowInput {
                    rows: frames.len(),
                    rows_before: 0,
                    returns: call.returns,
                    partitions: &partitions,
                    peers: &peers,
                    frames: &frames,
                    ignore_nulls: call.ignore_nulls,
                };
                (binding.kernel)(&input, arguments)
            }
            CallTarget::Aggregate(binding, meaning) => {
                let over = Over { arguments, types: argument_types, frames: &frames };
                over.aggregate(binding, *meaning, call.returns, &partitions, context)
            }
        }
    };
    calls.into_iter().map(answer).collect()
}

/// An aggregate's arguments and the frames that it is asked of.
struct Over<'a> {
    arguments: &'a [Column],
    types: &'a [SqlType],
    frames: &'a [(u32, u32)],
}

impl Over<'_> {
    fn aggregate(
        &self,
        binding: &AggregateBinding,
        meaning: AggregateMeaning,
        returns: SqlType,
        partitions: &[(u32, u32)],
        context: &QueryContext,
    ) -> Result<Column> {
        if self.frames == partitions {
            return self.of_partitions(binding);
        }
        let quick = match meaning {
            AggregateMeaning::Count => Some(self.count()),
            AggregateMeaning::Sum => self.sum(None)?,
            AggregateMeaning::Mean => {
                let raise = returns.scale().saturating_sub(self.types[0].scale());
                self.sum(Some(raise))?
            }
            AggregateMeaning::Least => Some(self.extreme(false)?),
            AggregateMeaning::Greatest => Some(self.extreme(true)?),
            _ => None,
        };
        match quick {
            Some(answer) => Ok(answer),
            None => self.frame_by_frame(binding, context),
        }
    }

    /// Every row of a partition gets the partition's answer.
    fn of_partitions(&self, binding: &AggregateBinding) -> Result<Column> {
        let mut groups = Vec::with_capacity(self.frames.len());
        let mut count = 0;
        for (row, frame) in self.frames.iter().enumerate() {
            count += u32::from(frame.0 as usize == row);
            groups.push(count - 1);
        }
        let mut accumulator = (binding.create)();
        accumulator.resize(count as usize);
        accumulator.update(&groups, self.arguments)?;
        Ok(accumulator.finish()?.take(&UInt32Array::from(groups)))
    }

    /// Each frame as a group of its own; frames that rows have in common are computed once.
    fn frame_by_frame(&self, binding: &AggregateBinding, context: &QueryContext) -> Result<Column> {
        let mut different: Vec<(u32, u32)> = Vec::new();
        let of_row: Vec<u32> = self
            .frames
            .iter()
            .map(|frame| {
                if different.last() != Some(frame) {
                    different.push(*frame);
                }
                different.len() as u32 - 1
            })
            .collect();
        let mut accumulator = (binding.create)();
        accumulator.resize(different.len());
        let (mut rows, mut groups) = (Vec::new(), Vec::new());
        for (group, &(start, end)) in different.iter().enumerate() {
            let mut start = start;
            while start < end {
                let len = (end - start).min((CHUNK_ROWS - rows.len()) as u32);
                rows.extend(start..start + len);
                groups.resize(rows.len(), group as u32);
                start += len;
                if rows.len() == CHUNK_ROWS {
                    context.check()?;
                    self.add(accumulator.as_mut(), &mut rows, &mut groups)?;
                }
            }
        }
        self.add(accumulator.as_mut(), &mut rows, &mut groups)?;
        Ok(accumulator.finish()?.take(&UInt32Array::from(of_row)))
    }

    fn add(
        &self,
        accumulator: &mut dyn firn_functions::Accumulator,
        rows: &mut Vec<u32>,
        groups: &mut Vec<u32>,
    ) -> Result<()> {
        let taken = UInt32Array::from(std::mem::take(rows));
        let arguments: Vec<Column> =
            self.arguments.iter().map(|argument| argument.take(&taken)).collect();
        accumulator.update(groups, &arguments)?;
        groups.clear();
        Ok(())
    }

    /// The rows before each row that have all arguments, and all of them at the end.
    fn counts_before(&self) -> Vec<u32> {
        let nulls = self.arguments.iter().fold(None, |all: Option<NullBuffer>, argument| {
            NullBuffer::union(all.as_ref(), argument.nulls().as_ref())
        });
        let mut before = Vec::with_capacity(self.frames.len() + 1);
        let mut count = 0;
        before.push(0);
        for row in 0..self.frames.len() {
            count += u32::from(nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)));
            before.push(count);
        }
        before
    }

    fn count(&self) -> Column {
        let before = self.counts_before();
        let count = |&(start, end): &(u32, u32)| {
            Some(i128::from(before[end as usize] - before[start as usize]))
        };
        Column::Flat(integers(self.frames.iter().map(count).collect()))
    }

    /// Sums, or means with `raise` more digits, as differences of the sums of all rows before; none when
    /// that could be wrong.
    fn sum(&self, raise: Option<u8>) -> Result<Option<Column>> {
        let values = self.arguments[0].flat();
        if let Array::F64(values) = &values {
            return Ok(self.float_sum(values, raise.is_some()));
        }
        let (low, high) = integer_range(&values).unwrap_or((0, 0));
        let furthest = low.unsigned_abs().max(high.unsigned_abs());
        let bound = furthest.checked_mul(values.len() as u128);
        if bound.is_none_or(|bound| bound >= SUM_MAX.unsigned_abs()) {
            return Ok(None);
        }
        let counts = self.counts_before();
        let mut before = Vec::with_capacity(values.len() + 1);
        let mut sum = 0_i128;
        before.push(sum);
        for row in 0..values.len() {
            sum += if values.is_null(row) { 0 } else { values.integer(row) };
            before.push(sum);
        }
        let answer = |&(start, end): &(u32, u32)| {
            let (start, end) = (start as usize, end as usize);
            let count = counts[end] - counts[start];
            if count == 0 {
                return Ok(None);
            }
            let sum = before[end] - before[start];
            match raise {
                None => Ok(Some(sum)),
                Some(raise) => {
                    let mean = divide_scaled(sum, i128::from(count), raise);
                    mean.map(Some).ok_or_else(|| {
                        Error::new(ErrorCode::NumberOverflow, "Number out of representable range")
                    })
                }
            }
        };
        let answers = self.frames.iter().map(answer).collect::<Result<_>>()?;
        Ok(Some(Column::Flat(integers(answers))))
    }

    /// Running sums of frames that begin with their partition. A difference of sums would lose digits.
    fn float_sum(&self, values: &Float64Array, mean: bool) -> Option<Column> {
        let mut answers = Vec::with_capacity(self.frames.len());
        let (mut start, mut end, mut sum, mut count) = (u32::MAX, 0, 0.0, 0_u32);
        for &frame in self.frames {
            if frame.0 != start {
                if (frame.0 as usize) < answers.len() {
                    return None;
                }
                (start, end, sum, count) = (frame.0, frame.0, 0.0, 0);
            }
            if frame.1 < end {
                return None;
            }
            for row in end..frame.1 {
                if values.is_valid(row as usize) {
                    sum += values.value(row as usize);
                    count += 1;
                }
            }
            end = frame.1;
            let answer = if mean { sum / f64::from(count) } else { sum };
            answers.push((count > 0).then_some(answer));
        }
        Some(Column::Flat(Array::F64(Float64Array::from(answers))))
    }

    /// The least or the greatest value of each frame: frames only move forward, so that a queue of the
    /// rows that may still become the best one is enough.
    fn extreme(&self, greatest: bool) -> Result<Column> {
        let values = &self.arguments[0];
        let ranks = self.ranks(greatest)?;
        let mut queue: std::collections::VecDeque<u32> = std::collections::VecDeque::new();
        let (mut last, mut best) = ((0, 0), Vec::with_capacity(self.frames.len()));
        for &(start, end) in self.frames {
            if start < last.0 || end < last.1 {
                // Another partition after empty frames; nothing of the queue is of use.
                queue.clear();
                last = (start, start);
            }
            for row in last.1.max(start)..end {
                if values.is_null(row as usize) {
                    continue;
                }
                while queue.back().is_some_and(|&at| ranks[at as usize] >= ranks[row as usize]) {
                    queue.pop_back();
                }
                queue.push_back(row);
            }
            while queue.front().is_some_and(|&row| row < start) {
                queue.pop_front();
            }
            last = (start, end);
            best.push(if start < end { queue.front().copied() } else { None });
        }
        Ok(values.take(&UInt32Array::from(best)))
    }

    /// The place of each row in the order of its value, the best first.
    fn ranks(&self, greatest: bool) -> Result<Vec<u32>> {
        let order = KeyOrder { descending: greatest, nulls_first: false };
        let rows = self.frames.len();
        let keys =
            SortKeys { columns: &self.arguments[..1], types: &self.types[..1], orders: &[order] };
        let sorted = sorted_order(keys, rows, usize::MAX, None)?;
        let mut ranks = vec![0; rows];
        for (rank, row) in sorted.into_iter().enumerate() {
            ranks[row as usize] = rank as u32;
        }
        Ok(ranks)
    }
}
