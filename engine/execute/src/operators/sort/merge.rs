//! Merging sorted runs from disk.

use firn_column::Batch;
use firn_column::kernels::take::{RowOf, gather};
use firn_column::row_key::{KeyEncoder, RowKeys};
use firn_types::Result;
use firn_types::limits::BATCH_ROWS;

use super::SortSpec;
use crate::context::QueryContext;
use crate::operator::{Emit, Flow};
use crate::spill::{SpillFile, SpillReader};

/// Runs that are merged at once: each has a batch and a buffer in memory.
const RUNS_MAX: usize = 64;

/// The same rows in at most [`RUNS_MAX`] runs.
pub(crate) fn few_runs(
    mut runs: Vec<SpillFile>,
    spec: &SortSpec,
    context: &QueryContext,
) -> Result<Vec<SpillFile>> {
    while runs.len() > RUNS_MAX {
        let rest = runs.split_off(RUNS_MAX);
        let mut writer = context.spill.create()?;
        merge(&runs, spec, context, &mut |batch| {
            writer.write(&batch)?;
            Ok(Flow::Continue)
        })?;
        runs = rest;
        runs.push(writer.finish()?);
    }
    Ok(runs)
}

/// One run as it is read.
struct Cursor {
    reader: SpillReader,
    keys: RowKeys,
    row: usize,
    /// Where its present batch stands among the merge's batches.
    batch: u32,
}

struct Merge<'a> {
    encoder: KeyEncoder,
    spec: &'a SortSpec,
    cursors: Vec<Cursor>,
    /// The numbers of the cursors as a binary heap, the one with the least key first.
    heap: Vec<usize>,
    /// The batches that chosen rows stand in.
    batches: Vec<Batch>,
    chosen: Vec<RowOf>,
}

/// Gives the rows of all runs in order, with all that is carried.
pub(crate) fn merge(
    runs: &[SpillFile],
    spec: &SortSpec,
    context: &QueryContext,
    emit: &mut Emit<'_>,
) -> Result<Flow> {
    let mut merge = Merge {
        encoder: KeyEncoder::new(&spec.types, &spec.orders),
        spec,
        cursors: Vec::new(),
        heap: Vec::new(),
        batches: Vec::new(),
        chosen: Vec::new(),
    };
    for run in runs {
        let cursor = Cursor { reader: run.read()?, keys: RowKeys::default(), row: 0, batch: 0 };
        merge.cursors.push(cursor);
        let number = merge.cursors.len() - 1;
        if merge.next_batch(number)? {
            merge.heap.push(number);
        }
    }
    for place in (0..merge.heap.len() / 2).rev() {
        merge.sift_down(place);
    }
    merge.run(context, emit)
}

impl Merge<'_> {
    fn run(&mut self, context: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        while let Some(&first) = self.heap.first() {
            let cursor = &mut self.cursors[first];
            self.chosen.push(RowOf { batch: cursor.batch, row: cursor.row as u32 });
            cursor.row += 1;
            if cursor.row == cursor.keys.len() && !self.next_batch(first)? {
                self.heap.swap_remove(0);
            }
            self.sift_down(0);
            if self.chosen.len() == BATCH_ROWS {
                context.check()?;
                if self.flush(emit)?.is_stop() {
                    return Ok(Flow::Stop);
                }
            }
        }
        self.flush(emit)
    }

    /// Reads the next batch of a run; false at its end.
    fn next_batch(&mut self, number: usize) -> Result<bool> {
        let cursor = &mut self.cursors[number];
        let Some(batch) = cursor.reader.next().transpose()? else { return Ok(false) };
        cursor.keys.clear();
        let keys = self.spec.key_columns(&batch);
        self.encoder.encode(&keys, batch.rows(), &mut cursor.keys)?;
        cursor.row = 0;
        cursor.batch = self.batches.len() as u32;
        self.batches.push(batch);
        Ok(true)
    }

    fn flush(&mut self, emit: &mut Emit<'_>) -> Result<Flow> {
        if self.chosen.is_empty() {
            return Ok(Flow::Continue);
        }
        let batch = gather(&self.batches, &self.chosen)?;
        self.chosen.clear();
        // Only the batches that the runs stand in are still needed.
        let mut kept = Vec::with_capacity(self.heap.len());
        for &number in &self.heap {
            let cursor = &mut self.cursors[number];
            kept.push(self.batches[cursor.batch as usize].clone());
            cursor.batch = kept.len() as u32 - 1;
        }
        self.batches = kept;
        emit(batch)
    }

    fn less(&self, a: usize, b: usize) -> bool {
        let (a, b) = (self.heap[a], self.heap[b]);
        let key = |number: usize| {
            let cursor = &self.cursors[number];
            cursor.keys.key(cursor.row)
        };
        (key(a), a) < (key(b), b)
    }

    fn sift_down(&mut self, mut place: usize) {
        loop {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            let mut least = place;
            if left < self.heap.len() && self.less(left, least) {
                least = left;
            }
            if right < self.heap.len() && self.less(right, least) {
                least = right;
            }
            if least == place {
                return;
            }
            self.heap.swap(place, least);
            place = least;
        }
    }
}
