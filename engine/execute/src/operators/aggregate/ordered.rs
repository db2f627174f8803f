//! Groups of rows that come in the order of their key, as those of a clustered table do.
//!
//! All rows of a key are neighbors then: but for a batch's first and last key, no other batch has its keys. What
//! lies between is a run, whose groups are counted off instead of looked up, and which is not merged with
//! anything. That no run has keys of another one is not believed, but noted and checked: when one has, all are
//! merged as any groups are. (Grouping by runs of sorted rows: G. Graefe, "Query Evaluation Techniques for Large
//! Databases", ACM Computing Surveys 1993.)

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array as _, UInt32Array};
use firn_column::{Array, Column};
use firn_types::{Error, Result};

use super::AggregateSpec;
use super::table::States;
use crate::context::lock;
use crate::memory::bytes_of_column;

/// Fewer groups in a batch than this are looked up in a table faster than they are held apart.
const ORDERED_GROUPS_MIN: usize = 128;

/// Which keys the workers' clusters have, and which ones stand outside of them.
pub(super) struct OrderedGroups {
    ended: AtomicBool,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    /// From the lowest key of each run to its highest.
    of_runs: BTreeMap<i64, i64>,
    /// Ranges in which the other keys lie.
    outside: Vec<(i64, i64)>,
}

/// The groups of one run.
pub(super) struct OrderedRun {
    pub(super) keys: Vec<Column>,
    pub(super) states: States,
}

impl OrderedGroups {
    /// No run yet; none ever when there is more than one key.
    pub(super) fn new(spec: &AggregateSpec) -> OrderedGroups {
        let ended = AtomicBool::new(spec.keys != 1 || spec.sets.is_some());
        OrderedGroups { ended, keys: Mutex::default() }
    }

    /// The rows of a batch with these keys that are a run; all others must go to a table.
    pub(super) fn cut(&self, keys: &Column) -> Option<Range<usize>> {
        if self.ended.load(Ordering::Relaxed) || keys.is_empty() {
            return None;
        }
        let cut = match keys {
            Column::Flat(Array::I32(a)) if a.null_count() == 0 => Cut::of(a.values()),
            Column::Flat(Array::I64(a)) if a.null_count() == 0 => Cut::of(a.values()),
            _ => None,
        };
        let Some(cut) = cut.filter(|cut| lock(&self.keys).note(cut)) else {
            self.end();
            return None;
        };
        (!cut.inside.is_empty()).then_some(cut.inside)
    }

    /// Makes no further clusters: rows go elsewhere of which nothing is noted.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Whether no other run and no table has a key of any run.
    pub(super) fn are_apart(&self) -> bool {
        let keys = lock(&self.keys);
        let meets = |&(low, high): &(i64, i64)| {
            let before = keys.of_runs.range(..=high).next_back();
            before.is_some_and(|(_, &end)| end >= low)
        };
        !self.ended.load(Ordering::Relaxed) && !keys.outside.iter().any(meets)
    }
}

impl Keys {
    /// Takes down the keys of a batch; FALSE when they are those of a run.
    fn note(&mut self, cut: &Cut) -> bool {
        if cut.inside.is_empty() {
            self.outside.push((cut.first, cut.last));
            return true;
        }
        self.outside.extend([(cut.first, cut.first), (cut.last, cut.last)]);
        let before = self.of_runs.range(..=cut.high).next_back();
        let is_apart = before.is_none_or(|(_, &end)| end < cut.low);
        self.of_runs.insert(cut.low, cut.high);
        is_apart
    }
}

/// A batch of rows in the order of their keys.
struct Cut {
    /// The rows between those with the first key and those with the last one; none when they have few groups.
    inside: Range<usize>,
    first: i64,
    last: i64,
    /// The first key inside.
    low: i64,
    /// The last key inside.
    high: i64,
}

impl Cut {
    /// None for keys in no order.
    fn of<T: Copy + Ord + Into<i64>>(keys: &[T]) -> Option<Cut> {
        let (&first, &last) = (keys.first()?, keys.last()?);
        let (mut steps, mut ascends) = (0, true);
        for pair in keys.windows(2) {
            steps += usize::from(pair[0] != pair[1]);
            ascends &= pair[0] <= pair[1];
        }
        if !ascends {
            return None;
        }
        let start = keys.partition_point(|&key| key <= first);
        let end = keys.partition_point(|&key| key < last);
        let (inside, low, high) = match steps >= ORDERED_GROUPS_MIN {
            true => (start..end, keys[start].into(), keys[end - 1].into()),
            false => (0..0, 0, 0),
        };
        Some(Cut { inside, first: first.into(), last: last.into(), low, high })
    }
}

impl OrderedRun {
    /// Groups rows with these inputs; the first one is the key.
    pub(super) fn of(spec: &AggregateSpec, inputs: &[Column]) -> Result<OrderedRun> {
        let (firsts, of_row) = match &inputs[0] {
            Column::Flat(Array::I32(a)) => runs(a.values()),
            Column::Flat(Array::I64(a)) => runs(a.values()),
            _ => return Err(Error::internal("a run whose keys are no integers")),
        };
        let groups = firsts.len();
        let keys = vec![inputs[0].take(&UInt32Array::from(firsts))];
        let mut accumulators = Vec::with_capacity(spec.calls.len());
        for call in &spec.calls {
            let mut accumulator = (call.binding.create)();
            accumulator.resize(groups);
            accumulator.update(&of_row, &inputs[call.arguments.clone()])?;
            accumulators.push(accumulator);
        }
        Ok(OrderedRun { keys, states: States { accumulators, groups } })
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let states: usize = self.states.accumulators.iter().map(|a| a.memory_bytes()).sum();
        self.keys.iter().map(bytes_of_column).sum::<usize>() + states
    }
}

/// The first row of each run of equal keys, and each row's run.
fn runs<T: Copy + PartialEq>(keys: &[T]) -> (Vec<u32>, Vec<u32>) {
    let mut firsts = Vec::with_capacity(keys.len());
    let mut of_row = Vec::with_capacity(keys.len());
    let mut before = None;
    for (row, &key) in keys.iter().enumerate() {
        if before != Some(key) {
            firsts.push(row as u32);
            before = Some(key);
        }
        of_row.push(firsts.len() as u32 - 1);
    }
    firsts.shrink_to_fit();
    (firsts, of_row)
}
