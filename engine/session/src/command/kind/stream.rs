//! Streams.

use firn_account::catalog::{Object, ObjectKind, StreamMode};
use firn_parse::ast::StatementOption;
use firn_types::Result;

use super::{KindHandler, changed, set_comment, unset_comment};
use crate::command::option_table::{
    COMMENT, CREATE, OptionDefinition, SETTABLE, Takes, done, missing,
};
use crate::lifecycle::StatementContext;

const OPTIONS: &[OptionDefinition] = &[
    done("APPEND_ONLY", Takes::Boolean, SETTABLE),
    COMMENT,
    missing("INSERT_ONLY", "FALSE"),
    done("SHOW_INITIAL_ROWS", Takes::Boolean, CREATE),
];

/// What is done with streams; CREATE is in a file of its own.
pub(super) const HANDLER: KindHandler = KindHandler {
    kind: ObjectKind::Stream,
    options: OPTIONS,
    create: None,
    set: Some(set),
    unset: Some(unset_comment),
};

fn set(_: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::Stream(stream) = object else { return Err(super::another()) };
    changed(stream, |stream| {
        set_comment(&mut stream.header, options);
        let append_only = options.iter().find(|option| option.name == "APPEND_ONLY");
        if let Some(wanted) = append_only.and_then(|option| option.value.as_boolean()) {
            stream.mode = if wanted { StreamMode::AppendOnly } else { StreamMode::Default };
        }
        Ok(())
    })
}
