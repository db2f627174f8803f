//! INSERT into one table.

use firn_account::Transaction;
use firn_expression::Expr;
use firn_plan::statement::Insert;
use firn_storage::SnapshotDelta;
use firn_types::{ObjectId, Result};

use super::new_rows::NewRows;
use super::source::{for_each_batch, layout_of};
use super::writer::{RowsWriter, Written};
use crate::context::QueryContext;

/// Inserts a statement's rows and tells how many. `cluster_keys` are the table's cluster keys over
/// columns whose ids are the table's positions.
///
/// # Errors
/// Those of the source and of the conversions; `Storage`.
pub fn insert(
    plan: &Insert,
    cluster_keys: &[Expr],
    context: &QueryContext,
    transaction: &mut Transaction,
) -> Result<u64> {
    let table = &plan.target.table;
    let writer = RowsWriter::new(table, cluster_keys, false, context, transaction)?;
    let rows = NewRows::new(&plan.target, &plan.assignments, &layout_of(&plan.source))?;
    for_each_batch(&plan.source, context, &|place, batch| {
        writer.write(place, rows.make(&batch, context)?)
    })?;
    let written = writer.finish()?;
    let count = written.rows;
    append(table.id(), plan.overwrite, plan.reads_target, written, transaction)?;
    Ok(count)
}

/// Adds what was written to a table, which is emptied first with `overwrite`; `read` says whether what was
/// written was made of the table's own rows.
pub(super) fn append(
    table: ObjectId,
    overwrite: bool,
    read: bool,
    written: Written,
    transaction: &mut Transaction,
) -> Result<()> {
    let delta = SnapshotDelta {
        added: written.partitions,
        truncated: overwrite,
        depends_on_rows: overwrite && read,
        ..SnapshotDelta::default()
    };
    transaction.change(table, delta)
}
