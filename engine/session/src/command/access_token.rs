//! ALTER USER .. PROGRAMMATIC ACCESS TOKEN: the secret is shown once, when it is made.

use std::sync::Arc;

use firn_account::CatalogChange;
use firn_account::catalog::{AccessToken, User};
use firn_parse::ast::{AccessTokenAction, AccessTokenChange, OptionValue, StatementOption};
use firn_types::{Error, ErrorCode, Field, ObjectId, Result, SqlType, Value};

use super::definition::already_exists;
use super::kind::invalid;
use crate::lifecycle::StatementContext;
use crate::login;
use crate::result::Rows;
use crate::roles;

/// Days for which a token is made, unless DAYS_TO_EXPIRY says otherwise.
const DAYS_DEFAULT: i64 = 15;
/// Days for which one may be made.
const DAYS: std::ops::RangeInclusive<i64> = 1..=365;
/// Hours for which a rotated token goes on, unless EXPIRE_ROTATED_TOKEN_AFTER_HOURS says otherwise.
const ROTATED_HOURS_DEFAULT: i64 = 24;
const NANOS_PER_HOUR: i64 = 3_600_000_000_000;
const NANOS_PER_DAY: i64 = 24 * NANOS_PER_HOUR;

/// Does something with a token of a user. Whoever calls has let the session pass.
///
/// # Errors
/// When there is no such token, there is one already, or an option is wrong.
pub(super) fn alter(
    running: &mut StatementContext,
    user: &Arc<User>,
    ast: &AccessTokenChange,
) -> Result<Rows> {
    let name = ast.name.name.as_str();
    let place = user.login.tokens.iter().position(|token| token.name == name);
    let mut changed = user.as_ref().clone();
    let tokens = &mut changed.login.tokens;
    let rows = match (&ast.action, place) {
        (AccessTokenAction::Add(_), Some(_)) if ast.if_needed => {
            let text = format!("{name} already exists, statement succeeded.");
            return Ok(Rows::status(text));
        }
        (AccessTokenAction::Add(_), Some(_)) => return Err(already_exists(name)),
        (AccessTokenAction::Add(options), None) => {
            let (token, secret) = made(running, user, name, options)?;
            tokens.push(token);
            shown(&[("token_name", name), ("token_secret", &secret)])
        }
        (_, None) if ast.if_needed => return Ok(Rows::done()),
        (_, None) => {
            let text =
                format!("Programmatic access token '{name}' does not exist or not authorized.");
            return Err(Error::new(ErrorCode::NotFound, text));
        }
        (AccessTokenAction::Rename(to), Some(place)) => {
            if tokens.iter().any(|token| token.name == to.name) {
                return Err(already_exists(&to.name));
            }
            tokens[place].name = to.name.clone();
            Rows::done()
        }
        (AccessTokenAction::Set(options), Some(place)) => {
            set(&mut tokens[place], options)?;
            Rows::done()
        }
        (AccessTokenAction::Unset(names), Some(place)) => {
            for name in names {
                match name.name.to_uppercase().as_str() {
                    "DISABLED" => tokens[place].disabled = false,
                    "COMMENT" => tokens[place].comment.clear(),
                    _ => return Err(unknown(&name.name).at(name.span)),
                }
            }
            Rows::done()
        }
        (AccessTokenAction::Rotate(options), Some(place)) => {
            let (token, secret) = rotated(running, &mut tokens[place], options)?;
            let old = tokens[place].name.clone();
            tokens.push(token);
            shown(&[("token_name", name), ("token_secret", &secret), ("rotated_token_name", &old)])
        }
        (AccessTokenAction::Remove, Some(place)) => {
            tokens.remove(place);
            Rows::done()
        }
    };
    running.change(vec![CatalogChange::alter(changed)])?;
    Ok(rows)
}

/// A new token and its secret.
fn made(
    running: &StatementContext,
    user: &User,
    name: &str,
    options: &[StatementOption],
) -> Result<(AccessToken, String)> {
    let (mut days, mut role, mut comment) = (DAYS_DEFAULT, None, String::new());
    for option in options {
        match (option.name.as_str(), &option.value) {
            ("ROLE_RESTRICTION", value) => role = Some(restricted_role(running, user, value)?),
            ("DAYS_TO_EXPIRY", value) => {
                let wanted = value.as_integer().filter(|days| DAYS.contains(days));
                days = wanted.ok_or_else(|| invalid(option))?;
            }
            ("COMMENT", OptionValue::Text(text)) => comment.clone_from(text),
            ("MINS_TO_BYPASS_NETWORK_POLICY_REQUIREMENT", _) => {
                return Err(Error::not_supported(&option.name).at(option.span));
            }
            _ => return Err(unknown(&option.name).at(option.span)),
        }
    }
    if role.is_none() && user.property("TYPE") == Some("SERVICE") {
        let text = "ROLE_RESTRICTION is needed for a token of a user whose TYPE is SERVICE.";
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    let secret = login::fresh()?;
    let now_nanos = running.start_nanos;
    let token = AccessToken {
        name: name.to_string(),
        sha256: login::digest(&secret),
        role,
        created_nanos: now_nanos,
        created_by: running.session.user.clone(),
        days: u32::try_from(days).unwrap_or_default(),
        expires_nanos: now_nanos.saturating_add(days.saturating_mul(NANOS_PER_DAY)),
        disabled: false,
        comment,
        rotated_to: None,
    };
    Ok((token, secret))
}

/// A token in the place of another one, with its secret. The other one goes on under another name for a while.
fn rotated(
    running: &StatementContext,
    old: &mut AccessToken,
    options: &[StatementOption],
) -> Result<(AccessToken, String)> {
    let now_nanos = running.start_nanos;
    let secret = login::fresh()?;
    let token = AccessToken {
        sha256: login::digest(&secret),
        created_nanos: now_nanos,
        created_by: running.session.user.clone(),
        expires_nanos: now_nanos.saturating_add(i64::from(old.days) * NANOS_PER_DAY),
        rotated_to: None,
        ..old.clone()
    };
    let hours = rotated_hours(options)?.saturating_mul(NANOS_PER_HOUR);
    old.expires_nanos = old.expires_nanos.min(now_nanos.saturating_add(hours));
    old.rotated_to = Some(old.name.clone());
    old.name = format!("{}_ROTATED_{}", old.name, now_nanos / 1_000_000);
    Ok((token, secret))
}

/// The role that a token is for: one of the user's.
fn restricted_role(
    running: &StatementContext,
    user: &User,
    value: &OptionValue,
) -> Result<ObjectId> {
    let name = match value {
        OptionValue::Text(text) => firn_parse::parse_object_name(text)?.object().name.clone(),
        other => other.as_name().map(|name| name.object().name.clone()).unwrap_or_default(),
    };
    let catalog = running.catalog();
    let found = catalog.role(&name).map(|role| role.header.id);
    let own = roles::available(&catalog, &user.header.name);
    found.filter(|role| own.contains(role)).ok_or_else(|| {
        let text = format!("Role '{name}' does not exist or is not granted to the user.");
        Error::new(ErrorCode::NotFound, text)
    })
}

fn set(token: &mut AccessToken, options: &[StatementOption]) -> Result<()> {
    for option in options {
        match option.name.as_str() {
            "DISABLED" => {
                token.disabled = option.value.as_boolean().ok_or_else(|| invalid(option))?;
            }
            "COMMENT" => token.comment = option.value.as_text().unwrap_or_default(),
            "MINS_TO_BYPASS_NETWORK_POLICY_REQUIREMENT" => {
                return Err(Error::not_supported(&option.name).at(option.span));
            }
            _ => return Err(unknown(&option.name).at(option.span)),
        }
    }
    Ok(())
}

fn rotated_hours(options: &[StatementOption]) -> Result<i64> {
    let mut hours = ROTATED_HOURS_DEFAULT;
    for option in options {
        if option.name != "EXPIRE_ROTATED_TOKEN_AFTER_HOURS" {
            return Err(unknown(&option.name).at(option.span));
        }
        let wanted = option.value.as_integer().filter(|hours| (0..=24 * 365).contains(hours));
        hours = wanted.ok_or_else(|| invalid(option))?;
    }
    Ok(hours)
}

fn unknown(name: &str) -> Error {
    let text = format!("invalid property '{name}' for 'PROGRAMMATIC ACCESS TOKEN'");
    Error::new(ErrorCode::InvalidParameterValue, text)
}

/// One row of texts under these names.
fn shown(cells: &[(&str, &str)]) -> Rows {
    let field = |(name, _): &(&str, &str)| Field::new(*name, SqlType::TEXT);
    let value = |(_, text): &(&str, &str)| Value::Text((*text).into());
    Rows {
        fields: cells.iter().map(field).collect(),
        rows: vec![cells.iter().map(value).collect()],
    }
}
