//! Groups partitioned by the hash of their key.

use std::sync::{Arc, Mutex};

use arrow::array::UInt32Array;
use firn_column::{Batch, Column};
use firn_types::{Error, Result, SqlType};

use super::AggregateSpec;
use super::ordered::OrderedRun;
use super::partitioned::Partitioned;
use super::table::{States, Table};
use crate::context::{QueryContext, lock};
use crate::memory::Reservation;
use crate::operators::hash_partition::{PARTS, SpilledRows, parts_of, positions_of};
use crate::spill::SpillFile;

/// What belongs to one part: whole tables, pieces of tables, rows, and rows on disk.
#[derive(Default)]
pub(super) struct Part {
    tables: Vec<Table>,
    pieces: Vec<(Vec<Column>, States)>,
    rows: Vec<Batch>,
    files: Vec<SpillFile>,
    /// What the tables and rows have reserved; given back when the last part is done.
    _memory: Vec<Arc<Reservation>>,
}

impl Part {
    /// The one part of everything.
    pub(super) fn of_all(tables: Vec<Reserved<Table>>, ordered: Vec<Reserved<OrderedRun>>) -> Part {
        let (tables, mut memory): (Vec<_>, Vec<_>) = tables.into_iter().unzip();
        let (ordered, more): (Vec<_>, Vec<_>) = ordered.into_iter().unzip();
        memory.extend(more);
        let pieces = ordered.into_iter().map(|run| (run.keys, run.states)).collect();
        Part { tables, pieces, _memory: memory, ..Part::default() }
    }

    /// The answers for the part's groups.
    pub(super) fn answer(
        mut self,
        is_only: bool,
        spec: &AggregateSpec,
        context: &QueryContext,
    ) -> Result<Batch> {
        let is_piece = self.tables.is_empty() && self.rows.is_empty() && self.files.is_empty();
        if is_piece
            && self.pieces.len() == 1
            && let Some((keys, states)) = self.pieces.pop()
        {
            return states.finish(keys, spec);
        }
        let mut table = self.group(spec, context)?;
        if is_only && table.groups() == 0 {
            table.add_empty_sets(spec)?;
        }
        table.finish(spec)
    }

    /// The part's groups in one table.
    fn group(self, spec: &AggregateSpec, context: &QueryContext) -> Result<Table> {
        let mut tables = self.tables.into_iter();
        let mut table = tables.next().unwrap_or_else(|| Table::new(spec));
        for other in tables {
            table.merge_table(spec, other)?;
        }
        for (keys, states) in self.pieces {
            table.merge(&keys, states)?;
        }
        for rows in self.rows {
            table.add_batch(spec, rows)?;
        }
        context.check()?;
        for file in self.files {
            for batch in file.read()? {
                context.check()?;
                table.add_batch(spec, batch?)?;
            }
        }
        Ok(table)
    }
}

/// With the memory that is reserved for it.
pub(super) type Reserved<T> = (T, Arc<Reservation>);

/// Partitions tables, and puts them beside the rows that were partitioned.
pub(super) fn split(
    tables: Vec<Reserved<Table>>,
    ordered: Vec<Reserved<OrderedRun>>,
    partitioned: Vec<Partitioned>,
    types: &[SqlType],
    context: &QueryContext,
) -> Result<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    parts.resize_with(PARTS, Part::default);
    let tables = tables.into_iter().map(|(table, memory)| (Whole::Table(Box::new(table)), memory));
    let ordered = ordered.into_iter().map(|(run, memory)| (Whole::OrderedRun(run), memory));
    let wholes: Vec<_> = tables.chain(ordered).map(|whole| Mutex::new(Some(whole))).collect();
    let pieces = context.map(wholes.len(), |index| {
        let taken = lock(&wholes[index]).take();
        let (whole, memory) = taken.ok_or_else(|| Error::internal("a table split twice"))?;
        let (keys, states) = match whole {
            Whole::Table(table) => table.into_states()?,
            Whole::OrderedRun(run) => (run.keys, run.states),
        };
        Ok((pieces_of(keys, states, types)?, memory))
    })?;
    for (pieces, memory) in pieces {
        for (part, piece) in parts.iter_mut().zip(pieces) {
            part.pieces.push(piece);
            part._memory.push(Arc::clone(&memory));
        }
    }
    for partitioned in partitioned {
        let memory = Arc::new(partitioned.memory);
        for (part, partitioned) in parts.iter_mut().zip(partitioned.parts) {
            part.tables.extend(partitioned.table);
            part.rows.extend(partitioned.waiting);
            part._memory.push(Arc::clone(&memory));
        }
        let files = partitioned.spilled.map(SpilledRows::finish).transpose()?;
        for (part, file) in parts.iter_mut().zip(files.into_iter().flatten()) {
            part.files.extend(file);
        }
    }
    Ok(parts)
}

/// What is partitioned.
enum Whole {
    Table(Box<Table>),
    OrderedRun(OrderedRun),
}

/// Groups part by part.
fn pieces_of(
    keys: Vec<Column>,
    states: States,
    types: &[SqlType],
) -> Result<Vec<(Vec<Column>, States)>> {
    let parts = parts_of(&keys, types)?;
    let positions = positions_of(&parts);
    let mut accumulators: Vec<Vec<_>> = (0..PARTS).map(|_| Vec::new()).collect();
    for accumulator in states.accumulators {
        for (part, piece) in accumulators.iter_mut().zip(accumulator.split(&parts, PARTS)?) {
            part.push(piece);
        }
    }
    let pieces = positions.into_iter().zip(accumulators).map(|(rows, accumulators)| {
        let rows = UInt32Array::from(rows);
        let groups = rows.values().len();
        let keys = keys.iter().map(|key| key.take(&rows)).collect();
        (keys, States { accumulators, groups })
    });
    Ok(pieces.collect())
}
