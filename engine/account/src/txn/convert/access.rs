//! Users and network policies.

use firn_storage::format::v1;
use firn_types::ObjectId;

use super::object::{header_from, header_to};
use crate::catalog::{AccessToken, NetworkPolicy, Password, PublicKey, User, UserLock, UserLogin};

pub(super) fn user_to(user: &User) -> v1::User {
    v1::User {
        header: header_to(&user.header),
        properties: user.properties.clone(),
        login: login_to(&user.login),
    }
}

pub(super) fn user_from(user: v1::User) -> User {
    User {
        header: header_from(user.header),
        properties: user.properties,
        login: login_from(user.login),
    }
}

pub(super) fn network_policy_to(policy: &NetworkPolicy) -> v1::NetworkPolicy {
    v1::NetworkPolicy {
        header: header_to(&policy.header),
        allowed: policy.allowed.clone(),
        blocked: policy.blocked.clone(),
    }
}

pub(super) fn network_policy_from(policy: v1::NetworkPolicy) -> NetworkPolicy {
    NetworkPolicy {
        header: header_from(policy.header),
        allowed: policy.allowed,
        blocked: policy.blocked,
    }
}

fn login_to(login: &UserLogin) -> v1::UserLogin {
    let key = |key: &Option<PublicKey>| {
        let key = key.as_ref()?;
        Some(v1::PublicKey { der: key.der.clone(), set_nanos: key.set_nanos })
    };
    let password = login.password.as_ref();
    v1::UserLogin {
        password: password.map(|password| v1::Password {
            phc: password.phc.clone(),
            set_nanos: password.set_nanos,
        }),
        public_key: key(&login.public_keys[0]),
        public_key_2: key(&login.public_keys[1]),
        tokens: login.tokens.iter().map(token_to).collect(),
        expires_nanos: login.expires_nanos,
        lock_set_nanos: login.lock.map(|lock| lock.set_nanos),
        locked_until_nanos: login.lock.map(|lock| lock.until_nanos),
    }
}

fn login_from(login: v1::UserLogin) -> UserLogin {
    let key = |key: v1::PublicKey| PublicKey { der: key.der, set_nanos: key.set_nanos };
    let password = login.password;
    let lock = login.lock_set_nanos.zip(login.locked_until_nanos);
    UserLogin {
        password: password
            .map(|password| Password { phc: password.phc, set_nanos: password.set_nanos }),
        public_keys: [login.public_key.map(key), login.public_key_2.map(key)],
        tokens: login.tokens.into_iter().map(token_from).collect(),
        expires_nanos: login.expires_nanos,
        lock: lock.map(|(set_nanos, until_nanos)| UserLock { set_nanos, until_nanos }),
    }
}

fn token_to(token: &AccessToken) -> v1::AccessToken {
    v1::AccessToken {
        name: token.name.clone(),
        sha256: token.sha256.clone(),
        role: token.role.map(|role| role.0),
        created_nanos: token.created_nanos,
        created_by: token.created_by.clone(),
        days: token.days,
        expires_nanos: token.expires_nanos,
        disabled: token.disabled,
        comment: token.comment.clone(),
        rotated_to: token.rotated_to.clone(),
    }
}

fn token_from(token: v1::AccessToken) -> AccessToken {
    AccessToken {
        name: token.name,
        sha256: token.sha256,
        role: token.role.map(ObjectId),
        created_nanos: token.created_nanos,
        created_by: token.created_by,
        days: token.days,
        expires_nanos: token.expires_nanos,
        disabled: token.disabled,
        comment: token.comment,
        rotated_to: token.rotated_to,
    }
}
