//! Groups dealt out to parts by the hash of their key.

use std::sync::Mutex;

use arrow::array::UInt32Array;
use firn_column::{Batch, Column};
use firn_types::{Error, Result, SqlType};

use super::AggregateSpec;
use super::dealt::Dealt;
use super::table::{States, Table};
use crate::context::{QueryContext, lock};
use crate::memory::Reservation;
use crate::operators::deal::{PARTS, SpilledRows, parts_of, positions_of};
use crate::spill::SpillFile;

/// What belongs to one part: whole tables, pieces of tables, rows, and rows on disk.
#[derive(Default)]
pub(super) struct Part {
    tables: Vec<Table>,
    pieces: Vec<(Vec<Column>, States)>,
    rows: Vec<Batch>,
    files: Vec<SpillFile>,
    /// What the tables and rows have reserved; given back when the last part is done.
    _memory: Vec<std::sync::Arc<Reservation>>,
}

impl Part {
    /// The one part of everything.
    pub(super) fn of_tables(tables: Vec<(Table, Reservation)>) -> Part {
        let (tables, memory): (Vec<_>, Vec<_>) = tables.into_iter().unzip();
        let memory = memory.into_iter().map(std::sync::Arc::new).collect();
        Part { tables, _memory: memory, ..Part::default() }
    }

    /// The part's groups in one table.
    pub(super) fn group(self, spec: &AggregateSpec, context: &QueryContext) -> Result<Table> {
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

/// Deals out tables, and puts them beside the rows that were dealt out.
pub(super) fn split(
    tables: Vec<(Table, Reservation)>,
    dealt: Vec<Dealt>,
    types: &[SqlType],
    context: &QueryContext,
) -> Result<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    parts.resize_with(PARTS, Part::default);
    let tables: Vec<_> = tables.into_iter().map(|table| Mutex::new(Some(table))).collect();
    let pieces = context.map(tables.len(), |index| {
        let taken = lock(&tables[index]).take();
        let (table, memory) = taken.ok_or_else(|| Error::internal("a table split twice"))?;
        Ok((pieces_of(table, types)?, memory))
    })?;
    for (pieces, memory) in pieces {
        let memory = std::sync::Arc::new(memory);
        for (part, piece) in parts.iter_mut().zip(pieces) {
            part.pieces.push(piece);
            part._memory.push(std::sync::Arc::clone(&memory));
        }
    }
    for dealt in dealt {
        let memory = std::sync::Arc::new(dealt.memory);
        for (part, dealt) in parts.iter_mut().zip(dealt.parts) {
            part.tables.extend(dealt.table);
            part.rows.extend(dealt.waiting);
            part._memory.push(std::sync::Arc::clone(&memory));
        }
        let files = dealt.spilled.map(SpilledRows::finish).transpose()?;
        for (part, file) in parts.iter_mut().zip(files.into_iter().flatten()) {
            part.files.extend(file);
        }
    }
    Ok(parts)
}

/// A table's groups, part by part.
fn pieces_of(table: Table, types: &[SqlType]) -> Result<Vec<(Vec<Column>, States)>> {
    let (keys, states) = table.into_states()?;
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
