//! Rows partitioned by the hash of their key: what groups or joins with each other is in one part.

use arrow::array::UInt32Array;
use firn_column::row_key::hash::hash_columns;
use firn_column::{Batch, Column};
use firn_types::limits::BATCH_ROWS;
use firn_types::{Result, SqlType};

use crate::context::QueryContext;
use crate::spill::{SpillFile, SpillWriter};

/// Into how many parts rows are partitioned.
pub(crate) const PARTS: usize = 32;

/// The part of each row, by its keys.
pub(crate) fn parts_of(keys: &[Column], types: &[SqlType]) -> Result<Vec<u32>> {
    let mut hashes = Vec::new();
    hash_columns(keys, types, &mut hashes)?;
    // The tables inside a part use other bits.
    Ok(hashes.iter().map(|hash| (hash >> 8) as u32 % PARTS as u32).collect())
}

/// The positions of each part's rows.
pub(crate) fn positions_of(parts: &[u32]) -> Vec<Vec<u32>> {
    let mut positions = vec![Vec::new(); PARTS];
    for (row, &part) in parts.iter().enumerate() {
        positions[part as usize].push(row as u32);
    }
    positions
}

/// The rows of every part that has some, with the part.
pub(crate) fn partition(
    batch: &Batch,
    keys: &[Column],
    types: &[SqlType],
) -> Result<impl Iterator<Item = (usize, Batch)>> {
    let positions = positions_of(&parts_of(keys, types)?).into_iter().enumerate();
    let partitioned = positions.filter(|(_, rows)| !rows.is_empty());
    Ok(partitioned.map(|(part, rows)| (part, batch.take(&UInt32Array::from(rows)))))
}

/// Rows on disk, partitioned.
pub(crate) struct SpilledRows {
    parts: Vec<Waiting>,
    rows: usize,
    null_keys: bool,
}

struct Waiting {
    writer: Option<SpillWriter>,
    batches: Vec<Batch>,
    rows: usize,
}

impl SpilledRows {
    pub(crate) fn new() -> SpilledRows {
        let waiting = |_| Waiting { writer: None, batches: Vec::new(), rows: 0 };
        SpilledRows { parts: (0..PARTS).map(waiting).collect(), rows: 0, null_keys: false }
    }

    /// How many rows came.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether some key was NULL.
    pub(crate) fn null_keys(&self) -> bool {
        self.null_keys
    }

    pub(crate) fn add(
        &mut self,
        batch: &Batch,
        keys: &[Column],
        types: &[SqlType],
        context: &QueryContext,
    ) -> Result<()> {
        self.null_keys |= keys.iter().any(|key| key.null_count() > 0);
        for (part, batch) in partition(batch, keys, types)? {
            self.push(part, batch, context)?;
        }
        Ok(())
    }

    /// Adds rows of one part.
    pub(crate) fn push(&mut self, part: usize, batch: Batch, context: &QueryContext) -> Result<()> {
        self.rows += batch.rows();
        let waiting = &mut self.parts[part];
        waiting.rows += batch.rows();
        waiting.batches.push(batch);
        if waiting.rows >= BATCH_ROWS / 4 {
            waiting.write(context)?;
        }
        Ok(())
    }

    /// Writes what waits.
    pub(crate) fn flush(&mut self, context: &QueryContext) -> Result<()> {
        self.parts.iter_mut().try_for_each(|waiting| waiting.write(context))
    }

    /// One file per part that has rows.
    pub(crate) fn finish(self) -> Result<Vec<Option<SpillFile>>> {
        let files = self.parts.into_iter().map(|part| part.writer.map(SpillWriter::finish));
        files.map(Option::transpose).collect()
    }
}

impl Waiting {
    fn write(&mut self, context: &QueryContext) -> Result<()> {
        if self.batches.is_empty() {
            return Ok(());
        }
        let batch = Batch::concat(&self.batches)?;
        self.batches.clear();
        self.rows = 0;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(context.spill.create()?),
        };
        writer.write(&batch)
    }
}

/// The files of several writers by part.
pub(crate) fn files_by_part(spilled: Vec<SpilledRows>) -> Result<Vec<Vec<SpillFile>>> {
    let mut parts: Vec<Vec<SpillFile>> = Vec::new();
    parts.resize_with(PARTS, Vec::new);
    for rows in spilled {
        for (part, file) in parts.iter_mut().zip(rows.finish()?) {
            part.extend(file);
        }
    }
    Ok(parts)
}
