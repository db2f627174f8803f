//! Rows partitioned before they are grouped.
//!
//! When most rows make groups of their own, one large table is a miss of the cache for every row, and
//! merging the workers' tables does the work twice. Such rows are partitioned by the hash of their key and
//! grouped later, part by part, each in a table that stays in the cache (S. Manegold et al., "Optimizing
//! Database Architecture for the New Bottleneck: Memory Access", VLDB Journal 2000). When there is no
//! memory, rows go on to disk.

use std::sync::Arc;

use firn_column::{Array, Batch, Column, PhysicalType};
use firn_types::Result;
use firn_types::limits::BATCH_ROWS;

use super::AggregateSpec;
use super::table::Table;
use crate::context::QueryContext;
use crate::memory::{Reservation, bytes_of};
use crate::operators::hash_partition::{PARTS, SpilledRows, partition};

/// A part's rows that wait for being grouped; with more of them they are grouped at once, so that rows
/// of few groups do not use up the memory.
const WAITING_ROWS_MAX: usize = 1 << 17;
/// So many rows are partitioned at once: a part's share of fewer is too small to be worth an array.
const DEALT_ROWS: usize = 4 * BATCH_ROWS;
/// Memory is reserved in steps of so many bytes.
const MEMORY_STEP_BYTES: usize = 1 << 20;

/// One worker's rows, part by part.
pub(super) struct PartitionedRows {
    /// Rows that have not been partitioned yet; their columns are the keys, then all arguments.
    next: Vec<Batch>,
    parts: Vec<DealtPart>,
    /// For what the parts hold.
    memory: Reservation,
    bytes: usize,
    /// The rows for which there was no memory; further ones follow them.
    spilled: Option<SpilledRows>,
}

/// What a worker has of one part.
#[derive(Default)]
pub(super) struct DealtPart {
    /// Rows that wait.
    pub(super) waiting: Vec<Batch>,
    /// Rows that waited before.
    pub(super) table: Option<Table>,
    rows: usize,
    bytes: usize,
    table_bytes: usize,
}

/// What a worker leaves.
pub(super) struct Partitioned {
    /// In order.
    pub(super) parts: Vec<DealtPart>,
    pub(super) spilled: Option<SpilledRows>,
    /// Reserved for the parts.
    pub(super) memory: Reservation,
}

impl PartitionedRows {
    /// Nothing yet. `on_disk` says that all rows go to disk.
    pub(super) fn new(memory: Reservation, on_disk: bool) -> PartitionedRows {
        let mut parts = Vec::new();
        parts.resize_with(PARTS, DealtPart::default);
        let spilled = on_disk.then(SpilledRows::new);
        PartitionedRows { next: Vec::new(), parts, memory, bytes: 0, spilled }
    }

    /// Adds rows; their columns are the keys, then all arguments.
    pub(super) fn add(
        &mut self,
        spec: &AggregateSpec,
        batch: Batch,
        context: &QueryContext,
    ) -> Result<()> {
        if self.next.last().is_some_and(|last| !is_joined_at_no_cost(last, &batch)) {
            self.partition(spec, context)?;
        }
        self.next.push(batch);
        match self.next.iter().map(Batch::rows).sum::<usize>() < DEALT_ROWS {
            true => Ok(()),
            false => self.partition(spec, context),
        }
    }

    /// Partitions the rows that have not been.
    fn partition(&mut self, spec: &AggregateSpec, context: &QueryContext) -> Result<()> {
        let types = spec.key_types();
        let batch = Batch::concat(&std::mem::take(&mut self.next))?;
        let keys = &batch.columns()[..types.len()];
        for (position, batch) in partition(&batch, keys, &types)? {
            if let Some(spilled) = &mut self.spilled {
                spilled.push(position, batch, context)?;
                continue;
            }
            let part = &mut self.parts[position];
            self.bytes -= part.bytes();
            part.push(spec, batch)?;
            self.bytes += part.bytes();
            // Looked at part by part: they grow alike, and tables of all at once would be much more than what waits.
            if self.bytes > self.memory.bytes() && !self.has_memory() {
                self.spill(context)?;
            }
        }
        Ok(())
    }

    fn has_memory(&mut self) -> bool {
        self.memory.try_resize(self.bytes + MEMORY_STEP_BYTES) || self.memory.try_resize(self.bytes)
    }

    /// Brings all rows that wait to disk, and with them all that will come.
    fn spill(&mut self, context: &QueryContext) -> Result<()> {
        let mut spilled = SpilledRows::new();
        for (position, part) in self.parts.iter_mut().enumerate() {
            for batch in std::mem::take(&mut part.waiting) {
                spilled.push(position, batch, context)?;
            }
            self.bytes -= std::mem::take(&mut part.bytes);
        }
        self.memory.shrink(self.memory.bytes().saturating_sub(self.bytes));
        self.spilled = Some(spilled);
        Ok(())
    }

    /// Everything, ready to be grouped by whoever takes a part.
    pub(super) fn finish(
        mut self,
        spec: &AggregateSpec,
        context: &QueryContext,
    ) -> Result<Partitioned> {
        if !self.next.is_empty() {
            self.partition(spec, context)?;
        }
        if let Some(spilled) = &mut self.spilled {
            spilled.flush(context)?;
        }
        Ok(Partitioned { parts: self.parts, spilled: self.spilled, memory: self.memory })
    }
}

/// Whether putting the rows together neither copies texts nor lists the buffers of all of them.
fn is_joined_at_no_cost(a: &Batch, b: &Batch) -> bool {
    let mut columns = a.columns().iter().zip(b.columns());
    columns.all(|(a, b)| match (a, b) {
        (Column::Dictionary { values: a, .. }, Column::Dictionary { values: b, .. }) => {
            Arc::ptr_eq(a, b)
        }
        (Column::Flat(Array::Text(a)), Column::Flat(Array::Text(b))) => {
            a.data_buffers().is_empty() && b.data_buffers().is_empty()
        }
        _ => !matches!(a.physical(), PhysicalType::Text | PhysicalType::Bytes),
    })
}

impl DealtPart {
    fn bytes(&self) -> usize {
        self.bytes + self.table_bytes
    }

    fn push(&mut self, spec: &AggregateSpec, batch: Batch) -> Result<()> {
        self.rows += batch.rows();
        self.bytes += bytes_of(&batch);
        self.waiting.push(batch);
        if self.rows < WAITING_ROWS_MAX {
            return Ok(());
        }
        let table = self.table.get_or_insert_with(|| Table::new(spec));
        for batch in std::mem::take(&mut self.waiting) {
            table.add_batch(spec, batch)?;
        }
        (self.rows, self.bytes, self.table_bytes) = (0, 0, table.memory_bytes());
        Ok(())
    }
}
