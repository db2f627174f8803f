//! The rows of a build side, ready to be found.

use std::sync::atomic::{AtomicU64, Ordering};

use firn_column::row_key::join::NONE;
use firn_column::row_key::{JoinKeys, JoinTable, KeyBits};
use firn_column::{Batch, Column};
use firn_types::{Error, Result, SqlType};

use super::JoinSpec;
use crate::context::QueryContext;

/// Rows whose keys are prepared at a time.
const CHUNK_ROWS: usize = 1 << 15;

/// Rows of the build side, all or those of one part.
pub(super) struct BuildSide {
    pub(super) payload: Batch,
    /// None without keys.
    pub(super) table: Option<JoinTable>,
    /// For each key, which integers occur, where the key is one of integers and they lie close.
    pub(super) bits: Vec<Option<KeyBits>>,
    /// One bit per row that found a partner, where that matters.
    matched: Vec<AtomicU64>,
    /// Rows with a NULL among their keys, where that matters.
    pub(super) null_rows: Vec<u32>,
    /// What holds of all parts together.
    pub(super) facts: Facts,
}

/// What an answer may need to know of the whole build side.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    pub(super) rows: usize,
    /// Whether some key is NULL.
    pub(super) null_keys: bool,
}

impl Facts {
    /// What holds when these rows come too.
    pub(super) fn add(&mut self, keys: &[Column], rows: usize) {
        self.rows += rows;
        self.null_keys |= keys.iter().any(|key| key.null_count() > 0);
    }
}

impl BuildSide {
    /// A side of carried rows.
    pub(super) fn new(
        batches: Vec<Batch>,
        spec: &JoinSpec,
        facts: Option<Facts>,
        context: &QueryContext,
    ) -> Result<BuildSide> {
        let carried = concat(batches, spec, context)?;
        let rows = carried.rows();
        let mut own_facts = Facts::default();
        let keys = spec.keys_of(&carried);
        own_facts.add(keys, rows);
        let mut null_rows = Vec::new();
        if spec.maybe.is_some() && own_facts.null_keys {
            let is_null = |row: &u32| keys.iter().any(|key| key.is_null(*row as usize));
            null_rows = (0..rows as u32).filter(is_null).collect();
        }
        let table = match spec.has_keys() {
            true => Some(table(keys, spec.build_keys.types(), spec.null_safe, rows, context)?),
            false => None,
        };
        let bits = bits(keys, table.as_ref());
        let words = if spec.kind.filters_build_side() { rows.div_ceil(64) } else { 0 };
        let matched = (0..words).map(|_| AtomicU64::new(0)).collect();
        let mut columns = carried.into_columns();
        columns.truncate(spec.payload.len());
        let payload = Batch::new(columns, rows);
        let facts = facts.unwrap_or(own_facts);
        Ok(BuildSide { payload, table, bits, matched, null_rows, facts })
    }

    pub(super) fn rows(&self) -> usize {
        self.payload.rows()
    }

    /// Notes that these rows found partners.
    pub(super) fn mark(&self, rows: &[u32]) {
        for &row in rows {
            let (word, bit) = (&self.matched[row as usize / 64], 1 << (row % 64));
            // Most rows are marked already; a look is cheaper than a write.
            if word.load(Ordering::Relaxed) & bit == 0 {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    /// Notes that all rows with the keys of these first ones found partners.
    pub(super) fn mark_chains(&self, first_matches: &[u32]) {
        let Some(table) = &self.table else { return };
        // Chains are marked whole, so that a marked head needs no second look.
        for &head in first_matches.iter().filter(|&&head| head != NONE && !self.is_marked(head)) {
            let mut row = head;
            while row != NONE {
                self.mark(&[row]);
                row = table.next(row);
            }
        }
    }

    fn is_marked(&self, row: u32) -> bool {
        self.matched[row as usize / 64].load(Ordering::Relaxed) & (1 << (row % 64)) != 0
    }

    /// The rows from `start` to `end` that found a partner, or those that found none.
    pub(super) fn filtered(&self, start: usize, end: usize, with_partner: bool) -> Vec<u32> {
        (start as u32..end as u32).filter(|&row| self.is_marked(row) == with_partner).collect()
    }
}

/// What tells of each key by itself whether it occurs.
fn bits(keys: &[Column], table: Option<&JoinTable>) -> Vec<Option<KeyBits>> {
    let range = |key: usize| table?.join_keys().integer_range(key);
    let bits = |(key, column): (usize, &Column)| KeyBits::of(column, range(key)?);
    keys.iter().enumerate().map(bits).collect()
}

/// All rows in one batch; columns are put together on all threads.
fn concat(batches: Vec<Batch>, spec: &JoinSpec, context: &QueryContext) -> Result<Batch> {
    let Some(first) = batches.first() else {
        let keys = spec.build_keys.types().iter();
        let types = spec.payload.iter().map(|_| &SqlType::Null).chain(keys);
        return Ok(Batch::new(types.map(|sql_type| Column::nulls_of(*sql_type, 0)).collect(), 0));
    };
    let rows = batches.iter().map(Batch::rows).sum();
    let width = first.columns().len();
    let column = |position: usize| {
        let parts: Vec<&Column> = batches.iter().map(|batch| batch.column(position)).collect();
        Column::concat(&parts)
    };
    let columns = match rows > CHUNK_ROWS {
        true => context.map(width, column)?,
        false => (0..width).map(column).collect::<Result<_>>()?,
    };
    Ok(Batch::new(columns, rows))
}

fn table(
    keys: &[Column],
    types: &[SqlType],
    null_safe: bool,
    rows: usize,
    context: &QueryContext,
) -> Result<JoinTable> {
    let chunks: Vec<Vec<Column>> = (0..rows.div_ceil(CHUNK_ROWS))
        .map(|chunk| {
            let start = chunk * CHUNK_ROWS;
            let len = (rows - start).min(CHUNK_ROWS);
            keys.iter().map(|key| key.slice(start, len)).collect()
        })
        .collect();
    if chunks.len() <= 1 {
        return JoinTable::build(types, &chunks, null_safe);
    }
    let plan = JoinKeys::plan(types, &chunks, null_safe)?;
    let prepare = |chunk: usize| plan.prepare(&chunks[chunk], (chunk * CHUNK_ROWS) as u32);
    let prepared = context.map(chunks.len(), prepare)?;
    let mut failure: Option<Error> = None;
    let table = JoinTable::assemble(plan.clone(), &prepared, |keys, prepared| {
        let partition = |partition: usize| Ok(keys.build(partition, prepared));
        context.map(keys.partitions(), partition).unwrap_or_else(|error| {
            failure = Some(error);
            Vec::new()
        })
    });
    failure.map_or(Ok(table), Err)
}
