//! CREATE DYNAMIC TABLE, and what keeps its rows.

use std::collections::HashMap;
use std::sync::Arc;

use firn_account::catalog::{
    ACCOUNT, CurrentPath, Dynamic, DynamicState, Namespace, Object, ObjectKind, RefreshMode,
    StarColumns, Table, TableColumn, TableKind,
};
use firn_account::txn::changes;
use firn_account::{Catalog, CatalogChange, TimePoint};
use firn_functions::FunctionContext;
use firn_parse::ast::{CreateDynamicTable, StatementOption};
use firn_plan::Plan;
use firn_plan::statement::{Query, StatementPlan};
use firn_query::bind::{Before, Refresh, TableRows};
use firn_query::optimize;
use firn_types::{Error, ErrorCode, ObjectId, Result, SqlType};

use super::kind::invalid;
use super::option_table::{self, Place};
use super::refresh as stored_rows;
use crate::dynamic_table::{Refreshed, target_lag};
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// Creates a dynamic table, and computes its rows unless it is to wait for its schedule.
///
/// # Errors
/// When an option is wrong, the query does not compile, an incremental refresh is asked for where there is none,
/// or the name is taken.
pub(super) fn create(running: &mut StatementContext, ast: &CreateDynamicTable) -> Result<Rows> {
    option_table::check(ObjectKind::DynamicTable, Place::Create, &ast.options)?;
    let path = running.path(&ast.name, "CREATE DYNAMIC TABLE")?;
    let schema = running.catalog().resolve_schema(&path)?;
    let own =
        CurrentPath { database: Some(path.database.clone()), schema: Some(path.schema.clone()) };
    let functions = running.function_context();
    let (query, stars, mode) = running.with_binder(&functions, |binder| {
        let (query, stars) = binder.bind_view(&ast.query, &running.sql, &own, None)?;
        let tables = tables_of(&query)?;
        let mode = binder.refuse_full_only(&query);
        Ok((query, stars, (tables, mode)))
    })?;
    let header = running.header(schema, &path.name, &ast.options);
    let mut table = Table::new(header, columns(ast, &query)?);
    table.kind = if ast.transient { TableKind::Transient } else { TableKind::Permanent };
    table.change_tracking = true;
    let key = |key: &firn_parse::ast::Expr| key.span.of(&running.sql).to_string();
    table.cluster_by = ast.cluster_by.iter().map(key).collect();
    let mut dynamic = dynamic(running, ast, stars, mode)?;
    set_options(running, &mut table, &mut dynamic, &ast.options)?;
    table.dynamic = Some(Arc::new(dynamic));
    let id = table.id();
    let waits = option(&ast.options, "INITIALIZE")
        .is_some_and(|word| word.eq_ignore_ascii_case("ON_SCHEDULE"));
    let table = Object::from(table);
    let replaced = running.catalog().taken(&table).map(Object::id);
    let rows = running.create_copying(table, ast.mode, ast.copy_grants)?;
    let is_new = running.session.shared.account.catalog().table(id).is_some();
    if is_new
        && !waits
        && let Err(error) = refresh(running, id, "CREATION")
    {
        // It was never there, and what it was to replace comes back.
        let never = [CatalogChange::Drop { id }, CatalogChange::Purge { id }];
        let undrop = replaced.map(|id| CatalogChange::Undrop { id });
        running.change(never.into_iter().chain(undrop).collect())?;
        return Err(error);
    }
    Ok(rows)
}

/// The text of an option.
fn option(options: &[StatementOption], name: &str) -> Option<String> {
    options.iter().find(|option| option.name == name)?.value.as_text()
}

/// The table's columns: the query's, under the names that are written.
fn columns(ast: &CreateDynamicTable, query: &Query) -> Result<Vec<TableColumn>> {
    let fields = query.fields();
    if !ast.columns.is_empty() && ast.columns.len() != fields.len() {
        return Err(Error::new(ErrorCode::InvalidStatement, "Invalid column definition list"));
    }
    let mut columns: Vec<TableColumn> = Vec::with_capacity(fields.len());
    for (at, field) in fields.iter().enumerate() {
        let written = ast.columns.get(at);
        let name = written.map_or(field.name.as_str(), |column| column.name.name.as_str());
        if columns.iter().any(|other| other.name == name) {
            let text = format!("duplicate column name '{name}'");
            return Err(Error::new(ErrorCode::DuplicateColumn, text));
        }
        let sql_type = match field.sql_type {
            SqlType::Null => SqlType::TEXT,
            other => other,
        };
        let mut column = TableColumn::new(name, sql_type);
        column.comment = written.and_then(|column| column.comment.clone()).unwrap_or_default();
        columns.push(column);
    }
    Ok(columns)
}

fn dynamic(
    running: &StatementContext,
    ast: &CreateDynamicTable,
    stars: Vec<StarColumns>,
    (tables, incremental): (Vec<ObjectId>, Result<()>),
) -> Result<Dynamic> {
    let asked = option(&ast.options, "REFRESH_MODE").unwrap_or_else(|| "AUTO".to_string());
    let asked = asked.to_uppercase();
    let (mode, mode_reason) = match (asked.as_str(), incremental) {
        ("FULL", _) => (RefreshMode::Full, None),
        (_, Ok(())) => (RefreshMode::Incremental, None),
        ("INCREMENTAL", Err(error)) => return Err(error),
        (_, Err(error)) => (RefreshMode::Full, Some(error.detail().to_string())),
    };
    let body = ast.query_span.of(&running.sql);
    let before = body.len() - body.trim_start().len() + ast.query_span.start as usize;
    let before = u32::try_from(before).unwrap_or(u32::MAX);
    let mut stars = stars;
    stars.iter_mut().for_each(|star| star.start = star.start.saturating_sub(before));
    Ok(Dynamic {
        text: running.sql.trim().trim_end_matches(';').to_string(),
        query: body.trim().to_string(),
        stars,
        tables,
        target_lag: None,
        warehouse: None,
        mode,
        mode_asked: asked,
        mode_reason,
        suspended: false,
        suspended_nanos: None,
        state: None,
    })
}

/// Gives a dynamic table what some options say.
///
/// # Errors
/// When a value does not fit.
pub(super) fn set_options(
    running: &StatementContext,
    table: &mut Table,
    dynamic: &mut Dynamic,
    options: &[StatementOption],
) -> Result<()> {
    for option in options {
        let text = option.value.as_text().unwrap_or_default();
        match option.name.as_str() {
            "TARGET_LAG" => {
                target_lag(&text).map_err(|error| error.at(option.span).without_span())?;
                dynamic.target_lag = (!text.eq_ignore_ascii_case("DOWNSTREAM")).then_some(text);
            }
            "WAREHOUSE" => {
                let name = option.value.as_name().ok_or_else(|| invalid(option))?;
                let name = name.object().name.clone();
                let catalog = running.catalog();
                if catalog.find(Namespace::Warehouse, ACCOUNT, &name).is_none() {
                    let missing = catalog.not_found(ObjectKind::Warehouse, ACCOUNT, &name);
                    return Err(missing.at(option.span));
                }
                dynamic.warehouse = Some(name);
            }
            "DATA_RETENTION_TIME_IN_DAYS" => table.retention_days = text.parse().ok(),
            "COMMENT" => table.header.comment = text,
            _ => {}
        }
    }
    Ok(())
}

/// The tables that a query reads; what it may not read is refused.
fn tables_of(query: &Query) -> Result<Vec<ObjectId>> {
    let (mut tables, mut wrong) = (Vec::new(), false);
    query.plan.visit(&mut |node| match node {
        Plan::Scan(scan) => tables.push(scan.table.id()),
        Plan::VirtualScan(_) | Plan::StageScan(_) => wrong = true,
        _ => {}
    });
    if wrong {
        let text = "A dynamic table cannot read staged files, results and INFORMATION_SCHEMA.";
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    tables.sort_unstable();
    tables.dedup();
    Ok(tables)
}

/// Brings a dynamic table, and those that it reads, to what its tables hold now.
///
/// # Errors
/// When a query does not compile any more or cannot be computed; when others change the table meanwhile.
pub(crate) fn refresh(
    running: &mut StatementContext,
    id: ObjectId,
    reason: &str,
) -> Result<Refreshed> {
    running.commit_open()?;
    let account = running.session.shared.account.clone();
    account.refresh()?;
    let now = account.catalog();
    let data_nanos = account.time_of(&TimePoint::Version(now.version()))?;
    let data_nanos = data_nanos.unwrap_or(running.start_nanos);
    refresh_to(running, (id, &[]), (&now, data_nanos), reason)
}

/// Brings a dynamic table to a version of the account, for those that read it.
fn refresh_to(
    running: &mut StatementContext,
    (id, readers): (ObjectId, &[ObjectId]),
    (to, data_nanos): (&Catalog, i64),
    reason: &str,
) -> Result<Refreshed> {
    let account = running.session.shared.account.clone();
    let found = account.catalog().table(id).cloned();
    let gone = || Error::new(ErrorCode::ObjectNotFound, "The dynamic table is gone.");
    let first = found.filter(|table| table.dynamic.is_some()).ok_or_else(gone)?;
    let started_nanos = account.clock().now_nanos();
    let done = |running: &StatementContext, outcome: std::result::Result<&Refreshed, &Error>| {
        crate::dynamic_table::note(running, id, (reason, started_nanos, data_nanos), outcome);
    };
    let tables = tables_read(running, &first).inspect_err(|error| done(running, Err(error)))?;
    // Queries find tables by their names, which others may have taken over since.
    let readers = [readers, &[id]].concat();
    if tables.iter().any(|table| readers.contains(table)) {
        let text = format!(
            "Dynamic table {} reads itself, directly or through other dynamic tables.",
            first.header.name
        );
        let error = Error::new(ErrorCode::InvalidStatement, text);
        done(running, Err(&error));
        return Err(error);
    }
    for table in &tables {
        let state = account.catalog().table(*table).and_then(|table| table.dynamic.clone());
        let behind = state.is_some_and(|dynamic| {
            dynamic.state.as_ref().is_none_or(|state| state.version < to.version())
        });
        if behind {
            refresh_to(running, (*table, &readers), (to, data_nanos), reason)?;
        }
    }
    let refreshed = carry_over(running, id, (to, data_nanos));
    let refreshed = refreshed.map(|(action, counts)| Refreshed { action, counts });
    done(running, refreshed.as_ref());
    refreshed
}

/// What a refresh did, and how many rows came and went.
type CarriedOver = (&'static str, [u64; 2]);

/// How often a refresh is planned anew because others have rewritten the table's files meanwhile.
const ATTEMPTS: usize = 16;

fn carry_over(
    running: &mut StatementContext,
    id: ObjectId,
    to: (&Catalog, i64),
) -> Result<CarriedOver> {
    for _ in 0..ATTEMPTS {
        if let Some(done) = carry_over_once(running, id, to)? {
            return Ok(done);
        }
        running.session.shared.account.refresh()?;
    }
    let text = "Others have changed the dynamic table's files all the time.";
    Err(Error::new(ErrorCode::LockTimeout, text))
}

/// As [`carry_over`]; none when the table's files are not those any more for which it was planned.
fn carry_over_once(
    running: &mut StatementContext,
    id: ObjectId,
    (to, data_nanos): (&Catalog, i64),
) -> Result<Option<CarriedOver>> {
    let newest = running.session.shared.account.catalog();
    let gone = || Error::new(ErrorCode::ObjectNotFound, "The dynamic table is gone.");
    let table = newest.table(id).cloned().ok_or_else(gone)?;
    let dynamic = table.dynamic.clone().ok_or_else(gone)?;
    let functions = running.owner_functions(table.header.owner);
    let tables = tables_read(running, &table)?;
    // Dynamic tables that it reads have come to the same version in commits of their own.
    let (mut rows, mut read): (TableRows, _) = (HashMap::new(), Vec::new());
    for id in &tables {
        let is_dynamic = newest.table(*id).is_some_and(|table| table.dynamic.is_some());
        let version = if is_dynamic { &newest } else { to };
        let found = version.object(*id).and_then(Object::rows).ok_or_else(dropped)?;
        rows.insert(*id, Arc::clone(found));
        read.push((*id, version.version()));
    }
    let before = match (&dynamic.state, dynamic.mode) {
        (Some(state), RefreshMode::Incremental) if state.fingerprint.is_some() => {
            let rows = rows_before(running, state).ok();
            rows.map(|rows| (rows, state.fingerprint))
        }
        _ => None,
    };
    let before =
        before.as_ref().map(|(rows, fingerprint)| Before { rows, fingerprint: *fingerprint });
    let plan = |before: Option<Before<'_>>| {
        running.with_binder(&functions, |binder| {
            let query = binder.bind_dynamic_query(&table)?;
            let refresh = binder.bind_refresh(&table, query, before, &rows)?;
            let context = running.optimize_context(&functions, binder.next_column_id());
            let statement = optimize::optimize_statement(refresh.statement.clone(), &context)?;
            Ok(Refresh { statement, ..refresh })
        })
    };
    let state = |fingerprint| DynamicState {
        version: to.version(),
        data_nanos,
        read: read.clone(),
        fingerprint,
    };
    let refresh = plan(before)?;
    let new = |refresh: &Refresh| with_state(&table, &tables, state(Some(refresh.fingerprint)));
    if let Some(before) = before.filter(|_| !refresh.is_full()) {
        if unchanged(before.rows, &rows)? {
            return store(running, new(&refresh), "NO_DATA", None, &functions);
        }
        let statement = Some(&refresh.statement);
        match store(running, new(&refresh), "INCREMENTAL", statement, &functions) {
            // Rows were put together that were never there at once.
            Err(error) if error.code().is_about_data() => {}
            outcome => return outcome,
        }
    }
    let refresh = if refresh.is_full() { refresh } else { plan(None)? };
    store(running, new(&refresh), "FULL", Some(&refresh.statement), &functions)
}

/// The tables that the query of a dynamic table reads now.
fn tables_read(running: &StatementContext, table: &Arc<Table>) -> Result<Vec<ObjectId>> {
    let functions = running.owner_functions(table.header.owner);
    let bound =
        running.with_binder(&functions, |binder| Ok(binder.bind_dynamic_query(table)?.tables()));
    let catalog = running.session.shared.account.catalog();
    let known = table.dynamic.as_ref().map(|dynamic| dynamic.tables.as_slice());
    let is_dropped = known.unwrap_or_default().iter().any(|id| !catalog.is_live(*id));
    bound.map_err(|error| if is_dropped { dropped() } else { error })
}

fn dropped() -> Error {
    Error::new(ErrorCode::ObjectNotFound, "A table that the dynamic table reads was dropped.")
}

/// A dynamic table that has come so far, of these tables.
fn with_state(table: &Table, tables: &[ObjectId], state: DynamicState) -> Table {
    let mut new = table.clone();
    if let Some(dynamic) = &mut new.dynamic {
        let dynamic = Arc::make_mut(dynamic);
        dynamic.state = Some(state);
        dynamic.tables = tables.to_vec();
    }
    new
}

/// The rows that were read last.
///
/// # Errors
/// When they are not kept any more.
fn rows_before(running: &StatementContext, state: &DynamicState) -> Result<TableRows> {
    let account = &running.session.shared.account;
    let mut rows = HashMap::new();
    for (id, version) in &state.read {
        let then = account.catalog_at(&TimePoint::Version(*version))?;
        let found = then.object(*id).and_then(Object::rows);
        let gone = || Error::new(ErrorCode::TimeTravelUnavailable, "rows that are gone");
        rows.insert(*id, Arc::clone(found.ok_or_else(gone)?));
    }
    Ok(rows)
}

fn unchanged(before: &TableRows, rows: &TableRows) -> Result<bool> {
    for (id, now) in rows {
        let Some(before) = before.get(id) else { return Ok(false) };
        if !Arc::ptr_eq(before, now) && !changes(before, now)?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Does what the statement says, and notes how far the rows have come, in one commit; none when the statement was
/// planned for other files than there are.
fn store(
    running: &StatementContext,
    new: Table,
    action: &'static str,
    statement: Option<&StatementPlan>,
    functions: &FunctionContext,
) -> Result<Option<CarriedOver>> {
    let mut context = running.unqueued_context();
    context.functions = Arc::new(functions.clone());
    let session = &running.session;
    let mut transaction = session.shared.account.begin(&session.space);
    let mut counts = [0, 0];
    if let Some(statement) = statement {
        match stored_rows::apply(running, statement, &context, &mut transaction)? {
            Some(changed) => counts = changed,
            None => return Ok(None),
        }
    }
    transaction.apply(CatalogChange::alter(new))?;
    transaction.commit(&running.query_id)?;
    Ok(Some((action, counts)))
}
