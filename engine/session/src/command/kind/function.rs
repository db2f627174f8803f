//! Functions, which have a statement of their own to make them.

use firn_account::catalog::{Object, ObjectKind};
use firn_parse::ast::StatementOption;
use firn_types::Result;

use super::{KindHandler, changed, set_comment};
use crate::command::option_table::{ALTER, COMMENT, OptionDefinition, Takes, done};
use crate::lifecycle::StatementContext;

const OPTIONS: &[OptionDefinition] = &[COMMENT, done("SECURE", Takes::Boolean, ALTER)];

/// What is done with functions.
pub(super) const HANDLER: KindHandler = KindHandler {
    kind: ObjectKind::Function,
    options: OPTIONS,
    create: None,
    set: Some(set),
    unset: Some(unset),
};

fn set(_: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::Function(function) = object else { return Err(super::another()) };
    let secure = options.iter().find(|option| option.name == "SECURE");
    let secure = secure.and_then(|option| option.value.as_boolean());
    changed(function, |function| {
        set_comment(&mut function.header, options);
        function.traits.secure = secure.unwrap_or(function.traits.secure);
        Ok(())
    })
}

fn unset(object: &Object, has: &dyn Fn(&str) -> bool) -> Result<Object> {
    let Object::Function(function) = object else { return Err(super::another()) };
    changed(function, |function| {
        if has("COMMENT") {
            function.header.comment = String::new();
        }
        function.traits.secure &= !has("SECURE");
        Ok(())
    })
}
