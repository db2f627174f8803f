//! What a join gives when all probing is at its end: unmatched rows of the build side, and everything when
//! both sides are on disk.

use std::sync::Arc;

use arrow::array::UInt32Array;
use firn_column::{Batch, Column};
use firn_plan::JoinKind;
use firn_types::limits::BATCH_ROWS;
use firn_types::{Error, Result};

use super::probe::Prober;
use super::side::BuildSide;
use super::{Built, DiskJoin, Join};
use crate::context::QueryContext;
use crate::memory::bytes_of;
use crate::operator::{Emit, Flow, Source};
use crate::operators::hash_partition::PARTS;

/// The source of the later branch.
pub(crate) struct AfterProbe {
    pub(crate) join: Arc<Join>,
}

impl Source for AfterProbe {
    fn open(&self, context: &QueryContext) -> Result<usize> {
        match self.join.built.get() {
            Some(Built::InMemory { side, .. }) if self.join.spec.kind.filters_build_side() => {
                Ok(side.rows().div_ceil(BATCH_ROWS))
            }
            Some(Built::OnDisk(disk)) => disk.end_probing(context).map(|()| PARTS),
            _ => Ok(0),
        }
    }

    fn read(&self, morsel: usize, context: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        match self.join.built.get() {
            Some(Built::InMemory { side, .. }) => {
                let start = morsel * BATCH_ROWS;
                self.filtered(side, start, (start + BATCH_ROWS).min(side.rows()), emit)
            }
            Some(Built::OnDisk(disk)) => self.part(disk, morsel, context, emit),
            None => Err(Error::internal("a join read before it was built")),
        }
    }
}

impl AfterProbe {
    /// The build rows from `start` to `end` that come out by whether they found a partner, with NULLs for
    /// the probe side's columns.
    fn filtered(
        &self,
        side: &BuildSide,
        start: usize,
        end: usize,
        emit: &mut Emit<'_>,
    ) -> Result<Flow> {
        let spec = &self.join.spec;
        let wanted = spec.kind == JoinKind::RightSemi;
        let rows = UInt32Array::from(side.filtered(start, end, wanted));
        let count = rows.values().len();
        let nulls = spec.probe_types.iter().map(|sql_type| Column::nulls_of(*sql_type, count));
        let mut columns: Vec<Column> = nulls.collect();
        columns.extend(side.payload.project(&spec.build_output).take(&rows).into_columns());
        emit(Batch::new(columns, count))
    }

    /// Joins one part of two sides on disk.
    fn part(
        &self,
        disk: &DiskJoin,
        part: usize,
        context: &QueryContext,
        emit: &mut Emit<'_>,
    ) -> Result<Flow> {
        let spec = &self.join.spec;
        let mut memory = context.memory.reservation();
        let mut batches = Vec::new();
        for file in &disk.build[part] {
            for batch in file.read()? {
                let batch = batch?;
                memory.force(bytes_of(&batch));
                batches.push(batch);
            }
        }
        let side = BuildSide::new(batches, spec, Some(disk.facts), context)?;
        let mut prober = Prober::new(spec, context);
        for file in disk.probe_part(part) {
            for batch in file.read()? {
                context.check()?;
                if prober.probe(&side, &batch?, emit)?.is_stop() {
                    return Ok(Flow::Stop);
                }
            }
        }
        if !spec.kind.filters_build_side() {
            return Ok(Flow::Continue);
        }
        self.filtered(&side, 0, side.rows(), emit)
    }
}
