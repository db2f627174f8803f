//! Logins: who somebody is, before there is a session.
//!
//! [`Engine::authenticate`] is the one way in for those who cannot read the account's files. It tells nobody
//! whether a user exists: the work is the same for a name that nobody has, and so is the answer.

mod attempts;
mod event;
mod key_pair;
mod network;
mod password;
pub(crate) mod policy;
mod token;

use std::net::IpAddr;
use std::sync::Arc;

use firn_account::catalog::{ACCOUNT, Namespace, Object, Password, Rights, User, VisibleCatalog};
use firn_account::{CatalogChange, SessionSpace};
use firn_storage::format::v1::LoginRecord;
use firn_types::{Error, ErrorCode, QueryId, Result};

pub(crate) use attempts::Attempts;
pub(crate) use event::Logins;
pub(crate) use key_pair::{fingerprint, public_key};
pub(crate) use network::{address_range, allows_policy};
pub(crate) use password::hash;
pub(crate) use policy::PasswordRules;
pub(crate) use token::{digest, fresh};

use crate::engine::Engine;
use crate::session::SessionOptions;

/// Nanoseconds of a second.
pub(crate) const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// In a day.
const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;

/// A moment as properties of users show it, in UTC.
pub(crate) fn moment(nanos: i64) -> String {
    let moment = chrono::DateTime::from_timestamp_nanos(nanos);
    moment.format("%Y-%m-%d %H:%M:%S%.3f +0000").to_string()
}

/// What somebody shows to log in.
#[derive(Clone)]
pub enum Credential {
    /// The user's password.
    Password {
        /// The password.
        password: String,
        /// The one that is to take its place, where it must be changed.
        new: Option<String>,
    },
    /// A JSON web token that is signed with the private half of one of the user's RSA key pairs.
    KeyPair(String),
    /// A programmatic access token, which also says who the user is.
    AccessToken(String),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple(self.factor()).finish_non_exhaustive()
    }
}

impl Credential {
    /// Its name in LOGIN_HISTORY.
    fn factor(&self) -> &'static str {
        match self {
            Credential::Password { .. } => "PASSWORD",
            Credential::KeyPair(_) => "RSA_KEYPAIR",
            Credential::AccessToken(_) => "PROGRAMMATIC_ACCESS_TOKEN",
        }
    }
}

/// What a client says of itself. Nobody has checked it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFacts {
    /// The kind of client, such as `PythonConnector`.
    pub application: String,
    /// Its version.
    pub version: String,
}

/// Somebody who has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The name of the user.
    pub user: String,
    /// The one role of the sessions, where the credential is for one only.
    pub only_role: Option<String>,
    /// From where.
    pub from: IpAddr,
}

impl Login {
    /// What a session of the user begins with, unless the client asks for something else.
    pub fn session_options(&self) -> SessionOptions {
        SessionOptions {
            user: Some(self.user.clone()),
            only_role: self.only_role.clone(),
            address: Some(self.from.to_canonical().to_string()),
            ..SessionOptions::default()
        }
    }
}

/// Why a login is refused: the client's error, and what LOGIN_HISTORY says.
struct Refusal {
    error: Error,
    reason: &'static str,
}

fn refusal(code: ErrorCode, text: impl Into<String>, reason: &'static str) -> Refusal {
    Refusal { error: Error::new(code, text), reason }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal { error, reason: "LOGIN_FAILED" }
    }
}

/// One login, while it is looked at.
struct Attempt<'a> {
    engine: &'a Engine,
    catalog: &'a VisibleCatalog,
    /// The name that failures are counted under.
    name: String,
    /// The user of that name, if there is one.
    user: Option<&'a Arc<User>>,
    credential: &'a Credential,
    from: IpAddr,
    now_nanos: i64,
}

impl Engine {
    /// Lets somebody in: checks what they show against what the user has, and when and from where the user may
    /// log in. After five wrong passwords in a row a name is locked for fifteen minutes, in this process. With an
    /// access token the name is not looked at.
    ///
    /// # Errors
    /// `IncorrectLogin`, `InvalidKeyPairToken` or `InvalidAccessToken` when the credential is not the user's;
    /// `UserLocked`, `UserDisabled` or `AddressNotAllowed` when the user may not; `PasswordExpired` when a new
    /// password has to come with the old one, and `PasswordRejected` when the policy does not take the new one;
    /// `Storage` when the account does not answer.
    pub fn authenticate(
        &self,
        user: &str,
        credential: &Credential,
        from: IpAddr,
        client: &ClientFacts,
    ) -> Result<Login> {
        let account = &self.inner.account;
        account.refresh()?;
        let catalog = VisibleCatalog::new(account.catalog(), Arc::new(Rights::of_engine()));
        let found = match credential {
            Credential::AccessToken(secret) => token::owner(&catalog, secret),
            _ => named(&catalog, &user.to_uppercase()),
        };
        let attempt = Attempt {
            engine: self,
            catalog: &catalog,
            name: found.map_or_else(|| user.to_uppercase(), |user| user.login_name()),
            user: found,
            credential,
            from,
            now_nanos: account.clock().now_nanos(),
        };
        let outcome = attempt.outcome();
        let event = self.inner.logins.add(attempt.event(client, outcome.as_ref().err()));
        if self.inner.archive.add_login(event, attempt.now_nanos) {
            self.inner.maintenance().service().wake();
        }
        outcome.map_err(|refusal| refusal.error)
    }
}

impl Attempt<'_> {
    fn outcome(&self) -> Result<Login, Refusal> {
        let proof = self.prove();
        let attempts = &self.engine.inner.attempts;
        let lock = self.user.and_then(|user| user.login.lock);
        let lockout = self.rules().lockout();
        if let Some(until_nanos) = attempts.locked_until(&self.name, lock, lockout, self.now_nanos)
        {
            let minutes = (until_nanos - self.now_nanos).div_euclid(60 * NANOS_PER_SECOND) + 1;
            let text = format!(
                "Your user account has been temporarily locked due to too many failed attempts. Try again \
                 after {minutes} minutes or contact your account administrator for assistance."
            );
            return Err(refusal(ErrorCode::UserLocked, text, "USER_LOCKED_TEMP"));
        }
        let (user, only_role) = match (proof, self.user) {
            (Ok(only_role), Some(user)) => (user, only_role),
            (Ok(_), None) => return Err(wrong_password()),
            (Err(refusal), _) => {
                if let Credential::Password { .. } = self.credential {
                    attempts.failed(&self.name, lockout, self.now_nanos);
                }
                return Err(refusal);
            }
        };
        attempts.succeeded(&self.name);
        if user.is("DISABLED") || user.login.expires_nanos.is_some_and(|at| at <= self.now_nanos) {
            let text = "User access disabled. Contact your local system administrator.";
            return Err(refusal(ErrorCode::UserDisabled, text, "USER_ACCESS_DISABLED"));
        }
        if !network::allows(self.catalog, user, self.from) {
            let text = format!(
                "Incoming request with IP/Token {} is not allowed to access this account. Contact your \
                 account administrator.",
                self.from.to_canonical()
            );
            return Err(refusal(ErrorCode::AddressNotAllowed, text, "IP_NOT_ALLOWED"));
        }
        self.renew_password(user)?;
        Ok(Login { user: user.header.name.clone(), only_role, from: self.from })
    }

    /// Whether the credential is the user's, and the one role that it is for.
    fn prove(&self) -> Result<Option<String>, Refusal> {
        let user = self.user.filter(|user| match self.credential {
            Credential::Password { .. } => user.property("TYPE") != Some("SERVICE"),
            _ => true,
        });
        match self.credential {
            Credential::Password { password, .. } => {
                let kept = user.and_then(|user| user.login.password.as_ref());
                let phc = kept.map(|kept| kept.phc.as_str());
                let is_right =
                    self.engine.inner.attempts.one_by_one(|| password::verify(password, phc));
                is_right.then_some(None).ok_or_else(wrong_password)
            }
            Credential::KeyPair(token) => {
                let keys = user.map(|user| &user.login.public_keys);
                match key_pair::check(token, &self.name, keys, self.now_nanos) {
                    Ok(()) => Ok(None),
                    Err(reason) => {
                        let text = format!("JWT token is invalid. [{}]", uuid::Uuid::new_v4());
                        Err(refusal(ErrorCode::InvalidKeyPairToken, text, reason))
                    }
                }
            }
            Credential::AccessToken(secret) => {
                let owner = user.ok_or("PROGRAMMATIC_ACCESS_TOKEN_INVALID");
                owner
                    .and_then(|user| token::check(self.catalog, user, secret, self.now_nanos))
                    .map_err(|reason| {
                        let text = "Programmatic access token is invalid.";
                        refusal(ErrorCode::InvalidAccessToken, text, reason)
                    })
            }
        }
    }

    /// What the user's passwords must be.
    fn rules(&self) -> PasswordRules {
        PasswordRules::of(self.catalog, self.user.map(|user| &user.header))
    }

    /// Puts the new password that has come in the place of the old one; it has to come where that one must be
    /// changed.
    fn renew_password(&self, user: &Arc<User>) -> Result<(), Refusal> {
        let Credential::Password { password, new } = self.credential else { return Ok(()) };
        let rules = self.rules();
        let set_nanos = user.login.password.as_ref().map(|kept| kept.set_nanos);
        let expired = set_nanos.is_some_and(|set| rules.has_expired(set, self.now_nanos));
        let must = expired || user.is("MUST_CHANGE_PASSWORD");
        let Some(new) = new else {
            let text = "Specified password has expired. Password must be changed.";
            return match must {
                true => Err(refusal(ErrorCode::PasswordExpired, text, "PASSWORD_EXPIRED")),
                false => Ok(()),
            };
        };
        rules.check(new)?;
        if !must && set_nanos.is_some_and(|set| rules.is_too_young(set, self.now_nanos)) {
            return Err(password::rejected("PASSWORD_TOO_RECENT").into());
        }
        if new == password {
            return Err(password::rejected("PRIOR_USE").into());
        }
        let mut changed = user.as_ref().clone();
        let phc = self.engine.inner.attempts.one_by_one(|| hash(new))?;
        changed.login.password = Some(Password { phc, set_nanos: self.now_nanos });
        changed.properties.retain(|(name, _)| name != "MUST_CHANGE_PASSWORD");
        let account = &self.engine.inner.account;
        let mut transaction = account.begin(&SessionSpace::new(0));
        transaction.apply(CatalogChange::alter(changed))?;
        transaction.commit(&QueryId(uuid::Uuid::new_v4().to_string()))?;
        Ok(())
    }

    fn event(&self, client: &ClientFacts, refusal: Option<&Refusal>) -> LoginRecord {
        let known = self.user.map(|user| user.header.name.clone());
        LoginRecord {
            id: 0,
            nanos: self.now_nanos,
            user: known.unwrap_or_else(|| self.name.clone()),
            from: self.from.to_canonical().to_string(),
            client: [client.application.clone(), client.version.clone()],
            factor: self.credential.factor().to_string(),
            error: refusal
                .map(|refusal| (refusal.error.code().number(), refusal.reason.to_string())),
        }
    }
}

/// The user who logs in with a name, in upper case.
fn named<'c>(catalog: &'c VisibleCatalog, name: &str) -> Option<&'c Arc<User>> {
    let users = catalog.children(Namespace::User, ACCOUNT).into_iter().filter_map(Object::as_user);
    users.filter(|user| user.login_name() == name).min_by_key(|user| user.header.created_nanos)
}

fn wrong_password() -> Refusal {
    let text = "Incorrect username or password was specified.";
    refusal(ErrorCode::IncorrectLogin, text, "INCORRECT_USERNAME_PASSWORD")
}
