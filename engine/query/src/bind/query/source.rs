//! Tables, views and named queries.

use std::sync::Arc;

use firn_account::catalog::{
    Action, Header, MaterializedView, Namespace, Object, ObjectPath, StarColumns, Table, View,
    ViewColumn,
};
use firn_account::no_past;
use firn_parse::{self, ast};
use firn_plan::{
    CteRef, Plan, PlanColumn, Project, ProjectItem, Scan, ScanColumn, VirtualScan, VirtualSource,
};
use firn_storage::Snapshot;
use firn_types::scan_predicate::ScanPredicate;
use firn_types::{Error, ErrorCode, FieldId, Identifier, ObjectName, Result, SqlType, Value};

use super::bind_query;
use super::changes::{bind_changes, bind_external_stream, bind_stream, is_of_external};
use super::cte::bind_recursive_view;
use super::external_source::bind_external_table;
use super::from::From;
use super::protect::{Protected, is_protected, protect};
use crate::bind::context::{CteEntry, Env, TimePoint};
use crate::bind::expr::cast;
use crate::bind::scope::Relation;
use crate::bind::{Binder, BoundQuery};

/// The schema that every database has without storing it.
const INFORMATION_SCHEMA: &str = "INFORMATION_SCHEMA";

/// Binds a name in FROM.
pub(super) fn bind_table(
    binder: &Binder<'_>,
    name: &ast::Name,
    at: Option<(&ast::TimeTravel, Option<&ast::Changes>)>,
    source: &ast::TableExpr,
    env: &Env<'_>,
) -> Result<From> {
    let written = binder.plain_name(name, env)?;
    if let [part] = written.parts.as_slice()
        && let Some(entry) = env.ctes.and_then(|ctes| ctes.find(part.as_str()))
    {
        if at.is_some() {
            let text =
                format!("Time travel is not possible on the common table expression '{part}'");
            return Err(Error::new(ErrorCode::InvalidStatement, text).at(part.span));
        }
        return Ok(cte_reference(binder, entry));
    }
    if let [part] = written.parts.as_slice()
        && let Some(id) = binder.context.placeholders.piped(part.as_str())
    {
        return result_rows(binder, &id, part.as_str());
    }
    if written.parts.len() == 1 && written.object().as_str() == "DUAL" {
        return Ok(From { plan: Plan::one_row(), relations: Vec::new() });
    }
    let path = binder.complete(&written, env, "SELECT")?;
    if path.schema == INFORMATION_SCHEMA {
        return information_schema(binder, &written, &path, env);
    }
    if env.catalog.is_account_usage(&path) {
        return account_usage(binder, &written, &path, env);
    }
    let now = env.catalog.find_path(Namespace::Relation, &path);
    let found = now.ok_or_else(|| binder.object_not_found(&written, &path, env))?;
    env.catalog.authorize(Action::Select, found)?;
    if let Some(rows) = external_rows(binder, found, at.is_some(), &path, env) {
        return rows.map_err(|error| error.at(source.span));
    }
    let with_path = |error| of_table(error, &path.name);
    if let Some((at, Some(changes))) = at {
        let bound = bind_changes(binder, found, (at, changes), env).map_err(with_path)?;
        return Ok(relation_of(&path, bound));
    }
    let past = match at {
        Some((at, _)) => Some(past(binder, at, env).map_err(with_path)?),
        None => None,
    };
    let bound = match found {
        Object::Table(table) => {
            refuse_uninitialized(table, &path).map_err(|error| error.at(source.span))?;
            let snapshot = snapshot_of(binder, table, past.as_ref())?;
            protected_scan(binder, (table, snapshot), &path, None, env)?
        }
        Object::View(view) if at.is_none() => {
            let bound = bind_view(binder, view, &path, env)?;
            protected_view(binder, &view.header, bound, &path, env)?
        }
        Object::MaterializedView(view) if at.is_none() => {
            let bound = bind_materialized_view(binder, view, &path, env)?;
            protected_view(binder, &view.header, bound, &path, env)?
        }
        Object::Stream(stream) if at.is_none() => {
            let bound = bind_stream(binder, stream, env)?;
            binder.note_relation(found.id(), &bound.columns);
            bound
        }
        other => {
            let kind = other.kind().title().to_lowercase();
            return Err(Error::not_supported(format!("time travel on a {kind}")).at(source.span));
        }
    };
    Ok(relation_of(&path, bound))
}

/// Refuses a dynamic table without rows yet.
fn refuse_uninitialized(table: &Table, path: &ObjectPath) -> Result<()> {
    if table.dynamic.as_ref().is_none_or(|dynamic| dynamic.state.is_some()) {
        return Ok(());
    }
    let text = format!(
        "Dynamic Table '{path}' is not initialized. Please run a manual refresh or wait for a scheduled \
         refresh before querying."
    );
    Err(Error::new(ErrorCode::InvalidStatement, text))
}

/// The rows of an external table or of a stream on one; nothing for another object.
fn external_rows(
    binder: &Binder<'_>,
    found: &Object,
    of_the_past: bool,
    path: &ObjectPath,
    env: &Env<'_>,
) -> Option<Result<From>> {
    match found {
        Object::ExternalTable(_) if of_the_past => {
            Some(Err(Error::not_supported("time travel on an external table")))
        }
        Object::ExternalTable(table) => Some(bind_external_table(binder, table, None, path, env)),
        Object::Stream(stream) if !of_the_past && is_of_external(env, stream) => {
            Some(bind_external_stream(binder, stream, path, env))
        }
        _ => None,
    }
}

/// A bound query as the source of this path.
fn relation_of(path: &ObjectPath, bound: BoundQuery) -> From {
    let mut relation = Relation::new(&path.name, bound.columns);
    relation.path = vec![path.database.clone(), path.schema.clone()];
    From { plan: bound.plan, relations: vec![relation] }
}

/// The rows of an earlier statement's result.
pub(super) fn result_rows(binder: &Binder<'_>, query_id: &str, name: &str) -> Result<From> {
    let fields = binder.context.services.result_fields(query_id)?;
    let source = VirtualSource::Result { query_id: query_id.to_string() };
    let (plan, columns) = virtual_scan(binder, source, &fields);
    Ok(From { plan, relations: vec![Relation::new(name, columns)] })
}

fn cte_reference(binder: &Binder<'_>, entry: &CteEntry) -> From {
    let columns: Vec<PlanColumn> = entry
        .fields
        .iter()
        .map(|field| binder.fresh_column(&field.name, field.sql_type, field.nullable))
        .collect();
    let plan = Plan::CteRef(CteRef { cte: entry.cte, columns: columns.clone() });
    From { plan, relations: vec![Relation::new(&entry.name, columns)] }
}

/// A view of SNOWFLAKE.ACCOUNT_USAGE: for whom it is not, it does not exist.
fn account_usage(
    binder: &Binder<'_>,
    written: &ObjectName,
    path: &ObjectPath,
    env: &Env<'_>,
) -> Result<From> {
    if !env.catalog.has_imported_privileges() {
        return Err(binder.object_not_found(written, path, env));
    }
    let fields = binder.context.services.account_usage_fields(&path.name);
    let fields = fields.ok_or_else(|| {
        let text = format!("Object '{path}' does not exist or not authorized.");
        Error::new(ErrorCode::ObjectNotFound, text).at(written.span())
    })?;
    let source = VirtualSource::AccountUsage { view: path.name.clone() };
    let (plan, columns) = virtual_scan(binder, source, &fields);
    let mut relation = Relation::new(&path.name, columns);
    relation.path = vec![path.database.clone(), path.schema.clone()];
    Ok(From { plan, relations: vec![relation] })
}

fn information_schema(
    binder: &Binder<'_>,
    written: &ObjectName,
    path: &ObjectPath,
    env: &Env<'_>,
) -> Result<From> {
    let fields = binder.context.services.information_schema_fields(&path.name);
    let fields = match (fields, env.catalog.database(&path.database)) {
        (Some(fields), Some(_)) => fields,
        (None, Some(_)) => {
            let text = format!("Object '{path}' does not exist or not authorized.");
            return Err(Error::new(ErrorCode::ObjectNotFound, text).at(written.span()));
        }
        (_, None) => return Err(binder.object_not_found(written, path, env)),
    };
    let source = VirtualSource::InformationSchema {
        database: path.database.clone(),
        view: path.name.clone(),
    };
    let (plan, columns) = virtual_scan(binder, source, &fields);
    let mut relation = Relation::new(&path.name, columns);
    relation.path = vec![path.database.clone(), path.schema.clone()];
    Ok(From { plan, relations: vec![relation] })
}

/// A scan of rows that the session makes.
pub(super) fn virtual_scan(
    binder: &Binder<'_>,
    source: VirtualSource,
    fields: &[firn_types::Field],
) -> (Plan, Vec<PlanColumn>) {
    let columns: Vec<PlanColumn> = fields
        .iter()
        .map(|field| binder.fresh_column(&field.name, field.sql_type, field.nullable))
        .collect();
    let positions = (0..columns.len()).collect();
    let scan = VirtualScan { source, columns: columns.clone(), positions };
    (Plan::VirtualScan(scan), columns)
}

/// The rows of a version of a table as its policies show them, with their locators when `locator` asks for them.
pub(crate) fn protected_scan(
    binder: &Binder<'_>,
    (table, snapshot): (&Arc<Table>, Arc<Snapshot>),
    path: &ObjectPath,
    locator: Option<firn_types::ColumnId>,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let (plan, columns) = table_scan(binder, table, snapshot, path, locator);
    let fields: Vec<FieldId> = table.columns.iter().map(|column| column.field_id).collect();
    let (header, name) = (&table.header, path.to_string());
    let relation = Protected { header, fields: &fields, name: &name, passed: &[] };
    let bound = protect(binder, relation, BoundQuery { plan, columns }, locator, env)?;
    binder.note_relation(table.header.id, &bound.columns);
    Ok(bound)
}

/// The rows of a view as its own policies show them.
fn protected_view(
    binder: &Binder<'_>,
    header: &Header,
    bound: BoundQuery,
    path: &ObjectPath,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let fields: Vec<FieldId> = (1..).map(FieldId).take(bound.columns.len()).collect();
    let name = path.to_string();
    let relation = Protected { header, fields: &fields, name: &name, passed: &[] };
    let bound = protect(binder, relation, bound, None, env)?;
    binder.note_relation(header.id, &bound.columns);
    Ok(bound)
}

/// A scan of all columns of a table, with the rows' locators when `locator` asks for them.
pub(super) fn table_scan(
    binder: &Binder<'_>,
    table: &Arc<Table>,
    snapshot: Arc<Snapshot>,
    path: &ObjectPath,
    locator: Option<firn_types::ColumnId>,
) -> (Plan, Vec<PlanColumn>) {
    let columns: Vec<ScanColumn> = table
        .columns
        .iter()
        .map(|column| ScanColumn {
            column: binder.fresh_column(&column.name, column.sql_type, column.nullable),
            source: column.field_id.into(),
        })
        .collect();
    let shown = columns.iter().map(|column| column.column.clone()).collect();
    let scan = Scan {
        table: Arc::clone(table),
        snapshot,
        qualified_name: path.to_string(),
        alias: None,
        columns,
        conditions: Vec::new(),
        pruning: ScanPredicate::True,
        row_locator: locator,
        limit: None,
    };
    (Plan::Scan(Box::new(scan)), shown)
}

/// The account as it was at AT or BEFORE.
pub(super) fn past(
    binder: &Binder<'_>,
    at: &ast::TimeTravel,
    env: &Env<'_>,
) -> Result<HistoricalCatalog> {
    let point = time_point(binder, &at.point, env)?;
    binder.context.services.catalog_at(&point, at.before).map_err(|error| error.at(at.span))
}

/// The error of a time that is out of reach, naming the table.
fn of_table(error: Error, table: &str) -> Error {
    if error.code() != ErrorCode::TimeTravelUnavailable {
        return error;
    }
    let named = no_past(&format!("table {table}"));
    error.map_detail(|_| named.detail().to_string())
}

/// The moment that AT or BEFORE names.
pub(crate) fn time_point(
    binder: &Binder<'_>,
    point: &ast::TimePoint,
    env: &Env<'_>,
) -> Result<TimePoint> {
    let functions = &binder.context.functions;
    match point {
        ast::TimePoint::Timestamp(expr) => {
            let (value, from) = binder.bind_constant(expr, env)?;
            // A bare text is a moment of UTC; a typed one knows its zone.
            let to = match from {
                SqlType::Varchar { .. } => SqlType::TIMESTAMP_NTZ,
                other if other.is_timestamp() => other,
                _ => SqlType::TIMESTAMP_LTZ,
            };
            let mode = firn_functions::cast::CastMode::Strict;
            let value = firn_functions::cast::cast_value(&value, from, to, mode, functions)
                .map_err(|error| error.at(expr.span))?;
            match value {
                Value::Timestamp(nanos) => Ok(TimePoint::Nanos(nanos)),
                Value::TimestampTz(value) => Ok(TimePoint::Nanos(value.utc_nanos)),
                _ => Err(invalid_point(expr)),
            }
        }
        ast::TimePoint::Offset(expr) => {
            let (value, _) = binder.bind_constant(expr, env)?;
            let Value::Number(number) = value else { return Err(invalid_point(expr)) };
            let nanos = firn_types::decimal::rescale(number.unscaled, number.scale, 9)
                .ok_or_else(|| invalid_point(expr))?;
            Ok(TimePoint::Nanos(i128::from(functions.statement_nanos).saturating_add(nanos)))
        }
        ast::TimePoint::Statement(expr) => {
            let (value, _) = binder.bind_constant(expr, env)?;
            let Value::Text(id) = value else { return Err(invalid_point(expr)) };
            Ok(TimePoint::Statement(id.to_string()))
        }
        ast::TimePoint::Stream(expr) => {
            let (value, _) = binder.bind_constant(expr, env)?;
            let Value::Text(name) = value else { return Err(invalid_point(expr)) };
            let name = firn_parse::parse_object_name(&name).map_err(|error| error.at(expr.span))?;
            let path = binder.complete(&name, env, "SELECT")?;
            match env.catalog.find_path(Namespace::Relation, &path) {
                Some(Object::Stream(stream)) => Ok(TimePoint::Version(stream.offset)),
                _ => Err(binder.object_not_found(&name, &path, env).at(expr.span)),
            }
        }
    }
}

fn invalid_point(expr: &ast::Expr) -> Error {
    let text = "time travel needs a TIMESTAMP, an OFFSET in seconds or a STATEMENT id";
    Error::new(ErrorCode::InvalidParameterType, text).at(expr.span)
}

/// A version of the account, and when it was.
pub(super) type HistoricalCatalog = (Arc<firn_account::catalog::Catalog>, i64);

/// The version of a table's rows that a version of the account has, if it is still to be seen.
fn snapshot_of(
    binder: &Binder<'_>,
    table: &Arc<Table>,
    past: Option<&HistoricalCatalog>,
) -> Result<Arc<Snapshot>> {
    let Some((catalog, nanos)) = past else { return Ok(Arc::clone(&table.snapshot)) };
    let now_nanos = binder.context.functions.statement_nanos;
    let object = Object::Table(Arc::clone(table));
    let is_kept = binder.context.catalog.is_retained(&object, catalog, *nanos, now_nanos);
    match catalog.table(table.id()) {
        Some(past) if is_kept && catalog.is_live(table.id()) => Ok(Arc::clone(&past.snapshot)),
        _ => Err(no_past(&format!("table {}", table.header.name))),
    }
}

/// A view: its query's text, bound in the view's own schema.
pub(super) fn bind_view(
    binder: &Binder<'_>,
    view: &Arc<View>,
    path: &ObjectPath,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let body = ViewBody {
        recursive: view.recursive.then_some(&view.columns),
        ..ViewBody::of(&view.query, &view.stars)
    };
    let bound = expand(binder, &view.header, body, path, env)?;
    if bound.columns.len() != view.columns.len() {
        let text = format!(
            "View definition for '{path}' declared {} column(s), but view query produces {} column(s).",
            view.columns.len(),
            bound.columns.len()
        );
        return Err(Error::new(ErrorCode::ViewColumns, text));
    }
    let names = view.columns.iter().map(|column| column.name.as_str());
    Ok(renamed(bound, names))
}

/// A materialized view: its stored rows when they reflect the base table's present version, otherwise
/// its query. So the answer is never stale.
fn bind_materialized_view(
    binder: &Binder<'_>,
    view: &Arc<MaterializedView>,
    path: &ObjectPath,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    if let Some(reason) = &view.state.invalid_reason {
        let text = format!(
            "Failure during expansion of view '{}': SQL compilation error: Materialized View {} is \
             invalid. Invalidation reason: {reason}",
            path.name, path.name
        );
        return Err(Error::new(ErrorCode::ViewExpansion, text));
    }
    if view.state.suspended {
        let text = format!("Materialized View {} is suspended.", path.name);
        return Err(Error::new(ErrorCode::ViewExpansion, text));
    }
    let base = binder.context.catalog.object(view.base_table);
    if let Some(base) = base {
        let columns = base.columns().into_iter().map(|(field, _, sql_type)| (field, sql_type));
        if is_protected(env.catalog, base.header(), columns)? {
            // What is stored is for nobody's eyes.
            return computed_view(binder, view, path, env);
        }
    }
    let data_version = base.and_then(Object::data_version);
    let fresh = data_version.is_some_and(|data_version| {
        view.state.reflects.is_some_and(|version| data_version <= version)
    });
    if !fresh || view.stored.len() != view.columns.len() {
        binder.stale_views.borrow_mut().push(view.header.id);
        return computed_view(binder, view, path, env);
    }
    Ok(stored_view(binder, view, path))
}

/// A materialized view's stored rows, fresh or not.
pub(super) fn stored_view(
    binder: &Binder<'_>,
    view: &MaterializedView,
    path: &ObjectPath,
) -> BoundQuery {
    let mut hidden = Table::new(view.header.clone(), Vec::new());
    for column in &view.columns {
        let mut stored = firn_account::catalog::TableColumn::new(&column.name, column.sql_type);
        stored.nullable = column.nullable;
        hidden.add_column(stored);
    }
    let snapshot = Arc::clone(&view.state.snapshot);
    let (plan, columns) = table_scan(binder, &Arc::new(hidden), snapshot, path, None);
    BoundQuery { plan, columns }
}

/// A materialized view's query, as its columns.
fn computed_view(
    binder: &Binder<'_>,
    view: &MaterializedView,
    path: &ObjectPath,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let bound = expand(binder, &view.header, ViewBody::of(&view.query, &view.stars), path, env)?;
    let names = view.columns.iter().map(|column| column.name.as_str());
    let types = view.columns.iter().map(|column| column.sql_type);
    Ok(typed(binder, renamed(bound, names), types))
}

/// A materialized view's query, whether what is stored is fresh or not.
///
/// # Errors
/// When the view's query does not compile any more.
pub(crate) fn view_query(binder: &Binder<'_>, view: &MaterializedView) -> Result<BoundQuery> {
    let path = binder.context.catalog.path_of(&view.header)?;
    let context = binder.context;
    computed_view(binder, view, &path, &Env::root(&context.catalog, &context.path, ""))
}

/// A dynamic table's query, bound where the table is, with its owner's rights.
pub(crate) fn bind_dynamic_query(binder: &Binder<'_>, table: &Arc<Table>) -> Result<BoundQuery> {
    let context = binder.context;
    let dynamic = table.dynamic.as_ref();
    let dynamic = dynamic.ok_or_else(|| Error::internal("a query of a plain table"))?;
    let path = context.catalog.path_of(&table.header)?;
    let env = Env::root(&context.catalog, &context.path, "");
    expand(binder, &table.header, ViewBody::of(&dynamic.query, &dynamic.stars), &path, &env)
}

/// What a view keeps of its query.
#[derive(Clone, Copy)]
struct ViewBody<'a> {
    text: &'a str,
    stars: &'a [StarColumns],
    /// The columns by which the query reads the view itself, when it may.
    recursive: Option<&'a Vec<ViewColumn>>,
}

impl<'a> ViewBody<'a> {
    fn of(text: &'a str, stars: &'a [StarColumns]) -> ViewBody<'a> {
        ViewBody { text, stars, recursive: None }
    }
}

/// Binds a view's query text where the view is, with its owner's rights.
fn expand(
    binder: &Binder<'_>,
    header: &Header,
    ViewBody { text, stars, recursive }: ViewBody<'_>,
    path: &ObjectPath,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let failure = |error: Error| {
        let inner = error.render(text);
        let text = format!("Failure during expansion of view '{}': {inner}", path.name);
        Error::new(ErrorCode::ViewExpansion, text)
    };
    let id = header.id;
    if binder.views.borrow().contains(&id) {
        let text = format!("view '{}' refers to itself", path.name);
        return Err(failure(Error::new(ErrorCode::InvalidStatement, text)));
    }
    let query = firn_parse::parse_query(text).map_err(failure)?;
    let inner = firn_account::catalog::CurrentPath {
        database: Some(path.database.clone()),
        schema: Some(path.schema.clone()),
    };
    binder.views.borrow_mut().push(id);
    let catalog = env.catalog.as_role(header.owner);
    let inside = env.view(&catalog, &inner, text, stars);
    let inside = Env { invoker: Some(header.owner), ..inside };
    let bound = match recursive {
        Some(columns) => {
            let columns: Vec<Identifier> =
                columns.iter().map(|column| Identifier::exact(column.name.as_str())).collect();
            bind_recursive_view(binder, (&path.name, &columns), &query, &inside)
        }
        None => bind_query(binder, &query, &inside),
    };
    binder.views.borrow_mut().pop();
    bound.map_err(failure)
}

fn renamed<'n>(mut bound: BoundQuery, names: impl Iterator<Item = &'n str>) -> BoundQuery {
    for (column, name) in bound.columns.iter_mut().zip(names) {
        column.name = name.to_string();
    }
    bound
}

fn typed(
    binder: &Binder<'_>,
    bound: BoundQuery,
    types: impl Iterator<Item = SqlType>,
) -> BoundQuery {
    let items: Vec<ProjectItem> = bound
        .columns
        .iter()
        .zip(types)
        .map(|(column, wanted)| ProjectItem {
            id: binder.fresh(),
            name: column.name.clone(),
            expr: cast(column.expr(), wanted),
        })
        .collect();
    let columns = items.iter().map(ProjectItem::column).collect();
    let plan = Plan::Project(Project { input: Box::new(bound.plan), items });
    BoundQuery { plan, columns }
}
