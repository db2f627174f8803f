//! CREATE STREAM.

use std::sync::Arc;

use firn_account::catalog::{
    Action, Object, ObjectKind, ObjectPath, Stream, StreamMode, Table, VisibleCatalog, insufficient,
};
use firn_account::{CatalogChange, no_past};
use firn_parse::ast::{CreateStream, Name, StatementOption, StreamSource, TimeTravel};
use firn_types::{Error, ErrorCode, Identifier, ObjectId, Result};

use super::option_table::{self, Place};
use crate::find::{live, place};
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// Creates a stream that shows what changes from now on, or from a moment of the past. Its tables track changes
/// from then on.
///
/// # Errors
/// When an option is wrong, there is no such table or view, its changes cannot be told from those of its tables,
/// or the name is taken.
pub(super) fn create(running: &mut StatementContext, ast: &CreateStream) -> Result<Rows> {
    option_table::check(ObjectKind::Stream, Place::Create, &ast.options)?;
    let path = running.path(&ast.name, "CREATE STREAM")?;
    let schema = running.catalog().resolve_schema(&path)?;
    running.commit_open()?;
    let header = running.header(schema, &path.name, &ast.options);
    let stream = match &ast.source {
        StreamSource::Clone(clone) => {
            if clone.at.is_some() {
                return Err(Error::not_supported("CREATE STREAM .. CLONE .. AT"));
            }
            let source = found(running, &clone.source)?;
            Stream { header, ..source.as_ref().clone() }
        }
        StreamSource::Object { kind, name, at } => {
            let source = source(running, *kind, name)?;
            let (offset, offset_nanos) = offset(running, &source, at.as_ref())?;
            let mode = mode(&source, &ast.options)?;
            let tables = tables(running, &source)?;
            track_changes(running, &tables)?;
            Stream {
                header,
                source: source.id(),
                tables,
                mode,
                offset,
                offset_nanos,
                initial: is_true(&ast.options, "SHOW_INITIAL_ROWS"),
            }
        }
    };
    running.create_copying(stream.into(), ast.mode, ast.copy_grants)
}

/// The mode that options ask for: on an external table, and on nothing else, that is INSERT_ONLY.
fn mode(source: &Object, options: &[StatementOption]) -> Result<StreamMode> {
    let external = source.as_external_table().is_some();
    let wanted = [is_true(options, "INSERT_ONLY"), is_true(options, "APPEND_ONLY")];
    match (external, wanted) {
        (true, [true, false]) => Ok(StreamMode::InsertOnly),
        (false, [false, true]) => Ok(StreamMode::AppendOnly),
        (false, [false, false]) => Ok(StreamMode::Default),
        _ => {
            let text =
                "A stream on an external table needs INSERT_ONLY = TRUE, and only that takes it.";
            Err(Error::new(ErrorCode::InvalidParameterValue, text))
        }
    }
}

fn is_true(options: &[StatementOption], name: &str) -> bool {
    let option = options.iter().find(|option| option.name == name);
    option.and_then(|option| option.value.as_boolean()).unwrap_or(false)
}

/// The stream of a name.
fn found(running: &StatementContext, name: &Name) -> Result<Arc<Stream>> {
    let place = place(running, ObjectKind::Stream, name)?;
    let catalog = running.catalog();
    match live(&catalog, ObjectKind::Stream, &place) {
        Some(Object::Stream(stream)) => Ok(stream),
        _ => Err(catalog.not_found(ObjectKind::Stream, place.parent, &place.name)),
    }
}

/// The table or view that a stream is to be on.
fn source(running: &StatementContext, kind: ObjectKind, name: &Name) -> Result<Object> {
    use ObjectKind::{DynamicTable, ExternalTable, Table, View};
    if !matches!(kind, Table | View | DynamicTable | ExternalTable) {
        return Err(Error::not_supported(format!("CREATE STREAM .. ON {}", kind.words())));
    }
    let (place, catalog) = (place(running, kind, name)?, running.catalog());
    let object = live(&catalog, kind, &place).filter(|object| object.kind() == kind);
    let object = object.ok_or_else(|| catalog.not_found(kind, place.parent, &place.name))?;
    catalog.authorize(Action::Select, &object)?;
    if object.is_temporary() {
        return Err(Error::not_supported("CREATE STREAM on a temporary object"));
    }
    Ok(object)
}

/// From which version of the account on changes are shown, and when that was.
fn offset(
    running: &StatementContext,
    source: &Object,
    at: Option<&TimeTravel>,
) -> Result<(u64, i64)> {
    let now = running.catalog();
    let Some(at) = at else { return Ok((now.version(), running.start_nanos)) };
    let (past, nanos) = running.past(at)?;
    let kept = now.is_retained(source, &past, nanos, running.start_nanos);
    if kept && past.is_live(source.id()) {
        return Ok((past.version(), nanos));
    }
    Err(no_past(&format!("table {}", source.name())).at(at.span))
}

/// The tables that a table or view shows rows of.
fn tables(running: &StatementContext, source: &Object) -> Result<Vec<ObjectId>> {
    if source.as_table().is_some() {
        return Ok(vec![source.id()]);
    }
    if source.as_external_table().is_some() {
        return Ok(Vec::new());
    }
    let catalog = running.catalog();
    let text = format!("select * from {}", sql_name(&catalog, source)?);
    let query = firn_parse::parse_query(&text)?;
    let functions = running.function_context();
    running.with_binder(&functions, |binder| {
        let query = binder.bind_query(&query, &text)?;
        binder.tables_of_changes(&query)
    })
}

/// The name of an object of a schema, as SQL takes it.
fn sql_name(catalog: &VisibleCatalog, object: &Object) -> Result<String> {
    let ObjectPath { database, schema, name } = catalog.path_of(object.header())?;
    Ok([database, schema, name].map(|part| Identifier::to_sql(&part)).join("."))
}

/// Lets tables track changes, where they do not do so yet: for those who own them.
fn track_changes(running: &mut StatementContext, tables: &[ObjectId]) -> Result<()> {
    let catalog = running.catalog();
    let untracked = tables.iter().filter_map(|id| catalog.table(*id));
    let untracked: Vec<&Arc<Table>> = untracked.filter(|table| !table.change_tracking).collect();
    let mut changes = Vec::new();
    for table in untracked {
        let object = Object::Table(Arc::clone(table));
        if !catalog.owns(&object) {
            return Err(insufficient(&object));
        }
        let mut table = table.as_ref().clone();
        table.change_tracking = true;
        changes.push(CatalogChange::alter(table));
    }
    if changes.is_empty() { Ok(()) } else { running.change(changes) }
}
