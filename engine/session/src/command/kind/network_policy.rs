//! Network policies: from which addresses one may log in.

use firn_account::catalog::{ACCOUNT, Header, Namespace, NetworkPolicy, Object, ObjectKind};
use firn_parse::ast::{CreateObject, OptionValue, StatementOption};
use firn_types::{Error, ErrorCode, Result};

use super::user::NETWORK_POLICY;
use super::{KindHandler, changed, invalid, set_comment};
use crate::command::option_table::{
    COMMENT, EVERYWHERE, NEVER, OptionDefinition, Takes, done, missing,
};
use crate::lifecycle::StatementContext;
use crate::login;

const ALLOWED: &str = "ALLOWED_IP_LIST";
const BLOCKED: &str = "BLOCKED_IP_LIST";

const OPTIONS: &[OptionDefinition] = &[
    done(ALLOWED, Takes::List, EVERYWHERE),
    missing("ALLOWED_NETWORK_RULE_LIST", NEVER),
    done(BLOCKED, Takes::List, EVERYWHERE),
    missing("BLOCKED_NETWORK_RULE_LIST", NEVER),
    COMMENT,
];

/// What is done with network policies.
pub(super) const HANDLER: KindHandler = KindHandler {
    kind: ObjectKind::NetworkPolicy,
    options: OPTIONS,
    create: Some(create),
    set: Some(set),
    unset: Some(unset),
};

fn create(running: &StatementContext, ast: &CreateObject, header: Header) -> Result<Object> {
    let mut policy = NetworkPolicy { header, allowed: Vec::new(), blocked: Vec::new() };
    set_lists(running, &mut policy, &ast.options)?;
    Ok(policy.into())
}

fn set(running: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::NetworkPolicy(policy) = object else { return Err(super::another()) };
    changed(policy, |policy| {
        set_comment(&mut policy.header, options);
        set_lists(running, policy, options)
    })
}

fn unset(object: &Object, has: &dyn Fn(&str) -> bool) -> Result<Object> {
    let Object::NetworkPolicy(policy) = object else { return Err(super::another()) };
    changed(policy, |policy| {
        if has("COMMENT") {
            policy.header.comment.clear();
        }
        for (list, name) in [(&mut policy.allowed, ALLOWED), (&mut policy.blocked, BLOCKED)] {
            if has(name) {
                list.clear();
            }
        }
        Ok(())
    })
}

fn set_lists(
    running: &StatementContext,
    policy: &mut NetworkPolicy,
    options: &[StatementOption],
) -> Result<()> {
    for option in options {
        let list = match option.name.as_str() {
            ALLOWED => &mut policy.allowed,
            BLOCKED => &mut policy.blocked,
            _ => continue,
        };
        *list = entries(option)?;
    }
    // One who changes the policy that is in force must not lock themselves out.
    let in_force = attached_to(running, policy.header.name.as_str()).is_some();
    match running.session.from {
        Some(from) if in_force && !login::allows_policy(policy, from) => Err(locked_out(from)),
        _ => Ok(()),
    }
}

/// The addresses and networks of a list.
fn entries(option: &StatementOption) -> Result<Vec<String>> {
    let OptionValue::List(items) = &option.value else { return Err(invalid(option)) };
    let entry = |item: &OptionValue| {
        let text = item.as_text().unwrap_or_default();
        match login::address_range(&text) {
            Some(_) => Ok(text.trim().to_string()),
            None => {
                let text = format!(
                    "invalid value [{text}] for parameter '{}': it takes addresses and networks, such as \
                     '192.168.1.99' and '192.168.1.0/24'",
                    option.name
                );
                Err(Error::new(ErrorCode::InvalidParameterValue, text))
            }
        }
    };
    items.iter().map(entry).collect()
}

fn locked_out(from: std::net::IpAddr) -> Error {
    let text = format!(
        "Network policy cannot be activated. Requestor IP address, {}, must be included in the allowed \
         network rules, and in none of the blocked ones.",
        from.to_canonical()
    );
    Error::new(ErrorCode::InvalidStatement, text)
}

/// The policy that an option NETWORK_POLICY names.
///
/// # Errors
/// When there is none of that name, or it would lock out the one who sets it.
pub(in crate::command) fn named(
    running: &StatementContext,
    option: &StatementOption,
) -> Result<String> {
    let name = match &option.value {
        OptionValue::Text(text) => firn_parse::parse_object_name(text).ok(),
        value => value.as_name(),
    };
    let name = name.ok_or_else(|| invalid(option))?.object().name.clone();
    let catalog = running.catalog();
    let found = catalog.find(Namespace::NetworkPolicy, ACCOUNT, &name);
    let Some(policy) = found.and_then(Object::as_network_policy) else {
        return Err(catalog.not_found(ObjectKind::NetworkPolicy, ACCOUNT, &name));
    };
    match running.session.from {
        Some(from) if !login::allows_policy(policy, from) => Err(locked_out(from)),
        _ => Ok(name),
    }
}

/// What a policy is in force for: the account, or a user.
fn attached_to(running: &StatementContext, name: &str) -> Option<String> {
    let catalog = running.catalog().as_engine();
    let mut of_account = catalog.parameters(ACCOUNT);
    if of_account.any(|(key, value)| key == NETWORK_POLICY && value == name) {
        return Some("the account".to_string());
    }
    let users = catalog.children(Namespace::User, ACCOUNT).into_iter().filter_map(Object::as_user);
    let mut users = users.filter(|user| user.property(NETWORK_POLICY) == Some(name));
    users.next().map(|user| format!("user {}", user.header.name))
}

/// Keeps a policy's name as long as something names it.
///
/// # Errors
/// When the account or a user has the policy.
pub(in crate::command) fn refuse_attached(
    running: &StatementContext,
    object: &Object,
) -> Result<()> {
    let Object::NetworkPolicy(policy) = object else { return Ok(()) };
    match attached_to(running, &policy.header.name) {
        Some(whose) => {
            let text = format!(
                "Cannot perform Drop operation on network policy {}. The policy is attached to {whose}. Unset \
                 the network policy there and try the operation again.",
                policy.header.name
            );
            Err(Error::new(ErrorCode::InvalidStatement, text))
        }
        None => Ok(()),
    }
}
