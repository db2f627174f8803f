//! Who logs in, and from where: users and network policies.

use firn_types::ObjectId;

use crate::catalog::Header;

/// A user.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// What all objects have.
    pub header: Header,
    /// Properties as name and value, such as `DEFAULT_ROLE`; names in upper case.
    pub properties: Vec<(String, String)>,
    /// What the user logs in with.
    pub login: UserLogin,
}

/// What a user logs in with, and when not. Nothing of it lets anybody else log in: secrets are hashed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserLogin {
    /// The password.
    pub password: Option<Password>,
    /// RSA_PUBLIC_KEY and RSA_PUBLIC_KEY_2.
    pub public_keys: [Option<PublicKey>; 2],
    /// Programmatic access tokens, in the order made.
    pub tokens: Vec<AccessToken>,
    /// When the user expires: nanoseconds since 1970 UTC.
    pub expires_nanos: Option<i64>,
    /// What MINS_TO_UNLOCK has said.
    pub lock: Option<UserLock>,
}

/// A password.
#[derive(Clone, Debug, PartialEq)]
pub struct Password {
    /// Its hash: a PHC string of argon2id.
    pub phc: String,
    /// When it was set: nanoseconds since 1970 UTC.
    pub set_nanos: i64,
}

/// The public half of an RSA key pair.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicKey {
    /// The DER of its SubjectPublicKeyInfo, in base 64 on one line.
    pub der: String,
    /// When it was set: nanoseconds since 1970 UTC.
    pub set_nanos: i64,
}

/// Until when a user may not log in. It also ends the locks that failed logins had made before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserLock {
    /// When it was set: nanoseconds since 1970 UTC.
    pub set_nanos: i64,
    /// Until when, the same.
    pub until_nanos: i64,
}

/// A programmatic access token.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessToken {
    /// Its name, one of its own among the user's.
    pub name: String,
    /// The SHA-256 of its secret, in base 16.
    pub sha256: String,
    /// The one role of the sessions that begin with it.
    pub role: Option<ObjectId>,
    /// When it was made: nanoseconds since 1970 UTC.
    pub created_nanos: i64,
    /// The user who made it.
    pub created_by: String,
    /// Days for which it was made.
    pub days: u32,
    /// When it expires: nanoseconds since 1970 UTC.
    pub expires_nanos: i64,
    /// Whether it is taken out of use.
    pub disabled: bool,
    /// The comment.
    pub comment: String,
    /// The name of the token that has taken its place.
    pub rotated_to: Option<String>,
}

/// From which addresses one may log in.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkPolicy {
    /// What all objects have.
    pub header: Header,
    /// Addresses and networks, such as `10.0.0.0/8`; none for all.
    pub allowed: Vec<String>,
    /// Those among them from which one may not.
    pub blocked: Vec<String>,
}

impl User {
    /// A user without properties.
    pub fn new(header: Header) -> User {
        User { header, properties: Vec::new(), login: UserLogin::default() }
    }

    /// A property's value.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The name to log in with, in upper case.
    pub fn login_name(&self) -> String {
        self.property("LOGIN_NAME").unwrap_or(&self.header.name).to_uppercase()
    }

    /// Whether a property that is TRUE or FALSE is TRUE.
    pub fn is(&self, name: &str) -> bool {
        self.property(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}
