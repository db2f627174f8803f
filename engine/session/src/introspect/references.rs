//! What has which tags and policies: SYSTEM$GET_TAG, TAG_REFERENCES, POLICY_REFERENCES.

use firn_account::catalog::{
    Attached, Header, Namespace, NetworkPolicy, Object, ObjectKind, Place, PolicyUse, privilege,
};
use firn_types::object_kind::KINDS;
use firn_types::{Error, ErrorCode, FieldId, ObjectName, Result, Value};

use super::IntrospectionContext;
use super::listing::{Cell, Listing, number, optional, text};
use super::table_function::Arguments;

/// The columns of TAG_REFERENCES and TAG_REFERENCES_ALL_COLUMNS.
pub(super) const TAGS: &str = "TAG_DATABASE, TAG_SCHEMA, TAG_NAME, TAG_VALUE, APPLY_METHOD, LEVEL, \
    OBJECT_DATABASE, OBJECT_SCHEMA, OBJECT_NAME, DOMAIN, COLUMN_NAME";

/// The columns of POLICY_REFERENCES.
pub(super) const POLICIES: &str = "POLICY_DB, POLICY_SCHEMA, POLICY_NAME, POLICY_KIND, REF_DATABASE_NAME, \
    REF_SCHEMA_NAME, REF_ENTITY_NAME, REF_ENTITY_DOMAIN, REF_COLUMN_NAME, REF_ARG_COLUMN_NAMES, \
    TAG_DATABASE, TAG_SCHEMA, TAG_NAME, POLICY_STATUS";

/// An object or a column that a function names with its domain.
struct Referenced {
    object: Object,
    column: Option<(FieldId, String)>,
}

/// The answer of a function about tags.
///
/// # Errors
/// When what is asked about does not exist.
pub(super) fn answer(
    context: &IntrospectionContext,
    name: &str,
    arguments: &[Option<String>],
) -> Result<Option<String>> {
    match (name, arguments) {
        ("SYSTEM$GET_TAG", [Some(tag), Some(object), Some(domain)]) => {
            tag_value(context, tag, object, domain)
        }
        ("SYSTEM$GET_TAG_ALLOWED_VALUES", [Some(tag)]) => allowed_values(context, tag),
        // Outside of a policy nothing is protected.
        ("SYSTEM$GET_TAG_ON_CURRENT_COLUMN" | "SYSTEM$GET_TAG_ON_CURRENT_TABLE", [Some(_)]) => {
            Ok(None)
        }
        _ => {
            let text = format!("not enough arguments for function [{name}]");
            Err(Error::new(ErrorCode::NotEnoughArguments, text))
        }
    }
}

/// The value of a tag on what is named; NULL where it has none.
fn tag_value(
    context: &IntrospectionContext,
    tag: &str,
    object: &str,
    domain: &str,
) -> Result<Option<String>> {
    let tag = tag_named(context, tag)?;
    let Referenced { object, column } = referenced(context, object, domain)?;
    let tags = context.catalog.tags_of(object.header(), column.map(|(field, _)| field));
    let found = tags.iter().find(|effective| effective.tag == tag.id());
    Ok(found.map(|effective| effective.value.to_string()))
}

/// The values that a tag takes, as JSON.
fn allowed_values(context: &IntrospectionContext, tag: &str) -> Result<Option<String>> {
    let tag = tag_named(context, tag)?;
    let values = tag.as_tag().and_then(|tag| tag.allowed_values.clone());
    Ok(values.map(|values| serde_json::json!(values).to_string()))
}

fn tag_named(context: &IntrospectionContext, name: &str) -> Result<Object> {
    let kind = ObjectKind::Tag;
    let Place { parent, name } = context.place(kind, name, "SELECT")?;
    let found = context.catalog.find(kind.namespace(), parent, &name).cloned();
    found.ok_or_else(|| context.catalog.not_found(kind, parent, &name))
}

fn referenced(context: &IntrospectionContext, name: &str, domain: &str) -> Result<Referenced> {
    let words = domain.to_uppercase().replace('_', " ");
    let kind = KINDS.iter().find(|known| known.words == words).map(|known| known.kind);
    let Some(kind) = kind else {
        let text = format!("Invalid value '{domain}' for the domain of an object.");
        return Err(Error::new(ErrorCode::InvalidParameterValue, text));
    };
    if kind != ObjectKind::Column {
        return Ok(Referenced { object: object_named(context, kind, name)?, column: None });
    }
    let written = firn_parse::parse_object_name(name).map_err(Error::without_span)?;
    let Some((column, table)) = written.parts.split_last().filter(|(_, table)| !table.is_empty())
    else {
        let text = format!("'{name}' names no column: it takes TABLE.COLUMN.");
        return Err(Error::new(ErrorCode::InvalidParameterValue, text));
    };
    let table = ObjectName { parts: table.to_vec() };
    let object = object_named(context, ObjectKind::Table, &table.to_string())?;
    let columns = object.columns().into_iter();
    let mut columns = columns.map(|(field, name, _)| (field, name));
    let found = columns.find(|(_, name)| *name == column.name).ok_or_else(|| {
        let text = format!("invalid identifier '{column}'");
        Error::new(ErrorCode::InvalidIdentifier, text)
    })?;
    Ok(Referenced { object, column: Some(found) })
}

/// The object of a name; every table and view is a table here.
fn object_named(context: &IntrospectionContext, kind: ObjectKind, name: &str) -> Result<Object> {
    let catalog = &context.catalog;
    let Place { parent, name } = match kind {
        ObjectKind::Function | ObjectKind::Procedure => {
            context.routine_place(kind, name, "SELECT")?
        }
        _ => context.place(kind, name, "SELECT")?,
    };
    let found = catalog.find(kind.namespace(), parent, &name).cloned();
    found.ok_or_else(|| catalog.not_found(kind, parent, &name))
}

/// TAG_REFERENCES: the tags in effect on an object or column.
pub(super) fn tags(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let (object, domain) =
        (arguments.required_text("OBJECT_NAME")?, arguments.required_text("OBJECT_DOMAIN")?);
    let Referenced { object, column } = referenced(context, object, domain)?;
    add_tags(context, &object, column.as_ref(), listing);
    Ok(())
}

/// TAG_REFERENCES_ALL_COLUMNS: the tags in effect on the columns of a table or view.
pub(super) fn tags_of_columns(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let (name, domain) =
        (arguments.required_text("OBJECT_NAME")?, arguments.required_text("OBJECT_DOMAIN")?);
    if !matches!(domain.to_uppercase().as_str(), "TABLE" | "VIEW") {
        let text = format!("Invalid value '{domain}' for the domain of a table.");
        return Err(Error::new(ErrorCode::InvalidParameterValue, text));
    }
    let object = object_named(context, ObjectKind::Table, name)?;
    for (field, name, _) in object.columns() {
        add_tags(context, &object, Some(&(field, name)), listing);
    }
    Ok(())
}

fn add_tags(
    context: &IntrospectionContext,
    object: &Object,
    column: Option<&(FieldId, String)>,
    listing: &mut Listing,
) {
    let catalog = &context.catalog;
    for effective in catalog.tags_of(object.header(), column.map(|(field, _)| *field)) {
        let Some(tag) = catalog.object(effective.tag).filter(|tag| catalog.sees(tag)) else {
            continue;
        };
        let from = effective.from.and_then(|id| catalog.object(id));
        let level = from.map_or(ObjectKind::Column, Object::kind);
        let own = match column {
            Some(_) => effective.from.is_none(),
            None => effective.from == Some(object.id()),
        };
        let mut cells = tag_cells(context, tag.header());
        cells.extend([
            ("TAG_VALUE", text(effective.value)),
            ("APPLY_METHOD", text(if own { "MANUAL" } else { "INHERITED" })),
            ("LEVEL", text(domain_of(level))),
        ]);
        cells.extend(object_cells(context, object, column.map(|(_, name)| name.as_str())));
        listing.add(&cells);
    }
}

/// The tables' word for a kind.
fn domain_of(kind: ObjectKind) -> String {
    kind.words().to_string()
}

fn tag_cells(context: &IntrospectionContext, tag: &Header) -> Vec<Cell<'static>> {
    let [database, schema] = containers(context, tag);
    vec![("TAG_DATABASE", database), ("TAG_SCHEMA", schema), ("TAG_NAME", text(tag.name.as_str()))]
}

/// The names of the database and the schema that something is in.
fn containers(context: &IntrospectionContext, header: &Header) -> [Value; 2] {
    let catalog = &context.catalog;
    let parent = catalog.object(header.parent);
    let above = parent.and_then(|parent| catalog.object(parent.header().parent));
    match (parent, above) {
        (Some(schema), Some(database)) => [text(database.name()), text(schema.name())],
        (Some(database), None) => [text(database.name()), Value::Null],
        _ => [Value::Null, Value::Null],
    }
}

fn object_cells(
    context: &IntrospectionContext,
    object: &Object,
    column: Option<&str>,
) -> Vec<Cell<'static>> {
    let [database, schema] = containers(context, object.header());
    let kind = if column.is_some() { ObjectKind::Column } else { object.kind() };
    vec![
        ("OBJECT_DATABASE", database),
        ("OBJECT_SCHEMA", schema),
        ("OBJECT_NAME", text(object.called())),
        ("DOMAIN", text(domain_of(kind))),
        ("COLUMN_NAME", optional(column)),
    ]
}

/// POLICY_REFERENCES: what has a policy, or which policies an object has.
pub(super) fn policies(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let catalog = &context.catalog;
    if let Some(name) = arguments.text("POLICY_NAME")? {
        let network = arguments.text("POLICY_KIND")?;
        let is_network = network.is_some_and(|kind| kind.eq_ignore_ascii_case("NETWORK_POLICY"));
        let policy = policy_named(context, name, is_network)?;
        if let Object::NetworkPolicy(policy) = &policy {
            add_network(context, policy, listing);
            return Ok(());
        }
        let seen = |object: &&Object| {
            catalog.is_live(object.id()) && object.header().attachments.use_of(policy.id())
        };
        let mut users: Vec<&Object> = catalog.all().filter(seen).collect();
        users.sort_by_cached_key(|object| catalog.full_name(object.id()));
        for object in users {
            add_policies(context, object, Some(&policy), listing);
        }
        add_by_tags(context, Some(&policy), None, listing);
        return Ok(());
    }
    let (name, domain) = (
        arguments.required_text("REF_ENTITY_NAME")?,
        arguments.required_text("REF_ENTITY_DOMAIN")?,
    );
    let Referenced { object, .. } = referenced(context, name, domain)?;
    add_policies(context, &object, None, listing);
    add_by_tags(context, None, Some(&object), listing);
    Ok(())
}

/// The policies of all objects, for the view of ACCOUNT_USAGE.
pub(super) fn all_policies(context: &IntrospectionContext, listing: &mut Listing) {
    let catalog = &context.catalog;
    let live = catalog.all().filter(|object| catalog.is_live(object.id()));
    let mut live: Vec<&Object> = live.collect();
    live.sort_by_cached_key(|object| (object.kind(), catalog.full_name(object.id())));
    live.into_iter().for_each(|object| add_policies(context, object, None, listing));
    add_by_tags(context, None, None, listing);
}

/// The tags of all objects themselves, for the view of ACCOUNT_USAGE.
pub(super) fn all_tags(context: &IntrospectionContext, listing: &mut Listing) {
    let catalog = &context.catalog;
    let mut objects: Vec<&Object> = catalog.all().collect();
    objects.sort_by_cached_key(|object| (object.kind(), catalog.full_name(object.id())));
    for object in objects {
        let columns = object.columns();
        for (field, attached) in object.header().attachments.iter() {
            let column = field.and_then(|field| columns.iter().find(|(own, ..)| *own == field));
            for (tag, value) in &attached.tags {
                let Some(tag) = catalog.object(*tag) else { continue };
                let mut cells = tag_cells(context, tag.header());
                cells.extend(object_cells(context, object, column.map(|c| c.1.as_str())));
                cells.extend([
                    ("TAG_ID", number(tag.id().0)),
                    ("TAG_VALUE", text(value.as_str())),
                    ("OBJECT_ID", number(object.id().0)),
                    (
                        "OBJECT_DELETED",
                        object.header().dropped_nanos.map_or(Value::Null, super::listing::time),
                    ),
                    ("COLUMN_ID", field.map_or(Value::Null, |field| number(field.0))),
                    ("APPLY_METHOD", text("MANUAL")),
                ]);
                listing.add(&cells);
            }
        }
    }
}

fn policy_named(context: &IntrospectionContext, name: &str, network: bool) -> Result<Object> {
    let kinds = match network {
        true => &[ObjectKind::NetworkPolicy],
        false => privilege::APPLIED,
    };
    let mut missing = None;
    for &kind in kinds.iter().filter(|kind| **kind != ObjectKind::Tag) {
        match object_named(context, kind, name) {
            Ok(found) => return Ok(found),
            Err(error) => missing = missing.or(Some(error)),
        }
    }
    Err(missing.unwrap_or_else(|| Error::not_supported("this policy")))
}

/// A row for each policy that an object has, or for one of them.
fn add_policies(
    context: &IntrospectionContext,
    object: &Object,
    wanted: Option<&Object>,
    listing: &mut Listing,
) {
    let columns = object.columns();
    for (field, Attached { policies, .. }) in object.header().attachments.iter() {
        for used in policies {
            let policy = context.catalog.object(used.policy);
            let policy = policy.filter(|policy| context.catalog.sees(policy));
            let fits = |policy: &&Object| wanted.is_none_or(|wanted| wanted.id() == policy.id());
            let Some(policy) = policy.filter(fits) else { continue };
            let mut cells = policy_cells(context, policy);
            cells.extend(reference_cells(context, object, field, &columns, used));
            listing.add(&cells);
        }
    }
}

/// Columns that policies protect by way of their tags.
fn add_by_tags(
    context: &IntrospectionContext,
    wanted: Option<&Object>,
    on: Option<&Object>,
    listing: &mut Listing,
) {
    let catalog = &context.catalog;
    let relation = |object: &&Object| {
        object.namespace() == Namespace::Relation
            && catalog.is_live(object.id())
            && on.is_none_or(|on| on.id() == object.id())
    };
    for object in catalog.all().filter(relation) {
        let columns = object.columns();
        for (field, _, sql_type) in &columns {
            for effective in catalog.tags_of(object.header(), Some(*field)) {
                let Some(tag) = catalog.object(effective.tag) else { continue };
                for used in &tag.header().attachments.own.policies {
                    let Some(policy) = catalog.object(used.policy) else { continue };
                    let fits = policy.policy_body().is_some_and(|body| body.takes(*sql_type));
                    if !fits || wanted.is_some_and(|wanted| wanted.id() != policy.id()) {
                        continue;
                    }
                    let mut cells = policy_cells(context, policy);
                    cells.extend(reference_cells(context, object, Some(*field), &columns, used));
                    cells.extend(tag_cells(context, tag.header()));
                    listing.add(&cells);
                }
            }
        }
    }
}

fn policy_cells(context: &IntrospectionContext, policy: &Object) -> Vec<Cell<'static>> {
    let [database, schema] = containers(context, policy.header());
    vec![
        ("POLICY_DB", database),
        ("POLICY_SCHEMA", schema),
        ("POLICY_ID", number(policy.id().0)),
        ("POLICY_NAME", text(policy.name())),
        ("POLICY_KIND", text(policy.kind().in_listings())),
        ("POLICY_STATUS", text("ACTIVE")),
    ]
}

fn reference_cells(
    context: &IntrospectionContext,
    object: &Object,
    field: Option<FieldId>,
    columns: &[(FieldId, String, firn_types::SqlType)],
    used: &PolicyUse,
) -> Vec<Cell<'static>> {
    let name = |field: &FieldId| {
        columns.iter().find(|(own, ..)| own == field).map(|(_, name, _)| name.clone())
    };
    let [database, schema] = containers(context, object.header());
    let arguments: Vec<String> = used.arguments.iter().filter_map(name).collect();
    let quoted: Vec<String> = arguments.iter().map(|name| format!("\"{name}\"")).collect();
    let arguments = (!quoted.is_empty()).then(|| format!("[ {} ]", quoted.join(", ")));
    vec![
        ("REF_DATABASE_NAME", database),
        ("REF_SCHEMA_NAME", schema),
        ("REF_ENTITY_NAME", text(object.called())),
        ("REF_ENTITY_DOMAIN", text(object.kind().in_listings())),
        ("REF_COLUMN_NAME", optional(field.as_ref().and_then(name))),
        ("REF_ARG_COLUMN_NAMES", optional(arguments)),
    ]
}

/// What has a network policy: the account, and users.
fn add_network(context: &IntrospectionContext, policy: &NetworkPolicy, listing: &mut Listing) {
    let catalog = &context.catalog;
    let own = |value: Option<&str>| value == Some(policy.header.name.as_str());
    let mut add = |name: &str, domain: &str| {
        listing.add(&[
            ("POLICY_NAME", text(policy.header.name.as_str())),
            ("POLICY_KIND", text("NETWORK_POLICY")),
            ("REF_ENTITY_NAME", text(name)),
            ("REF_ENTITY_DOMAIN", text(domain)),
            ("POLICY_STATUS", text("ACTIVE")),
        ]);
    };
    let account = firn_account::catalog::ACCOUNT;
    if own(catalog.parameter(account, "NETWORK_POLICY")) {
        add("FIRN", "ACCOUNT");
    }
    for user in catalog.children(Namespace::User, account).into_iter().filter_map(Object::as_user) {
        if own(user.property("NETWORK_POLICY")) {
            add(&user.header.name, "USER");
        }
    }
}
