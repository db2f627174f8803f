//! Pairs of rows that may belong together, block by block.

use arrow::array::UInt32Array;
use firn_column::row_key::join::MatchCursor;
use firn_column::{Batch, Column, Selection};
use firn_types::Result;
use firn_types::limits::BATCH_ROWS;

use super::JoinSpec;
use super::side::BuildSide;
use crate::context::QueryContext;
use crate::evaluate::Conditions;

/// Rows of one side of a block of pairs.
pub(super) enum Rows {
    /// One row per pair.
    List(Vec<u32>),
    /// Consecutive rows, one per pair.
    Range(u32, usize),
    /// The same row in every pair.
    One(u32, usize),
}

impl Rows {
    fn len(&self) -> usize {
        match self {
            Rows::List(rows) => rows.len(),
            Rows::Range(_, len) | Rows::One(_, len) => *len,
        }
    }

    /// The columns at `positions` for these rows.
    pub(super) fn of(&self, batch: &Batch, positions: &[usize]) -> Vec<Column> {
        let columns = positions.iter().map(|&position| batch.column(position));
        match self {
            Rows::List(rows) => {
                let rows = UInt32Array::from(rows.clone());
                columns.map(|column| column.take(&rows)).collect()
            }
            Rows::Range(0, len) if *len == batch.rows() => columns.cloned().collect(),
            Rows::Range(start, len) => {
                columns.map(|column| column.slice(*start as usize, *len)).collect()
            }
            Rows::One(row, len) => columns
                .map(|column| Column::Constant {
                    value: column.slice(*row as usize, 1).flat(),
                    rows: *len,
                })
                .collect(),
        }
    }

    fn select(self, positions: &UInt32Array) -> Rows {
        let positions = positions.values().iter();
        Rows::List(match self {
            Rows::List(rows) => positions.map(|&at| rows[at as usize]).collect(),
            Rows::Range(start, _) => positions.map(|&at| start + at).collect(),
            Rows::One(row, _) => positions.map(|_| row).collect(),
        })
    }

    /// The rows as a list.
    pub(super) fn list(&self) -> std::borrow::Cow<'_, [u32]> {
        match self {
            Rows::List(rows) => rows.as_slice().into(),
            Rows::Range(start, len) => (*start..*start + *len as u32).collect(),
            Rows::One(row, len) => vec![*row; *len].into(),
        }
    }
}

/// Some pairs: the probing rows and, in step, the build rows.
pub(super) struct Block {
    pub(super) probe: Rows,
    pub(super) build: Rows,
}

impl Block {
    pub(super) fn len(&self) -> usize {
        self.probe.len()
    }

    /// The pairs that meet the conditions.
    pub(super) fn meeting(
        self,
        conditions: &Conditions,
        spec: &JoinSpec,
        (batch, side): (&Batch, &BuildSide),
        context: &QueryContext,
    ) -> Result<Block> {
        if conditions.is_empty() {
            return Ok(self);
        }
        let mut columns = self.probe.of(batch, &spec.condition_probe);
        columns.extend(self.build.of(&side.payload, &spec.condition_build));
        match conditions.select(&Batch::new(columns, self.len()), context)? {
            Selection::All => Ok(self),
            selection => {
                let positions = selection.positions(self.len());
                let probe = self.probe.select(&positions);
                Ok(Block { probe, build: self.build.select(&positions) })
            }
        }
    }
}

/// Gives all pairs to look at for one probing batch.
pub(super) enum Pairs<'a> {
    /// Those with equal keys.
    Keyed { side: &'a BuildSide, first_matches: &'a [u32], cursor: MatchCursor, done: bool },
    /// All of some probing rows and some build rows: from the `next`-th on.
    All { probe: &'a [u32], build: BuildRows<'a>, next: usize },
}

/// Rows of the build side.
#[derive(Clone, Copy)]
pub(super) enum BuildRows<'a> {
    All(usize),
    List(&'a [u32]),
}

impl BuildRows<'_> {
    fn len(&self) -> usize {
        match self {
            BuildRows::All(rows) => *rows,
            BuildRows::List(rows) => rows.len(),
        }
    }

    fn row(&self, index: usize) -> u32 {
        match self {
            BuildRows::All(_) => index as u32,
            BuildRows::List(rows) => rows[index],
        }
    }

    fn rows(&self, start: usize, len: usize) -> Rows {
        match self {
            BuildRows::All(_) => Rows::Range(start as u32, len),
            BuildRows::List(rows) => Rows::List(rows[start..start + len].to_vec()),
        }
    }
}

impl Pairs<'_> {
    /// The next pairs; none when all have been given.
    pub(super) fn next(&mut self) -> Option<Block> {
        match self {
            Pairs::Keyed { done: true, .. } => None,
            Pairs::Keyed { side, first_matches, cursor, done } => {
                let (mut probe, mut build) = (Vec::new(), Vec::new());
                let table = side.table.as_ref()?;
                *done = !table.expand(first_matches, cursor, BATCH_ROWS, &mut probe, &mut build);
                Some(Block { probe: Rows::List(probe), build: Rows::List(build) })
            }
            Pairs::All { probe, build, next } => next_of_all(probe, *build, next),
        }
    }
}

/// The shorter side is walked row by row, each beside many rows of the longer one.
fn next_of_all(probe: &[u32], build: BuildRows<'_>, next: &mut usize) -> Option<Block> {
    if probe.is_empty() || build.len() == 0 {
        return None;
    }
    if build.len() <= probe.len() {
        let row = (*next < build.len()).then(|| build.row(*next))?;
        *next += 1;
        let whole = probe.last() == Some(&(probe.len() as u32 - 1));
        let rows = if whole { Rows::Range(0, probe.len()) } else { Rows::List(probe.to_vec()) };
        return Some(Block { build: Rows::One(row, probe.len()), probe: rows });
    }
    let chunks = build.len().div_ceil(BATCH_ROWS);
    let row = *probe.get(*next / chunks)?;
    let start = *next % chunks * BATCH_ROWS;
    let len = (build.len() - start).min(BATCH_ROWS);
    *next += 1;
    Some(Block { probe: Rows::One(row, len), build: build.rows(start, len) })
}
