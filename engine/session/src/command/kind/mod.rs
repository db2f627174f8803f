//! What CREATE and ALTER do with each kind of object: a file a kind, and one table of them all.
//!
//! To add a kind: a line in `engine/types/src/object_kind.rs`, a variant of `Object`, a file here with its
//! options and functions, and a line in [`HANDLERS`].

pub(super) mod alert;
mod container;
pub(super) mod dynamic_table;
mod external_table;
mod file_format;
mod function;
mod integration;
pub(super) mod network_policy;
pub(super) mod pipe;
pub(super) mod policy;
mod relation;
mod role;
mod sequence;
pub(super) mod stage;
mod stream;
pub(super) mod task;
pub(super) mod user;
mod warehouse;

use std::sync::Arc;

use firn_account::catalog::{Header, Object, ObjectKind};
use firn_parse::ast::{CreateObject, OptionValue, StatementOption};
use firn_types::{Error, ErrorCode, Result};

pub(super) use sequence::check_step;

use super::definition::text_option;
use super::option_table::OptionDefinition;
use crate::lifecycle::StatementContext;

/// Makes an object as a statement says, under a header.
type Create = fn(&StatementContext, &CreateObject, Header) -> Result<Object>;
/// An object with some options set.
type Set = fn(&StatementContext, &Object, &[StatementOption]) -> Result<Object>;
/// An object with those of its options unset that a function says.
type Unset = fn(&Object, &dyn Fn(&str) -> bool) -> Result<Object>;

/// What is done with the objects of a kind.
#[derive(Clone, Copy)]
pub(super) struct KindHandler {
    /// The kind.
    pub(super) kind: ObjectKind,
    /// Its options; none where another table has them.
    pub(super) options: &'static [OptionDefinition],
    /// CREATE, unless it is a statement of its own.
    pub(super) create: Option<Create>,
    /// ALTER .. SET, unless it is a statement of its own.
    pub(super) set: Option<Set>,
    /// ALTER .. UNSET, unless it is a statement of its own.
    pub(super) unset: Option<Unset>,
}

/// All kinds that firn has.
pub(super) const HANDLERS: &[KindHandler] = &[
    container::DATABASE,
    container::SCHEMA,
    relation::TABLE,
    relation::VIEW,
    relation::MATERIALIZED_VIEW,
    sequence::HANDLER,
    stage::HANDLER,
    file_format::HANDLER,
    integration::HANDLER,
    warehouse::HANDLER,
    role::HANDLER,
    role::OF_DATABASE,
    network_policy::HANDLER,
    user::HANDLER,
    function::FUNCTION,
    function::PROCEDURE,
    stream::HANDLER,
    task::HANDLER,
    pipe::HANDLER,
    alert::HANDLER,
    policy::TAG,
    policy::AGGREGATION,
    policy::MASKING,
    policy::PASSWORD,
    policy::PROJECTION,
    policy::ROW_ACCESS,
    policy::SESSION,
    dynamic_table::HANDLER,
    external_table::HANDLER,
];

/// What is done with a kind.
///
/// # Errors
/// `not_supported` for kinds that firn does not have.
pub(super) fn handler(kind: ObjectKind) -> Result<&'static KindHandler> {
    let found = HANDLERS.iter().find(|handler| handler.kind == kind);
    found.ok_or_else(|| Error::not_supported(kind.words()))
}

/// The error of a handler that was given an object of another kind.
fn another() -> Error {
    Error::internal("an object of another kind than its handler's")
}

/// A changed copy of a shared description.
pub(super) fn changed<T: Clone>(
    shared: &Arc<T>,
    f: impl FnOnce(&mut T) -> Result<()>,
) -> Result<Object>
where
    Object: From<T>,
{
    let mut copy = shared.as_ref().clone();
    f(&mut copy)?;
    Ok(copy.into())
}

/// Takes the comment among some options.
fn set_comment(header: &mut Header, options: &[StatementOption]) {
    if let Some(comment) = text_option(options, "COMMENT") {
        header.comment = comment;
    }
}

/// UNSET of a kind with nothing but a comment to unset.
fn unset_comment(object: &Object, has: &dyn Fn(&str) -> bool) -> Result<Object> {
    Ok(if has("COMMENT") { object.with_comment("") } else { object.clone() })
}

/// The error of a value that an option does not take.
pub(super) fn invalid(option: &StatementOption) -> Error {
    let value = option.value.as_text().unwrap_or_default();
    let text = format!("invalid value [{value}] for parameter '{}'", option.name);
    Error::new(ErrorCode::InvalidParameterValue, text).at(option.span).without_span()
}

/// The options of an object, in the order written, without some.
fn pairs(options: &[StatementOption], without: &[&str]) -> Vec<(String, String)> {
    options
        .iter()
        .filter(|option| !without.contains(&option.name.as_str()))
        .map(|option| (option.name.clone(), value_text(&option.value)))
        .collect()
}

/// Gives names their new values, behind those that keep theirs.
fn set_pairs(pairs: &mut Vec<(String, String)>, new: impl IntoIterator<Item = (String, String)>) {
    let new: Vec<_> = new.into_iter().collect();
    pairs.retain(|(name, _)| new.iter().all(|(other, _)| other != name));
    pairs.extend(new);
}

/// An option's value as the catalog keeps it.
fn value_text(value: &OptionValue) -> String {
    match value {
        OptionValue::List(items) => {
            let quoted = |item: &OptionValue| match item {
                OptionValue::Text(text) => {
                    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
                }
                other => value_text(other),
            };
            format!("({})", items.iter().map(quoted).collect::<Vec<_>>().join(", "))
        }
        OptionValue::Nested(options) => {
            let option = |option: &StatementOption| {
                format!("{} = {}", option.name, value_text(&option.value))
            };
            format!("({})", options.iter().map(option).collect::<Vec<_>>().join(" "))
        }
        OptionValue::Null => "NULL".to_string(),
        other => other.as_text().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use firn_types::object_kind::KINDS;

    use super::*;

    #[test]
    fn every_kind_that_firn_has_has_a_handler() {
        for kind in KINDS.iter().map(|known| known.kind) {
            assert_eq!(handler(kind).is_ok(), kind.exists(), "{}", kind.words());
        }
    }
}
