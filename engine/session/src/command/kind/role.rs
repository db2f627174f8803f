//! Roles, of the account and of databases.

use firn_account::catalog::{DatabaseRole, Header, Object, ObjectKind, Role};
use firn_parse::ast::{CreateObject, StatementOption};
use firn_types::Result;

use super::{KindHandler, changed, set_comment, unset_comment};
use crate::command::option_table::{COMMENT, OptionDefinition};
use crate::lifecycle::StatementContext;

const OPTIONS: &[OptionDefinition] = &[COMMENT];

/// What is done with roles.
pub(super) const HANDLER: KindHandler = KindHandler {
    kind: ObjectKind::Role,
    options: OPTIONS,
    create: Some(create),
    set: Some(set),
    unset: Some(unset_comment),
};

fn create(_: &StatementContext, _: &CreateObject, header: Header) -> Result<Object> {
    Ok(Role::new(header).into())
}

/// What is done with roles of databases.
pub(super) const OF_DATABASE: KindHandler = KindHandler {
    kind: ObjectKind::DatabaseRole,
    create: Some(create_in_database),
    set: Some(set_of_database),
    ..HANDLER
};

fn create_in_database(_: &StatementContext, _: &CreateObject, header: Header) -> Result<Object> {
    Ok(DatabaseRole::new(header).into())
}

fn set_of_database(
    _: &StatementContext,
    object: &Object,
    options: &[StatementOption],
) -> Result<Object> {
    let Object::DatabaseRole(role) = object else { return Err(super::another()) };
    changed(role, |role| {
        set_comment(&mut role.header, options);
        Ok(())
    })
}

fn set(_: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::Role(role) = object else { return Err(super::another()) };
    changed(role, |role| {
        set_comment(&mut role.header, options);
        Ok(())
    })
}
