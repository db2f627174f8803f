//! Bringing materialized views up to date.
//!
//! A view that reads its table row by row gets what was added to the table since, as long as nothing else
//! happened to it; one that sums and counts by groups is put together of its stored rows and those that
//! were added; every other view is computed anew. A reader never sees old rows meanwhile: the binder
//! reads a view that is out of date by way of its query.

use std::sync::Arc;

use firn_account::catalog::PENDING;
use firn_account::catalog::{MaterializedView, Table, TableColumn};
use firn_account::txn::changes;
use firn_account::{Catalog, CatalogChange, TimePoint};
use firn_execute::dml;
use firn_plan::statement::Query;
use firn_query::bind::{Grown, insert_query};
use firn_storage::Snapshot;
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
    let Some(base) = catalog.table(view.base_table).cloned() else { return Ok(false) };
    let unusable = view.state.suspended || view.state.invalid_reason.is_some();
    if unusable || base.data_version == PENDING || view.stored.len() != view.columns.len() {
        return Ok(false);
    }
    let functions = running.function_context();
    let added = added_since(running, &view, &base)?;
    let (query, grows) = running.with_binder(&functions, |binder| {
        let grown = match &added {
            Some(added) => binder.bind_grown(&view, added)?,
            None => None,
        };
        let (query, grows) = match grown {
            Some(Grown::Added(query)) => (query, true),
            Some(Grown::Merged(query)) => (query, false),
            None => (binder.bind_materialized(&view)?, false),
        };
        Ok((running.optimized(query, binder.next_column_id())?, grows))
    })?;
    // What is stored must not depend on for whom it was computed.
    let mut protected = false;
    query.plan.visit(&mut |node| protected |= matches!(node, firn_plan::Plan::Secure(_)));
    if protected {
        return Ok(false);
    }
    store(running, &view, query, grows, base.data_version)
}

/// The micro-partitions that were added to the base table since the view was last up to date; none when
/// anything else happened to the table, or the view was never filled.
fn added_since(
    running: &StatementContext,
    view: &MaterializedView,
    base: &Table,
) -> Result<Option<Arc<Snapshot>>> {
    let Some(reflects) = view.state.reflects else { return Ok(None) };
    if base.definition_version > reflects {
        return Ok(None);
    }
    let account = &running.session.shared.account;
    // The old version may not be kept any more.
    let Ok(then) = account.snapshot_at(base.id(), &TimePoint::Version(reflects)) else {
        return Ok(None);
    };
    let changed = changes(&then, &base.snapshot)?;
    if !changed.is_append() || changed.inserted.iter().any(|rows| rows.rows.is_some()) {
        return Ok(None);
    }
    let partitions = changed.inserted.into_iter().map(|rows| rows.partition).collect();
    Ok(Some(Arc::new(Snapshot::new(partitions, base.snapshot.next_row_id()))))
}

/// Stores the query's rows, beside what is stored when the view only `grows`.
fn store(
    running: &mut StatementContext,
    view: &MaterializedView,
    query: Query,
    grows: bool,
    reflects: u64,
) -> Result<bool> {
    let hidden = Arc::new(hidden_table(view));
    let keys = keys_of(running, &hidden)?;
    let mut insert = insert_query(query, hidden)?;
    insert.overwrite = !grows;
    let context = running.query_context()?;
    let session = &running.session;
    let mut transaction = session.shared.account.begin(&session.space);
    if stored_version(&transaction.catalog(), view.header.id)? != view.state.reflects {
        // Somebody else was faster.
        return Ok(true);
    }
    dml::insert(&insert, &keys, &context, &mut transaction)?;
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
    table.cluster_by.clone_from(&view.cluster_by);
    table
}
