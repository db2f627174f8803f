//! Streams and CHANGES: what has changed in a table or view between two versions of the account.

mod difference;
mod net;
mod refresh;
mod restrict;
mod root;
mod settle;
mod sums;
mod support;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use firn_account::catalog::{Action, Catalog, Object, ObjectPath, Stream, StreamMode, Table};
use firn_account::no_past;
use firn_account::txn::{changes, rows_alone};
use firn_parse::ast;
use firn_plan::Plan;
use firn_storage::{Partition, Snapshot};
use firn_types::{Error, ErrorCode, FieldId, ObjectId, PartitionId, Result};

use super::external_source::bind_external_table;
use super::from::From;
use super::protect::{Protected, protect};
use super::source::{bind_view, past, table_scan};
use crate::bind::context::Env;
use crate::bind::{Binder, BoundQuery, ConsumedStream};

use difference::Differences;

pub use refresh::{Before, Refresh, StoredQuery, TableRows};
pub(crate) use refresh::{refresh, refuse_full_only};

/// Two versions, and which changes from the one to the other are asked for.
struct Interval {
    from: Version,
    to: Version,
    mode: StreamMode,
}

/// What the rows of tables are in.
enum Version {
    /// A version of the account.
    Account(Arc<Catalog>),
    /// Some versions of some tables' rows.
    Rows(TableRows),
}

impl Version {
    /// A table's rows; none where it was not there yet.
    fn rows(&self, table: ObjectId) -> Arc<Snapshot> {
        match self {
            Version::Account(catalog) => {
                catalog.object(table).and_then(Object::rows).cloned().unwrap_or_default()
            }
            Version::Rows(rows) => rows.get(&table).cloned().unwrap_or_default(),
        }
    }

    /// Which version of the account; 0 for rows of several ones.
    fn number(&self) -> u64 {
        match self {
            Version::Account(catalog) => catalog.version(),
            Version::Rows(_) => 0,
        }
    }
}

/// How the rows of one table differ.
struct TableChanges {
    /// The rows that have come and those that have gone.
    sides: Vec<Side>,
    /// Whether rows were only added: none of them has been there before.
    is_append: bool,
}

/// Rows that have all come, or all gone.
struct Side {
    /// The rows as a table of their own.
    rows: Arc<Snapshot>,
    /// 1 for rows that have come, -1 for those that have gone.
    weight: i128,
    /// Only rows whose ids are not less count.
    first_id: Option<i64>,
}

impl Side {
    fn of(rows: Snapshot, weight: i128) -> Side {
        Side { rows: Arc::new(rows), weight, first_id: None }
    }
}

/// Binds a stream as a source: its table's or view's columns, then METADATA$ACTION, METADATA$ISUPDATE and
/// METADATA$ROW_ID.
pub(super) fn bind_stream(
    binder: &Binder<'_>,
    stream: &Arc<Stream>,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let services = binder.context.services;
    let since = services.stream_start(stream)?;
    let now = services.changes_end()?;
    binder.consume(ConsumedStream {
        stream: Arc::clone(stream),
        offset: if since.initial { stream.offset } else { now.version() },
    });
    let source = now.object(stream.source).filter(|_| now.is_live(stream.source));
    let lost = || Error::new(ErrorCode::ObjectNotFound, lost_source(&now, stream));
    let source = source.ok_or_else(lost)?;
    env.catalog.authorize(Action::Select, source)?;
    if stream.tables.iter().any(|table| !now.is_live(*table)) {
        return Err(lost());
    }
    let (from, to) = match since.initial {
        // All that was there has come since there was nothing.
        true => (Arc::new(Catalog::empty()), since.catalog),
        false => (since.catalog, Arc::clone(&now)),
    };
    let interval = Interval::of(from, to, stream.mode);
    bind_changes_of(binder, source, &interval, env)
}

/// Whether a stream is on an external table.
pub(super) fn is_of_external(env: &Env<'_>, stream: &Stream) -> bool {
    env.catalog.object(stream.source).is_some_and(|source| source.as_external_table().is_some())
}

/// Binds an insert-only stream as a source: the rows of the files that were registered since it was consumed.
pub(super) fn bind_external_stream(
    binder: &Binder<'_>,
    stream: &Arc<Stream>,
    path: &ObjectPath,
    env: &Env<'_>,
) -> Result<From> {
    let now = binder.context.services.changes_end()?;
    binder.consume(ConsumedStream { stream: Arc::clone(stream), offset: now.version() });
    let source = now.object(stream.source).filter(|_| now.is_live(stream.source));
    let Some(source @ Object::ExternalTable(table)) = source else {
        return Err(Error::new(ErrorCode::ObjectNotFound, lost_source(&now, stream)));
    };
    env.catalog.authorize(Action::Select, source)?;
    let after = if stream.initial { 0 } else { stream.offset };
    bind_external_table(binder, table, Some(after), path, env)
}

fn lost_source(now: &Catalog, stream: &Stream) -> String {
    let name = now.object(stream.source).map_or("", Object::name);
    format!("Base table '{name}' dropped, cannot read from stream '{}'.", stream.header.name)
}

/// Binds `CHANGES (INFORMATION => ..) AT .. [END ..]` behind a table or view.
pub(super) fn bind_changes(
    binder: &Binder<'_>,
    source: &Object,
    (at, asked): (&ast::TimeTravel, &ast::Changes),
    env: &Env<'_>,
) -> Result<BoundQuery> {
    if let Object::Table(table) = source
        && !table.change_tracking
    {
        let text = format!(
            "Change tracking is not enabled or has been missing for the time range requested on table '{}'.",
            source.name()
        );
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(at.span));
    }
    let (from, nanos) = past(binder, at, env)?;
    let now_nanos = binder.context.functions.statement_nanos;
    if !binder.context.catalog.is_retained(source, &from, nanos, now_nanos) {
        return Err(no_past(&format!("table {}", source.name())));
    }
    let to = match &asked.end {
        Some(end) => past(binder, end, env)?.0,
        None => binder.context.services.changes_end()?,
    };
    let mode = if asked.append_only { StreamMode::AppendOnly } else { StreamMode::Default };
    let interval = Interval::of(from, to, mode);
    bind_changes_of(binder, source, &interval, env)
}

fn bind_changes_of(
    binder: &Binder<'_>,
    source: &Object,
    interval: &Interval,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let path = binder.context.catalog.path_of(source.header())?;
    let before = binder.constraint_count();
    let bound = bind_source(binder, source, &path, env)?;
    let changed = changes_between(binder, source.id(), &bound, interval, env)?;
    // Which rows have changed is told by their values as they are; they are shown as the policies of now say.
    let fields: Vec<FieldId> = source.columns().into_iter().map(|(field, ..)| field).collect();
    let name = path.to_string();
    let relation = Protected { header: source.header(), fields: &fields, name: &name, passed: &[] };
    let changed = protect(binder, relation, changed, None, env)?;
    refuse_constraints(binder, before)?;
    Ok(changed)
}

/// Changes are told row by row, and so what a projection policy or an aggregation policy protects has none to show.
/// There were `before` constraints before them.
fn refuse_constraints(binder: &Binder<'_>, before: usize) -> Result<()> {
    match binder.constraint_count() > before {
        true => Err(Error::not_supported(
            "changes of what a projection policy or an aggregation policy protects",
        )),
        false => Ok(()),
    }
}

/// How the answer of a query changes in an interval.
fn changes_between(
    binder: &Binder<'_>,
    source: ObjectId,
    query: &BoundQuery,
    interval: &Interval,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let tables = support::streamed_tables(&query.plan)?;
    let changes = changes_of_all(binder, tables, interval)?;
    let is_append = interval.is_append_only() || changes.values().all(|changes| changes.is_append);
    let differences = Differences { binder, interval, changes: &changes, with_ids: true };
    let terms = differences.terms(&query.plan)?;
    net::net(binder, source, &query.columns, terms, is_append, env)
}

/// How each of some tables changes in an interval.
fn changes_of_all(
    binder: &Binder<'_>,
    tables: Vec<Arc<Table>>,
    interval: &Interval,
) -> Result<HashMap<ObjectId, TableChanges>> {
    let mut changes = HashMap::new();
    for table in tables {
        if let Entry::Vacant(place) = changes.entry(table.id()) {
            place.insert(changes_of(binder, &table, interval)?);
        }
    }
    Ok(changes)
}

impl Interval {
    fn is_append_only(&self) -> bool {
        self.mode == StreamMode::AppendOnly
    }

    fn of(from: Arc<Catalog>, to: Arc<Catalog>, mode: StreamMode) -> Interval {
        Interval { from: Version::Account(from), to: Version::Account(to), mode }
    }

    /// All changes between two versions.
    fn between(from: Version, to: Version) -> Interval {
        Interval { from, to, mode: StreamMode::Default }
    }
}

fn bind_source(
    binder: &Binder<'_>,
    source: &Object,
    path: &ObjectPath,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    match source {
        Object::Table(table) => {
            let rows = Arc::clone(&table.snapshot);
            let (plan, columns) = table_scan(binder, table, rows, path, None);
            Ok(BoundQuery { plan, columns })
        }
        Object::View(view) => bind_view(binder, view, path, env),
        other => {
            let kind = other.kind().title().to_lowercase();
            Err(Error::not_supported(format!("changes of a {kind}")))
        }
    }
}

/// The tables that a query reads row by row, so that its changes can be told from theirs.
///
/// # Errors
/// When the query does anything but filter, project, join and put together rows.
pub(crate) fn tables_of_changes(plan: &Plan) -> Result<Vec<ObjectId>> {
    let mut tables: Vec<ObjectId> =
        support::streamed_tables(plan)?.iter().map(|table| table.id()).collect();
    tables.sort();
    tables.dedup();
    Ok(tables)
}

fn changes_of(
    binder: &Binder<'_>,
    table: &Arc<Table>,
    interval: &Interval,
) -> Result<TableChanges> {
    let from = interval.from.rows(table.id());
    let to = interval.to.rows(table.id());
    let found = changes(&from, &to)?;
    // When all ids that were given meanwhile are there, nothing has come and gone.
    let given = to.next_row_id().saturating_sub(from.next_row_id());
    let present: u64 = found.inserted.iter().map(|rows| rows.partition.rows).sum();
    let all_present = found.is_append() && i64::try_from(present).is_ok_and(|rows| rows == given);
    if all_present || !interval.is_append_only() {
        let sides = [(&found.inserted, 1), (&found.deleted, -1)];
        let sides = sides.into_iter().filter(|(rows, _)| !rows.is_empty());
        return Ok(TableChanges {
            is_append: found.is_append(),
            sides: sides.map(|(rows, weight)| Side::of(rows_alone(rows), weight)).collect(),
        });
    }
    let versions = (interval.from.number(), interval.to.number());
    let steps = binder.context.services.rows_between(table.id(), versions)?;
    Ok(TableChanges { sides: appended(&from, &steps)?, is_append: true })
}

/// The rows that were inserted in any of several steps, whatever became of them in later ones: those of the
/// micro-partitions that a step adds with row ids of their own. What an UPDATE or a compaction writes has the
/// ids of older rows, unless the same transaction has inserted them.
fn appended(from: &Snapshot, steps: &[Arc<Snapshot>]) -> Result<Vec<Side>> {
    let mut known: HashSet<PartitionId> =
        from.partitions()?.iter().map(|partition| partition.id.clone()).collect();
    let mut inserted: Vec<Arc<Partition>> = Vec::new();
    let mut sides = Vec::new();
    let mut first_id = from.next_row_id();
    for step in steps {
        let new = step.partitions()?.iter().filter(|partition| known.insert(partition.id.clone()));
        let (rewritten, own): (Vec<_>, Vec<_>) =
            new.cloned().partition(|partition| partition.stored_row_ids);
        inserted.extend(own);
        if step.next_row_id() > first_id && !rewritten.is_empty() {
            let rows = Arc::new(Snapshot::new(rewritten, 0));
            sides.push(Side { rows, weight: 1, first_id: Some(first_id) });
        }
        first_id = step.next_row_id();
    }
    if !inserted.is_empty() {
        sides.push(Side::of(Snapshot::new(inserted, 0), 1));
    }
    Ok(sides)
}
