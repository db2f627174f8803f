//! Which options the kinds of objects have, as one table: CREATE, ALTER .. SET and ALTER .. UNSET are checked
//! against it before anything is done, so that what is unknown or not done is refused by its name.
//!
//! File formats are not here: their options are those of the loader's own table.

use firn_parse::ast::{OptionValue, StatementOption};
use firn_types::{Error, ErrorCode, Identifier, ObjectKind, Result, Span};

use crate::settings_table;

/// What an option takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Takes {
    /// A text.
    Text,
    /// TRUE or FALSE.
    Boolean,
    /// A whole number in a range.
    Number(i64, i64),
    /// A whole number in a range, or NULL.
    NumberOrNull(i64, i64),
    /// One of these words, in any case, with or without hyphens.
    Word(&'static [&'static str]),
    /// The name of an object.
    Name,
    /// A list of texts.
    List,
    /// Options in parentheses.
    Group,
    /// What only the option itself can judge.
    Anything,
}

/// What becomes of an option.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Effect {
    /// What it says is done.
    Done,
    /// It is kept and shown, or taken, and changes nothing else: `docs/compatibility.md` says so.
    Shown,
    /// Snowflake has it, firn refuses it by name, unless it asks for what is so anyway.
    Missing(&'static str),
}

/// Where an option may stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    /// CREATE.
    Create,
    /// ALTER .. SET.
    Set,
    /// ALTER .. UNSET.
    Unset,
}

/// An option of a kind of object.
#[derive(Clone, Copy, Debug)]
pub(super) struct OptionDefinition {
    /// Its name.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) takes: Takes,
    /// Where it may stand.
    pub(super) places: &'static [Place],
    /// What becomes of it.
    pub(super) effect: Effect,
}

const EVERYWHERE: &[Place] = &[Place::Create, Place::Set, Place::Unset];
const SETTABLE: &[Place] = &[Place::Create, Place::Set];
const CREATE: &[Place] = &[Place::Create];
const ALTER: &[Place] = &[Place::Set, Place::Unset];

const DAYS: Takes = Takes::Number(0, firn_types::limits::RETENTION_DAYS_MAX as i64);
/// A week: the longest that a warehouse lets a statement run or wait.
const TIMEOUT: Takes = Takes::Number(0, 604_800);
/// Clusters that a warehouse may have.
const CLUSTERS: Takes = Takes::Number(1, 10);
/// The sizes of warehouses.
const SIZES: &[&str] = &[
    "XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE", "XXLARGE", "X2LARGE", "2XLARGE", "XXXLARGE",
    "X3LARGE", "3XLARGE", "X4LARGE", "4XLARGE", "X5LARGE", "5XLARGE", "X6LARGE", "6XLARGE",
];

const fn done(name: &'static str, takes: Takes, places: &'static [Place]) -> OptionDefinition {
    OptionDefinition { name, takes, places, effect: Effect::Done }
}

const fn shown(name: &'static str, takes: Takes, places: &'static [Place]) -> OptionDefinition {
    OptionDefinition { name, takes, places, effect: Effect::Shown }
}

/// `unless` is the value that asks for what is so anyway.
const fn missing(name: &'static str, unless: &'static str) -> OptionDefinition {
    let effect = Effect::Missing(unless);
    OptionDefinition { name, takes: Takes::Anything, places: EVERYWHERE, effect }
}

/// No value asks for what is so anyway.
const NEVER: &str = "\0";

const COMMENT: OptionDefinition = done("COMMENT", Takes::Text, EVERYWHERE);
const RETENTION: OptionDefinition = done("DATA_RETENTION_TIME_IN_DAYS", DAYS, EVERYWHERE);
const EXTENSION: OptionDefinition = shown("MAX_DATA_EXTENSION_TIME_IN_DAYS", DAYS, EVERYWHERE);
const COLLATION: OptionDefinition = missing("DEFAULT_DDL_COLLATION", "");

const CONTAINER: &[OptionDefinition] = &[
    COMMENT,
    RETENTION,
    EXTENSION,
    COLLATION,
    missing("CATALOG", NEVER),
    missing("EXTERNAL_VOLUME", NEVER),
    missing("LOG_LEVEL", NEVER),
    missing("REPLACE_INVALID_CHARACTERS", NEVER),
    missing("STORAGE_SERIALIZATION_POLICY", NEVER),
    missing("SUSPEND_TASK_AFTER_NUM_FAILURES", NEVER),
    missing("TASK_AUTO_RETRY_ATTEMPTS", NEVER),
    missing("TRACE_LEVEL", NEVER),
    missing("USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE", NEVER),
    missing("USER_TASK_TIMEOUT_MS", NEVER),
    done("WITH_MANAGED_ACCESS", Takes::Boolean, CREATE),
];

const TABLE: &[OptionDefinition] = &[
    COMMENT,
    RETENTION,
    EXTENSION,
    COLLATION,
    shown("CHANGE_TRACKING", Takes::Boolean, EVERYWHERE),
    missing("ENABLE_SCHEMA_EVOLUTION", "FALSE"),
    missing("STAGE_COPY_OPTIONS", NEVER),
    missing("STAGE_FILE_FORMAT", NEVER),
];

const VIEW: &[OptionDefinition] =
    &[COMMENT, done("SECURE", Takes::Boolean, ALTER), missing("CHANGE_TRACKING", "FALSE")];

const SEQUENCE: &[OptionDefinition] = &[
    COMMENT,
    done("INCREMENT", Takes::Number(i64::MIN, i64::MAX), SETTABLE),
    done("ORDER", Takes::Boolean, SETTABLE),
    done("START", Takes::Number(i64::MIN, i64::MAX), CREATE),
];

const STAGE: &[OptionDefinition] = &[
    COMMENT,
    done("COPY_OPTIONS", Takes::Group, SETTABLE),
    done("CREDENTIALS", Takes::Group, SETTABLE),
    shown("DIRECTORY", Takes::Group, SETTABLE),
    shown("ENCRYPTION", Takes::Group, SETTABLE),
    done("ENDPOINT", Takes::Text, SETTABLE),
    done("FILE_FORMAT", Takes::Anything, SETTABLE),
    done("STORAGE_INTEGRATION", Takes::Name, SETTABLE),
    missing("TAG", NEVER),
    done("URL", Takes::Text, SETTABLE),
    missing("USE_PRIVATELINK_ENDPOINT", "FALSE"),
];

const INTEGRATION: &[OptionDefinition] = &[
    COMMENT,
    missing("AZURE_TENANT_ID", NEVER),
    done("ENABLED", Takes::Boolean, SETTABLE),
    done("STORAGE_ALLOWED_LOCATIONS", Takes::List, SETTABLE),
    shown("STORAGE_AWS_EXTERNAL_ID", Takes::Text, SETTABLE),
    shown("STORAGE_AWS_OBJECT_ACL", Takes::Text, EVERYWHERE),
    shown("STORAGE_AWS_ROLE_ARN", Takes::Text, SETTABLE),
    done("STORAGE_BLOCKED_LOCATIONS", Takes::List, EVERYWHERE),
    shown("STORAGE_PROVIDER", Takes::Text, CREATE),
    done("TYPE", Takes::Word(&["EXTERNAL_STAGE"]), CREATE),
    missing("USE_PRIVATELINK_ENDPOINT", "FALSE"),
];

const WAREHOUSE: &[OptionDefinition] = &[
    COMMENT,
    done("AUTO_RESUME", Takes::Boolean, EVERYWHERE),
    shown("AUTO_SUSPEND", Takes::NumberOrNull(0, i64::MAX), EVERYWHERE),
    shown("ENABLE_QUERY_ACCELERATION", Takes::Boolean, EVERYWHERE),
    missing("GENERATION", NEVER),
    done("INITIALLY_SUSPENDED", Takes::Boolean, CREATE),
    shown("MAX_CLUSTER_COUNT", CLUSTERS, EVERYWHERE),
    done("MAX_CONCURRENCY_LEVEL", Takes::Number(1, 1_000_000), EVERYWHERE),
    shown("MIN_CLUSTER_COUNT", CLUSTERS, EVERYWHERE),
    shown("QUERY_ACCELERATION_MAX_SCALE_FACTOR", Takes::Number(0, 100), EVERYWHERE),
    missing("RESOURCE_CONSTRAINT", NEVER),
    missing("RESOURCE_MONITOR", "NULL"),
    shown("SCALING_POLICY", Takes::Word(&["STANDARD", "ECONOMY"]), EVERYWHERE),
    done("STATEMENT_QUEUED_TIMEOUT_IN_SECONDS", TIMEOUT, EVERYWHERE),
    done("STATEMENT_TIMEOUT_IN_SECONDS", TIMEOUT, EVERYWHERE),
    missing("TAG", NEVER),
    missing("WAIT_FOR_COMPLETION", "FALSE"),
    shown("WAREHOUSE_SIZE", Takes::Word(SIZES), SETTABLE),
    shown("WAREHOUSE_TYPE", Takes::Word(&["STANDARD", "SNOWPARKOPTIMIZED"]), SETTABLE),
];

const ROLE: &[OptionDefinition] = &[COMMENT, missing("TAG", NEVER)];

const USER: &[OptionDefinition] = &[
    COMMENT,
    shown("DAYS_TO_EXPIRY", Takes::Number(0, 100_000), EVERYWHERE),
    done("DEFAULT_NAMESPACE", Takes::Anything, EVERYWHERE),
    done("DEFAULT_ROLE", Takes::Anything, EVERYWHERE),
    done("DEFAULT_SECONDARY_ROLES", Takes::List, EVERYWHERE),
    done("DEFAULT_WAREHOUSE", Takes::Anything, EVERYWHERE),
    shown("DISABLED", Takes::Boolean, EVERYWHERE),
    shown("DISPLAY_NAME", Takes::Anything, EVERYWHERE),
    shown("EMAIL", Takes::Text, EVERYWHERE),
    shown("FIRST_NAME", Takes::Text, EVERYWHERE),
    shown("LAST_NAME", Takes::Text, EVERYWHERE),
    shown("LOGIN_NAME", Takes::Anything, EVERYWHERE),
    shown("MIDDLE_NAME", Takes::Text, EVERYWHERE),
    shown("MINS_TO_BYPASS_MFA", Takes::Number(0, 100_000), EVERYWHERE),
    shown("MINS_TO_UNLOCK", Takes::Number(0, 100_000), EVERYWHERE),
    shown("MUST_CHANGE_PASSWORD", Takes::Boolean, EVERYWHERE),
    missing("NETWORK_POLICY", NEVER),
    shown("PASSWORD", Takes::Text, EVERYWHERE),
    shown("RSA_PUBLIC_KEY", Takes::Text, EVERYWHERE),
    shown("RSA_PUBLIC_KEY_2", Takes::Text, EVERYWHERE),
    missing("TAG", NEVER),
    shown("TYPE", Takes::Word(&["PERSON", "SERVICE", "LEGACY_SERVICE"]), EVERYWHERE),
];

/// The options of a kind; nothing for kinds whose options another table has.
pub(super) fn options_of(kind: ObjectKind) -> Option<&'static [OptionDefinition]> {
    Some(match kind {
        ObjectKind::Database | ObjectKind::Schema => CONTAINER,
        ObjectKind::Table => TABLE,
        ObjectKind::View | ObjectKind::MaterializedView => VIEW,
        ObjectKind::Sequence => SEQUENCE,
        ObjectKind::Stage => STAGE,
        ObjectKind::Integration => INTEGRATION,
        ObjectKind::Warehouse => WAREHOUSE,
        ObjectKind::Role => ROLE,
        ObjectKind::User => USER,
        _ => return None,
    })
}

/// Refuses options that a kind does not have there, and values that they do not take.
///
/// # Errors
/// An option that is unknown, with those that there are; `not_supported` for one that firn does not have; a
/// value that is not one of the option's.
pub(super) fn check(kind: ObjectKind, place: Place, options: &[StatementOption]) -> Result<()> {
    options.iter().try_for_each(|option| {
        let Some(found) = find(kind, place, &option.name, option.span)? else { return Ok(()) };
        let text = option.value.as_text().unwrap_or_else(|| "NULL".to_string());
        match found.effect {
            Effect::Missing(unless) if !text.eq_ignore_ascii_case(unless) => {
                Err(Error::not_supported(&option.name).at(option.span))
            }
            _ if takes(found.takes, &option.value) => Ok(()),
            _ => Err(super::object::invalid(option)),
        }
    })
}

/// As [`check`], for UNSET.
///
/// # Errors
/// As [`check`].
pub(super) fn check_unset(kind: ObjectKind, names: &[Identifier]) -> Result<()> {
    names.iter().try_for_each(|name| {
        let upper = name.name.to_uppercase();
        match find(kind, Place::Unset, &upper, name.span)?.map(|found| found.effect) {
            Some(Effect::Missing(_)) => Err(Error::not_supported(upper).at(name.span)),
            _ => Ok(()),
        }
    })
}

/// The definition of an option that may stand there; none when another table has it.
fn find(
    kind: ObjectKind,
    place: Place,
    name: &str,
    span: Span,
) -> Result<Option<&'static OptionDefinition>> {
    let Some(options) = options_of(kind) else { return Ok(None) };
    // A user takes every parameter of sessions, too.
    if kind == ObjectKind::User && settings_table::find(name).is_some() {
        return Ok(None);
    }
    let here = |option: &&OptionDefinition| {
        let managed = option.name != "WITH_MANAGED_ACCESS" || kind == ObjectKind::Schema;
        option.places.contains(&place) && managed
    };
    let found = options.iter().filter(here).find(|option| option.name == name);
    found.map(Some).ok_or_else(|| {
        let known = options.iter().filter(here);
        let known = known.filter(|option| !matches!(option.effect, Effect::Missing(_)));
        let names: Vec<&str> = known.map(|option| option.name).collect();
        let text = format!(
            "invalid property '{name}' for '{}'; known: {}",
            kind.words(),
            names.join(", ")
        );
        Error::new(ErrorCode::InvalidParameterValue, text).at(span)
    })
}

fn takes(takes: Takes, value: &OptionValue) -> bool {
    match takes {
        Takes::Text => matches!(value, OptionValue::Text(_) | OptionValue::Variable(_)),
        Takes::Boolean => value.as_boolean().is_some(),
        Takes::Number(low, high) => value.as_integer().is_some_and(|n| (low..=high).contains(&n)),
        Takes::NumberOrNull(low, high) => {
            *value == OptionValue::Null
                || value.as_integer().is_some_and(|n| (low..=high).contains(&n))
        }
        Takes::Word(words) => value.as_text().is_some_and(|text| {
            let plain = text.to_uppercase().replace('-', "");
            words.contains(&plain.as_str())
        }),
        Takes::Name => value.as_text().is_some(),
        Takes::List => matches!(value, OptionValue::List(_)),
        Takes::Group => matches!(value, OptionValue::Nested(_) | OptionValue::List(_)),
        Takes::Anything => true,
    }
}

#[cfg(test)]
mod tests;
