//! Bringing stored rows up to date: those of materialized views when they are read, and what a refresh of a dynamic
//! table does.
//!
//! What has changed in a view's table is carried over where that is possible; else the view is computed anew. A reader
//! never sees old rows meanwhile: the binder reads a view that is out of date by way of its query.

use std::sync::Arc;

use firn_account::catalog::PENDING;
use firn_account::catalog::{MaterializedView, Table, TableColumn};
use firn_account::{Catalog, CatalogChange, TimePoint, Transaction};
use firn_execute::{QueryContext, dml};
use firn_plan::statement::StatementPlan;
use firn_query::bind::{Before, TableRows};
use firn_query::optimize;
use firn_types::{Error, ObjectId, Result};

use super::dml::keys_of;
use crate::lifecycle::StatementContext;

/// Brings views up to date where that is possible, and tells whether any was. Within an open transaction
/// nothing is done: others would not see it, and it might be undone.
pub(crate) fn refresh_all(running: &mut StatementContext, views: &[ObjectId]) -> bool {
    if running.session.transaction.is_open() {
        return false;
    }
    // A refresh that fails leaves the view as it was, to be read by way of its query.
    let refreshed = |view: &&ObjectId| refresh(&mut running.child(), **view).unwrap_or(false);
    views.iter().filter(refreshed).count() > 0
}

/// Brings one view up to date; false when it cannot be.
fn refresh(running: &mut StatementContext, id: ObjectId) -> Result<bool> {
    let catalog = running.catalog();
    let Some(view) = catalog.materialized_view(id).cloned() else { return Ok(false) };
    let Some(base) = catalog.object(view.base_table).cloned() else { return Ok(false) };
    let Some(data_version) = base.data_version() else { return Ok(false) };
    let unusable = view.state.suspended || view.state.invalid_reason.is_some();
    if unusable || data_version == PENDING || view.stored.len() != view.columns.len() {
        return Ok(false);
    }
    let functions = running.function_context();
    let stored = Arc::new(hidden_table(&view));
    // Rows of files are computed anew.
    let before = base.as_table().and_then(|base| rows_before(running, &view, base));
    let rows = base.rows().map(|rows| (base.id(), Arc::clone(rows)));
    let rows: TableRows = rows.into_iter().collect();
    let plan = |before: Option<&TableRows>| {
        running.with_binder(&functions, |binder| {
            let query = binder.bind_materialized(&view)?;
            let before = before.map(|rows| Before { rows, fingerprint: None });
            let refresh = binder.bind_refresh(&stored, query, before, &rows)?;
            let context = running.optimize_context(&functions, binder.next_column_id());
            let statement = optimize::optimize_statement(refresh.statement, &context)?;
            Ok((statement, binder.meets_policies()))
        })
    };
    let (statement, protected) = plan(before.as_ref())?;
    // What is stored must not depend on for whom it was computed.
    if protected {
        return Ok(false);
    }
    match store(running, &view, &statement, data_version) {
        // Rows were put together that were never there at once.
        Err(error) if before.is_some() && error.code().is_about_data() => {
            store(running, &view, &plan(None)?.0, data_version)
        }
        outcome => outcome,
    }
}

/// The rows of the base table that the view reflects; none when the view was never filled, the table has other columns
/// since, or they are not kept any more.
fn rows_before(
    running: &StatementContext,
    view: &MaterializedView,
    base: &Table,
) -> Option<TableRows> {
    let reflects = view.state.reflects.filter(|reflects| base.definition_version <= *reflects)?;
    let account = &running.session.shared.account;
    let then = account.snapshot_at(base.id(), &TimePoint::Version(reflects)).ok()?;
    Some(TableRows::from([(base.id(), then)]))
}

/// Does what a refresh is planned to do to stored rows: how many come and go. None when it was planned for other files
/// than the transaction sees.
///
/// # Errors
/// Those of the query, and of storing its rows.
pub(super) fn apply(
    running: &StatementContext,
    statement: &StatementPlan,
    context: &QueryContext,
    transaction: &mut Transaction,
) -> Result<Option<[u64; 2]>> {
    if !dml::is_current(statement, transaction)? {
        return Ok(None);
    }
    match statement {
        StatementPlan::Merge(plan) => {
            let keys = keys_of(running, &plan.target.table)?;
            let counts = dml::merge(plan, &keys, false, context, transaction)?;
            let [inserted, updated, deleted] =
                [counts.inserted, counts.updated, counts.deleted].map(Option::unwrap_or_default);
            Ok(Some([inserted + updated, deleted + updated]))
        }
        StatementPlan::Insert(plan) => {
            let keys = keys_of(running, &plan.target.table)?;
            let before = if plan.overwrite { plan.target.table.snapshot.rows()? } else { 0 };
            Ok(Some([dml::insert(plan, &keys, context, transaction)?, before]))
        }
        _ => Err(Error::internal("a refresh that neither merges nor inserts")),
    }
}

/// Stores what the statement makes of the view's rows; false when others have rewritten its files meanwhile.
fn store(
    running: &StatementContext,
    view: &MaterializedView,
    statement: &StatementPlan,
    reflects: u64,
) -> Result<bool> {
    let context = running.query_context()?;
    let session = &running.session;
    let mut transaction = session.shared.account.begin(&session.space);
    if stored_version(&transaction.catalog(), view.header.id)? != view.state.reflects {
        // Somebody else was faster.
        return Ok(true);
    }
    if apply(running, statement, &context, &mut transaction)?.is_none() {
        return Ok(false);
    }
    transaction.apply(CatalogChange::Refreshed { view: view.header.id, reflects })?;
    transaction.commit(&running.query_id)?;
    Ok(true)
}

fn stored_version(catalog: &Catalog, view: ObjectId) -> Result<Option<u64>> {
    let view = catalog.materialized_view(view);
    let view = view.ok_or_else(|| Error::internal("a materialized view that is gone"))?;
    Ok(view.state.reflects)
}

/// The table that keeps the view's rows.
fn hidden_table(view: &MaterializedView) -> Table {
    let columns = view.columns.iter().map(|column| TableColumn::new(&column.name, column.sql_type));
    let mut table = Table::new(view.header.clone(), columns.collect());
    table.snapshot = Arc::clone(&view.state.snapshot);
    table.cluster_by.clone_from(&view.cluster_by);
    table
}
