//! What is told of users: nothing that lets anybody log in.

use firn_account::catalog::User;

use super::listing::{Cell, Listing, boolean, number, text, time};
use crate::engine::Shared;
use crate::login::{self, NANOS_PER_SECOND, PasswordRules};
use crate::result::Rows;

const PROPERTIES: &str = "property, value, default, description";

/// The columns of SHOW USERS.
pub(super) const USERS: &str = "name, created_on:time, login_name, display_name, first_name, last_name, email, \
     mins_to_unlock, days_to_expiry, comment, disabled, must_change_password, snowflake_lock, \
     default_warehouse, default_namespace, default_role, default_secondary_roles, ext_authn_duo, \
     ext_authn_uid, mins_to_bypass_mfa, owner, last_success_login:time, expires_at_time:time, \
     locked_until_time:time, has_password, has_rsa_public_key, type, has_mfa, has_pat, \
     has_workload_identity";

/// The columns of SHOW USER PROGRAMMATIC ACCESS TOKENS.
pub(super) const ACCESS_TOKENS: &str = "name, user_name, role_restriction, expires_at:time, status, comment, \
     created_on:time, created_by, mins_to_bypass_network_policy_requirement:number, rotated_to";

/// What stands for a secret that there is.
pub(super) const HIDDEN: &str = "********";
const NANOS_PER_DAY: f64 = 86_400.0 * NANOS_PER_SECOND as f64;

/// A user with what the process knows of their logins.
pub(super) struct KnownUser<'a> {
    user: &'a User,
    shared: &'a Shared,
    now_nanos: i64,
}

impl<'a> KnownUser<'a> {
    /// A user as of now.
    pub(super) fn of(user: &'a User, shared: &'a Shared) -> KnownUser<'a> {
        KnownUser { user, shared, now_nanos: shared.account.clock().now_nanos() }
    }

    fn locked_until(&self) -> Option<i64> {
        let (name, lock) = (self.user.login_name(), self.user.login.lock);
        let header = Some(&self.user.header);
        let lockout = PasswordRules::of(&self.shared.account.catalog(), header).lockout();
        self.shared.attempts.locked_until(&name, lock, lockout, self.now_nanos)
    }

    /// Minutes until a lock ends, begun ones counted.
    fn minutes_to_unlock(&self) -> Option<i64> {
        self.locked_until().map(|until| (until - self.now_nanos) / (60 * NANOS_PER_SECOND) + 1)
    }

    fn days_to_expiry(&self) -> Option<String> {
        let left = self.user.login.expires_nanos? - self.now_nanos;
        Some(format!("{:.4}", left as f64 / NANOS_PER_DAY))
    }

    /// A property as it is shown; none when it is not set.
    fn property(&self, name: &str) -> Option<String> {
        let user = self.user;
        let login = &user.login;
        let moment = |nanos: i64| login::moment(nanos);
        let key = |index: usize| login.public_keys[index].as_ref();
        match name {
            "NAME" => Some(user.header.name.clone()),
            "COMMENT" => Some(user.header.comment.clone()).filter(|text| !text.is_empty()),
            "DISPLAY_NAME" => Some(user.property(name).unwrap_or(&user.header.name).to_string()),
            "LOGIN_NAME" => Some(user.login_name()),
            "PASSWORD" => login.password.as_ref().map(|_| HIDDEN.to_string()),
            "PASSWORD_LAST_SET_TIME" => login.password.as_ref().map(|kept| moment(kept.set_nanos)),
            "MUST_CHANGE_PASSWORD" | "DISABLED" => Some(user.is(name).to_string()),
            "SNOWFLAKE_LOCK" => Some(self.locked_until().is_some().to_string()),
            "MINS_TO_UNLOCK" => self.minutes_to_unlock().map(|minutes| minutes.to_string()),
            "DAYS_TO_EXPIRY" => self.days_to_expiry(),
            "RSA_PUBLIC_KEY" => key(0).map(|key| key.der.clone()),
            "RSA_PUBLIC_KEY_FP" => key(0).map(login::fingerprint),
            "RSA_PUBLIC_KEY_LAST_SET_TIME" => key(0).map(|key| moment(key.set_nanos)),
            "RSA_PUBLIC_KEY_2" => key(1).map(|key| key.der.clone()),
            "RSA_PUBLIC_KEY_2_FP" => key(1).map(login::fingerprint),
            "RSA_PUBLIC_KEY_2_LAST_SET_TIME" => key(1).map(|key| moment(key.set_nanos)),
            "HAS_PAT" => Some((!login.tokens.is_empty()).to_string()),
            "EXT_AUTHN_DUO" | "HAS_MFA" | "SNOWFLAKE_SUPPORT" | "HAS_WORKLOAD_IDENTITY" => {
                Some("false".to_string())
            }
            _ => user.property(name).map(str::to_string),
        }
    }

    /// The rows of DESCRIBE USER.
    pub(super) fn described(&self) -> Rows {
        let mut listing = Listing::show(PROPERTIES);
        for (name, default, description) in DESCRIBED {
            let value = self.property(name).unwrap_or_else(|| "null".to_string());
            listing.add(&[
                ("property", text(*name)),
                ("value", text(value)),
                ("default", text(*default)),
                ("description", text(*description)),
            ]);
        }
        listing.rows()
    }

    /// The cells of SHOW USERS, but for the owner.
    pub(super) fn shown(&self) -> Vec<Cell<'static>> {
        let user = self.user;
        let login = &user.login;
        let mut cells = vec![
            ("kind", text("USER")),
            ("created_on", time(user.header.created_nanos)),
            ("has_password", text(login.password.is_some().to_string())),
            ("has_rsa_public_key", text(login.public_keys.iter().any(Option::is_some).to_string())),
        ];
        let moment = |nanos: Option<i64>| nanos.map(time);
        let moments = [
            ("last_success_login", moment(self.shared.logins.last_success(&user.header.name))),
            ("expires_at_time", moment(login.expires_nanos)),
            ("locked_until_time", moment(self.locked_until())),
        ];
        cells.extend(moments.into_iter().filter_map(|(name, value)| Some((name, value?))));
        cells.extend(SHOWN.iter().map(|(column, property)| {
            (*column, text(self.property(property).unwrap_or_default()))
        }));
        cells
    }

    /// The cells of ACCOUNT_USAGE.USERS, but for the owner.
    pub(super) fn used(&self) -> Vec<Cell<'static>> {
        let user = self.user;
        let login = &user.login;
        let moments = [
            ("LAST_SUCCESS_LOGIN", self.shared.logins.last_success(&user.header.name)),
            ("EXPIRES_AT", login.expires_nanos),
            ("LOCKED_UNTIL_TIME", self.locked_until()),
            ("PASSWORD_LAST_SET_TIME", login.password.as_ref().map(|kept| kept.set_nanos)),
        ];
        let has_key = login.public_keys.iter().any(Option::is_some);
        let mut cells = vec![
            ("USER_ID", number(user.header.id.0)),
            ("CREATED_ON", time(user.header.created_nanos)),
            ("MUST_CHANGE_PASSWORD", boolean(user.is("MUST_CHANGE_PASSWORD"))),
            ("HAS_PASSWORD", boolean(login.password.is_some())),
            ("HAS_RSA_PUBLIC_KEY", boolean(has_key)),
            ("HAS_MFA", boolean(false)),
        ];
        cells.extend(moments.into_iter().filter_map(|(name, at)| Some((name, time(at?)))));
        cells.extend(
            USED.iter()
                .filter_map(|(column, property)| Some((*column, text(self.property(property)?)))),
        );
        cells
    }

    /// The rows of SHOW USER PROGRAMMATIC ACCESS TOKENS; `role` gives the names of roles.
    pub(super) fn tokens(&self, role: impl Fn(firn_types::ObjectId) -> String) -> Listing {
        let mut listing = Listing::show(ACCESS_TOKENS);
        let unusable = self.user.is("DISABLED") || self.locked_until().is_some();
        for token in &self.user.login.tokens {
            let status = match token.expires_nanos <= self.now_nanos {
                true => "EXPIRED",
                false if unusable || token.disabled => "DISABLED",
                false => "ACTIVE",
            };
            listing.add(&[
                ("name", text(token.name.as_str())),
                ("user_name", text(self.user.header.name.as_str())),
                ("role_restriction", text(token.role.map(&role).unwrap_or_default())),
                ("expires_at", time(token.expires_nanos)),
                ("status", text(status)),
                ("comment", text(token.comment.as_str())),
                ("created_on", time(token.created_nanos)),
                ("created_by", text(token.created_by.as_str())),
                ("mins_to_bypass_network_policy_requirement", number(0)),
                ("rotated_to", text(token.rotated_to.clone().unwrap_or_default())),
            ]);
        }
        listing
    }
}

/// The columns of ACCOUNT_USAGE.USERS that show a property.
const USED: &[(&str, &str)] = &[
    ("NAME", "NAME"),
    ("LOGIN_NAME", "LOGIN_NAME"),
    ("DISPLAY_NAME", "DISPLAY_NAME"),
    ("FIRST_NAME", "FIRST_NAME"),
    ("LAST_NAME", "LAST_NAME"),
    ("EMAIL", "EMAIL"),
    ("COMMENT", "COMMENT"),
    ("DISABLED", "DISABLED"),
    ("SNOWFLAKE_LOCK", "SNOWFLAKE_LOCK"),
    ("DEFAULT_WAREHOUSE", "DEFAULT_WAREHOUSE"),
    ("DEFAULT_NAMESPACE", "DEFAULT_NAMESPACE"),
    ("DEFAULT_ROLE", "DEFAULT_ROLE"),
    ("DEFAULT_SECONDARY_ROLE", "DEFAULT_SECONDARY_ROLES"),
    ("EXT_AUTHN_DUO", "EXT_AUTHN_DUO"),
    ("TYPE", "TYPE"),
];

/// The columns of SHOW USERS that show a property.
const SHOWN: &[(&str, &str)] = &[
    ("name", "NAME"),
    ("login_name", "LOGIN_NAME"),
    ("display_name", "DISPLAY_NAME"),
    ("first_name", "FIRST_NAME"),
    ("last_name", "LAST_NAME"),
    ("email", "EMAIL"),
    ("mins_to_unlock", "MINS_TO_UNLOCK"),
    ("days_to_expiry", "DAYS_TO_EXPIRY"),
    ("comment", "COMMENT"),
    ("disabled", "DISABLED"),
    ("must_change_password", "MUST_CHANGE_PASSWORD"),
    ("snowflake_lock", "SNOWFLAKE_LOCK"),
    ("default_warehouse", "DEFAULT_WAREHOUSE"),
    ("default_namespace", "DEFAULT_NAMESPACE"),
    ("default_role", "DEFAULT_ROLE"),
    ("default_secondary_roles", "DEFAULT_SECONDARY_ROLES"),
    ("ext_authn_duo", "EXT_AUTHN_DUO"),
    ("ext_authn_uid", "EXT_AUTHN_UID"),
    ("mins_to_bypass_mfa", "MINS_TO_BYPASS_MFA"),
    ("type", "TYPE"),
    ("has_mfa", "HAS_MFA"),
    ("has_pat", "HAS_PAT"),
    ("has_workload_identity", "HAS_WORKLOAD_IDENTITY"),
];

/// The rows of DESCRIBE USER: property, default, and what it is.
const DESCRIBED: &[(&str, &str, &str)] = &[
    ("NAME", "null", "Name"),
    ("COMMENT", "null", "user comment associated to an object in the dictionary"),
    ("DISPLAY_NAME", "null", "Display name of the associated object"),
    ("TYPE", "null", "Type of the user"),
    ("LOGIN_NAME", "null", "Login name of the user"),
    ("FIRST_NAME", "null", "First name of the user"),
    ("MIDDLE_NAME", "null", "Middle name of the user"),
    ("LAST_NAME", "null", "Last name of the user"),
    ("EMAIL", "null", "Email address of the user"),
    ("PASSWORD", "null", "Password of the user"),
    ("MUST_CHANGE_PASSWORD", "false", "User must change the password"),
    ("DISABLED", "false", "Whether the user is disabled"),
    ("SNOWFLAKE_LOCK", "false", "Whether the user or account is locked"),
    ("SNOWFLAKE_SUPPORT", "false", "Whether support may use the user"),
    (
        "DAYS_TO_EXPIRY",
        "null",
        "User record will be treated as expired after specified number of days",
    ),
    (
        "MINS_TO_UNLOCK",
        "null",
        "Temporary lock on the user will be removed after specified number of minutes",
    ),
    ("DEFAULT_WAREHOUSE", "null", "Default warehouse for this user"),
    ("DEFAULT_NAMESPACE", "null", "Default database namespace prefix for this user"),
    ("DEFAULT_ROLE", "null", "Primary principal of user session will be set to this role"),
    (
        "DEFAULT_SECONDARY_ROLES",
        "null",
        "The secondary roles will be set to all roles provided here",
    ),
    ("EXT_AUTHN_DUO", "false", "Whether Duo Security is enabled as second factor authentication"),
    ("EXT_AUTHN_UID", "null", "External authentication ID of the user"),
    ("HAS_MFA", "false", "Whether the user has a second factor"),
    ("MINS_TO_BYPASS_MFA", "null", "Minutes for which the user needs no second factor"),
    ("NETWORK_POLICY", "null", "Network policy of the user"),
    ("RSA_PUBLIC_KEY", "null", "RSA public key of the user"),
    ("RSA_PUBLIC_KEY_FP", "null", "Fingerprint of user's RSA public key."),
    (
        "RSA_PUBLIC_KEY_LAST_SET_TIME",
        "null",
        "The timestamp at which the user's RSA public key was last set.",
    ),
    ("RSA_PUBLIC_KEY_2", "null", "Second RSA public key of the user"),
    ("RSA_PUBLIC_KEY_2_FP", "null", "Fingerprint of user's second RSA public key."),
    (
        "RSA_PUBLIC_KEY_2_LAST_SET_TIME",
        "null",
        "The timestamp at which the user's second RSA public key was last set.",
    ),
    (
        "PASSWORD_LAST_SET_TIME",
        "null",
        "The timestamp on which the last non-null password was set for the user.",
    ),
    ("HAS_PAT", "false", "Whether the user has programmatic access tokens"),
];
