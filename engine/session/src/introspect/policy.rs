//! What DESCRIBE and GET_DDL tell of tags and policies, and of what has them.

use firn_account::catalog::{
    Attached, Header, Object, ObjectKind, Parameter, PolicyBody, VisibleCatalog,
};
use firn_types::{FieldId, Identifier, ObjectId, Result};

use super::ddl::{Writer, comment, options, quoted};
use super::describe::Describing;
use super::kind;
use super::listing::{Listing, text, time};
use crate::login::policy::{PASSWORD, Property, SESSION};
use crate::result::Rows;

/// What is said of a tag or policy that one may not see.
const UNKNOWN_TAG: &str = "#UNKNOWN_TAG";
const UNKNOWN_POLICY: &str = "#UNKNOWN_POLICY";
const UNKNOWN_VALUE: &str = "#UNKNOWN_VALUE";

/// `(VAL VARCHAR, ROLE VARCHAR)`.
pub(crate) fn signature(parameters: &[Parameter]) -> String {
    super::routine::argument_signature(parameters)
}

/// What a policy with a body gives, with lengths.
pub(crate) fn returns(kind: ObjectKind, body: &PolicyBody) -> String {
    match (kind, body.returns) {
        (_, Some(sql_type)) => sql_type.to_string(),
        (ObjectKind::AggregationPolicy, None) => "AGGREGATION_CONSTRAINT".to_string(),
        (_, None) => "PROJECTION_CONSTRAINT".to_string(),
    }
}

/// DESCRIBE of a policy with a body.
pub(super) fn describe(_: &Describing<'_>, object: &Object) -> Result<Rows> {
    let body = object.policy_body().ok_or_else(kind::another)?;
    let mut listing = Listing::show("name, signature, return_type, body");
    listing.add(&[
        ("name", text(object.name())),
        ("signature", text(signature(&body.parameters))),
        ("return_type", text(returns(object.kind(), body))),
        ("body", text(body.text.as_str())),
    ]);
    Ok(listing.rows())
}

/// DESCRIBE PASSWORD POLICY: a row a property.
pub(super) fn describe_password(describing: &Describing<'_>, object: &Object) -> Result<Rows> {
    let Object::PasswordPolicy(policy) = object else { return Err(kind::another()) };
    let mut listing = Listing::nulls("property, value, default, description");
    let mut add = |name: &str, value: Option<&str>, default: Option<&str>, about: &str| {
        listing.add(&[
            ("property", text(name)),
            ("value", super::listing::optional(value)),
            ("default", super::listing::optional(default)),
            ("description", text(about)),
        ]);
    };
    let owner = describing.catalog.name_of(policy.header.owner).to_string();
    add("NAME", Some(&policy.header.name), None, "Name of password policy.");
    add("OWNER", Some(&owner), None, "Owner of password policy.");
    let about = "user comment associated to an object in the dictionary";
    add("COMMENT", Some(&policy.header.comment), None, about);
    for property in PASSWORD {
        let (value, default) = (property.of(&policy.properties), property.default);
        add(property.name, Some(&value.to_string()), Some(&default.to_string()), property.about);
    }
    Ok(listing.rows())
}

/// DESCRIBE SESSION POLICY: one row.
pub(super) fn describe_session(_: &Describing<'_>, object: &Object) -> Result<Rows> {
    let Object::SessionPolicy(policy) = object else { return Err(kind::another()) };
    let mut listing = Listing::show(
        "created_on:time, name, session_idle_timeout_mins:number, \
         session_ui_idle_timeout_mins:number, comment",
    );
    let value = |property: &Property| super::listing::number(property.of(&policy.properties));
    let [idle, ui] = SESSION.each_ref().map(value);
    listing.add(&[
        ("created_on", time(policy.header.created_nanos)),
        ("name", text(policy.header.name.as_str())),
        ("session_idle_timeout_mins", idle),
        ("session_ui_idle_timeout_mins", ui),
        ("comment", text(policy.header.comment.as_str())),
    ]);
    Ok(listing.rows())
}

/// The statement that makes a tag again.
pub(super) fn define_tag(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let Object::Tag(tag) = object else { return Err(kind::another()) };
    let name = writer.name(&tag.header);
    let values = tag.allowed_values.as_ref().filter(|values| !values.is_empty());
    let values = values.map(|values| {
        let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
        format!("allowed_values {}", values.join(", "))
    });
    let options = options(&[values, comment(&tag.header)], " ");
    Ok(format!("create or replace tag {name}{options};"))
}

/// The statement that makes a policy with a body again.
pub(super) fn define(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let body = object.policy_body().ok_or_else(kind::another)?;
    let parameter = |parameter: &Parameter| {
        format!("{} {}", Identifier::to_sql(&parameter.name), parameter.sql_type)
    };
    let parameters: Vec<String> = body.parameters.iter().map(parameter).collect();
    let exempt = match object {
        Object::MaskingPolicy(policy) => policy.exempt_other_policies,
        _ => false,
    };
    let exempt = exempt.then(|| "EXEMPT_OTHER_POLICIES=TRUE".to_string());
    let lines = [comment(object.header()), exempt];
    let lines: Vec<String> = lines.into_iter().flatten().map(|line| format!("\n{line}")).collect();
    Ok(format!(
        "create or replace {} {} as ({}) returns {} ->\n{}{};",
        object.kind().words().to_lowercase(),
        writer.name(object.header()),
        parameters.join(", "),
        returns(object.kind(), body),
        body.text,
        lines.concat(),
    ))
}

/// The statement that makes a password policy or session policy again.
pub(super) fn define_properties(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let properties = match object {
        Object::PasswordPolicy(policy) => &policy.properties,
        Object::SessionPolicy(policy) => &policy.properties,
        _ => return Err(kind::another()),
    };
    let lines = properties.iter().map(|(name, value)| Some(format!("{name}={value}")));
    let lines = lines.chain([comment(object.header())]).flatten();
    let lines: Vec<String> = lines.map(|line| format!("\n{line}")).collect();
    Ok(format!(
        "create or replace {} {}{};",
        object.kind().words().to_lowercase(),
        writer.name(object.header()),
        lines.concat(),
    ))
}

/// ` WITH MASKING POLICY p USING (..)` and the like, of an object or one of its columns, each behind `before`.
pub(super) fn with_attached(
    catalog: &VisibleCatalog,
    header: &Header,
    field: Option<FieldId>,
    column: &dyn Fn(FieldId) -> Option<String>,
    before: &str,
) -> String {
    let attached = match field {
        Some(field) => header.attachments.column(field),
        None => Some(&header.attachments.own),
    };
    let Some(Attached { tags, policies }) = attached else { return String::new() };
    let mut clauses = Vec::new();
    for used in policies {
        let Some(policy) = catalog.object(used.policy) else { continue };
        let name = shown_name(catalog, used.policy, UNKNOWN_POLICY);
        let arguments = field.into_iter().chain(used.arguments.iter().copied());
        let columns: Vec<String> = arguments.filter_map(column).collect();
        let (word, least) = match policy.kind() {
            ObjectKind::RowAccessPolicy => ("ON", 0),
            ObjectKind::AggregationPolicy => ("ENTITY KEY", 0),
            _ => ("USING", 1),
        };
        let columns = match columns.len() > least {
            true => format!(" {word} ({})", columns.join(", ")),
            false => String::new(),
        };
        clauses.push(format!("WITH {} {name}{columns}", policy.kind().words()));
    }
    let live = |tag: &ObjectId| {
        catalog.object(*tag).is_some_and(|tag| tag.header().dropped_nanos.is_none())
    };
    let tags = tags.iter().filter(|(tag, _)| live(tag)).map(|(tag, value)| {
        let name = shown_name(catalog, *tag, UNKNOWN_TAG);
        let value = if name == UNKNOWN_TAG { UNKNOWN_VALUE } else { value };
        format!("{name}={}", quoted(value))
    });
    let mut tags: Vec<String> = tags.collect();
    tags.sort();
    if !tags.is_empty() {
        clauses.push(format!("WITH TAG ({})", tags.join(", ")));
    }
    clauses.into_iter().map(|clause| format!("{before}{clause}")).collect()
}

/// The full name of a tag or policy, unless one may not see it.
fn shown_name(catalog: &VisibleCatalog, id: ObjectId, unknown: &str) -> String {
    match catalog.object(id).filter(|found| catalog.sees(found)) {
        Some(_) => catalog.full_name(id),
        None => unknown.to_string(),
    }
}
