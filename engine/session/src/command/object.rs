//! Sequences, stages, file formats, integrations, warehouses, roles and users; and ALTER and COMMENT of
//! every kind of object but tables.

use std::sync::Arc;

use firn_account::CatalogChange;
use firn_account::catalog::{
    ACCOUNT, FileFormat, Header, Integration, Object, ObjectKind, Role, Sequence, Stage,
    StageFileFormat, StageLocation, User, Warehouse,
};
use firn_loader::options::to_stored;
use firn_query::parse::ast::{
    self, AlterObject, AlterObjectAction, Comment, CreateObject, OptionValue, StatementOption,
    TableLifetime,
};
use firn_types::{Error, ErrorCode, Result};

use super::definition::{catalog_kind, text_option};
use super::drop::{live, place};
use crate::current;
use crate::lifecycle::Running;
use crate::result::Rows;

/// Clusters that a warehouse may have.
const CLUSTERS_MAX: i64 = 10;

/// The names of warehouse sizes as written and as shown.
const WAREHOUSE_SIZES: &[(&str, &str)] = &[
    ("XSMALL", "X-Small"),
    ("SMALL", "Small"),
    ("MEDIUM", "Medium"),
    ("LARGE", "Large"),
    ("XLARGE", "X-Large"),
    ("XXLARGE", "2X-Large"),
    ("X2LARGE", "2X-Large"),
    ("2XLARGE", "2X-Large"),
    ("XXXLARGE", "3X-Large"),
    ("X3LARGE", "3X-Large"),
    ("3XLARGE", "3X-Large"),
    ("X4LARGE", "4X-Large"),
    ("4XLARGE", "4X-Large"),
    ("X5LARGE", "5X-Large"),
    ("5XLARGE", "5X-Large"),
    ("X6LARGE", "6X-Large"),
    ("6XLARGE", "6X-Large"),
];

/// CREATE of an object that is no database, schema, table or view.
///
/// # Errors
/// When an option is wrong, the container does not exist, or the name is taken.
pub(super) fn create(running: &mut Running<'_>, ast: &CreateObject) -> Result<Rows> {
    if ast.clone.is_some() && ast.kind != ast::ObjectKind::Sequence {
        return Err(Error::not_supported(format!("CREATE {} .. CLONE", ast.kind.words())));
    }
    let kind = catalog_kind(ast.kind)?;
    let place = place(running, kind, &ast.name)?;
    let header = running.header(place.parent, &place.name, &ast.options);
    let temporary = ast.lifetime == TableLifetime::Temporary;
    let object: Object = match kind {
        ObjectKind::Sequence => sequence(running, ast, header)?.into(),
        ObjectKind::Stage => {
            let mut stage = Stage::internal(header);
            stage.temporary = temporary;
            set_stage(running, &mut stage, &ast.options)?;
            stage.into()
        }
        ObjectKind::FileFormat => file_format(&ast.options, header, temporary)?.into(),
        ObjectKind::Integration => integration(&ast.options, header)?.into(),
        ObjectKind::Warehouse => {
            let mut warehouse = Warehouse::new(header);
            set_warehouse(&mut warehouse, &ast.options)?;
            warehouse.into()
        }
        ObjectKind::Role => Role::new(header).into(),
        ObjectKind::User => {
            let mut user = User::new(header);
            user.properties = properties(&ast.options, &["COMMENT", "PASSWORD"]);
            user.into()
        }
        other => return Err(Error::not_supported(format!("CREATE {}", other.word()))),
    };
    let name = place.name;
    let rows = running.create_object(object, ast.mode)?;
    if kind == ObjectKind::Warehouse {
        current::use_warehouse(running.session, &name)?;
    }
    Ok(rows)
}

fn sequence(running: &Running<'_>, ast: &CreateObject, header: Header) -> Result<Sequence> {
    if let Some(clone) = &ast.clone {
        let place = place(running, ObjectKind::Sequence, &clone.source)?;
        let catalog = running.catalog();
        return match live(&catalog, ObjectKind::Sequence, &place) {
            Some(Object::Sequence(source)) => {
                let mut copy = source.as_ref().clone();
                copy.header = header;
                Ok(copy)
            }
            _ => Err(catalog.not_found(ObjectKind::Sequence, place.parent, &place.name)),
        };
    }
    let number = |names: &[&str], default: i64| {
        let found = ast.options.iter().find(|option| names.contains(&option.name.as_str()));
        match found {
            None => Ok(default),
            Some(option) => option.value.as_integer().ok_or_else(|| invalid(option)),
        }
    };
    let start = number(&["START"], 1)?;
    let step = number(&["INCREMENT"], 1)?;
    if step == 0 {
        let text = "invalid value [0] for parameter 'INCREMENT'";
        return Err(Error::new(ErrorCode::InvalidParameterValue, text));
    }
    let ordered = ast
        .options
        .iter()
        .any(|option| option.name == "ORDER" && option.value.as_boolean().unwrap_or(true));
    Ok(Sequence::new(header, start, step, ordered))
}

fn invalid(option: &StatementOption) -> Error {
    let value = option.value.as_text().unwrap_or_default();
    let text = format!("invalid value [{value}] for parameter '{}'", option.name);
    Error::new(ErrorCode::InvalidParameterValue, text).at(option.span).without_span()
}

fn unknown(option: &StatementOption, kind: &str) -> Error {
    let text = format!("invalid property '{}' for '{kind}'", option.name);
    Error::new(ErrorCode::InvalidParameterValue, text).at(option.span)
}

/// The options of an object, in the order written, without some.
fn properties(options: &[StatementOption], without: &[&str]) -> Vec<(String, String)> {
    options
        .iter()
        .filter(|option| !without.contains(&option.name.as_str()))
        .map(|option| (option.name.clone(), value_text(&option.value)))
        .collect()
}

/// An option's value as the catalog keeps it.
pub(super) fn value_text(value: &OptionValue) -> String {
    match value {
        OptionValue::List(items) => {
            let quoted = |item: &OptionValue| match item {
                OptionValue::Text(text) => {
                    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
                }
                other => value_text(other),
            };
            format!("({})", items.iter().map(quoted).collect::<Vec<_>>().join(", "))
        }
        OptionValue::Nested(options) => {
            let option = |option: &StatementOption| {
                format!("{} = {}", option.name, value_text(&option.value))
            };
            format!("({})", options.iter().map(option).collect::<Vec<_>>().join(" "))
        }
        OptionValue::Null => "NULL".to_string(),
        other => other.as_text().unwrap_or_default(),
    }
}

fn set_stage(running: &Running<'_>, stage: &mut Stage, options: &[StatementOption]) -> Result<()> {
    let text = |name: &str| text_option(options, name);
    let mut external = match &stage.location {
        StageLocation::External { url, integration, endpoint, credentials } => {
            Some((url.clone(), integration.clone(), endpoint.clone(), credentials.clone()))
        }
        StageLocation::Internal => None,
    };
    if let Some(url) = text("URL") {
        check_url(&url)?;
        let old = external.take().unwrap_or_default();
        external = Some((url, old.1, old.2, old.3));
    }
    for option in options {
        match option.name.as_str() {
            "URL" | "COMMENT" | "ENCRYPTION" | "USE_PRIVATELINK_ENDPOINT" | "TAG" => {}
            "STORAGE_INTEGRATION" | "ENDPOINT" | "CREDENTIALS" => {
                let Some((_, integration, endpoint, credentials)) = &mut external else {
                    let text = format!("{} needs a URL", option.name);
                    return Err(Error::new(ErrorCode::InvalidParameterValue, text).at(option.span));
                };
                match (&option.value, option.name.as_str()) {
                    (OptionValue::Nested(list), "CREDENTIALS") => {
                        *credentials = properties(list, &[]);
                    }
                    (value, "ENDPOINT") => *endpoint = value.as_text(),
                    (value, _) => {
                        let name = value.as_name().map(|name| name.object().name.clone());
                        *integration = name.or_else(|| value.as_text());
                    }
                }
            }
            "DIRECTORY" => stage.directory = true,
            "FILE_FORMAT" => stage.file_format = Some(stage_format(running, option)?),
            "COPY_OPTIONS" => match &option.value {
                OptionValue::Nested(list) => stage.copy_options = properties(list, &[]),
                _ => return Err(invalid(option)),
            },
            _ => return Err(unknown(option, "STAGE")),
        }
    }
    if let Some((url, integration, endpoint, credentials)) = external {
        stage.location = StageLocation::External { url, integration, endpoint, credentials };
    }
    if let Some(comment) = text("COMMENT") {
        stage.header.comment = comment;
    }
    Ok(())
}

/// A URL that a stage can have.
fn check_url(url: &str) -> Result<()> {
    let known = ["s3://", "s3gov://", "s3compat://", "file://"];
    if known.iter().any(|prefix| url.starts_with(prefix)) {
        return Ok(());
    }
    if url.starts_with("gcs://") || url.starts_with("azure://") {
        return Err(Error::not_supported(format!("stages at {url}")));
    }
    let text = format!("invalid URL prefix found in: '{url}'");
    Err(Error::new(ErrorCode::InvalidUrl, text))
}

fn stage_format(running: &Running<'_>, option: &StatementOption) -> Result<StageFileFormat> {
    let named = |name: &OptionValue| {
        let written = match name {
            OptionValue::Text(text) => firn_query::parse::parse_object_name(text)?,
            other => other.as_name().ok_or_else(|| invalid(option))?,
        };
        let path = running.session.path.complete(&written, "CREATE STAGE")?;
        running.catalog().expect_path(ObjectKind::FileFormat, &path)?;
        let quoted = [&path.database, &path.schema, &path.name]
            .map(|part| firn_types::Identifier::to_sql(part));
        Ok(StageFileFormat::Named(quoted.join(".")))
    };
    match &option.value {
        OptionValue::Nested(list) => {
            match list.iter().find(|option| option.name == "FORMAT_NAME") {
                Some(name) => named(&name.value),
                None => {
                    let format = crate::stages::format(list)?;
                    Ok(StageFileFormat::Options(to_stored(&format.pairs())))
                }
            }
        }
        name => named(name),
    }
}

/// A file format object of the written options.
fn file_format(options: &[StatementOption], header: Header, temporary: bool) -> Result<FileFormat> {
    let format = crate::stages::format(options)?;
    let format_type = format.format_type().to_string();
    let mut options = to_stored(&format.pairs());
    options.retain(|(name, _)| name != "TYPE");
    Ok(FileFormat { header, format_type, options, temporary })
}

fn integration(options: &[StatementOption], header: Header) -> Result<Integration> {
    let kind = text_option(options, "TYPE").unwrap_or_default().to_uppercase();
    if kind != "EXTERNAL_STAGE" {
        return Err(Error::not_supported(format!("integrations of TYPE = {kind}")));
    }
    let enabled = options
        .iter()
        .find(|option| option.name == "ENABLED")
        .is_none_or(|option| option.value.as_boolean().unwrap_or(true));
    Ok(Integration {
        header,
        integration_type: kind,
        category: "STORAGE".to_string(),
        enabled,
        properties: properties(options, &["TYPE", "ENABLED", "COMMENT"]),
    })
}

fn set_warehouse(warehouse: &mut Warehouse, options: &[StatementOption]) -> Result<()> {
    for option in options {
        let text = option.value.as_text();
        match option.name.as_str() {
            "COMMENT" => warehouse.header.comment = text.unwrap_or_default(),
            "WAREHOUSE_SIZE" => {
                let wanted = text.unwrap_or_default().to_uppercase().replace('-', "");
                let size = WAREHOUSE_SIZES.iter().find(|(name, _)| *name == wanted);
                warehouse.size = size.ok_or_else(|| invalid(option))?.1.to_string();
            }
            "AUTO_SUSPEND" => {
                warehouse.auto_suspend_seconds = match (&option.value, option.value.as_integer()) {
                    (OptionValue::Null, _) => None,
                    (_, Some(0)) => None,
                    (_, Some(seconds)) => {
                        Some(u64::try_from(seconds).map_err(|_| invalid(option))?)
                    }
                    _ => return Err(invalid(option)),
                };
            }
            "AUTO_RESUME" => {
                warehouse.auto_resume = option.value.as_boolean().ok_or_else(|| invalid(option))?;
            }
            "INITIALLY_SUSPENDED" => {
                warehouse.suspended = option.value.as_boolean().ok_or_else(|| invalid(option))?;
            }
            "MIN_CLUSTER_COUNT" | "MAX_CLUSTER_COUNT"
                if !matches!(option.value.as_integer(), Some(1..=CLUSTERS_MAX)) =>
            {
                let value = text.unwrap_or_default();
                let text = format!("invalid value '{value}' for property '{}'", option.name);
                return Err(Error::new(ErrorCode::InvalidParameterValue, text));
            }
            "WAREHOUSE_TYPE"
            | "MIN_CLUSTER_COUNT"
            | "MAX_CLUSTER_COUNT"
            | "SCALING_POLICY"
            | "RESOURCE_MONITOR"
            | "ENABLE_QUERY_ACCELERATION"
            | "QUERY_ACCELERATION_MAX_SCALE_FACTOR"
            | "MAX_CONCURRENCY_LEVEL"
            | "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS"
            | "STATEMENT_TIMEOUT_IN_SECONDS" => {
                warehouse.properties.retain(|(name, _)| *name != option.name);
                warehouse.properties.push((option.name.clone(), text.unwrap_or_default()));
            }
            _ => return Err(unknown(option, "WAREHOUSE")),
        }
    }
    Ok(())
}

/// ALTER of anything but a table or the session.
///
/// # Errors
/// When there is no such object, or it cannot be changed so.
pub(super) fn alter(running: &mut Running<'_>, ast: &AlterObject) -> Result<Rows> {
    if ast.kind == ast::ObjectKind::Account {
        return alter_account(running, &ast.action);
    }
    let kind = catalog_kind(ast.kind)?;
    let Some(name) = &ast.name else {
        return Err(Error::not_supported(format!("ALTER {} without a name", kind.word())));
    };
    let place = place(running, kind, name)?;
    let catalog = running.catalog();
    let Some(object) = live(&catalog, kind, &place) else {
        if ast.if_exists {
            return Ok(Rows::done());
        }
        return Err(catalog.not_found(kind, place.parent, &place.name));
    };
    let change = match &ast.action {
        AlterObjectAction::Rename(to) => rename(running, kind, &object, to)?,
        AlterObjectAction::Swap(other) => {
            let other = self::place(running, kind, other)?;
            let right = live(&catalog, kind, &other)
                .ok_or_else(|| catalog.not_found(kind, other.parent, &other.name))?;
            CatalogChange::Swap { left: object.id(), right: right.id() }
        }
        AlterObjectAction::Set(options) => {
            CatalogChange::Alter { object: set(running, object, options)? }
        }
        AlterObjectAction::Unset(names) => {
            let names: Vec<String> = names.iter().map(|name| name.name.to_uppercase()).collect();
            CatalogChange::Alter { object: unset(object, &names)? }
        }
        AlterObjectAction::Suspend | AlterObjectAction::Resume(_) => {
            let suspend = matches!(ast.action, AlterObjectAction::Suspend);
            let if_needed = matches!(ast.action, AlterObjectAction::Resume(true));
            match suspended(&object, suspend, if_needed)? {
                Some(object) => CatalogChange::Alter { object },
                None => return Ok(Rows::done()),
            }
        }
        AlterObjectAction::AbortAllQueries | AlterObjectAction::Recluster(_) => {
            return Ok(Rows::done());
        }
        AlterObjectAction::ManagedAccess(managed) => match object {
            Object::Schema(schema) => {
                let mut schema = schema.as_ref().clone();
                schema.managed_access = *managed;
                CatalogChange::alter(schema)
            }
            _ => return Err(Error::not_supported("MANAGED ACCESS here")),
        },
        _ => return Err(Error::not_supported(format!("this form of ALTER {}", kind.word()))),
    };
    running.change(vec![change])?;
    current::forget_dropped(running.session);
    Ok(Rows::done())
}

fn alter_account(running: &mut Running<'_>, action: &AlterObjectAction) -> Result<Rows> {
    let change = |name: &str, value: Option<String>| CatalogChange::SetParameter {
        on: ACCOUNT,
        name: name.to_string(),
        value,
    };
    let changes: Vec<CatalogChange> = match action {
        AlterObjectAction::Set(options) => {
            let set = |option: &StatementOption| change(&option.name, option.value.as_text());
            options.iter().map(set).collect()
        }
        AlterObjectAction::Unset(names) => {
            names.iter().map(|name| change(&name.name.to_uppercase(), None)).collect()
        }
        _ => return Err(Error::not_supported("this form of ALTER ACCOUNT")),
    };
    running.change(changes)?;
    Ok(Rows::done())
}

fn rename(
    running: &Running<'_>,
    kind: ObjectKind,
    object: &Object,
    to: &ast::Name,
) -> Result<CatalogChange> {
    let to = place(running, kind, to)?;
    if running.catalog().find(kind.namespace(), to.parent, &to.name).is_some() {
        return Err(super::definition::already_exists(&to.name));
    }
    Ok(CatalogChange::Rename { id: object.id(), parent: to.parent, name: to.name })
}

/// A changed copy of a shared description.
fn changed<T: Clone>(shared: &Arc<T>, f: impl FnOnce(&mut T) -> Result<()>) -> Result<Object>
where
    Object: From<T>,
{
    let mut copy = shared.as_ref().clone();
    f(&mut copy)?;
    Ok(copy.into())
}

fn set(running: &Running<'_>, object: Object, options: &[StatementOption]) -> Result<Object> {
    let comment = text_option(options, "COMMENT");
    let commented = |header: &mut Header| comment.iter().for_each(|c| header.comment.clone_from(c));
    let days = options.iter().find(|option| option.name == "DATA_RETENTION_TIME_IN_DAYS");
    let days = days.map(super::definition::retention_days).transpose()?;
    match &object {
        Object::Database(database) => changed(database, |database| {
            commented(&mut database.header);
            database.retention_days = days.or(database.retention_days);
            Ok(())
        }),
        Object::Schema(schema) => changed(schema, |schema| {
            commented(&mut schema.header);
            schema.retention_days = days.or(schema.retention_days);
            Ok(())
        }),
        Object::View(view) => changed(view, |view| {
            commented(&mut view.header);
            view.secure |= text_option(options, "SECURE").is_some();
            Ok(())
        }),
        Object::MaterializedView(view) => changed(view, |view| {
            commented(&mut view.header);
            view.secure |= text_option(options, "SECURE").is_some();
            Ok(())
        }),
        Object::Sequence(sequence) => changed(sequence, |sequence| {
            commented(&mut sequence.header);
            if let Some(option) = options.iter().find(|option| option.name == "INCREMENT") {
                sequence.step = option.value.as_integer().ok_or_else(|| invalid(option))?;
            }
            Ok(())
        }),
        Object::Stage(stage) => changed(stage, |stage| set_stage(running, stage, options)),
        Object::FileFormat(format) => changed(format, |format| {
            commented(&mut format.header);
            let new = to_stored(&crate::stages::format(options)?.pairs());
            let new: Vec<_> = new.into_iter().filter(|(name, _)| name != "TYPE").collect();
            format.options.retain(|(name, _)| new.iter().all(|(other, _)| other != name));
            format.options.extend(new);
            Ok(())
        }),
        Object::Integration(integration) => changed(integration, |integration| {
            commented(&mut integration.header);
            let new = properties(options, &["COMMENT", "TYPE", "ENABLED"]);
            if let Some(option) = options.iter().find(|option| option.name == "ENABLED") {
                integration.enabled = option.value.as_boolean().ok_or_else(|| invalid(option))?;
            }
            integration.properties.retain(|(name, _)| new.iter().all(|(other, _)| other != name));
            integration.properties.extend(new);
            Ok(())
        }),
        Object::Warehouse(warehouse) => {
            changed(warehouse, |warehouse| set_warehouse(warehouse, options))
        }
        Object::Role(role) => changed(role, |role| {
            commented(&mut role.header);
            Ok(())
        }),
        Object::User(user) => changed(user, |user| {
            commented(&mut user.header);
            let new = properties(options, &["COMMENT", "PASSWORD"]);
            user.properties.retain(|(name, _)| new.iter().all(|(other, _)| other != name));
            user.properties.extend(new);
            Ok(())
        }),
        Object::Table(_) => Err(Error::internal("ALTER TABLE among the others")),
    }
}

fn unset(object: Object, names: &[String]) -> Result<Object> {
    let comment = names.iter().any(|name| name == "COMMENT");
    let retention = names.iter().any(|name| name == "DATA_RETENTION_TIME_IN_DAYS");
    match &object {
        Object::Database(database) => changed(database, |database| {
            if comment {
                database.header.comment.clear();
            }
            if retention {
                database.retention_days = None;
            }
            Ok(())
        }),
        Object::Schema(schema) => changed(schema, |schema| {
            if comment {
                schema.header.comment.clear();
            }
            if retention {
                schema.retention_days = None;
            }
            Ok(())
        }),
        Object::View(view) => changed(view, |view| {
            if comment {
                view.header.comment.clear();
            }
            if names.iter().any(|name| name == "SECURE") {
                view.secure = false;
            }
            Ok(())
        }),
        Object::User(user) => changed(user, |user| {
            user.properties.retain(|(name, _)| !names.contains(name));
            Ok(())
        }),
        other if comment => with_comment(other, ""),
        _ => Err(Error::not_supported("UNSET of this property")),
    }
}

/// The object in its other state; none when it is in it already and that is no error.
fn suspended(object: &Object, suspend: bool, if_needed: bool) -> Result<Option<Object>> {
    match object {
        Object::Warehouse(warehouse) if warehouse.suspended == suspend => {
            let name = &warehouse.header.name;
            let (code, word) = match suspend {
                true => (ErrorCode::WarehouseSuspended, "suspended"),
                false if if_needed => return Ok(None),
                false => (ErrorCode::WarehouseRunning, "resumed"),
            };
            let text = format!("Invalid state. Warehouse '{name}' cannot be {word}.");
            Err(Error::new(code, text))
        }
        Object::Warehouse(warehouse) => changed(warehouse, |warehouse| {
            warehouse.suspended = suspend;
            Ok(())
        })
        .map(Some),
        Object::MaterializedView(view) => changed(view, |view| {
            view.state.suspended = suspend;
            Ok(())
        })
        .map(Some),
        _ => Err(Error::not_supported("SUSPEND and RESUME here")),
    }
}

/// COMMENT ON.
///
/// # Errors
/// When there is no such object.
pub(super) fn comment(running: &mut Running<'_>, ast: &Comment) -> Result<Rows> {
    if ast.kind == ast::ObjectKind::Column {
        return comment_column(running, ast);
    }
    let kind = catalog_kind(ast.kind)?;
    let place = place(running, kind, &ast.name)?;
    let catalog = running.catalog();
    let Some(object) = live(&catalog, kind, &place) else {
        if ast.if_exists {
            return Ok(Rows::done());
        }
        return Err(catalog.not_found(kind, place.parent, &place.name));
    };
    let object = with_comment(&object, &ast.text)?;
    running.change(vec![CatalogChange::Alter { object }])?;
    Ok(Rows::done())
}

/// The object with another comment.
fn with_comment(object: &Object, comment: &str) -> Result<Object> {
    macro_rules! commented {
        ($($kind:ident),*) => {
            match object {
                $(Object::$kind(shared) => changed(shared, |copy| {
                    copy.header.comment = comment.to_string();
                    Ok(())
                }),)*
            }
        };
    }
    commented!(
        Database,
        Schema,
        Table,
        View,
        MaterializedView,
        Sequence,
        Stage,
        FileFormat,
        Integration,
        Warehouse,
        Role,
        User
    )
}

fn comment_column(running: &mut Running<'_>, ast: &Comment) -> Result<Rows> {
    let written = running.written(&ast.name)?;
    let Some((column, table)) = written.parts.split_last() else { return Ok(Rows::done()) };
    let table = firn_types::ObjectName { parts: table.to_vec() };
    if table.parts.is_empty() {
        let text = format!("invalid identifier '{column}'");
        return Err(Error::new(ErrorCode::InvalidIdentifier, text).at(column.span));
    }
    let path = running.session.path.complete(&table, "COMMENT")?;
    let catalog = running.catalog();
    let Object::Table(table) = catalog.expect_path(ObjectKind::Table, &path)? else {
        return Err(Error::not_supported("COMMENT ON COLUMN of a view"));
    };
    let object = changed(table, |table| {
        match table.columns.iter_mut().find(|other| other.name == column.name) {
            Some(found) => {
                found.comment = ast.text.clone();
                Ok(())
            }
            None => {
                let text = format!("invalid identifier '{column}'");
                Err(Error::new(ErrorCode::InvalidIdentifier, text).at(column.span))
            }
        }
    })?;
    running.change(vec![CatalogChange::Alter { object }])?;
    Ok(Rows::done())
}
