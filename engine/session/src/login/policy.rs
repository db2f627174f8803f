//! Password policies and session policies: what their properties are, and which one counts for a user.

use std::sync::Arc;
use std::time::Duration;

use firn_account::catalog::{
    ACCOUNT, Catalog, Header, Namespace, Object, ObjectKind, Rights, VisibleCatalog,
};
use firn_types::{ObjectId, Result};

use super::password::rejected;
use super::{NANOS_PER_DAY, NANOS_PER_SECOND};
use crate::engine::Engine;

/// The kinds of policies that the account may have. A parameter of the account that is called as the kind keeps the
/// policy's id; no statement sets one of such a name.
pub(crate) const OF_ACCOUNT: [ObjectKind; 2] =
    [ObjectKind::PasswordPolicy, ObjectKind::SessionPolicy];

/// The policy of a kind that the account has.
pub(crate) fn policy_of_account(catalog: &Catalog, kind: ObjectKind) -> Option<ObjectId> {
    catalog.parameter(ACCOUNT, kind.words())?.parse().ok().map(ObjectId)
}

/// The policy of a kind that counts for a user: the user's own, or else the account's.
fn policy_for<'c>(
    catalog: &'c Catalog,
    user: Option<&Header>,
    kind: ObjectKind,
) -> Option<&'c Object> {
    let own = user.into_iter().flat_map(|user| &user.attachments.own.policies);
    let mut policies = own.map(|used| used.policy).chain(policy_of_account(catalog, kind));
    policies.find_map(|id| catalog.object(id).filter(|policy| policy.kind() == kind))
}

impl Engine {
    /// How long a session of a user may be without a statement, as the session policy of the user or the account
    /// says; in a browser's when `browser`. None where there is no policy.
    pub fn idle_limit(&self, user: &str, browser: bool) -> Option<Duration> {
        let rights = Arc::new(Rights::of_engine());
        let catalog = VisibleCatalog::new(self.inner.account.catalog(), rights);
        let user = catalog.find(Namespace::User, ACCOUNT, user).map(Object::header);
        let policy = policy_for(&catalog, user, ObjectKind::SessionPolicy)?.as_session_policy()?;
        let minutes = SESSION[usize::from(browser)].of(&policy.properties);
        Some(Duration::from_secs(60 * u64::from(minutes)))
    }
}

/// A property of such a policy.
#[derive(Debug)]
pub(crate) struct Property {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is where nothing is set.
    pub(crate) default: u32,
    /// What DESCRIBE says of it.
    pub(crate) about: &'static str,
}

const fn property(name: &'static str, default: u32, about: &'static str) -> Property {
    Property { name, default, about }
}

/// The properties of password policies.
pub(crate) const PASSWORD: [Property; 11] = [
    property("PASSWORD_MIN_LENGTH", 14, "Minimum length of new password."),
    property("PASSWORD_MAX_LENGTH", 256, "Maximum length of new password."),
    property(
        "PASSWORD_MIN_UPPER_CASE_CHARS",
        1,
        "Minimum number of uppercase characters in new password.",
    ),
    property(
        "PASSWORD_MIN_LOWER_CASE_CHARS",
        1,
        "Minimum number of lowercase characters in new password.",
    ),
    property(
        "PASSWORD_MIN_NUMERIC_CHARS",
        1,
        "Minimum number of numeric characters in new password.",
    ),
    property(
        "PASSWORD_MIN_SPECIAL_CHARS",
        0,
        "Minimum number of special characters in new password.",
    ),
    property(
        "PASSWORD_MIN_AGE_DAYS",
        0,
        "Period after a password is changed during which a password cannot be changed again, in days.",
    ),
    property("PASSWORD_MAX_AGE_DAYS", 90, "Period after which password must be changed, in days."),
    property(
        "PASSWORD_MAX_RETRIES",
        5,
        "Number of attempts users have to enter the correct password before their account is locked.",
    ),
    property(
        "PASSWORD_LOCKOUT_TIME_MINS",
        15,
        "Period of time for which users will be locked after entering their password incorrectly many \
         times (specified by MAX_RETRIES), in minutes",
    ),
    property(
        "PASSWORD_HISTORY",
        5,
        "Number of most recent passwords that may not be repeated by the user",
    ),
];

/// The properties of session policies.
pub(crate) const SESSION: [Property; 2] = [
    property(
        "SESSION_IDLE_TIMEOUT_MINS",
        240,
        "Minutes without a statement after which a session of a client ends.",
    ),
    property(
        "SESSION_UI_IDLE_TIMEOUT_MINS",
        240,
        "Minutes without a statement after which a session of a browser ends.",
    ),
];

impl Property {
    /// The property's value among those that are set.
    pub(crate) fn of(&self, properties: &[(String, String)]) -> u32 {
        let found = properties.iter().find(|(name, _)| name == self.name);
        found.and_then(|(_, value)| value.parse().ok()).unwrap_or(self.default)
    }
}

/// What passwords must be where there is no policy: at least 8 characters, with a digit, a letter in upper case and
/// one in lower case, for as long as one likes.
const WITHOUT_POLICY: [(&str, u32); 2] = [("PASSWORD_MIN_LENGTH", 8), ("PASSWORD_MAX_AGE_DAYS", 0)];

/// What the passwords of a user must be.
#[derive(Clone, Debug)]
pub(crate) struct PasswordRules {
    properties: Vec<(String, String)>,
}

/// How many wrong passwords in a row lock a name, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lockout {
    /// So many.
    pub(crate) failures: u32,
    /// So long.
    pub(crate) nanos: i64,
}

impl PasswordRules {
    /// The rules for a user: those of the user's own policy, or else of the account's.
    pub(crate) fn of(catalog: &Catalog, user: Option<&Header>) -> PasswordRules {
        let found = policy_for(catalog, user, ObjectKind::PasswordPolicy);
        let found = found.and_then(Object::as_password_policy);
        let without = || {
            let rule = |(name, value): &(&str, u32)| ((*name).to_string(), value.to_string());
            WITHOUT_POLICY.iter().map(rule).collect()
        };
        PasswordRules { properties: found.map_or_else(without, |policy| policy.properties.clone()) }
    }

    fn number(&self, name: &str) -> u32 {
        let found = PASSWORD.iter().find(|property| property.name == name);
        found.map_or(0, |property| property.of(&self.properties))
    }

    /// Refuses a new password.
    ///
    /// # Errors
    /// `PasswordRejected`.
    pub(crate) fn check(&self, password: &str) -> Result<()> {
        let count = |wanted: fn(&char) -> bool| {
            u32::try_from(password.chars().filter(wanted).count()).unwrap_or(u32::MAX)
        };
        let special = |char: &char| !char.is_alphanumeric();
        let least = [
            ("PASSWORD_MIN_LENGTH", count(|_| true), "PASSWORD_TOO_SHORT"),
            ("PASSWORD_MIN_NUMERIC_CHARS", count(char::is_ascii_digit), "PASSWORD_MISSING_DIGIT"),
            (
                "PASSWORD_MIN_UPPER_CASE_CHARS",
                count(|char| char.is_uppercase()),
                "PASSWORD_MISSING_UPPERCASE",
            ),
            (
                "PASSWORD_MIN_LOWER_CASE_CHARS",
                count(|char| char.is_lowercase()),
                "PASSWORD_MISSING_LOWERCASE",
            ),
            ("PASSWORD_MIN_SPECIAL_CHARS", count(special), "PASSWORD_MISSING_SPECIAL"),
        ];
        if count(|_| true) > self.number("PASSWORD_MAX_LENGTH") {
            return Err(rejected("PASSWORD_TOO_LONG"));
        }
        match least.into_iter().find(|(name, found, _)| *found < self.number(name)) {
            Some((.., reason)) => Err(rejected(reason)),
            None => Ok(()),
        }
    }

    /// How wrong passwords lock a name.
    pub(crate) fn lockout(&self) -> Lockout {
        let minutes = i64::from(self.number("PASSWORD_LOCKOUT_TIME_MINS"));
        Lockout {
            failures: self.number("PASSWORD_MAX_RETRIES"),
            nanos: minutes * 60 * NANOS_PER_SECOND,
        }
    }

    /// Whether a password that was set at a moment must be changed by now.
    pub(crate) fn has_expired(&self, set_nanos: i64, now_nanos: i64) -> bool {
        let days = i64::from(self.number("PASSWORD_MAX_AGE_DAYS"));
        days > 0 && now_nanos.saturating_sub(set_nanos) >= days * NANOS_PER_DAY
    }

    /// Whether a password that was set at a moment may not be changed yet.
    pub(crate) fn is_too_young(&self, set_nanos: i64, now_nanos: i64) -> bool {
        let days = i64::from(self.number("PASSWORD_MIN_AGE_DAYS"));
        now_nanos.saturating_sub(set_nanos) < days * NANOS_PER_DAY
    }
}
