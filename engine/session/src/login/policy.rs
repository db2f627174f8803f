//! Password policies and session policies: what their properties are, and which one counts for a user.

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
