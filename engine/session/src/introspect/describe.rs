//! DESCRIBE: the parts of one object as rows.

use firn_account::catalog::VisibleCatalog;
use firn_account::catalog::{
    ConstraintKind, Header, Namespace, Object, ObjectKind, Stage, StageFileFormat, StageLocation,
    ViewColumn,
};
use firn_loader::options::{CopyOptions, FormatDefinition, OptionRow, from_plan};
use firn_parse::ast::{self, Describe, DescribeKind, Name, Show, ShowKind};
use firn_types::options::{NamedOption, OptionValue};
use firn_types::{Error, ErrorCode, Field, FieldId, Result, SqlType, Value};

use super::account_usage;
use super::information_schema::{self, INFORMATION_SCHEMA};
use super::listing::{Listing, optional, text, time, y_n};
use super::user::{HIDDEN, KnownUser};
use super::{kind, routine, show};
use crate::find::{known_kind, live, place, place_of};
use crate::lifecycle::StatementContext;
use crate::result::Rows;

pub(super) const COLUMNS: &str = "name, type, kind, null?, default, primary key, unique key, check, expression, \
                       comment, policy name, privacy domain";

const STAGE: &str = "parent_property, property, property_type, property_value, property_default";

const PROPERTIES: &str = "property, property_type, property_value, property_default";

const ROUTINE: &str = "property, value";

const CONTENTS: &str = "created_on:time, name, kind";

/// The properties of a storage integration, with their types and defaults.
const INTEGRATION: &[(&str, &str, &str)] = &[
    ("STORAGE_PROVIDER", "String", ""),
    ("STORAGE_ALLOWED_LOCATIONS", "List", "[]"),
    ("STORAGE_BLOCKED_LOCATIONS", "List", "[]"),
    ("STORAGE_AWS_IAM_USER_ARN", "String", ""),
    ("STORAGE_AWS_ROLE_ARN", "String", ""),
    ("STORAGE_AWS_EXTERNAL_ID", "String", ""),
    ("STORAGE_AWS_OBJECT_ACL", "String", ""),
    ("USE_PRIVATELINK_ENDPOINT", "Boolean", "false"),
];

/// An object that is described: what it stands in, and how it was named.
pub(super) struct Describing<'a> {
    pub(super) running: &'a StatementContext,
    pub(super) catalog: &'a VisibleCatalog,
    pub(super) name: &'a Name,
}

/// No rows of the columns of a DESCRIBE, or some: nothing is evaluated for them.
///
/// # Errors
/// As [`run`].
pub(crate) fn columns(running: &StatementContext, ast: &Describe) -> Result<Rows> {
    match &ast.kind {
        DescribeKind::Result(_) => Ok(fields(&[])),
        DescribeKind::Object(..) | DescribeKind::Routine(..) => run(running, ast),
    }
}

/// Runs DESCRIBE.
///
/// # Errors
/// When there is no such object, or firn cannot describe its kind.
pub(crate) fn run(running: &StatementContext, ast: &Describe) -> Result<Rows> {
    match &ast.kind {
        DescribeKind::Object(kind, name) => object(running, ast, *kind, name),
        DescribeKind::Routine(kind, name, types) => {
            let kind = known_kind(*kind)?;
            let (catalog, place) = (running.catalog(), place_of(running, kind, name, Some(types))?);
            match live(&catalog, kind, &place) {
                Some(object) if object.parameters().is_some() => {
                    kind::describe(&Describing { running, catalog: &catalog, name }, &object)
                }
                _ => Err(catalog.not_found(kind, place.parent, &place.name)),
            }
        }
        DescribeKind::Result(expr) => {
            let functions = running.function_context();
            let (value, _) =
                running.with_binder(&functions, |binder| binder.constant(expr, &running.sql))?;
            let Value::Text(id) = value else {
                let text = "DESCRIBE RESULT needs the id of a statement";
                return Err(Error::new(ErrorCode::InvalidParameterType, text).at(expr.span));
            };
            running.session.result(&id).map(|result| fields(&result.fields))
        }
    }
}

fn object(
    running: &StatementContext,
    ast: &Describe,
    kind: ObjectKind,
    name: &Name,
) -> Result<Rows> {
    let kind = known_kind(kind)?;
    let catalog = running.catalog();
    if kind.namespace() == Namespace::Relation
        && let Some(columns) = of_information_schema(running, &catalog, name)?
    {
        return Ok(view_rows(&columns));
    }
    let place = place(running, kind, name)?;
    let own = kind == ObjectKind::User && place.name == running.session.user;
    // Users see themselves, whatever their roles see.
    let catalog = if own { catalog.as_engine() } else { catalog };
    let found = match live(&catalog, kind, &place) {
        // DESC TABLE is said of views, too.
        None if kind == ObjectKind::Table => {
            catalog.find(kind.namespace(), place.parent, &place.name).cloned()
        }
        found => found,
    };
    let object = found.ok_or_else(|| catalog.not_found(kind, place.parent, &place.name))?;
    let wanted = ast.options.iter().find(|option| option.name == "TYPE");
    let wanted = wanted.and_then(|option| option.value.as_text());
    if wanted.is_some_and(|wanted| wanted.eq_ignore_ascii_case("STAGE")) {
        return stage_rows(None, object.name());
    }
    kind::describe(&Describing { running, catalog: &catalog, name }, &object)
}

/// What a function or procedure takes and gives; its body and what that needs, unless they are for its owner alone.
pub(super) fn routine(describing: &Describing<'_>, object: &Object) -> Result<Rows> {
    let (parameters, returns, code, traits) = match object {
        Object::Function(f) => (&f.parameters, &f.returns, &f.code, &f.traits),
        Object::Procedure(p) => (&p.parameters, &p.returns, &p.code, &p.traits),
        _ => return Err(kind::another()),
    };
    let mut listing = Listing::nulls(ROUTINE);
    let mut add = |property: &str, value: &str| {
        listing.add(&[("property", text(property)), ("value", text(value))]);
    };
    add("signature", &routine::argument_signature(parameters));
    add("returns", &routine::returns(returns));
    add("language", code.language.name());
    if code.is_foreign() || matches!(object, Object::Procedure(_)) {
        let nulls =
            if traits.strict { "RETURNS NULL ON NULL INPUT" } else { "CALLED ON NULL INPUT" };
        add("null handling", nulls);
        let immutable = matches!(object, Object::Function(f) if !f.traits.volatile);
        add("volatility", if immutable { "IMMUTABLE" } else { "VOLATILE" });
    }
    if let Object::Procedure(procedure) = object {
        add("execute as", if procedure.as_caller { "CALLER" } else { "OWNER" });
    }
    let is_open = !traits.secure || describing.catalog.owns(object);
    if is_open && !code.body.is_empty() {
        add("body", &code.body);
    }
    if let Some(handler) = code.handler.as_ref().filter(|_| is_open) {
        add("imports", &routine::imports(handler));
        add("handler", &handler.name);
        add("runtime_version", &handler.runtime_version);
        add("packages", &routine::packages(handler));
    }
    Ok(listing.rows())
}

/// The columns of a view of INFORMATION_SCHEMA or ACCOUNT_USAGE, if it is one that the name means.
fn of_information_schema(
    running: &StatementContext,
    catalog: &VisibleCatalog,
    name: &Name,
) -> Result<Option<Vec<ViewColumn>>> {
    let path = running.path(name, "DESCRIBE")?;
    let known = path.schema == INFORMATION_SCHEMA && catalog.database(&path.database).is_some();
    let fields = match catalog.is_account_usage(&path) && catalog.has_imported_privileges() {
        true => account_usage::fields(&path.name),
        false => information_schema::fields(&path.name).filter(|_| known),
    };
    let column = |field: Field| ViewColumn::new(field.name, field.sql_type);
    Ok(fields.map(|fields| fields.into_iter().map(column).collect()))
}

/// The one row that SHOW gives for the object.
pub(super) fn as_shown(describing: &Describing<'_>, object: &Object) -> Result<Rows> {
    let (running, name) = (describing.running, describing.name);
    let written = running.path(name, "DESCRIBE")?;
    let schema = [&written.database, &written.schema].map(firn_types::Identifier::exact);
    let scope = Name::Plain(firn_types::ObjectName { parts: schema.to_vec() });
    let show = Show {
        kind: ShowKind::Objects(object.kind()),
        terse: false,
        history: false,
        like: None,
        scope: Some(ast::ShowScope::Schema(Some(scope))),
        starts_with: Some(object.name().to_string()),
        limit: None,
        from: None,
        span: name.span(),
    };
    let mut rows = show::run(running, &show)?;
    let position = rows.fields.iter().position(|field| field.name == "name");
    rows.rows.retain(|row| position.is_some_and(|position| row[position] == text(object.name())));
    Ok(rows)
}

/// The columns of a table.
pub(super) fn table(describing: &Describing<'_>, object: &Object) -> Result<Rows> {
    let Object::Table(table) = object else { return Err(kind::another()) };
    let mut listing = Listing::nulls(COLUMNS);
    for column in &table.columns {
        let keyed = |wanted: &dyn Fn(&ConstraintKind) -> bool| {
            let mut keys = table.constraints.iter().filter(|key| wanted(&key.kind));
            y_n(keys.any(|key| key.columns.contains(&column.field_id)))
        };
        listing.add(&[
            ("name", text(column.name.as_str())),
            ("type", text(column.sql_type.to_string())),
            ("kind", text("COLUMN")),
            ("null?", y_n(column.nullable)),
            ("default", optional(show::default_text(column.default.as_ref()))),
            ("primary key", keyed(&|kind| matches!(kind, ConstraintKind::PrimaryKey))),
            ("unique key", keyed(&|kind| matches!(kind, ConstraintKind::Unique))),
            ("comment", not_empty(&column.comment)),
            ("policy name", mask_of(describing.catalog, &table.header, column.field_id)),
        ]);
    }
    Ok(listing.rows())
}

/// The masking policy of a column.
pub(super) fn mask_of(catalog: &VisibleCatalog, header: &Header, field: FieldId) -> Value {
    let attached = header.attachments.column(field);
    let mut policies = attached.into_iter().flat_map(|attached| &attached.policies);
    let mask = policies.find(|used| {
        let policy = catalog.object(used.policy);
        policy.is_some_and(|policy| policy.kind() == ObjectKind::MaskingPolicy)
    });
    optional(mask.map(|used| catalog.full_name(used.policy)))
}

/// The columns of a view.
pub(super) fn view(describing: &Describing<'_>, object: &Object) -> Result<Rows> {
    let mask = |field| mask_of(describing.catalog, object.header(), field);
    match object {
        Object::View(view) => Ok(masked_rows(&view.columns, &mask)),
        Object::MaterializedView(view) => Ok(masked_rows(&view.columns, &mask)),
        _ => Err(kind::another()),
    }
}

fn view_rows(columns: &[ViewColumn]) -> Rows {
    masked_rows(columns, &|_| Value::Null)
}

fn masked_rows(columns: &[ViewColumn], mask: &dyn Fn(FieldId) -> Value) -> Rows {
    let mut listing = Listing::nulls(COLUMNS);
    for (field, column) in (1..).map(FieldId).zip(columns) {
        listing.add(&[
            ("name", text(column.name.as_str())),
            ("type", text(column.sql_type.to_string())),
            ("kind", text("COLUMN")),
            ("null?", y_n(column.nullable)),
            ("primary key", y_n(false)),
            ("unique key", y_n(false)),
            ("comment", not_empty(&column.comment)),
            ("policy name", mask(field)),
        ]);
    }
    listing.rows()
}

/// The columns of a result.
fn fields(fields: &[Field]) -> Rows {
    let column = |field: &Field| {
        let sql_type = match field.sql_type {
            SqlType::Null => SqlType::TEXT,
            other => other,
        };
        ViewColumn { nullable: field.nullable, ..ViewColumn::new(&field.name, sql_type) }
    };
    view_rows(&fields.iter().map(column).collect::<Vec<_>>())
}

fn not_empty(comment: &str) -> Value {
    optional((!comment.is_empty()).then_some(comment))
}

/// The properties of a named stage.
pub(super) fn stage(_: &Describing<'_>, object: &Object) -> Result<Rows> {
    let Object::Stage(stage) = object else { return Err(kind::another()) };
    stage_rows(Some(stage), object.name())
}

/// The properties of a named stage, or of a table's own.
fn stage_rows(stage: Option<&Stage>, name: &str) -> Result<Rows> {
    let mut listing = Listing::show(STAGE);
    let mut add = |parent: &str, property: &str, kind: &str, value: &str, default: &str| {
        listing.add(&[
            ("parent_property", text(parent)),
            ("property", text(property)),
            ("property_type", text(kind)),
            ("property_value", text(value)),
            ("property_default", text(default)),
        ]);
    };
    for row in format_options(stage)? {
        add("STAGE_FILE_FORMAT", row.property, row.property_type, &row.value, &row.default);
    }
    for row in copy_options(stage)?.describe() {
        add("STAGE_COPY_OPTIONS", row.property, row.property_type, &row.value, &row.default);
    }
    let Some(stage) = stage else {
        add("STAGE_LOCATION", "URL", "String", &format!("@%{name}"), "");
        return Ok(listing.rows());
    };
    match &stage.location {
        StageLocation::Internal => add("STAGE_LOCATION", "URL", "String", "", ""),
        StageLocation::External { url, integration, endpoint, credentials } => {
            add("STAGE_LOCATION", "URL", "String", &format!("[\"{url}\"]"), "");
            if let Some(endpoint) = endpoint {
                add("STAGE_LOCATION", "ENDPOINT", "String", endpoint, "");
            }
            if let Some(name) = integration {
                add("STAGE_INTEGRATION", "STORAGE_INTEGRATION", "String", name, "");
            }
            let hidden = if credentials.is_empty() { "" } else { HIDDEN };
            add("STAGE_CREDENTIALS", "AWS_KEY_ID", "String", hidden, "");
        }
    }
    let word = |value: bool| if value { "true" } else { "false" };
    let directory = stage.directory.as_ref();
    add("DIRECTORY", "ENABLE", "Boolean", word(directory.is_some()), "false");
    let auto = directory.is_some_and(|directory| directory.auto_refresh);
    add("DIRECTORY", "AUTO_REFRESH", "Boolean", word(auto), "false");
    Ok(listing.rows())
}

fn format_options(stage: Option<&Stage>) -> Result<Vec<OptionRow>> {
    match stage.and_then(|stage| stage.file_format.as_ref()) {
        None => Ok(FormatDefinition::default().describe()),
        Some(StageFileFormat::Options(options)) => {
            Ok(crate::stages::stored_format("", options)?.describe())
        }
        Some(StageFileFormat::Named(name)) => Ok(vec![OptionRow {
            property: "FORMAT_NAME",
            property_type: "String",
            value: name.clone(),
            default: String::new(),
        }]),
    }
}

fn copy_options(stage: Option<&Stage>) -> Result<CopyOptions> {
    let stored = stage.map(|stage| stage.copy_options.as_slice()).unwrap_or_default();
    let named = stored.iter().map(|(name, value)| NamedOption {
        name: name.clone(),
        value: OptionValue::Stored(value.clone()),
    });
    CopyOptions::parse(&from_plan(&named.collect::<Vec<_>>())?)
}

/// The options of a file format.
pub(super) fn file_format(_: &Describing<'_>, object: &Object) -> Result<Rows> {
    let Object::FileFormat(format) = object else { return Err(kind::another()) };
    let definition = crate::stages::stored_format(&format.format_type, &format.options)?;
    let mut listing = Listing::show(PROPERTIES);
    for row in definition.describe() {
        listing.add(&[
            ("property", text(row.property)),
            ("property_type", text(row.property_type)),
            ("property_value", text(row.value)),
            ("property_default", text(row.default)),
        ]);
    }
    Ok(listing.rows())
}

/// The properties of an integration.
pub(super) fn integration(_: &Describing<'_>, object: &Object) -> Result<Rows> {
    let Object::Integration(integration) = object else { return Err(kind::another()) };
    let mut listing = Listing::show(PROPERTIES);
    let mut add = |property: &str, kind: &str, value: &str, default: &str| {
        listing.add(&[
            ("property", text(property)),
            ("property_type", text(kind)),
            ("property_value", text(value)),
            ("property_default", text(default)),
        ]);
    };
    add("ENABLED", "Boolean", if integration.enabled { "true" } else { "false" }, "false");
    for (name, kind, default) in INTEGRATION {
        let found = integration.properties.iter().find(|(property, _)| property == name);
        let value = found.map_or(*default, |(_, value)| value.as_str());
        let list = value.strip_prefix('(').and_then(|value| value.strip_suffix(')'));
        match list.filter(|_| *kind == "List") {
            Some(list) => {
                let items = list.split(", ").map(|item| item.trim_matches('\''));
                add(name, kind, &items.collect::<Vec<_>>().join(","), default);
            }
            None => add(name, kind, value, default),
        }
    }
    add("COMMENT", "String", &integration.header.comment, "");
    Ok(listing.rows())
}

/// The lists of a network policy.
pub(super) fn network_policy(_: &Describing<'_>, object: &Object) -> Result<Rows> {
    let Object::NetworkPolicy(policy) = object else { return Err(kind::another()) };
    let mut listing = Listing::show("name, value");
    for (name, list) in [("ALLOWED_IP_LIST", &policy.allowed), ("BLOCKED_IP_LIST", &policy.blocked)]
    {
        if !list.is_empty() {
            listing.add(&[("name", text(name)), ("value", text(list.join(",")))]);
        }
    }
    Ok(listing.rows())
}

/// The properties of a user.
pub(super) fn user(describing: &Describing<'_>, object: &Object) -> Result<Rows> {
    let Object::User(user) = object else { return Err(kind::another()) };
    Ok(KnownUser::of(user, &describing.running.session.shared).described())
}

/// What lives in a schema or database.
pub(super) fn contents(describing: &Describing<'_>, container: &Object) -> Result<Rows> {
    let mut inside: Vec<&Object> = describing.catalog.all().collect();
    inside.retain(|object| {
        object.header().parent == container.id() && object.header().dropped_nanos.is_none()
    });
    inside.sort_by(|a, b| a.name().cmp(b.name()));
    Ok(named(&inside))
}

/// The object itself as one row.
pub(super) fn itself(_: &Describing<'_>, object: &Object) -> Result<Rows> {
    Ok(named(&[object]))
}

fn named(objects: &[&Object]) -> Rows {
    let mut listing = Listing::show(CONTENTS);
    for object in objects {
        listing.add(&[
            ("created_on", time(object.header().created_nanos)),
            ("name", text(object.name())),
            ("kind", text(object.kind().in_listings())),
        ]);
    }
    listing.rows()
}
