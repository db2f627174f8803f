//! Tags and policies.

use firn_account::catalog::{Header, Object, ObjectKind, PasswordPolicy, SessionPolicy, Tag};
use firn_parse::ast::{CreateObject, OptionValue, StatementOption};
use firn_types::{Error, ErrorCode, Result};

use super::{KindHandler, changed, pairs, set_comment, set_pairs, unset_comment};
use crate::command::option_table::{COMMENT, CREATE, EVERYWHERE, NEVER, Takes, done, missing};
use crate::lifecycle::StatementContext;

/// The option of a tag with its values.
const ALLOWED_VALUES: &str = "ALLOWED_VALUES";
/// The option of a masking policy by which other policies may read the column as it is.
pub(in crate::command) const EXEMPT: &str = "EXEMPT_OTHER_POLICIES";

/// Names and values, in order.
type Properties = Vec<(String, String)>;

/// Values that a tag may allow.
const ALLOWED_VALUES_MAX: usize = 5000;
/// Characters of a tag's value.
const VALUE_CHARACTERS_MAX: usize = 256;

/// What is done with tags.
pub(super) const TAG: KindHandler = KindHandler {
    kind: ObjectKind::Tag,
    options: &[
        done(ALLOWED_VALUES, Takes::List, EVERYWHERE),
        COMMENT,
        missing("ON_CONFLICT", NEVER),
        missing("PROPAGATE", "NONE"),
    ],
    create: Some(create_tag),
    set: Some(set_tag),
    unset: Some(unset_tag),
};

/// What is done with masking policies, beside their bodies.
pub(super) const MASKING: KindHandler = KindHandler {
    kind: ObjectKind::MaskingPolicy,
    options: &[COMMENT, done(EXEMPT, Takes::Boolean, CREATE)],
    ..ROW_ACCESS
};

/// What is done with row access policies, beside their bodies.
pub(super) const ROW_ACCESS: KindHandler = KindHandler {
    kind: ObjectKind::RowAccessPolicy,
    options: &[COMMENT],
    create: None,
    set: Some(set_with_comment),
    unset: Some(unset_comment),
};

/// What is done with projection policies, beside their bodies.
pub(super) const PROJECTION: KindHandler =
    KindHandler { kind: ObjectKind::ProjectionPolicy, ..ROW_ACCESS };

/// What is done with aggregation policies, beside their bodies.
pub(super) const AGGREGATION: KindHandler =
    KindHandler { kind: ObjectKind::AggregationPolicy, ..ROW_ACCESS };

/// What is done with password policies.
pub(super) const PASSWORD: KindHandler = KindHandler {
    kind: ObjectKind::PasswordPolicy,
    options: &[
        COMMENT,
        done("PASSWORD_HISTORY", Takes::Number(0, 24), EVERYWHERE),
        done("PASSWORD_LOCKOUT_TIME_MINS", Takes::Number(1, 999), EVERYWHERE),
        done("PASSWORD_MAX_AGE_DAYS", Takes::Number(0, 999), EVERYWHERE),
        done("PASSWORD_MAX_LENGTH", Takes::Number(8, 256), EVERYWHERE),
        done("PASSWORD_MAX_RETRIES", Takes::Number(1, 10), EVERYWHERE),
        done("PASSWORD_MIN_AGE_DAYS", Takes::Number(0, 999), EVERYWHERE),
        done("PASSWORD_MIN_LENGTH", Takes::Number(8, 256), EVERYWHERE),
        done("PASSWORD_MIN_LOWER_CASE_CHARS", Takes::Number(0, 256), EVERYWHERE),
        done("PASSWORD_MIN_NUMERIC_CHARS", Takes::Number(0, 256), EVERYWHERE),
        done("PASSWORD_MIN_SPECIAL_CHARS", Takes::Number(0, 256), EVERYWHERE),
        done("PASSWORD_MIN_UPPER_CASE_CHARS", Takes::Number(0, 256), EVERYWHERE),
    ],
    create: Some(create_password),
    set: Some(set_properties),
    unset: Some(unset_properties),
};

/// What is done with session policies.
pub(super) const SESSION: KindHandler = KindHandler {
    kind: ObjectKind::SessionPolicy,
    options: &[
        missing("ALLOWED_SECONDARY_ROLES", NEVER),
        missing("BLOCKED_SECONDARY_ROLES", NEVER),
        COMMENT,
        done("SESSION_IDLE_TIMEOUT_MINS", Takes::Number(5, 240), EVERYWHERE),
        missing("SESSION_MAX_LIFESPAN_MINS", NEVER),
        done("SESSION_UI_IDLE_TIMEOUT_MINS", Takes::Number(5, 240), EVERYWHERE),
    ],
    create: Some(create_session),
    ..PASSWORD
};

fn create_tag(_: &StatementContext, ast: &CreateObject, header: Header) -> Result<Object> {
    Ok(Tag { header, allowed_values: allowed(&ast.options)? }.into())
}

fn set_tag(_: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::Tag(tag) = object else { return Err(super::another()) };
    changed(tag, |tag| {
        set_comment(&mut tag.header, options);
        if let Some(values) = allowed(options)? {
            tag.allowed_values = Some(values);
        }
        Ok(())
    })
}

fn unset_tag(object: &Object, has: &dyn Fn(&str) -> bool) -> Result<Object> {
    let Object::Tag(tag) = object else { return Err(super::another()) };
    changed(tag, |tag| {
        if has("COMMENT") {
            tag.header.comment.clear();
        }
        if has(ALLOWED_VALUES) {
            tag.allowed_values = None;
        }
        Ok(())
    })
}

/// ADD and DROP of allowed values.
///
/// # Errors
/// For too many, or ones that are too long.
pub(in crate::command) fn with_values(
    object: &Object,
    add: bool,
    some: &[String],
) -> Result<Object> {
    let Object::Tag(tag) = object else { return Err(super::another()) };
    changed(tag, |tag| {
        let mut values = tag.allowed_values.take().unwrap_or_default();
        values.retain(|value| !some.contains(value));
        if add {
            values.extend(some.iter().cloned());
        }
        tag.allowed_values = Some(checked(values)?);
        Ok(())
    })
}

fn allowed(options: &[StatementOption]) -> Result<Option<Vec<String>>> {
    let Some(option) = options.iter().find(|option| option.name == ALLOWED_VALUES) else {
        return Ok(None);
    };
    let OptionValue::List(items) = &option.value else { return Err(super::invalid(option)) };
    let texts = items.iter().filter_map(OptionValue::as_text);
    let mut values: Vec<String> = Vec::with_capacity(items.len());
    texts.for_each(|text| {
        if !values.contains(&text) {
            values.push(text);
        }
    });
    checked(values).map(Some)
}

fn checked(values: Vec<String>) -> Result<Vec<String>> {
    if values.len() > ALLOWED_VALUES_MAX {
        let text = format!("a tag allows at most {ALLOWED_VALUES_MAX} values");
        return Err(Error::new(ErrorCode::InvalidParameterValue, text));
    }
    values.iter().try_for_each(|value| check_value(value))?;
    Ok(values)
}

/// Refuses values of tags that are too long.
///
/// # Errors
/// `InvalidParameterValue`.
pub(in crate::command) fn check_value(value: &str) -> Result<()> {
    if value.chars().count() <= VALUE_CHARACTERS_MAX {
        return Ok(());
    }
    let text = format!("the value of a tag has at most {VALUE_CHARACTERS_MAX} characters");
    Err(Error::new(ErrorCode::InvalidParameterValue, text))
}

fn set_with_comment(
    _: &StatementContext,
    object: &Object,
    options: &[StatementOption],
) -> Result<Object> {
    let comment = crate::command::definition::text_option(options, "COMMENT");
    Ok(comment.map_or_else(|| object.clone(), |comment| object.with_comment(&comment)))
}

fn create_password(_: &StatementContext, ast: &CreateObject, header: Header) -> Result<Object> {
    let properties = pairs(&ast.options, &["COMMENT"]);
    Ok(PasswordPolicy { header, properties }.into())
}

fn create_session(_: &StatementContext, ast: &CreateObject, header: Header) -> Result<Object> {
    let properties = pairs(&ast.options, &["COMMENT"]);
    Ok(SessionPolicy { header, properties }.into())
}

fn set_properties(
    _: &StatementContext,
    object: &Object,
    options: &[StatementOption],
) -> Result<Object> {
    let set = |header: &mut Header, properties: &mut Properties| {
        set_comment(header, options);
        set_pairs(properties, pairs(options, &["COMMENT"]));
    };
    with_properties(object, &set)
}

fn unset_properties(object: &Object, has: &dyn Fn(&str) -> bool) -> Result<Object> {
    let unset = |header: &mut Header, properties: &mut Properties| {
        if has("COMMENT") {
            header.comment.clear();
        }
        properties.retain(|(name, _)| !has(name));
    };
    with_properties(object, &unset)
}

fn with_properties(
    object: &Object,
    change: &dyn Fn(&mut Header, &mut Properties),
) -> Result<Object> {
    match object {
        Object::PasswordPolicy(policy) => changed(policy, |policy| {
            change(&mut policy.header, &mut policy.properties);
            Ok(())
        }),
        Object::SessionPolicy(policy) => changed(policy, |policy| {
            change(&mut policy.header, &mut policy.properties);
            Ok(())
        }),
        _ => Err(super::another()),
    }
}
