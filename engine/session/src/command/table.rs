//! CREATE TABLE in all its forms, and TRUNCATE.

use std::sync::Arc;

use firn_account::catalog::PENDING;
use firn_account::catalog::VisibleCatalog;
use firn_account::catalog::{
    Action, ColumnDefault, Constraint, ConstraintKind, CreateMode as Mode, ForeignKey, Header,
    Object, ObjectKind, ObjectPath, Sequence, Table, TableColumn, TableKind,
};
use firn_account::{CatalogChange, no_past};
use firn_parse::ast::{
    self, AttachmentChange, ChangeAttachments, ColumnDefinition, CreateTable, ExprKind,
    TableLifetime, TableSource, Truncate,
};
use firn_plan::Plan;
use firn_plan::statement::{Query, StatementPlan};
use firn_query::bind::insert_query;
use firn_types::{Collation, Error, ErrorCode, Field, Identifier, ObjectId, Result, SqlType};

use super::attach;
use super::definition::{
    already_exists, created, kept_parameters, refuse_or_alter, retention_days,
};
use super::dml;
use super::option_table::{self, Place};
use super::table_alter;
use super::template::from_template;
use crate::lifecycle::{Answer, StatementContext};
use crate::planning::cluster_keys;
use crate::result::Rows;

/// A table that is about to be created, with the sequences behind its AUTOINCREMENT columns.
pub(super) struct NewTable {
    pub(super) table: Table,
    pub(super) sequences: Vec<Sequence>,
}

/// CREATE TABLE.
///
/// # Errors
/// When the name is taken, a column's type or default does not compile, or the query fails.
pub(super) fn create(running: &mut StatementContext, ast: &CreateTable) -> Result<Answer> {
    if !ast.mode.or_alter {
        refuse_or_alter(ast.mode)?;
    } else if !matches!(ast.source, TableSource::Columns) {
        let text = "CREATE OR ALTER TABLE with LIKE, CLONE, AS or USING TEMPLATE";
        return Err(Error::not_supported(text));
    } else if !ast.attachments.is_empty() || ast.columns.iter().any(|c| !c.attachments.is_empty()) {
        return Err(Error::not_supported("tags and policies in CREATE OR ALTER"));
    }
    option_table::check(ObjectKind::Table, Place::Create, &ast.options)?;
    let path = running.path(&ast.name, "CREATE TABLE")?;
    let catalog = running.catalog();
    let schema = catalog.resolve_schema(&path)?;
    let temporary = matches!(ast.lifetime, TableLifetime::Temporary | TableLifetime::Procedure);
    let scoped = ast.lifetime == TableLifetime::Procedure;
    if scoped && running.session.call_depth == 0 {
        let text = "Procedure scoped temporary tables can be created in procedures only.";
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    let existing = catalog.find(ObjectKind::Table.namespace(), schema, &path.name);
    if let Some(existing) = existing.filter(|existing| existing.is_temporary() == temporary) {
        if ast.mode.if_not_exists {
            let text = format!("{} already exists, statement succeeded.", path.name);
            return Answer::of(&Rows::status(text));
        }
        if let (true, Object::Table(table)) = (ast.mode.or_alter, existing) {
            let table = Arc::clone(table);
            return Answer::of(&table_alter::alter_into(running, ast, &table, &path)?);
        }
        let replaceable = ast.mode.or_replace && existing.kind() == ObjectKind::Table;
        if !replaceable {
            return Err(already_exists(&path.name));
        }
    }
    let header = running.header(schema, &path.name, &ast.options);
    let (new, query) = match &ast.source {
        TableSource::Columns => (from_columns(running, ast, header)?, None),
        TableSource::Like(source) => (like(running, source, header)?, None),
        TableSource::Clone(clone) => (cloned(running, ast, clone, header)?, None),
        TableSource::Query(query, _) => {
            let query = running.plan_query(query)?;
            (from_query(running, ast, &query, header)?, Some(query))
        }
        TableSource::Template(query) => (from_template(running, query, header)?, None),
    };
    let mut new = finished(running, ast, new, &path)?;
    let columns = ast.columns.iter().filter(|column| !column.attachments.is_empty());
    let columns = columns.map(|column| ChangeAttachments {
        column: Some(column.name.clone()),
        change: AttachmentChange::Set(column.attachments.clone()),
    });
    let changes: Vec<ChangeAttachments> = columns.chain(ast.attachments.iter().cloned()).collect();
    let object = attach::attached(running, &Object::from(new.table.clone()), &changes)?;
    new.table.header.attachments = object.header().attachments.clone();
    catalog.authorize_create(&Object::from(new.table.clone()), ast.mode.or_replace)?;
    let old = existing.and_then(Object::as_table).filter(|old| old.data_version != PENDING);
    let read = old.zip(query.as_ref()).filter(|(old, query)| reads(&query.plan, old));
    let read = read.map(|(old, _)| (old.id(), old.data_version));
    let id = new.table.id();
    store(running, ast, new, query, read)?;
    if scoped {
        running.home().change(|session| session.scoped_tables.push(id));
    }
    Answer::of(&Rows::status(created(ObjectKind::Table, &path.name)))
}

/// Whether a query's rows come from a table. One that reads nothing any more may have been answered by
/// what is known of the table.
fn reads(plan: &Plan, table: &Table) -> bool {
    let (mut scans, mut reads) = (false, false);
    plan.visit(&mut |node| {
        let Plan::Scan(scan) = node else { return };
        scans = true;
        reads |= scan.table.id() == table.id();
    });
    reads || !scans
}

/// Creates the table, and fills it from the query, as one step. `read` is the table that it replaces, and
/// the version of that table's rows, when the query reads them.
fn store(
    running: &mut StatementContext,
    ast: &CreateTable,
    new: NewTable,
    query: Option<Query>,
    read: Option<(ObjectId, u64)>,
) -> Result<()> {
    let NewTable { table, sequences } = new;
    let id = table.header.id;
    let mode = match ast.mode.or_replace {
        true if read.is_some() => Mode::Rewrite,
        true => Mode::Replace,
        false => Mode::New,
    };
    running.define(|running, transaction| {
        if let Some((old, version)) = read
            && transaction.catalog().table(old).map(|old| old.data_version) != Some(version)
        {
            let text = "The table that is replaced was changed by another statement.";
            return Err(Error::new(ErrorCode::LockTimeout, text));
        }
        for sequence in sequences {
            transaction.apply(CatalogChange::create(sequence))?;
        }
        let (object, grants) = running.with_grants(table.into(), ast.copy_grants, None);
        let create = CatalogChange::Create { object, mode };
        running.note_definition(std::slice::from_ref(&create));
        transaction.apply(create)?;
        let kept = kept_parameters(id, &ast.options);
        grants.into_iter().chain(kept).try_for_each(|change| transaction.apply(change))?;
        let Some(query) = query else { return Ok(()) };
        let catalog = transaction.catalog();
        let table = catalog.table(id).ok_or_else(|| Error::internal("the new table is gone"))?;
        let insert = StatementPlan::Insert(insert_query(query, Arc::clone(table))?);
        running.note_modified(&insert, &catalog);
        dml::execute(running, &insert, transaction).map(|_| ())
    })
}

/// The columns that are written.
fn from_columns(running: &StatementContext, ast: &CreateTable, header: Header) -> Result<NewTable> {
    if ast.columns.is_empty() {
        let text = "a table needs at least one column";
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(ast.name.span()));
    }
    let mut columns = Vec::with_capacity(ast.columns.len());
    let mut sequences = Vec::new();
    for definition in &ast.columns {
        let (column, sequence) = column(running, definition, None, &header)?;
        columns.push(column);
        sequences.extend(sequence);
    }
    check_names(&columns, &ast.columns)?;
    Ok(NewTable { table: Table::new(header, columns), sequences })
}

/// One written column; `inferred` is its type when none is written.
pub(super) fn column(
    running: &StatementContext,
    definition: &ColumnDefinition,
    inferred: Option<SqlType>,
    header: &Header,
) -> Result<(TableColumn, Option<Sequence>)> {
    if definition.computed.is_some() {
        return Err(Error::not_supported("computed columns").at(definition.span));
    }
    let functions = running.function_context();
    let sql_type = match (&definition.data_type, inferred) {
        (Some(name), _) => running.with_binder(&functions, |binder| binder.resolve_type(name))?,
        (None, Some(inferred)) => inferred,
        (None, None) => {
            let text = format!("Missing type of column '{}'", definition.name);
            return Err(Error::new(ErrorCode::InvalidStatement, text).at(definition.span));
        }
    };
    let sql_type = collated(sql_type, definition.collation.as_deref(), &definition.name.name)
        .map_err(|error| error.at(definition.span))?;
    let mut column = TableColumn::new(&definition.name.name, sql_type);
    column.nullable = !definition.not_null;
    column.comment = definition.comment.clone().unwrap_or_default();
    let mut sequence = None;
    if let Some(identity) = &definition.identity {
        if !matches!(sql_type, SqlType::Number { scale: 0, .. }) {
            let text = format!("AUTOINCREMENT needs a whole number, not {sql_type}");
            return Err(Error::new(ErrorCode::InvalidStatement, text).at(definition.span));
        }
        super::kind::check_step(identity.increment)?;
        let ordered = identity.order.unwrap_or(false);
        let name = format!("{}.{}", header.name, definition.name);
        let own = running.header(header.id, &name, &[]);
        column.default = Some(ColumnDefault::Identity {
            sequence: own.id,
            start: identity.start,
            step: identity.increment,
            ordered,
        });
        sequence = Some(Sequence::new(own, identity.start, identity.increment, ordered));
    } else if let Some(default) = &definition.default {
        column.default = Some(ColumnDefault::Text(default.span.of(&running.sql).to_string()));
    }
    Ok((column, sequence))
}

pub(super) fn check_names(columns: &[TableColumn], written: &[ColumnDefinition]) -> Result<()> {
    for (index, column) in columns.iter().enumerate() {
        if columns[..index].iter().any(|other| other.name == column.name) {
            let text = format!("duplicate column name '{}'", column.name);
            let span = written.get(index).map(|definition| definition.span).unwrap_or_default();
            return Err(Error::new(ErrorCode::DuplicateColumn, text).at(span).without_span());
        }
    }
    Ok(())
}

/// AS SELECT: the query's columns, under the names and types that are written.
fn from_query(
    running: &StatementContext,
    ast: &CreateTable,
    query: &Query,
    header: Header,
) -> Result<NewTable> {
    let fields = query.fields();
    let mut columns = Vec::with_capacity(fields.len());
    if ast.columns.is_empty() {
        check_named(ast, &fields)?;
        for field in &fields {
            let mut column = TableColumn::new(&field.name, stored_type(field.sql_type));
            column.nullable = true;
            columns.push(column);
        }
        check_names(&columns, &[])?;
        return Ok(NewTable { table: Table::new(header, columns), sequences: Vec::new() });
    }
    if ast.columns.len() != fields.len() {
        return Err(Error::new(ErrorCode::InvalidStatement, "Invalid column definition list"));
    }
    let mut sequences = Vec::new();
    for (definition, field) in ast.columns.iter().zip(&fields) {
        let inferred = Some(stored_type(field.sql_type));
        let (column, sequence) = column(running, definition, inferred, &header)?;
        if !firn_types::coerce::can_coerce(field.sql_type, column.sql_type) {
            let text =
                format!("incompatible types: [{}] and [{}]", field.sql_type, column.sql_type);
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
        columns.push(column);
        sequences.extend(sequence);
    }
    check_names(&columns, &ast.columns)?;
    Ok(NewTable { table: Table::new(header, columns), sequences })
}

/// An item of the select list that is no column and has no alias gives no column's name.
fn check_named(ast: &CreateTable, fields: &[Field]) -> Result<()> {
    let TableSource::Query(query, _) = &ast.source else { return Ok(()) };
    let ast::QueryBody::Select(select) = &query.body else { return Ok(()) };
    for item in &select.items {
        if let ast::SelectItemKind::Expr(expr, None) = &item.kind
            && !matches!(expr.kind, ExprKind::Column(_) | ExprKind::Position(..))
        {
            let text = "Missing column specification";
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
    }
    let unnamed = fields.iter().any(|field| field.name.is_empty());
    if unnamed {
        return Err(Error::new(ErrorCode::InvalidStatement, "Missing column specification"));
    }
    Ok(())
}

/// The type that a column of a query is stored as.
fn stored_type(sql_type: SqlType) -> SqlType {
    match sql_type {
        SqlType::Null => SqlType::TEXT,
        other => other.with_collation(other.collation().of_column()),
    }
}

/// The type of a column with what COLLATE says behind it.
///
/// # Errors
/// A collation that there is not, and one of what is no text.
pub(super) fn collated(
    sql_type: SqlType,
    collation: Option<&str>,
    column: &str,
) -> Result<SqlType> {
    match (collation, sql_type) {
        (None, _) => Ok(sql_type),
        (Some(text), SqlType::Varchar { .. }) => {
            Ok(sql_type.with_collation(Collation::parse(text)?))
        }
        (Some(_), _) => {
            let text = format!(
                "Cannot specify column collation for data type '{sql_type}' for column '{column}'"
            );
            Err(Error::new(ErrorCode::InvalidStatement, text))
        }
    }
}

/// LIKE: the source's columns, defaults, keys and clustering, without its rows.
fn like(running: &StatementContext, source: &ast::Name, header: Header) -> Result<NewTable> {
    let catalog = running.catalog();
    let source = source_table(running, &catalog, source)?;
    let mut table = source.as_ref().clone();
    table.snapshot = Arc::default();
    table.loads = Arc::default();
    table.clone_group = None;
    copy_identities(running, table, header)
}

/// CLONE: a second pointer to the same rows, at a version.
fn cloned(
    running: &StatementContext,
    ast: &CreateTable,
    clone: &ast::CloneOf,
    header: Header,
) -> Result<NewTable> {
    let now = running.catalog();
    let current = source_table(running, &now, &clone.source)?;
    let mut table = current.as_ref().clone();
    if let Some(at) = &clone.at {
        let (past, nanos) = running.past(at)?;
        let id = current.header.id;
        let object = Object::Table(Arc::clone(&current));
        let is_kept = now.is_retained(&object, &past, nanos, running.start_nanos);
        let then = past
            .table(id)
            .filter(|_| is_kept && past.is_live(id))
            .ok_or_else(|| no_past(&format!("table {}", current.header.name)))?;
        table.snapshot = Arc::clone(&then.snapshot);
    }
    let lasting = ast.lifetime == TableLifetime::Permanent;
    if lasting && table.kind != TableKind::Permanent {
        let text = "Temp table cannot be cloned to a permanent table; clone to a transient table \
                    instead.";
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    table.loads = Arc::default();
    table.clone_group.get_or_insert(current.header.id);
    copy_identities(running, table, header)
}

/// Gives a copied table its own header, and its AUTOINCREMENT columns counters of their own.
fn copy_identities(
    running: &StatementContext,
    mut table: Table,
    header: Header,
) -> Result<NewTable> {
    let catalog = running.catalog();
    // A copy of a dynamic table is a table.
    table.dynamic = None;
    let (comment, attachments) = (table.header.comment.clone(), table.header.attachments.clone());
    let mut sequences = Vec::new();
    for column in &mut table.columns {
        let Some(ColumnDefault::Identity { sequence, .. }) = &mut column.default else { continue };
        if let Some(Object::Sequence(old)) = catalog.object(*sequence) {
            let mut copy = old.as_ref().clone();
            copy.header =
                running.header(header.id, &format!("{}.{}", header.name, column.name), &[]);
            *sequence = copy.header.id;
            sequences.push(copy);
        }
    }
    table.header = Header { comment, attachments, ..header };
    Ok(NewTable { table, sequences })
}

fn source_table(
    running: &StatementContext,
    catalog: &VisibleCatalog,
    name: &ast::Name,
) -> Result<Arc<Table>> {
    let path = running.path(name, "CREATE TABLE")?;
    match catalog.resolve(ObjectKind::Table, &path)? {
        object @ Object::Table(table) => {
            catalog.authorize(Action::Select, object)?;
            Ok(Arc::clone(table))
        }
        other => {
            let text = format!("Object '{}' is not a table.", other.name());
            Err(Error::new(ErrorCode::InvalidStatement, text).at(name.span()))
        }
    }
}

/// Kind, keys, clustering and properties; and every default and key must compile.
fn finished(
    running: &StatementContext,
    ast: &CreateTable,
    mut new: NewTable,
    path: &ObjectPath,
) -> Result<NewTable> {
    let table = &mut new.table;
    table.kind = match ast.lifetime {
        TableLifetime::Permanent => TableKind::Permanent,
        TableLifetime::Transient => TableKind::Transient,
        TableLifetime::Temporary | TableLifetime::Procedure => {
            TableKind::Temporary { session: running.session.id }
        }
    };
    for constraint in &ast.constraints {
        let constraint = keep_constraint(running, table, constraint)?;
        table.constraints.push(constraint);
    }
    if !ast.cluster_by.is_empty() {
        let text = |key: &ast::Expr| key.span.of(&running.sql).to_string();
        table.cluster_by = ast.cluster_by.iter().map(text).collect();
    }
    for option in &ast.options {
        set_property(table, option)?;
    }
    check(running, table, path)?;
    Ok(new)
}

/// Every default and clustering key must compile.
pub(super) fn check(running: &StatementContext, table: &Table, path: &ObjectPath) -> Result<()> {
    let functions = running.function_context();
    running.with_binder(&functions, |binder| {
        for column in table.columns.iter().filter(|column| column.default.is_some()) {
            binder.bind_default(column, path).map(|_| ())?;
        }
        cluster_keys(binder, table).map(|_| ())
    })
}

/// A key as the catalog keeps it. PRIMARY KEY makes its columns NOT NULL.
pub(super) fn keep_constraint(
    running: &StatementContext,
    table: &mut Table,
    ast: &ast::Constraint,
) -> Result<Constraint> {
    let fields = |table: &Table, names: &[Identifier]| {
        let field = |name: &Identifier| {
            let found = table.column(&name.name).map(|column| column.field_id);
            found.ok_or_else(|| {
                let text = format!("invalid identifier '{name}'");
                Error::new(ErrorCode::InvalidIdentifier, text).at(name.span)
            })
        };
        names.iter().map(field).collect::<Result<Vec<_>>>()
    };
    let (kind, columns) = match &ast.kind {
        ast::ConstraintKind::PrimaryKey(names) => {
            if table.constraints.iter().any(|known| known.kind == ConstraintKind::PrimaryKey) {
                let text = format!("primary key already exists for table '{}'", table.header.name);
                return Err(Error::new(ErrorCode::InvalidStatement, text)
                    .at(ast.span)
                    .without_span());
            }
            let columns = fields(table, names)?;
            for column in table.columns.iter_mut().filter(|c| columns.contains(&c.field_id)) {
                column.nullable = false;
            }
            (ConstraintKind::PrimaryKey, columns)
        }
        ast::ConstraintKind::Unique(names) => (ConstraintKind::Unique, fields(table, names)?),
        ast::ConstraintKind::ForeignKey { columns, table: other, referred } => {
            let path = running.path(other, "CREATE TABLE")?;
            check_referred(running, table, &path, referred)?;
            let key = ForeignKey {
                table: [path.database, path.schema, path.name],
                columns: referred.iter().map(|name| name.name.clone()).collect(),
                on_update: "NO ACTION".to_string(),
                on_delete: "NO ACTION".to_string(),
            };
            (ConstraintKind::ForeignKey(key), fields(table, columns)?)
        }
        ast::ConstraintKind::Check(_) => {
            return Err(Error::not_supported("CHECK constraints").at(ast.span));
        }
    };
    let name = ast.name.as_ref().map(|name| name.name.clone());
    Ok(Constraint {
        name: name.unwrap_or_else(|| format!("SYS_CONSTRAINT_{}", uuid::Uuid::new_v4())),
        kind,
        columns,
        rely: ast.rely.unwrap_or(false),
        comment: String::new(),
    })
}

/// The table that a foreign key names must be there, with the columns that it names.
fn check_referred(
    running: &StatementContext,
    table: &Table,
    path: &ObjectPath,
    referred: &[Identifier],
) -> Result<()> {
    let catalog = running.catalog();
    let schema = catalog.resolve_schema(path)?;
    let own = schema == table.header.parent && path.name == table.header.name;
    let found = match own {
        true => None,
        false => {
            let object = catalog.resolve(ObjectKind::Table, path)?;
            catalog.authorize(Action::Refer, object)?;
            object.as_table()
        }
    };
    let table = found.map_or(table, |found| found);
    match referred.iter().find(|name| table.column(&name.name).is_none()) {
        None => Ok(()),
        Some(name) => {
            let text = format!("invalid identifier '{name}'");
            Err(Error::new(ErrorCode::InvalidIdentifier, text).at(name.span))
        }
    }
}

/// One property of a table, as CREATE and ALTER .. SET write it.
pub(super) fn set_property(table: &mut Table, option: &ast::StatementOption) -> Result<()> {
    let boolean = || {
        option.value.as_boolean().ok_or_else(|| {
            let value = option.value.as_text().unwrap_or_default();
            let text = format!("invalid value [{value}] for parameter '{}'", option.name);
            Error::new(ErrorCode::InvalidParameterValue, text)
        })
    };
    match option.name.as_str() {
        "COMMENT" => table.header.comment = option.value.as_text().unwrap_or_default(),
        "DATA_RETENTION_TIME_IN_DAYS" => {
            let days = retention_days(option)?;
            if days > 1 && table.kind != TableKind::Permanent {
                let text = format!("invalid value [{days}] for parameter '{}'", option.name);
                return Err(Error::new(ErrorCode::InvalidParameterValue, text));
            }
            table.retention_days = Some(days);
        }
        "CHANGE_TRACKING" => table.change_tracking = boolean()?,
        "ENABLE_SCHEMA_EVOLUTION" if !boolean()? => table.schema_evolution = false,
        _ => {}
    }
    Ok(())
}

/// TRUNCATE: part of the open transaction, like any DML.
///
/// # Errors
/// When there is no such table.
pub(super) fn truncate(running: &mut StatementContext, ast: &Truncate) -> Result<Rows> {
    let path = running.path(&ast.table, "TRUNCATE")?;
    if ast.if_exists && running.find(ObjectKind::Table, &path).is_none() {
        return Ok(Rows::done());
    }
    running.write_at_last(|running, transaction| {
        let catalog = running.catalog();
        let table = catalog.resolve(ObjectKind::Table, &path)?;
        catalog.authorize(Action::Truncate, table)?;
        match table {
            Object::Table(table) => {
                table.refuse_dynamic("TRUNCATE")?;
                transaction.truncate(table.id()).map(Some)
            }
            other => {
                let text = format!("Object '{}' is not a table.", other.name());
                Err(Error::new(ErrorCode::InvalidStatement, text).at(ast.table.span()))
            }
        }
    })?;
    Ok(Rows::done())
}
