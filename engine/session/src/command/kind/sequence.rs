//! Sequences.

use firn_account::catalog::{Header, Object, ObjectKind, Sequence};
use firn_parse::ast::{CreateObject, StatementOption};
use firn_types::{Error, ErrorCode, Result};

use super::{KindHandler, changed, invalid, set_comment, unset_comment};
use crate::command::option_table::{COMMENT, CREATE, OptionDefinition, SETTABLE, Takes, done};
use crate::find::{live, place};
use crate::lifecycle::StatementContext;

const OPTIONS: &[OptionDefinition] = &[
    COMMENT,
    done("INCREMENT", Takes::Number(i64::MIN, i64::MAX), SETTABLE),
    done("ORDER", Takes::Boolean, SETTABLE),
    done("START", Takes::Number(i64::MIN, i64::MAX), CREATE),
];

/// What is done with sequences.
pub(super) const HANDLER: KindHandler = KindHandler {
    kind: ObjectKind::Sequence,
    options: OPTIONS,
    create: Some(create),
    set: Some(set),
    unset: Some(unset_comment),
};

fn create(running: &StatementContext, ast: &CreateObject, header: Header) -> Result<Object> {
    sequence(running, ast, header).map(Object::from)
}

fn sequence(running: &StatementContext, ast: &CreateObject, header: Header) -> Result<Sequence> {
    if let Some(clone) = &ast.clone {
        let place = place(running, ObjectKind::Sequence, &clone.source)?;
        let catalog = running.catalog();
        return match live(&catalog, ObjectKind::Sequence, &place) {
            Some(Object::Sequence(source)) => {
                let mut copy = source.as_ref().clone();
                copy.header = header;
                Ok(copy)
            }
            _ => Err(catalog.not_found(ObjectKind::Sequence, place.parent, &place.name)),
        };
    }
    let number = |names: &[&str], default: i64| {
        let found = ast.options.iter().find(|option| names.contains(&option.name.as_str()));
        match found {
            None => Ok(default),
            Some(option) => option.value.as_integer().ok_or_else(|| invalid(option)),
        }
    };
    let start = number(&["START"], 1)?;
    let step = number(&["INCREMENT"], 1)?;
    check_step(step)?;
    let ordered = ast
        .options
        .iter()
        .any(|option| option.name == "ORDER" && option.value.as_boolean().unwrap_or(true));
    Ok(Sequence::new(header, start, step, ordered))
}

/// Refuses a sequence that would stand still.
///
/// # Errors
/// `InvalidParameterValue` for 0.
pub(in crate::command) fn check_step(step: i64) -> Result<()> {
    if step != 0 {
        return Ok(());
    }
    let text = "invalid value [0] for parameter 'INCREMENT'";
    Err(Error::new(ErrorCode::InvalidParameterValue, text))
}

fn set(_: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::Sequence(sequence) = object else { return Err(super::another()) };
    changed(sequence, |sequence| {
        set_comment(&mut sequence.header, options);
        if let Some(option) = options.iter().find(|option| option.name == "INCREMENT") {
            sequence.step = option.value.as_integer().ok_or_else(|| invalid(option))?;
            check_step(sequence.step)?;
        }
        if let Some(option) = options.iter().find(|option| option.name == "ORDER") {
            sequence.ordered = option.value.as_boolean().ok_or_else(|| invalid(option))?;
        }
        Ok(())
    })
}
