//! CREATE EXTERNAL TABLE, and what ALTER does with its files and columns.

use std::sync::Arc;

use firn_account::CatalogChange;
use firn_account::catalog::{
    Action, ExternalColumn, ExternalFormat, ExternalTable, FilePartition, Header, Object,
    ObjectKind,
};
use firn_functions::cast::{CastMode, cast_value};
use firn_loader::options::to_stored;
use firn_loader::stage::Pattern;
use firn_parse::ast::{
    AlterTableAction, ColumnDefinition, CreateExternalTable, ExternalFilesChange, OptionValue,
    StageKind, StatementOption,
};
use firn_plan::StageLocation;
use firn_types::{Error, ErrorCode, Field, FieldId, Identifier, Result, Span, SqlType, Value};

use super::attach;
use super::definition::text_option;
use super::kind::invalid;
use super::option_table::{self, Place};
use super::template;
use crate::directory::Refreshed;
use crate::external::{self, Found};
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// CREATE EXTERNAL TABLE: its files are registered at once, unless that is not wanted.
///
/// # Errors
/// When an option is wrong, a column does not compile, the stage cannot be listed, or the name is taken.
pub(super) fn create(running: &mut StatementContext, ast: &CreateExternalTable) -> Result<Rows> {
    option_table::check(ObjectKind::ExternalTable, Place::Create, &ast.options)?;
    let path = running.path(&ast.name, "CREATE EXTERNAL TABLE")?;
    let schema = running.catalog().resolve_schema(&path)?;
    let header = running.header(schema, &path.name, &ast.options);
    let mut table = defined(running, ast, header)?;
    let is_there = running.find(ObjectKind::ExternalTable, &path).is_some();
    let refreshes = refreshes_on_create(&ast.options) && !(ast.mode.if_not_exists && is_there);
    let catalog = running.catalog();
    catalog.authorize_create(&table.clone().into(), ast.mode.or_replace)?;
    if refreshes && !table.user_partitions {
        let (change, _) = external::difference(&running.session, &table, "")?;
        table.fill(&change, running.start_nanos);
    }
    let object = attach::attached(running, &table.into(), &ast.attachments)?;
    running.create_copying(object, ast.mode, ast.copy_grants)
}

/// The table that a statement describes, without files.
fn defined(
    running: &mut StatementContext,
    ast: &CreateExternalTable,
    header: Header,
) -> Result<ExternalTable> {
    if let Some(constraint) = ast.constraints.first() {
        let what = "constraints of external tables";
        return Err(Error::not_supported(what).at(constraint.span));
    }
    let StageKind::Named(_) = &ast.location.kind else {
        let text = "LOCATION of an external table is a named stage: @stage[/path].";
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(ast.location.span));
    };
    let functions = running.function_context();
    let sql = running.sql.clone();
    let stage = running
        .with_binder(&functions, |binder| binder.stage(&ast.location, &sql, Action::ReadFiles))?;
    let StageLocation::Named(stage) = stage else {
        return Err(Error::internal("a named stage without an id"));
    };
    let mut table = ExternalTable::new(header, stage, format(running, &ast.options)?);
    table.path = folder(&ast.location.path);
    set_options(&mut table, &ast.options)?;
    match &ast.template {
        Some(query) => {
            for described in template::described(running, query)? {
                table.add_column(of_template(described));
            }
        }
        None => {
            for definition in &ast.columns {
                let column = column(running, definition)?;
                table.add_column(column);
            }
        }
    }
    check_names(&table)?;
    for name in &ast.partition_by {
        table.partition_by.push(field(&table, name)?);
    }
    check(running, &table)?;
    Ok(table)
}

/// Takes the options that say what files there are.
fn set_options(table: &mut ExternalTable, options: &[StatementOption]) -> Result<()> {
    table.pattern = text_option(options, "PATTERN");
    table.pattern.as_deref().map(Pattern::new).transpose()?;
    table.user_partitions = options.iter().any(|option| option.name == "PARTITION_TYPE");
    table.auto_refresh = boolean(options, "AUTO_REFRESH").unwrap_or(false);
    let follows = |option: &&StatementOption| {
        ["AUTO_REFRESH", "REFRESH_ON_CREATE"].contains(&option.name.as_str())
            && option.value.as_boolean() == Some(true)
    };
    match options.iter().find(follows) {
        Some(option) if table.user_partitions => Err(user_specified(table, &option.name)),
        _ => Ok(()),
    }
}

fn boolean(options: &[StatementOption], name: &str) -> Option<bool> {
    options.iter().find(|option| option.name == name)?.value.as_boolean()
}

/// Whether CREATE registers the files.
fn refreshes_on_create(options: &[StatementOption]) -> bool {
    boolean(options, "REFRESH_ON_CREATE").unwrap_or(true)
}

/// What a table cannot do whose owner says which partitions it has.
pub(super) fn user_specified(table: &ExternalTable, what: &str) -> Error {
    let text = format!(
        "{what} is not possible for external table '{}', whose PARTITION_TYPE is USER_SPECIFIED: ADD PARTITION.",
        table.header.name
    );
    Error::new(ErrorCode::InvalidStatement, text)
}

/// FILE_FORMAT, which there must be: the stage's own is not taken.
fn format(running: &StatementContext, options: &[StatementOption]) -> Result<ExternalFormat> {
    let Some(option) = options.iter().find(|option| option.name == "FILE_FORMAT") else {
        let text = "An external table needs FILE_FORMAT = (TYPE = ..) or (FORMAT_NAME = ..): it does not take that of its stage.";
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    };
    let named = |value: &OptionValue| {
        let written = match value {
            OptionValue::Text(text) => firn_parse::parse_object_name(text)?,
            other => other.as_name().ok_or_else(|| invalid(option))?,
        };
        let path = running.session.path.complete(&written, "CREATE EXTERNAL TABLE")?;
        let catalog = running.catalog();
        let object = catalog.resolve(ObjectKind::FileFormat, &path)?;
        catalog.authorize(Action::Use, object)?;
        let Object::FileFormat(format) = object else { return Err(invalid(option)) };
        crate::stages::stored_format(&format.format_type, &format.options)?.typed()?;
        Ok(ExternalFormat::Named(object.id()))
    };
    match &option.value {
        OptionValue::Nested(list) => {
            match list.iter().find(|option| option.name == "FORMAT_NAME") {
                Some(_) if list.len() > 1 => {
                    Err(Error::not_supported("options beside FORMAT_NAME in an external table"))
                }
                Some(name) => named(&name.value),
                None => {
                    let format = crate::stages::format(list)?;
                    format.typed()?;
                    Ok(ExternalFormat::Options(to_stored(&format.pairs())))
                }
            }
        }
        name => named(name),
    }
}

/// A written path as a folder below something else.
fn folder(path: &str) -> String {
    match path.trim_matches('/') {
        "" => String::new(),
        inner => format!("{inner}/"),
    }
}

/// A column that is written.
fn column(running: &StatementContext, definition: &ColumnDefinition) -> Result<ExternalColumn> {
    let name = &definition.name;
    let Some(computed) = &definition.computed else {
        let text = format!(
            "Column '{name}' of an external table needs an expression over VALUE: AS (VALUE:..::type)."
        );
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(definition.span));
    };
    let Some(data_type) = &definition.data_type else {
        let text = format!("Missing type of column '{name}'");
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(definition.span));
    };
    let refused = [
        (definition.default.is_some(), "DEFAULT"),
        (definition.identity.is_some(), "AUTOINCREMENT"),
        (definition.collation.is_some(), "COLLATE"),
        (!definition.attachments.is_empty(), "tags and policies"),
    ];
    if let Some((_, what)) = refused.iter().find(|(is_there, _)| *is_there) {
        let what = format!("{what} of a column of CREATE EXTERNAL TABLE");
        return Err(Error::not_supported(what).at(definition.span));
    }
    Ok(ExternalColumn {
        field_id: FieldId(0),
        name: name.name.clone(),
        sql_type: running.sql_type(data_type)?,
        expression: computed.span.of(&running.sql).to_string(),
        nullable: !definition.not_null,
        comment: definition.comment.clone().unwrap_or_default(),
    })
}

/// A column that a template describes.
fn of_template(described: template::Described) -> ExternalColumn {
    let template::Described { column, expression, .. } = described;
    let own = || format!("VALUE:\"{}\"::{}", column.name.replace('"', "\"\""), column.sql_type);
    ExternalColumn {
        field_id: FieldId(0),
        expression: expression.unwrap_or_else(own),
        name: column.name,
        sql_type: column.sql_type,
        nullable: column.nullable,
        comment: String::new(),
    }
}

fn check_names(table: &ExternalTable) -> Result<()> {
    let columns = table.all_columns();
    for (index, column) in columns.iter().enumerate() {
        if columns[..index].iter().any(|other| other.name == column.name) {
            let text = format!("duplicate column name '{}'", column.name);
            return Err(Error::new(ErrorCode::DuplicateColumn, text));
        }
    }
    Ok(())
}

/// The column of a name.
fn field(table: &ExternalTable, name: &Identifier) -> Result<FieldId> {
    let found = table.columns.iter().find(|column| column.name == name.name);
    found.map(|column| column.field_id).ok_or_else(|| {
        let text = format!("invalid identifier '{name}'");
        Error::new(ErrorCode::InvalidIdentifier, text).at(name.span)
    })
}

/// Checks that all columns compile.
fn check(running: &StatementContext, table: &ExternalTable) -> Result<()> {
    let (functions, table) = (running.function_context(), Arc::new(table.clone()));
    running.with_binder(&functions, |binder| {
        table.columns.iter().try_for_each(|column| {
            let partitions = table.partition_by.contains(&column.field_id);
            binder.check_external_column(&table, column, partitions)
        })
    })
}

/// ALTER EXTERNAL TABLE .. REFRESH.
///
/// # Errors
/// When its owner says which partitions it has, or the stage cannot be listed.
pub(super) fn refresh(
    running: &mut StatementContext,
    table: &ExternalTable,
    options: &[StatementOption],
) -> Result<Rows> {
    if table.user_partitions {
        return Err(user_specified(table, "REFRESH"));
    }
    let mut below = String::new();
    for option in options {
        match (option.name.as_str(), option.value.as_text()) {
            ("PATH", Some(path)) => below = path,
            _ => {
                let text = format!("invalid property '{}' for 'EXTERNAL TABLE'", option.name);
                return Err(Error::new(ErrorCode::InvalidParameterValue, text).at(option.span));
            }
        }
    }
    let found = external::difference(&running.session, table, &below)?;
    register(running, table, found)
}

/// ALTER EXTERNAL TABLE .. ADD and REMOVE FILES, ADD and DROP PARTITION.
///
/// # Errors
/// When a file is not there, or the table has the other kind of partitions.
pub(super) fn change_files(
    running: &mut StatementContext,
    table: &ExternalTable,
    change: &ExternalFilesChange,
) -> Result<Rows> {
    let automatic = || {
        let text = format!(
            "External table '{}' computes its partitions: PARTITION_TYPE = USER_SPECIFIED is for those that are added.",
            table.header.name
        );
        Error::new(ErrorCode::InvalidStatement, text)
    };
    let session = &running.session;
    let found = match change {
        ExternalFilesChange::Add(_) | ExternalFilesChange::Remove(_) if table.user_partitions => {
            return Err(user_specified(table, "ADD or REMOVE FILES"));
        }
        ExternalFilesChange::Add(files) => external::added(session, table, files)?,
        ExternalFilesChange::Remove(files) => external::removed(table, files)?,
        _ if !table.user_partitions => return Err(automatic()),
        ExternalFilesChange::AddPartition { values, location, span } => {
            let values = partition_values(running, table, values, *span)?;
            let partition = FilePartition { location: folder(location), values };
            external::partition_added(session, table, &partition)?
        }
        ExternalFilesChange::DropPartition(location) => {
            external::partition_dropped(table, &folder(location))?
        }
    };
    register(running, table, found)
}

/// The values of all partition columns as a JSON object.
fn partition_values(
    running: &StatementContext,
    table: &ExternalTable,
    written: &[(Identifier, String)],
    span: Span,
) -> Result<String> {
    let functions = running.function_context();
    let mut values = serde_json::Map::new();
    for (name, value) in written {
        let field = field(table, name)?;
        let column = table.columns.iter().find(|column| column.field_id == field);
        let column = column.filter(|column| table.partition_by.contains(&column.field_id));
        let Some(column) = column else {
            let text = format!("Column '{name}' is no partition column of the table.");
            return Err(Error::new(ErrorCode::InvalidStatement, text).at(name.span));
        };
        let text = Value::text(value.as_str());
        cast_value(&text, SqlType::TEXT, column.sql_type, CastMode::Strict, &functions)
            .map_err(|error| error.at(name.span))?;
        values.insert(column.name.clone(), value.as_str().into());
    }
    if values.len() != table.partition_by.len() {
        let names = table
            .partition_by
            .iter()
            .filter_map(|field| table.columns.iter().find(|column| column.field_id == *field));
        let names: Vec<&str> = names.map(|column| column.name.as_str()).collect();
        let text = format!("ADD PARTITION needs a value of each of {}.", names.join(", "));
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(span));
    }
    Ok(serde_json::Value::Object(values).to_string())
}

/// Registers what was found, and tells it.
fn register(running: &mut StatementContext, table: &ExternalTable, found: Found) -> Result<Rows> {
    let (change, told) = found;
    let id = table.header.id;
    running.change(vec![CatalogChange::FilesRegistered { table: id, change }])?;
    let fields = ["file", "status", "description"].map(|name| Field::new(name, SqlType::TEXT));
    let mut rows = Rows::new(fields.to_vec());
    let row = |file: Refreshed| {
        vec![Value::text(file.path), Value::text(file.status), Value::text(file.description)]
    };
    rows.rows = told.into_iter().map(row).collect();
    Ok(rows)
}

/// ALTER TABLE of an external table: columns come, go and get other names.
///
/// # Errors
/// When a column does not compile, partitions the table, or is not there.
pub(super) fn alter_columns(
    running: &mut StatementContext,
    table: &Arc<ExternalTable>,
    action: &AlterTableAction,
) -> Result<Rows> {
    let mut changed = table.as_ref().clone();
    match action {
        AlterTableAction::AddColumns { if_not_exists, columns, constraints } => {
            if let Some(constraint) = constraints.first() {
                let what = "constraints of external tables";
                return Err(Error::not_supported(what).at(constraint.span));
            }
            for definition in columns {
                let name = &definition.name.name;
                let is_there = changed.all_columns().iter().any(|column| column.name == *name);
                if !(*if_not_exists && is_there) {
                    changed.add_column(column(running, definition)?);
                }
            }
        }
        AlterTableAction::DropColumns { if_exists, columns } => {
            for name in columns {
                match field(&changed, name) {
                    Err(_) if *if_exists => {}
                    found => drop_column(&mut changed, found?, name)?,
                }
            }
        }
        AlterTableAction::RenameColumn(from, to) => {
            let renamed = field(&changed, from)?;
            let columns = changed.columns.iter_mut();
            columns
                .filter(|column| column.field_id == renamed)
                .for_each(|column| column.name.clone_from(&to.name));
        }
        _ => return Err(Error::not_supported("this form of ALTER TABLE of an external table")),
    }
    check_names(&changed)?;
    check(running, &changed)?;
    running.change(vec![CatalogChange::alter(changed)])?;
    Ok(Rows::done())
}

fn drop_column(table: &mut ExternalTable, field: FieldId, name: &Identifier) -> Result<()> {
    if table.partition_by.contains(&field) {
        let text = format!("Column '{name}' partitions the table and cannot be dropped.");
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(name.span));
    }
    table.columns.retain(|column| column.field_id != field);
    table.header.attachments =
        table.header.attachments.map_columns(|own| (own != field).then_some(own));
    Ok(())
}
