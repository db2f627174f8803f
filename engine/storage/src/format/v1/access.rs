//! Who logs in, and from where: users and network policies.

use serde::{Deserialize, Serialize};

use super::Header;

/// A user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// What all objects have.
    pub header: Header,
    /// Properties.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<(String, String)>,
    /// What the user logs in with; since format 4.
    #[serde(default, skip_serializing_if = "UserLogin::is_empty")]
    pub login: UserLogin,
}

/// What a user logs in with, and when not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserLogin {
    /// The password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// RSA_PUBLIC_KEY.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<PublicKey>,
    /// RSA_PUBLIC_KEY_2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key_2: Option<PublicKey>,
    /// Programmatic access tokens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<AccessToken>,
    /// When the user expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_nanos: Option<i64>,
    /// When MINS_TO_UNLOCK was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_set_nanos: Option<i64>,
    /// Until when that locks the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until_nanos: Option<i64>,
}

impl UserLogin {
    fn is_empty(&self) -> bool {
        *self == UserLogin::default()
    }
}

/// A password, as a PHC string of argon2id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Password {
    /// The PHC string.
    pub phc: String,
    /// When it was set.
    pub set_nanos: i64,
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicKey {
    /// The DER of its SubjectPublicKeyInfo, in base 64.
    pub der: String,
    /// When it was set.
    pub set_nanos: i64,
}

/// A programmatic access token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessToken {
    /// The name.
    pub name: String,
    /// The SHA-256 of the secret, in base 16.
    pub sha256: String,
    /// The role of its sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<u64>,
    /// When it was made.
    pub created_nanos: i64,
    /// By which user.
    pub created_by: String,
    /// Days for which it was made.
    pub days: u32,
    /// When it expires.
    pub expires_nanos: i64,
    /// DISABLED.
    #[serde(default, skip_serializing_if = "super::partition::is_false")]
    pub disabled: bool,
    /// COMMENT.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// The token that it was rotated to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_to: Option<String>,
}

/// A network policy; since format 4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkPolicy {
    /// What all objects have.
    pub header: Header,
    /// ALLOWED_IP_LIST.
    pub allowed: Vec<String>,
    /// BLOCKED_IP_LIST.
    pub blocked: Vec<String>,
}
