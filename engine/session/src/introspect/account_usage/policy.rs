//! Tags, policies, and what has them.

use firn_account::catalog::{Object, ObjectKind};
use firn_types::{Result, Value};

use super::View;
use crate::introspect::listing::{Cell, Listing, number, optional, text, time};
use crate::introspect::{IntrospectionContext, policy, references};

pub(super) const TAGS: &str = "TAG_ID:number, TAG_NAME, TAG_SCHEMA_ID:number, TAG_SCHEMA, \
    TAG_DATABASE_ID:number, TAG_DATABASE, TAG_OWNER, TAG_COMMENT, CREATED:time, LAST_ALTERED:time, \
    DELETED:time, ALLOWED_VALUES, OWNER_ROLE_TYPE, PROPAGATE";

pub(super) const TAG_REFERENCES: &str = "TAG_DATABASE, TAG_SCHEMA, TAG_ID:number, TAG_NAME, TAG_VALUE, \
    OBJECT_DATABASE, OBJECT_SCHEMA, OBJECT_ID:number, OBJECT_NAME, OBJECT_DELETED:time, DOMAIN, \
    COLUMN_ID:number, COLUMN_NAME, APPLY_METHOD";

pub(super) const POLICY_REFERENCES: &str = "POLICY_DB, POLICY_SCHEMA, POLICY_ID:number, POLICY_NAME, POLICY_KIND, \
    REF_DATABASE_NAME, REF_SCHEMA_NAME, REF_ENTITY_NAME, REF_ENTITY_DOMAIN, REF_COLUMN_NAME, \
    REF_ARG_COLUMN_NAMES, TAG_DATABASE, TAG_SCHEMA, TAG_NAME, POLICY_STATUS";

pub(super) const POLICIES: &str = "POLICY_NAME, POLICY_ID:number, POLICY_SCHEMA_ID:number, POLICY_SCHEMA, \
    POLICY_CATALOG_ID:number, POLICY_CATALOG, POLICY_OWNER, POLICY_SIGNATURE, POLICY_RETURN_TYPE, \
    POLICY_BODY, POLICY_COMMENT, CREATED:time, LAST_ALTERED:time, DELETED:time, OWNER_ROLE_TYPE, OPTIONS";

pub(super) const PROPERTIES: &str = "NAME, ID:number, SCHEMA_ID:number, SCHEMA, DATABASE_ID:number, \
    DATABASE, OWNER, OWNER_ROLE_TYPE, COMMENT, CREATED:time, LAST_ALTERED:time, DELETED:time, PROPERTIES";

pub(super) fn tags(context: &IntrospectionContext, _: &View, listing: &mut Listing) -> Result<()> {
    for object in of_kind(context, ObjectKind::Tag) {
        let Object::Tag(tag) = object else { continue };
        let allowed = tag.allowed_values.as_ref().map(|values| serde_json::json!(values));
        let mut cells = named("TAG", context, object);
        cells.push(("ALLOWED_VALUES", optional(allowed.map(|json| json.to_string()))));
        listing.add(&cells);
    }
    Ok(())
}

pub(super) fn tag_references(
    context: &IntrospectionContext,
    _: &View,
    listing: &mut Listing,
) -> Result<()> {
    references::all_tags(context, listing);
    Ok(())
}

pub(super) fn policy_references(
    context: &IntrospectionContext,
    _: &View,
    listing: &mut Listing,
) -> Result<()> {
    references::all_policies(context, listing);
    Ok(())
}

pub(super) fn masking(
    context: &IntrospectionContext,
    _: &View,
    listing: &mut Listing,
) -> Result<()> {
    bodied(context, ObjectKind::MaskingPolicy, listing)
}

pub(super) fn row_access(
    context: &IntrospectionContext,
    _: &View,
    listing: &mut Listing,
) -> Result<()> {
    bodied(context, ObjectKind::RowAccessPolicy, listing)
}

pub(super) fn projection(
    context: &IntrospectionContext,
    _: &View,
    listing: &mut Listing,
) -> Result<()> {
    bodied(context, ObjectKind::ProjectionPolicy, listing)
}

pub(super) fn aggregation(
    context: &IntrospectionContext,
    _: &View,
    listing: &mut Listing,
) -> Result<()> {
    bodied(context, ObjectKind::AggregationPolicy, listing)
}

pub(super) fn password(
    context: &IntrospectionContext,
    _: &View,
    listing: &mut Listing,
) -> Result<()> {
    with_properties(context, ObjectKind::PasswordPolicy, listing)
}

pub(super) fn session(
    context: &IntrospectionContext,
    _: &View,
    listing: &mut Listing,
) -> Result<()> {
    with_properties(context, ObjectKind::SessionPolicy, listing)
}

fn of_kind(context: &IntrospectionContext, kind: ObjectKind) -> Vec<&Object> {
    let catalog = &context.catalog;
    let mut found: Vec<&Object> = catalog.all().filter(|object| object.kind() == kind).collect();
    found.sort_by_cached_key(|object| catalog.full_name(object.id()));
    found
}

fn bodied(context: &IntrospectionContext, kind: ObjectKind, listing: &mut Listing) -> Result<()> {
    for object in of_kind(context, kind) {
        let Some(body) = object.policy_body() else { continue };
        let mut cells = named("POLICY", context, object);
        cells.extend([
            ("POLICY_SIGNATURE", text(policy::signature(&body.parameters))),
            ("POLICY_RETURN_TYPE", text(policy::returns(kind, body))),
            ("POLICY_BODY", text(body.text.as_str())),
        ]);
        listing.add(&cells);
    }
    Ok(())
}

fn with_properties(
    context: &IntrospectionContext,
    kind: ObjectKind,
    listing: &mut Listing,
) -> Result<()> {
    for object in of_kind(context, kind) {
        let properties = match object {
            Object::PasswordPolicy(policy) => &policy.properties,
            Object::SessionPolicy(policy) => &policy.properties,
            _ => continue,
        };
        let properties: serde_json::Map<String, serde_json::Value> = properties
            .iter()
            .map(|(name, value)| (name.clone(), serde_json::json!(value)))
            .collect();
        let mut cells = named("", context, object);
        cells.push(("PROPERTIES", text(serde_json::Value::Object(properties).to_string())));
        listing.add(&cells);
    }
    Ok(())
}

/// What all of them have in common, under the names of the views that are about `what`.
fn named(what: &str, context: &IntrospectionContext, object: &Object) -> Vec<Cell<'static>> {
    let (catalog, header) = (&context.catalog, object.header());
    let schema = catalog.object(header.parent);
    let database = schema.and_then(|schema| catalog.object(schema.header().parent));
    let id = |found: Option<&Object>| found.map_or(Value::Null, |found| number(found.id().0));
    let name = |found: Option<&Object>| optional(found.map(Object::name));
    let (own, comment, owner) = (number(header.id.0), header.comment.as_str(), header.owner);
    let names: [&'static str; 9] = match what {
        "TAG" => [
            "TAG_ID",
            "TAG_NAME",
            "TAG_SCHEMA_ID",
            "TAG_SCHEMA",
            "TAG_DATABASE_ID",
            "TAG_DATABASE",
            "TAG_OWNER",
            "TAG_COMMENT",
            "OWNER_ROLE_TYPE",
        ],
        "POLICY" => [
            "POLICY_ID",
            "POLICY_NAME",
            "POLICY_SCHEMA_ID",
            "POLICY_SCHEMA",
            "POLICY_CATALOG_ID",
            "POLICY_CATALOG",
            "POLICY_OWNER",
            "POLICY_COMMENT",
            "OWNER_ROLE_TYPE",
        ],
        _ => [
            "ID",
            "NAME",
            "SCHEMA_ID",
            "SCHEMA",
            "DATABASE_ID",
            "DATABASE",
            "OWNER",
            "COMMENT",
            "OWNER_ROLE_TYPE",
        ],
    };
    let values = [
        own,
        text(header.name.as_str()),
        id(schema),
        name(schema),
        id(database),
        name(database),
        text(catalog.name_of(owner)),
        text(comment),
        text("ROLE"),
    ];
    let mut cells: Vec<Cell<'static>> = names.into_iter().zip(values).collect();
    cells.extend([
        ("CREATED", time(header.created_nanos)),
        ("LAST_ALTERED", time(header.altered_nanos)),
        ("DELETED", header.dropped_nanos.map_or(Value::Null, time)),
    ]);
    cells
}
