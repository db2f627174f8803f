//! Rows of a file that is not decided yet: kept in memory, or on disk when memory is short.

use firn_column::Batch;
use firn_storage::value_bytes;
use firn_types::Result;

use crate::context::QueryContext;
use crate::memory::Reservation;
use crate::spill::SpillWriter;

/// The rows of one file, each batch with its place.
#[derive(Default)]
pub(in crate::dml) struct UndecidedRows {
    batches: Vec<(usize, Batch)>,
    memory: Option<Reservation>,
    spilled: Option<(SpillWriter, Vec<usize>)>,
}

impl UndecidedRows {
    pub(in crate::dml) fn add(
        &mut self,
        place: usize,
        batch: Batch,
        context: &QueryContext,
    ) -> Result<()> {
        let memory = self.memory.get_or_insert_with(|| context.memory.reservation());
        if memory.try_grow(value_bytes(&batch)) {
            self.batches.push((place, batch));
            return Ok(());
        }
        let (writer, places) = match &mut self.spilled {
            Some(spilled) => spilled,
            None => self.spilled.insert((context.spill.create()?, Vec::new())),
        };
        places.push(place);
        writer.write(&batch)
    }

    /// Gives the rows on.
    pub(in crate::dml) fn release(
        self,
        mut take: impl FnMut(usize, Batch) -> Result<()>,
    ) -> Result<()> {
        let UndecidedRows { batches, memory, spilled } = self;
        for (place, batch) in batches {
            take(place, batch)?;
        }
        drop(memory);
        if let Some((writer, places)) = spilled {
            let file = writer.finish()?;
            for (batch, place) in file.read()?.zip(places) {
                take(place, batch?)?;
            }
        }
        Ok(())
    }
}
