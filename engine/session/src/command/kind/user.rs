//! Users.

use firn_account::catalog::{Header, Object, ObjectKind, User};
use firn_parse::ast::{CreateObject, StatementOption};
use firn_types::Result;

use super::{KindHandler, changed, pairs, set_comment, set_pairs};
use crate::command::option_table::{
    COMMENT, EVERYWHERE, NEVER, OptionDefinition, Takes, done, missing, shown,
};
use crate::lifecycle::StatementContext;

const OPTIONS: &[OptionDefinition] = &[
    COMMENT,
    shown("DAYS_TO_EXPIRY", Takes::Number(0, 100_000), EVERYWHERE),
    done("DEFAULT_NAMESPACE", Takes::Anything, EVERYWHERE),
    done("DEFAULT_ROLE", Takes::Anything, EVERYWHERE),
    done("DEFAULT_SECONDARY_ROLES", Takes::List, EVERYWHERE),
    done("DEFAULT_WAREHOUSE", Takes::Anything, EVERYWHERE),
    shown("DISABLED", Takes::Boolean, EVERYWHERE),
    shown("DISPLAY_NAME", Takes::Anything, EVERYWHERE),
    shown("EMAIL", Takes::Text, EVERYWHERE),
    shown("FIRST_NAME", Takes::Text, EVERYWHERE),
    shown("LAST_NAME", Takes::Text, EVERYWHERE),
    shown("LOGIN_NAME", Takes::Anything, EVERYWHERE),
    shown("MIDDLE_NAME", Takes::Text, EVERYWHERE),
    shown("MINS_TO_BYPASS_MFA", Takes::Number(0, 100_000), EVERYWHERE),
    shown("MINS_TO_UNLOCK", Takes::Number(0, 100_000), EVERYWHERE),
    shown("MUST_CHANGE_PASSWORD", Takes::Boolean, EVERYWHERE),
    missing("NETWORK_POLICY", NEVER),
    shown("PASSWORD", Takes::Text, EVERYWHERE),
    shown("RSA_PUBLIC_KEY", Takes::Text, EVERYWHERE),
    shown("RSA_PUBLIC_KEY_2", Takes::Text, EVERYWHERE),
    missing("TAG", NEVER),
    shown("TYPE", Takes::Word(&["PERSON", "SERVICE", "LEGACY_SERVICE"]), EVERYWHERE),
];

/// What is done with users.
pub(super) const HANDLER: KindHandler = KindHandler {
    kind: ObjectKind::User,
    options: OPTIONS,
    create: Some(create),
    set: Some(set),
    unset: Some(unset),
};

/// The property that says whether a user's sessions begin with all of the user's roles in use.
const SECONDARY_ROLES: &str = "DEFAULT_SECONDARY_ROLES";

/// The property of a user who was given a password.
const HAS_PASSWORD: &str = "HAS_PASSWORD";

fn create(_: &StatementContext, ast: &CreateObject, header: Header) -> Result<Object> {
    let mut user = User::new(header);
    user.properties = user_properties(&ast.options);
    if user.property(SECONDARY_ROLES).is_none() {
        user.properties.push((SECONDARY_ROLES.to_string(), "('ALL')".to_string()));
    }
    Ok(user.into())
}

fn set(_: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::User(user) = object else { return Err(super::another()) };
    changed(user, |user| {
        set_comment(&mut user.header, options);
        set_pairs(&mut user.properties, user_properties(options));
        Ok(())
    })
}

fn unset(object: &Object, has: &dyn Fn(&str) -> bool) -> Result<Object> {
    let Object::User(user) = object else { return Err(super::another()) };
    changed(user, |user| {
        if has("COMMENT") {
            user.header.comment.clear();
        }
        let gone = |name: &str| has(name) || name == HAS_PASSWORD && has("PASSWORD");
        user.properties.retain(|(name, _)| !gone(name));
        Ok(())
    })
}

/// The properties of a user; of a password only that there is one.
fn user_properties(options: &[StatementOption]) -> Vec<(String, String)> {
    let mut properties = pairs(options, &["COMMENT", "PASSWORD"]);
    if options.iter().any(|option| option.name == "PASSWORD") {
        properties.push((HAS_PASSWORD.to_string(), "true".to_string()));
    }
    properties
}
