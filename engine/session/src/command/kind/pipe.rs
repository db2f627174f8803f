//! Pipes.

use firn_account::catalog::{Object, ObjectKind, Pipe};
use firn_parse::ast::StatementOption;
use firn_types::Result;

use super::{KindHandler, another, changed, pairs, set_comment, set_pairs};
use crate::command::option_table::{
    ALTER, COMMENT, CREATE, EVERYWHERE, NEVER, OptionDefinition, Takes, done, missing, shown,
};
use crate::command::pipe::PAUSED;
use crate::lifecycle::StatementContext;

const OPTIONS: &[OptionDefinition] = &[
    done("AUTO_INGEST", Takes::Boolean, CREATE),
    missing("AWS_SNS_TOPIC", NEVER),
    COMMENT,
    shown("ERROR_INTEGRATION", Takes::Name, EVERYWHERE),
    shown("INTEGRATION", Takes::Name, CREATE),
    done(PAUSED, Takes::Boolean, ALTER),
];
/// Options that are no entries of `Pipe::options`.
const FIELDS: [&str; 3] = ["AUTO_INGEST", "COMMENT", PAUSED];

/// What is done with pipes; CREATE is in a file of its own.
pub(super) const HANDLER: KindHandler = KindHandler {
    kind: ObjectKind::Pipe,
    options: OPTIONS,
    create: None,
    set: Some(set),
    unset: Some(unset),
};

/// Gives a pipe what some options say.
pub(in crate::command) fn set_options(pipe: &mut Pipe, options: &[StatementOption]) {
    set_comment(&mut pipe.header, options);
    let flag = |name: &str| {
        let option = options.iter().find(|option| option.name == name);
        option.and_then(|option| option.value.as_boolean())
    };
    pipe.auto_ingest = flag("AUTO_INGEST").unwrap_or(pipe.auto_ingest);
    if let Some(paused) = flag(PAUSED) {
        (pipe.paused, pipe.cloned) = (paused, pipe.cloned && paused);
    }
    set_pairs(&mut pipe.options, pairs(options, &FIELDS));
}

fn set(_: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::Pipe(pipe) = object else { return Err(another()) };
    changed(pipe, |pipe| {
        set_options(pipe, options);
        Ok(())
    })
}

fn unset(object: &Object, has: &dyn Fn(&str) -> bool) -> Result<Object> {
    let Object::Pipe(pipe) = object else { return Err(another()) };
    changed(pipe, |pipe| {
        if has("COMMENT") {
            pipe.header.comment.clear();
        }
        if has(PAUSED) {
            (pipe.paused, pipe.cloned) = (false, false);
        }
        pipe.options.retain(|(name, _)| !has(name));
        Ok(())
    })
}
