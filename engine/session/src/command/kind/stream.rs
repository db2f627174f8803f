//! Streams.

use firn_account::catalog::{Object, ObjectKind, StreamMode};
use firn_parse::ast::StatementOption;
use firn_types::{Error, ErrorCode, Result};

use super::{KindHandler, changed, set_comment, unset_comment};
use crate::command::option_table::{COMMENT, CREATE, OptionDefinition, SETTABLE, Takes, done};
use crate::lifecycle::StatementContext;

const OPTIONS: &[OptionDefinition] = &[
    done("APPEND_ONLY", Takes::Boolean, SETTABLE),
    COMMENT,
    done("INSERT_ONLY", Takes::Boolean, SETTABLE),
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
    let insert_only = options.iter().find(|option| option.name == "INSERT_ONLY");
    let of_files = stream.mode == StreamMode::InsertOnly;
    if let Some(option) = insert_only.or_else(|| options.iter().find(|o| o.name == "APPEND_ONLY"))
        && (of_files || option.name == "INSERT_ONLY")
        && option.value.as_boolean() != Some(of_files && option.name == "INSERT_ONLY")
    {
        let text =
            "INSERT_ONLY = TRUE is the mode of all streams on external tables, and of no others.";
        return Err(Error::new(ErrorCode::InvalidParameterValue, text).at(option.span));
    }
    changed(stream, |stream| {
        set_comment(&mut stream.header, options);
        let append_only = options.iter().find(|option| option.name == "APPEND_ONLY");
        let append_only = append_only.filter(|_| !of_files);
        if let Some(wanted) = append_only.and_then(|option| option.value.as_boolean()) {
            stream.mode = if wanted { StreamMode::AppendOnly } else { StreamMode::Default };
        }
        Ok(())
    })
}
