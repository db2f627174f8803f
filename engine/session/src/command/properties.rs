//! Which properties the kinds of objects have, the same for CREATE, ALTER .. SET and ALTER .. UNSET.

use firn_account::catalog::ObjectKind;
use firn_parse::ast::StatementOption;
use firn_types::{Error, ErrorCode, Result, Span};

use crate::settings_table;

/// What a kind of object does with its properties.
struct Known {
    /// Those that it has.
    names: &'static [&'static str],
    /// Those that it has in Snowflake and not here.
    missing: &'static [&'static str],
    /// Whether it takes every session parameter too.
    parameters: bool,
}

const CONTAINER: Known = Known {
    names: &[
        "COMMENT",
        "DATA_RETENTION_TIME_IN_DAYS",
        "MAX_DATA_EXTENSION_TIME_IN_DAYS",
        "WITH_MANAGED_ACCESS",
    ],
    missing: &[
        "CATALOG",
        "DEFAULT_DDL_COLLATION",
        "EXTERNAL_VOLUME",
        "LOG_LEVEL",
        "REPLACE_INVALID_CHARACTERS",
        "STORAGE_SERIALIZATION_POLICY",
        "SUSPEND_TASK_AFTER_NUM_FAILURES",
        "TASK_AUTO_RETRY_ATTEMPTS",
        "TRACE_LEVEL",
        "USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE",
        "USER_TASK_TIMEOUT_MS",
    ],
    parameters: false,
};

const VIEW: Known =
    Known { names: &["COMMENT", "SECURE"], missing: &["CHANGE_TRACKING"], parameters: false };

const SEQUENCE: Known =
    Known { names: &["COMMENT", "INCREMENT", "ORDER", "START"], missing: &[], parameters: false };

const ROLE: Known = Known { names: &["COMMENT"], missing: &[], parameters: false };

const USER: Known = Known {
    names: &[
        "COMMENT",
        "DAYS_TO_EXPIRY",
        "DEFAULT_NAMESPACE",
        "DEFAULT_ROLE",
        "DEFAULT_SECONDARY_ROLES",
        "DEFAULT_WAREHOUSE",
        "DISABLED",
        "DISPLAY_NAME",
        "EMAIL",
        "FIRST_NAME",
        "LAST_NAME",
        "LOGIN_NAME",
        "MIDDLE_NAME",
        "MINS_TO_BYPASS_MFA",
        "MINS_TO_UNLOCK",
        "MUST_CHANGE_PASSWORD",
        "PASSWORD",
        "RSA_PUBLIC_KEY",
        "RSA_PUBLIC_KEY_2",
        "TYPE",
    ],
    missing: &["NETWORK_POLICY"],
    parameters: true,
};

const INTEGRATION: Known = Known {
    names: &[
        "COMMENT",
        "ENABLED",
        "STORAGE_ALLOWED_LOCATIONS",
        "STORAGE_AWS_EXTERNAL_ID",
        "STORAGE_AWS_OBJECT_ACL",
        "STORAGE_AWS_ROLE_ARN",
        "STORAGE_BLOCKED_LOCATIONS",
        "STORAGE_PROVIDER",
        "TYPE",
        "USE_PRIVATELINK_ENDPOINT",
    ],
    missing: &["AZURE_TENANT_ID"],
    parameters: false,
};

/// The properties of a kind; nothing for kinds that look at each property themselves.
fn known(kind: ObjectKind) -> Option<&'static Known> {
    Some(match kind {
        ObjectKind::Database | ObjectKind::Schema => &CONTAINER,
        ObjectKind::View | ObjectKind::MaterializedView => &VIEW,
        ObjectKind::Sequence => &SEQUENCE,
        ObjectKind::Role => &ROLE,
        ObjectKind::User => &USER,
        ObjectKind::Integration => &INTEGRATION,
        _ => return None,
    })
}

/// Refuses properties that the kind does not have.
///
/// # Errors
/// An invalid property, or `not_supported` for one that firn does not have.
pub(super) fn check(kind: ObjectKind, options: &[StatementOption]) -> Result<()> {
    options.iter().try_for_each(|option| {
        // The collation that there is anyway.
        let plain = option.value.as_text().is_some_and(|value| value.is_empty());
        match option.name == "DEFAULT_DDL_COLLATION" && plain {
            true => Ok(()),
            false => check_name(kind, &option.name, option.span),
        }
    })
}

/// As [`check`], of one property's name.
///
/// # Errors
/// As [`check`].
pub(super) fn check_name(kind: ObjectKind, name: &str, span: Span) -> Result<()> {
    let Some(known) = known(kind) else { return Ok(()) };
    let parameter = known.parameters && settings_table::find(name).is_some();
    if known.names.contains(&name) || parameter {
        return Ok(());
    }
    if known.missing.contains(&name) {
        return Err(Error::not_supported(name).at(span));
    }
    Err(invalid(kind.title(), name, span))
}

/// The error for a property that a kind of object does not have.
pub(super) fn invalid(kind: &str, name: &str, span: Span) -> Error {
    let text = format!("invalid property '{name}' for '{}'", kind.to_uppercase());
    Error::new(ErrorCode::InvalidParameterValue, text).at(span)
}
