//! The sink of the build side.

use std::sync::atomic::Ordering;

use firn_column::Batch;
use firn_types::{Error, Result};

use super::side::{BuildSide, Facts};
use super::{Built, DiskJoin, Join};
use crate::context::{QueryContext, lock};
use crate::memory::{Reservation, bytes_of};
use crate::operator::{Flow, Sink, SinkWorker};
use crate::operators::hash_partition::{SpilledRows, files_by_part};
use crate::operators::morsel_batches::MorselBatches;

/// How many times its own size a row takes while the table is built: collected, put together, in the
/// table.
const BYTES_FACTOR: usize = 3;

impl Sink for Join {
    fn worker<'a>(&'a self, context: &'a QueryContext) -> Result<Box<dyn SinkWorker + 'a>> {
        let memory = context.memory.reservation();
        let morsels = MorselBatches::default();
        Ok(Box::new(BuildWorker { shared: self, context, morsels, memory, spilled: None }))
    }

    fn finalize(&self, context: &QueryContext) -> Result<()> {
        let mut collected = std::mem::take(&mut *lock(&self.collected));
        let batches = collected.morsels.into_ordered();
        let built = if collected.spilled.is_empty() && !self.is_spilling() {
            let side = BuildSide::new(batches, &self.spec, None, context)?;
            Built::InMemory { side, _memory: collected.reservations }
        } else {
            let mut rest = SpilledRows::new();
            for batch in batches {
                self.partition(&mut rest, &batch, context)?;
            }
            rest.flush(context)?;
            collected.spilled.push(rest);
            let mut facts = Facts::default();
            collected.spilled.iter().for_each(|spilled| {
                facts.rows += spilled.rows();
                facts.null_keys |= spilled.null_keys();
            });
            Built::OnDisk(DiskJoin {
                build: files_by_part(collected.spilled)?,
                probe: Default::default(),
                probe_parts: Default::default(),
                facts,
            })
        };
        self.built.set(built).map_err(|_| Error::internal("a join built twice"))
    }
}

impl Join {
    fn partition(&self, to: &mut SpilledRows, batch: &Batch, context: &QueryContext) -> Result<()> {
        let keys = self.spec.keys_of(batch);
        to.add(batch, keys, self.spec.build_keys.types(), context)
    }
}

struct BuildWorker<'a> {
    shared: &'a Join,
    context: &'a QueryContext,
    morsels: MorselBatches,
    memory: Reservation,
    spilled: Option<SpilledRows>,
}

impl BuildWorker<'_> {
    /// Partitions everything on disk.
    fn spill(&mut self) -> Result<()> {
        let spilled = self.spilled.get_or_insert_with(SpilledRows::new);
        for batch in std::mem::take(&mut self.morsels).into_ordered() {
            self.shared.partition(spilled, &batch, self.context)?;
        }
        self.memory.shrink(self.memory.bytes());
        Ok(())
    }
}

impl SinkWorker for BuildWorker<'_> {
    fn consume(&mut self, place: usize, batch: Batch) -> Result<Flow> {
        let spec = &self.shared.spec;
        let keys = spec.build_keys.evaluate(&batch, self.context)?;
        let mut columns = batch.project(&spec.payload).into_columns();
        columns.extend(keys);
        let carried = Batch::new(columns, batch.rows());
        let bytes = BYTES_FACTOR * bytes_of(&carried);
        if !self.shared.is_spilling() && !self.memory.try_grow(bytes) {
            if spec.can_spill() && self.memory.bytes() >= self.context.memory.working_set_bytes() {
                self.shared.spilling.store(true, Ordering::Relaxed);
            } else {
                self.memory.force(bytes);
            }
        }
        self.morsels.push(place, carried);
        if self.shared.is_spilling() {
            self.spill()?;
        }
        Ok(Flow::Continue)
    }

    fn combine(mut self: Box<Self>) -> Result<()> {
        if self.shared.is_spilling() {
            self.spill()?;
        }
        if let Some(spilled) = &mut self.spilled {
            spilled.flush(self.context)?;
        }
        let mut collected = lock(&self.shared.collected);
        collected.morsels.append(&mut self.morsels);
        collected.reservations.push(self.memory);
        collected.spilled.extend(self.spilled);
        Ok(())
    }
}
