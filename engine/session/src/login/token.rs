//! Programmatic access tokens: random secrets, of which the account keeps hashes.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use firn_account::catalog::{ACCOUNT, AccessToken, Namespace, Object, User, VisibleCatalog};
use firn_types::{Error, Result};
use ring::digest::SHA256;
use ring::rand::{SecureRandom, SystemRandom};

use crate::roles;

/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;

/// A new secret.
///
/// # Errors
/// `Internal` when the system gives no random numbers.
pub(crate) fn fresh() -> Result<String> {
    let mut bytes = [0; SECRET_BYTES];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| Error::internal("the system gives no random numbers"))?;
    Ok(format!("firn_{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// What the account keeps of a secret: its SHA-256 in base 16. A secret has too many values to be guessed from
/// it.
pub(crate) fn digest(secret: &str) -> String {
    let digest = ring::digest::digest(&SHA256, secret.as_bytes());
    digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The user whose token a secret is.
pub(super) fn owner<'c>(catalog: &'c VisibleCatalog, secret: &str) -> Option<&'c Arc<User>> {
    let digest = digest(secret);
    let users = catalog.children(Namespace::User, ACCOUNT).into_iter().filter_map(Object::as_user);
    users.into_iter().find(|user| of(user, &digest).is_some())
}

fn of<'u>(user: &'u User, digest: &str) -> Option<&'u AccessToken> {
    user.login.tokens.iter().find(|token| token.sha256 == digest)
}

/// Whether a user's token still counts: the role that it is for, or why it does not.
pub(super) fn check(
    catalog: &VisibleCatalog,
    user: &User,
    secret: &str,
    now_nanos: i64,
) -> Result<Option<String>, &'static str> {
    let Some(token) = of(user, &digest(secret)) else {
        return Err("PROGRAMMATIC_ACCESS_TOKEN_INVALID");
    };
    if token.expires_nanos <= now_nanos {
        return Err("PROGRAMMATIC_ACCESS_TOKEN_EXPIRED");
    }
    if token.disabled {
        return Err("PROGRAMMATIC_ACCESS_TOKEN_DISABLED");
    }
    let Some(role) = token.role else { return Ok(None) };
    match roles::available(catalog, &user.header.name).contains(&role) {
        true => Ok(Some(catalog.name_of(role).to_string())),
        false => Err("PROGRAMMATIC_ACCESS_TOKEN_ROLE_REVOKED"),
    }
}
