//! Functions and procedures, which have statements of their own to make them.

use firn_account::catalog::{FunctionTraits, Header, Object, ObjectKind};
use firn_parse::ast::StatementOption;
use firn_types::Result;

use super::{KindHandler, changed, set_comment};
use crate::command::option_table::{
    ALTER, COMMENT, CREATE, NEVER, OptionDefinition, Takes, done, missing,
};
use crate::lifecycle::StatementContext;

const OPTIONS: &[OptionDefinition] = &[
    COMMENT,
    done("SECURE", Takes::Boolean, ALTER),
    done("HANDLER", Takes::Text, CREATE),
    done("IMPORTS", Takes::Group, CREATE),
    done("PACKAGES", Takes::Group, CREATE),
    done("RUNTIME_VERSION", Takes::Anything, CREATE),
    missing("ARTIFACT_REPOSITORY", NEVER),
    missing("EXTERNAL_ACCESS_INTEGRATIONS", NEVER),
    missing("SECRETS", NEVER),
    missing("TARGET_PATH", NEVER),
];

/// What is done with functions.
pub(super) const FUNCTION: KindHandler = KindHandler {
    kind: ObjectKind::Function,
    options: OPTIONS,
    create: None,
    set: Some(set),
    unset: Some(unset),
};

/// What is done with procedures.
pub(super) const PROCEDURE: KindHandler = KindHandler { kind: ObjectKind::Procedure, ..FUNCTION };

fn set(_: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let secure = options.iter().find(|option| option.name == "SECURE");
    let secure = secure.and_then(|option| option.value.as_boolean());
    with(object, |header, traits| {
        set_comment(header, options);
        traits.secure = secure.unwrap_or(traits.secure);
    })
}

fn unset(object: &Object, has: &dyn Fn(&str) -> bool) -> Result<Object> {
    with(object, |header, traits| {
        if has("COMMENT") {
            header.comment = String::new();
        }
        traits.secure &= !has("SECURE");
    })
}

/// A changed copy of a function or procedure.
fn with(object: &Object, f: impl FnOnce(&mut Header, &mut FunctionTraits)) -> Result<Object> {
    match object {
        Object::Function(function) => changed(function, |function| {
            f(&mut function.header, &mut function.traits);
            Ok(())
        }),
        Object::Procedure(procedure) => changed(procedure, |procedure| {
            f(&mut procedure.header, &mut procedure.traits);
            Ok(())
        }),
        _ => Err(super::another()),
    }
}
