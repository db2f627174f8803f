//! Tables and views, which have statements of their own to make them.

use firn_account::catalog::{Object, ObjectKind};
use firn_parse::ast::StatementOption;
use firn_types::Result;

use super::{KindHandler, changed, set_comment};
use crate::command::option_table::{
    ALTER, COLLATION, COMMENT, EVERYWHERE, EXTENSION, NEVER, OptionDefinition, RETENTION, Takes,
    done, missing, shown,
};
use crate::lifecycle::StatementContext;

const TABLE_OPTIONS: &[OptionDefinition] = &[
    COMMENT,
    RETENTION,
    EXTENSION,
    COLLATION,
    shown("CHANGE_TRACKING", Takes::Boolean, EVERYWHERE),
    missing("ENABLE_SCHEMA_EVOLUTION", "FALSE"),
    missing("STAGE_COPY_OPTIONS", NEVER),
    missing("STAGE_FILE_FORMAT", NEVER),
];

const VIEW_OPTIONS: &[OptionDefinition] =
    &[COMMENT, done("SECURE", Takes::Boolean, ALTER), missing("CHANGE_TRACKING", "FALSE")];

/// What is done with tables; the rest is ALTER TABLE's.
pub(super) const TABLE: KindHandler = KindHandler {
    kind: ObjectKind::Table,
    options: TABLE_OPTIONS,
    create: None,
    set: None,
    unset: None,
};

/// What is done with views.
pub(super) const VIEW: KindHandler = KindHandler {
    kind: ObjectKind::View,
    options: VIEW_OPTIONS,
    create: None,
    set: Some(set),
    unset: Some(unset),
};

/// What is done with materialized views.
pub(super) const MATERIALIZED_VIEW: KindHandler =
    KindHandler { kind: ObjectKind::MaterializedView, ..VIEW };

fn set(_: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let secure = options.iter().find(|option| option.name == "SECURE");
    let secure = secure.and_then(|option| option.value.as_boolean());
    match object {
        Object::View(view) => changed(view, |view| {
            set_comment(&mut view.header, options);
            view.secure = secure.unwrap_or(view.secure);
            Ok(())
        }),
        Object::MaterializedView(view) => changed(view, |view| {
            set_comment(&mut view.header, options);
            view.secure = secure.unwrap_or(view.secure);
            Ok(())
        }),
        _ => Err(super::another()),
    }
}

fn unset(object: &Object, has: &dyn Fn(&str) -> bool) -> Result<Object> {
    let object = if has("COMMENT") { object.with_comment("") } else { object.clone() };
    match &object {
        Object::View(view) => changed(view, |view| {
            view.secure &= !has("SECURE");
            Ok(())
        }),
        Object::MaterializedView(view) => changed(view, |view| {
            view.secure &= !has("SECURE");
            Ok(())
        }),
        _ => Err(super::another()),
    }
}
