//! DELETE.

use std::collections::BTreeSet;

use firn_account::Transaction;
use firn_plan::Plan;
use firn_plan::statement::Delete;
use firn_storage::SnapshotDelta;
use firn_types::Result;

use super::source::{for_each_batch, position_of};
use super::touched::{Touched, locators};
use crate::context::QueryContext;

/// Deletes a statement's rows and tells how many.
///
/// # Errors
/// Those of the source; `Storage`.
pub fn delete(plan: &Delete, context: &QueryContext, transaction: &mut Transaction) -> Result<u64> {
    let table = &plan.target.table;
    if takes_all(&plan.source) {
        let removed = table.snapshot.partitions()?.iter().map(|partition| partition.id.clone());
        let delta = SnapshotDelta { removed: removed.collect(), ..SnapshotDelta::default() };
        transaction.change(table.id(), delta)?;
        return table.snapshot.rows();
    }
    let touched = Touched::default();
    let locator = position_of(&plan.source, plan.locator)?;
    for_each_batch(&plan.source, context, &|_, batch| {
        touched.insert_all(&locators(batch.column(locator)));
        Ok(())
    })?;
    let rows = touched.into_rows();
    let count = rows.len();
    transaction.change(table.id(), rows.into_delta(&table.snapshot, &BTreeSet::new())?)?;
    Ok(count)
}

/// Whether the plan gives every row of the table.
fn takes_all(source: &Plan) -> bool {
    match source {
        Plan::Scan(scan) => scan.conditions.is_empty() && scan.limit.is_none(),
        _ => false,
    }
}
