//! What there is to say of an option, and the one place where options are checked: CREATE, ALTER .. SET and ALTER .. UNSET are checked
//! against the tables of `kind` before anything is done, so that what is unknown or not done is refused by its name.
//!
//! File formats are not here: their options are those of the loader's own table.

use firn_parse::ast::{OptionValue, StatementOption};
use firn_types::{Error, ErrorCode, Identifier, ObjectKind, Result, Span};

use super::kind::{handler, invalid};
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

/// May stand so.
pub(super) const EVERYWHERE: &[Place] = &[Place::Create, Place::Set, Place::Unset];
/// May stand so.
pub(super) const SETTABLE: &[Place] = &[Place::Create, Place::Set];
/// May stand so.
pub(super) const CREATE: &[Place] = &[Place::Create];
/// May stand so.
pub(super) const ALTER: &[Place] = &[Place::Set, Place::Unset];

const DAYS: Takes = Takes::Number(0, firn_types::limits::RETENTION_DAYS_MAX as i64);
/// An option that is done.
pub(super) const fn done(
    name: &'static str,
    takes: Takes,
    places: &'static [Place],
) -> OptionDefinition {
    OptionDefinition { name, takes, places, effect: Effect::Done }
}

/// An option that is only shown.
pub(super) const fn shown(
    name: &'static str,
    takes: Takes,
    places: &'static [Place],
) -> OptionDefinition {
    OptionDefinition { name, takes, places, effect: Effect::Shown }
}

/// An option that firn does not have; `unless` is the value that asks for what is so anyway.
pub(super) const fn missing(name: &'static str, unless: &'static str) -> OptionDefinition {
    let effect = Effect::Missing(unless);
    OptionDefinition { name, takes: Takes::Anything, places: EVERYWHERE, effect }
}

/// No value asks for what is so anyway.
pub(super) const NEVER: &str = "\0";

/// COMMENT of everything.
pub(super) const COMMENT: OptionDefinition = done("COMMENT", Takes::Text, EVERYWHERE);
/// Days of time travel.
pub(super) const RETENTION: OptionDefinition =
    done("DATA_RETENTION_TIME_IN_DAYS", DAYS, EVERYWHERE);
/// Days of time travel for streams.
pub(super) const EXTENSION: OptionDefinition =
    shown("MAX_DATA_EXTENSION_TIME_IN_DAYS", DAYS, EVERYWHERE);
/// The collation of new columns.
pub(super) const COLLATION: OptionDefinition = missing("DEFAULT_DDL_COLLATION", "");

/// The options of a kind; nothing for kinds whose options another table has.
fn options_of(kind: ObjectKind) -> Option<&'static [OptionDefinition]> {
    let options = handler(kind).ok()?.options;
    (!options.is_empty()).then_some(options)
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
            _ => Err(invalid(option)),
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
    // Users and tasks take every parameter of sessions, too.
    let takes_parameters = matches!(kind, ObjectKind::User | ObjectKind::Task);
    if takes_parameters && settings_table::find(name).is_some() {
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
