//! UPDATE.

use arrow::array::BooleanArray;
use firn_account::Transaction;
use firn_expression::Expr;
use firn_plan::statement::Update;
use firn_types::Result;

use super::changed_rows::ChangedRows;
use super::new_rows::NewRows;
use super::source::{for_each_batch, layout_of, position_of};
use super::touched::{Rows, Touched, locators};
use crate::context::QueryContext;
use crate::row_locator::RowLocator;

/// How many rows an UPDATE changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpdateCounts {
    /// Rows changed.
    pub updated: u64,
    /// Those of them that several source rows would have changed.
    pub multi_joined: u64,
}

/// Changes a statement's rows. With `refuse_duplicates` (ERROR_ON_NONDETERMINISTIC_UPDATE) a row that
/// several source rows change is an error; else one of them wins.
///
/// # Errors
/// Those of the source and of the conversions; `DuplicateRow`; `Storage`.
pub fn update(
    plan: &Update,
    cluster_keys: &[Expr],
    refuse_duplicates: bool,
    context: &QueryContext,
    transaction: &mut Transaction,
) -> Result<UpdateCounts> {
    let table = &plan.target.table;
    let changed = ChangedRows::new(table, &plan.set, cluster_keys, context, transaction)?;
    let layout = layout_of(&plan.source);
    let new = NewRows::of(&plan.target, plan.set.clone(), &plan.assignments, &layout)?;
    let locator = position_of(&plan.source, plan.locator)?;
    let (touched, again) = (Touched::default(), Touched::default());
    for_each_batch(&plan.source, context, &|_, mut batch| {
        let found = locators(batch.column(locator));
        let is_new = touched.insert_all(&found);
        let mut rows: Vec<RowLocator> = found.iter().copied().flatten().collect();
        if rows.len() < found.len() || is_new.contains(&false) {
            let repeated: Vec<_> =
                found.iter().zip(&is_new).filter(|(_, is_new)| !**is_new).collect();
            let repeated: Vec<_> = repeated.into_iter().map(|(locator, _)| *locator).collect();
            if let (true, Some(row)) = (refuse_duplicates, repeated.iter().flatten().next()) {
                return Err(changed.old.changed_twice(*row)?);
            }
            again.insert_all(&repeated);
            rows = found
                .iter()
                .zip(&is_new)
                .filter_map(|(row, is_new)| row.filter(|_| *is_new))
                .collect();
            batch = batch.filter(&BooleanArray::from(is_new));
        }
        changed.change(&rows, new.make(&batch, context)?)
    })?;
    let rows = touched.into_rows();
    let counts = UpdateCounts { updated: rows.len(), multi_joined: again.into_rows().len() };
    let delta = changed.finish(rows, Rows::default())?;
    transaction.change(table.id(), delta)?;
    Ok(counts)
}
