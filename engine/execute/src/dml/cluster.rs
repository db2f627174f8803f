//! CLUSTER BY: rows in the order of the table's cluster key.

use firn_column::kernels::take::{RowOf, gather};
use firn_column::row_key::{KeyOrder, sort_rows};
use firn_column::{Batch, Column};
use firn_expression::Evaluator;
use firn_expression::Expr;
use firn_types::limits::BATCH_ROWS;
use firn_types::{ColumnId, Result, SqlType};

use crate::context::QueryContext;

/// Rows that are gathered at once: their values are picked from all over memory, once.
const PIECE_ROWS: usize = 4 * BATCH_ROWS;

/// The cluster key of a table, ready to sort by.
pub(super) struct ClusterOrder {
    evaluator: Evaluator,
    types: Vec<SqlType>,
    orders: Vec<KeyOrder>,
}

impl ClusterOrder {
    /// The order by these keys, over columns whose ids are positions below `width`; none without keys.
    pub(super) fn new(keys: &[Expr], width: usize) -> Result<Option<ClusterOrder>> {
        if keys.is_empty() {
            return Ok(None);
        }
        let layout = (0u32..).zip(0..width).map(|(id, position)| (ColumnId(id), position));
        Ok(Some(ClusterOrder {
            evaluator: Evaluator::compile(keys, &layout.collect())?,
            types: keys.iter().map(Expr::sql_type).collect(),
            orders: vec![KeyOrder { descending: false, nulls_first: false }; keys.len()],
        }))
    }

    /// The same rows in order.
    pub(super) fn sort(&self, batches: Vec<Batch>, context: &QueryContext) -> Result<Ordered> {
        let keys: Vec<Vec<Column>> = context
            .map(batches.len(), |at| self.evaluator.evaluate(&batches[at], &context.functions))?;
        let order = context.pool.install(|| sort_rows(&self.types, &self.orders, &keys))?;
        if order.is_sorted() {
            return Ok(Ordered::unsorted(batches));
        }
        // Dictionaries of different batches would have to be flattened for every piece again.
        let batches = context.map(batches.len(), |at| Ok(flat(&batches[at])))?;
        Ok(Ordered { batches, order: Some(order) })
    }
}

fn flat(batch: &Batch) -> Batch {
    let columns = batch.columns().iter().map(|column| Column::Flat(column.flat()));
    Batch::new(columns.collect(), batch.rows())
}

/// Rows in the order in which they are to be written.
pub(super) struct Ordered {
    batches: Vec<Batch>,
    /// The rows in order; none when they stand in order.
    order: Option<Vec<RowOf>>,
}

impl Ordered {
    /// Rows that stay as they stand.
    pub(super) fn unsorted(batches: Vec<Batch>) -> Ordered {
        Ordered { batches, order: None }
    }

    /// Gives the rows from the `start`-th to before the `end`-th, in order.
    pub(super) fn give(
        &self,
        (start, end): (usize, usize),
        take: &mut dyn FnMut(&Batch) -> Result<()>,
    ) -> Result<()> {
        let Some(order) = &self.order else { return self.give_standing((start, end), take) };
        for piece in order[start..end].chunks(PIECE_ROWS) {
            take(&self.pick(piece)?)?;
        }
        Ok(())
    }

    fn give_standing(
        &self,
        (start, end): (usize, usize),
        take: &mut dyn FnMut(&Batch) -> Result<()>,
    ) -> Result<()> {
        let mut first = 0;
        for batch in &self.batches {
            let (from, to) = (start.max(first), end.min(first + batch.rows()));
            if from < to {
                match to - from == batch.rows() {
                    true => take(batch)?,
                    false => take(&batch.slice(from - first, to - from))?,
                }
            }
            first += batch.rows();
        }
        Ok(())
    }

    /// Gathers rows from the batches that have any of them: near rows mostly come from few batches.
    fn pick(&self, rows: &[RowOf]) -> Result<Batch> {
        let mut used: Vec<u32> = rows.iter().map(|row| row.batch).collect();
        used.sort_unstable();
        used.dedup();
        let mut numbers = vec![0; self.batches.len()];
        (0..).zip(&used).for_each(|(number, batch)| numbers[*batch as usize] = number);
        let batches: Vec<Batch> =
            used.iter().map(|batch| self.batches[*batch as usize].clone()).collect();
        let rows: Vec<RowOf> = rows
            .iter()
            .map(|row| RowOf { batch: numbers[row.batch as usize], row: row.row })
            .collect();
        gather(&batches, &rows)
    }
}
