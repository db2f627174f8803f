//! Users.

use firn_account::catalog::{Header, Object, ObjectKind, Password, PublicKey, User, UserLock};
use firn_parse::ast::{CreateObject, StatementOption};
use firn_types::{Error, ErrorCode, Result};

use super::{KindHandler, changed, invalid, pairs, set_comment, set_pairs};
use crate::command::option_table::{COMMENT, EVERYWHERE, OptionDefinition, Takes, done, shown};
use crate::lifecycle::StatementContext;
use crate::{login, settings_table};

const OPTIONS: &[OptionDefinition] = &[
    COMMENT,
    done("DAYS_TO_EXPIRY", Takes::Number(0, 100_000), EVERYWHERE),
    done("DEFAULT_NAMESPACE", Takes::Anything, EVERYWHERE),
    done("DEFAULT_ROLE", Takes::Anything, EVERYWHERE),
    done("DEFAULT_SECONDARY_ROLES", Takes::List, EVERYWHERE),
    done("DEFAULT_WAREHOUSE", Takes::Anything, EVERYWHERE),
    done("DISABLED", Takes::Boolean, EVERYWHERE),
    shown("DISPLAY_NAME", Takes::Anything, EVERYWHERE),
    shown("EMAIL", Takes::Text, EVERYWHERE),
    shown("FIRST_NAME", Takes::Text, EVERYWHERE),
    shown("LAST_NAME", Takes::Text, EVERYWHERE),
    done("LOGIN_NAME", Takes::Anything, EVERYWHERE),
    shown("MIDDLE_NAME", Takes::Text, EVERYWHERE),
    shown("MINS_TO_BYPASS_MFA", Takes::Number(0, 100_000), EVERYWHERE),
    done("MINS_TO_UNLOCK", Takes::Number(0, 100_000), EVERYWHERE),
    done("MUST_CHANGE_PASSWORD", Takes::Boolean, EVERYWHERE),
    done(NETWORK_POLICY, Takes::Anything, EVERYWHERE),
    done("PASSWORD", Takes::Text, EVERYWHERE),
    done("RSA_PUBLIC_KEY", Takes::Text, EVERYWHERE),
    done("RSA_PUBLIC_KEY_2", Takes::Text, EVERYWHERE),
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
/// The property that names where a user may log in from.
pub(in crate::command) const NETWORK_POLICY: &str = "NETWORK_POLICY";
/// The properties that users may set of themselves, beside the parameters of their sessions.
const OWN: [&str; 4] = ["DEFAULT_NAMESPACE", "DEFAULT_ROLE", SECONDARY_ROLES, "DEFAULT_WAREHOUSE"];
/// What is kept in another form than a property's.
const LOGIN: [&str; 7] = [
    "COMMENT",
    "PASSWORD",
    "RSA_PUBLIC_KEY",
    "RSA_PUBLIC_KEY_2",
    "DAYS_TO_EXPIRY",
    "MINS_TO_UNLOCK",
    NETWORK_POLICY,
];
const NANOS_PER_MINUTE: i64 = 60_000_000_000;
const NANOS_PER_DAY: i64 = 24 * 60 * NANOS_PER_MINUTE;

/// Whether a user may set or unset a property of themselves without owning the user.
pub(in crate::command) fn is_own(property: &str) -> bool {
    OWN.contains(&property) || settings_table::find(property).is_some()
}

fn create(running: &StatementContext, ast: &CreateObject, header: Header) -> Result<Object> {
    let mut user = User::new(header);
    set_user(running, &mut user, &ast.options)?;
    if user.property(SECONDARY_ROLES).is_none() {
        user.properties.push((SECONDARY_ROLES.to_string(), "('ALL')".to_string()));
    }
    Ok(user.into())
}

fn set(running: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::User(user) = object else { return Err(super::another()) };
    let password = options.iter().find(|option| option.name == "PASSWORD");
    if let Some(password) = password.and_then(|option| option.value.as_text()) {
        login::PasswordRules::of(&running.catalog(), Some(&user.header)).check(&password)?;
    }
    changed(user, |user| {
        set_comment(&mut user.header, options);
        set_user(running, user, options)
    })
}

fn unset(object: &Object, has: &dyn Fn(&str) -> bool) -> Result<Object> {
    let Object::User(user) = object else { return Err(super::another()) };
    changed(user, |user| {
        if has("COMMENT") {
            user.header.comment.clear();
        }
        user.properties.retain(|(name, _)| !has(name));
        let login = &mut user.login;
        if has("PASSWORD") {
            login.password = None;
        }
        for (key, name) in login.public_keys.iter_mut().zip(KEYS) {
            if has(name) {
                *key = None;
            }
        }
        if has("DAYS_TO_EXPIRY") {
            login.expires_nanos = None;
        }
        if has("MINS_TO_UNLOCK") {
            login.lock = None;
        }
        Ok(())
    })
}

/// The options that set public keys.
const KEYS: [&str; 2] = ["RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2"];

/// Gives a user properties, and what they log in with. Of a password nothing but a hash is kept.
fn set_user(
    running: &StatementContext,
    user: &mut User,
    options: &[StatementOption],
) -> Result<()> {
    set_pairs(&mut user.properties, pairs(options, &LOGIN));
    let now_nanos = running.start_nanos;
    let later = |count: i64, unit: i64| now_nanos.saturating_add(count.saturating_mul(unit));
    for option in options {
        let text = option.value.as_text().unwrap_or_default();
        let number = option.value.as_integer().unwrap_or_default();
        let login = &mut user.login;
        match option.name.as_str() {
            "PASSWORD" if text.is_empty() => return Err(invalid(option)),
            "PASSWORD" => {
                let attempts = &running.session.shared.attempts;
                let phc = attempts.one_by_one(|| login::hash(&text))?;
                login.password = Some(Password { phc, set_nanos: now_nanos });
            }
            "RSA_PUBLIC_KEY" | "RSA_PUBLIC_KEY_2" => {
                let der = login::public_key(&text).map_err(|e| e.at(option.span).without_span())?;
                let slot = usize::from(option.name == KEYS[1]);
                login.public_keys[slot] = Some(PublicKey { der, set_nanos: now_nanos });
            }
            "DAYS_TO_EXPIRY" => {
                login.expires_nanos = (number > 0).then(|| later(number, NANOS_PER_DAY));
            }
            "MINS_TO_UNLOCK" => {
                let until_nanos = later(number, NANOS_PER_MINUTE);
                login.lock = Some(UserLock { set_nanos: now_nanos, until_nanos });
            }
            NETWORK_POLICY => {
                let policy = super::network_policy::named(running, option)?;
                set_pairs(&mut user.properties, [(NETWORK_POLICY.to_string(), policy)]);
            }
            _ => {}
        }
    }
    if user.property("TYPE") == Some("SERVICE") && user.login.password.is_some() {
        let text = "Cannot set property PASSWORD of a user whose TYPE is SERVICE.";
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    Ok(())
}
