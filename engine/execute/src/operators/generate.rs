//! A number of rows without columns.

use firn_column::Batch;
use firn_types::limits::BATCH_ROWS;
use firn_types::{Error, Result};

use crate::context::QueryContext;
use crate::operator::{Emit, Flow, Source};

/// Rows of one morsel.
const MORSEL_ROWS: u64 = 16 * BATCH_ROWS as u64;

/// So many rows.
pub(crate) struct GenerateSource {
    pub(crate) rows: u64,
}

impl Source for GenerateSource {
    fn open(&self, _: &QueryContext) -> Result<usize> {
        usize::try_from(self.rows.div_ceil(MORSEL_ROWS))
            .map_err(|_| Error::internal("more rows than a machine can count"))
    }

    fn read(&self, morsel: usize, context: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        let start = morsel as u64 * MORSEL_ROWS;
        let mut left = (self.rows - start).min(MORSEL_ROWS) as usize;
        while left > 0 {
            let rows = left.min(BATCH_ROWS);
            left -= rows;
            context.monitor.progress.add_rows(rows as u64);
            if emit(Batch::new(Vec::new(), rows))?.is_stop() {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }
}
