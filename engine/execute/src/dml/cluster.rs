//! CLUSTER BY: the rows of a file in the order of the table's cluster key.

use arrow::array::UInt32Array;
use firn_column::row_key::{KeyEncoder, KeyOrder, RowKeys};
use firn_column::{Batch, Column};
use firn_expression::Expr;
use firn_expression::expr::Evaluator;
use firn_types::limits::BATCH_ROWS;
use firn_types::{ColumnId, Result};
use rayon::slice::ParallelSliceMut;

use crate::context::QueryContext;

/// The cluster key of a table, ready to sort by.
pub(super) struct ClusterOrder {
    evaluator: Evaluator,
    encoder: KeyEncoder,
}

impl ClusterOrder {
    /// The order by these keys, over columns whose ids are positions below `width`; none without keys.
    pub(super) fn new(keys: &[Expr], width: usize) -> Result<Option<ClusterOrder>> {
        if keys.is_empty() {
            return Ok(None);
        }
        let layout = (0u32..).zip(0..width).map(|(id, position)| (ColumnId(id), position));
        let types: Vec<_> = keys.iter().map(Expr::sql_type).collect();
        let orders = vec![KeyOrder { descending: false, nulls_first: false }; keys.len()];
        Ok(Some(ClusterOrder {
            evaluator: Evaluator::compile(keys, &layout.collect())?,
            encoder: KeyEncoder::new(&types, &orders),
        }))
    }

    /// The same rows in order.
    pub(super) fn sort(&self, batches: Vec<Batch>, context: &QueryContext) -> Result<Vec<Batch>> {
        let mut keys = RowKeys::default();
        for batch in &batches {
            let columns: Vec<Column> = self.evaluator.evaluate(batch, &context.functions)?;
            self.encoder.encode(&columns, batch.rows(), &mut keys)?;
        }
        let mut order: Vec<(u64, u32)> = keys.prefixes().into_iter().zip(0..).collect();
        // The first bytes decide most comparisons without a look at the key.
        let compare = |a: &(u64, u32), b: &(u64, u32)| {
            let full = || keys.key(a.1 as usize).cmp(keys.key(b.1 as usize));
            a.0.cmp(&b.0).then_with(full).then(a.1.cmp(&b.1))
        };
        if order.is_sorted_by(|a, b| compare(a, b).is_le()) {
            return Ok(batches);
        }
        context.pool.install(|| order.par_sort_unstable_by(compare));
        let all = Batch::concat(&batches)?;
        drop(batches);
        let parts = order
            .chunks(4 * BATCH_ROWS)
            .map(|part| all.take(&UInt32Array::from_iter_values(part.iter().map(|(_, row)| *row))));
        Ok(parts.collect())
    }
}
