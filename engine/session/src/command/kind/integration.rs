//! Storage integrations, and those for notifications, which are kept only.

use firn_account::catalog::{Header, Integration, Object, ObjectKind};
use firn_parse::ast::{CreateObject, StatementOption};
use firn_types::{Error, ErrorCode, Result};

use super::{KindHandler, changed, invalid, pairs, set_comment, set_pairs};
use crate::command::definition::text_option;
use crate::command::option_table::{
    COMMENT, CREATE, EVERYWHERE, NEVER, OptionDefinition, SETTABLE, Takes, done, missing, shown,
};
use crate::lifecycle::StatementContext;

const OPTIONS: &[OptionDefinition] = &[
    shown("ALLOWED_RECIPIENTS", Takes::List, EVERYWHERE),
    shown("AWS_SNS_ROLE_ARN", Takes::Text, SETTABLE),
    shown("AWS_SNS_TOPIC_ARN", Takes::Text, SETTABLE),
    missing("AZURE_TENANT_ID", NEVER),
    COMMENT,
    shown("DEFAULT_RECIPIENTS", Takes::List, EVERYWHERE),
    shown("DEFAULT_SUBJECT", Takes::Text, EVERYWHERE),
    shown("DIRECTION", Takes::Word(&["INBOUND", "OUTBOUND"]), CREATE),
    done("ENABLED", Takes::Boolean, SETTABLE),
    shown("NOTIFICATION_PROVIDER", Takes::Word(&["AWS_SNS", "AWS_SQS"]), CREATE),
    done("STORAGE_ALLOWED_LOCATIONS", Takes::List, SETTABLE),
    shown("STORAGE_AWS_EXTERNAL_ID", Takes::Text, SETTABLE),
    shown("STORAGE_AWS_OBJECT_ACL", Takes::Text, EVERYWHERE),
    shown("STORAGE_AWS_ROLE_ARN", Takes::Text, SETTABLE),
    done("STORAGE_BLOCKED_LOCATIONS", Takes::List, EVERYWHERE),
    shown("STORAGE_PROVIDER", Takes::Text, CREATE),
    done("TYPE", Takes::Word(&["EXTERNAL_STAGE", "EMAIL", "QUEUE", "WEBHOOK"]), CREATE),
    missing("USE_PRIVATELINK_ENDPOINT", "FALSE"),
    shown("WEBHOOK_BODY_TEMPLATE", Takes::Text, EVERYWHERE),
    shown("WEBHOOK_HEADERS", Takes::List, EVERYWHERE),
    missing("WEBHOOK_SECRET", NEVER),
    shown("WEBHOOK_URL", Takes::Text, SETTABLE),
];

/// The category of integrations for stages.
pub(super) const STORAGE: &str = "STORAGE";
/// The category of those for notifications.
const NOTIFICATION: &str = "NOTIFICATION";

/// The types of integrations: the category of each, and how the options begin that it has beside those that all have.
const TYPES: &[(&str, &str, &[&str])] = &[
    ("EMAIL", NOTIFICATION, &["ALLOWED_RECIPIENTS", "DEFAULT_RECIPIENTS", "DEFAULT_SUBJECT"]),
    ("EXTERNAL_STAGE", STORAGE, &["STORAGE_"]),
    ("QUEUE", NOTIFICATION, &["AWS_SNS_", "DIRECTION", "NOTIFICATION_PROVIDER"]),
    ("WEBHOOK", NOTIFICATION, &["WEBHOOK_"]),
];
/// Options that integrations of every type have.
const OF_ALL: &[&str] = &["COMMENT", "ENABLED", "TYPE", "USE_PRIVATELINK_ENDPOINT"];

/// The category of a type.
///
/// # Errors
/// `not_supported` for types that firn does not have, `InvalidParameterValue` for an option of another type.
fn category(of_type: &str, options: &[StatementOption]) -> Result<&'static str> {
    let Some((_, category, own)) = TYPES.iter().find(|(known, ..)| *known == of_type) else {
        return Err(Error::not_supported(format!("integrations of TYPE = {of_type}")));
    };
    let fits = |name: &str| OF_ALL.contains(&name) || own.iter().any(|own| name.starts_with(own));
    match options.iter().find(|option| !fits(&option.name)) {
        None => Ok(category),
        Some(option) => {
            let text = format!("{} is no option of integrations of TYPE = {of_type}.", option.name);
            Err(Error::new(ErrorCode::InvalidParameterValue, text).at(option.span))
        }
    }
}

/// What is done with integrations.
pub(super) const HANDLER: KindHandler = KindHandler {
    kind: ObjectKind::Integration,
    options: OPTIONS,
    create: Some(create),
    set: Some(set),
    unset: Some(unset),
};

fn create(running: &StatementContext, ast: &CreateObject, header: Header) -> Result<Object> {
    let integration = integration(&ast.options, header)?;
    running.session.reach.check_integration(&integration)?;
    Ok(integration.into())
}

fn integration(options: &[StatementOption], header: Header) -> Result<Integration> {
    let kind = text_option(options, "TYPE").unwrap_or_default().to_uppercase();
    let category = category(&kind, options)?;
    let enabled = options
        .iter()
        .find(|option| option.name == "ENABLED")
        .is_none_or(|option| option.value.as_boolean().unwrap_or(true));
    Ok(Integration {
        header,
        integration_type: kind,
        category: category.to_string(),
        enabled,
        properties: pairs(options, &["TYPE", "ENABLED", "COMMENT"]),
    })
}

fn set(_: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::Integration(integration) = object else { return Err(super::another()) };
    category(&integration.integration_type, options)?;
    changed(integration, |integration| {
        set_comment(&mut integration.header, options);
        if let Some(option) = options.iter().find(|option| option.name == "ENABLED") {
            integration.enabled = option.value.as_boolean().ok_or_else(|| invalid(option))?;
        }
        let new = pairs(options, &["COMMENT", "TYPE", "ENABLED"]);
        set_pairs(&mut integration.properties, new);
        Ok(())
    })
}

fn unset(object: &Object, has: &dyn Fn(&str) -> bool) -> Result<Object> {
    let Object::Integration(integration) = object else { return Err(super::another()) };
    changed(integration, |integration| {
        if has("COMMENT") {
            integration.header.comment.clear();
        }
        integration.properties.retain(|(name, _)| !has(name));
        Ok(())
    })
}
