//! USE.

use firn_parse::ast::Use;
use firn_types::{Error, ErrorCode, ObjectName, Result};

use crate::current;
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// Puts a database, schema, warehouse or role in use.
///
/// # Errors
/// `CannotUse` when it does not exist.
pub(super) fn run(running: &mut StatementContext, ast: &Use) -> Result<Rows> {
    match ast {
        Use::Database(name) => {
            let name = running.written(name)?;
            use_database(running, &name)?;
        }
        Use::Schema(name) => {
            let name = running.written(name)?;
            use_schema(running, &name)?;
        }
        Use::Name(name) => {
            let name = running.written(name)?;
            match name.parts.len() {
                1 => use_database(running, &name)?,
                _ => use_schema(running, &name)?,
            }
        }
        Use::Warehouse(name) => {
            let name = running.written(name)?;
            running
                .change_session(|session| current::use_warehouse(session, &name.object().name))?;
        }
        Use::Role(name) => {
            let name = running.written(name)?;
            running.change_session(|session| current::use_role(session, &name.object().name))?;
        }
        Use::SecondaryRoles(all) => {
            running.change_session(|session| current::use_secondary_roles(session, *all))?
        }
    }
    Ok(Rows::done())
}

fn use_database(running: &mut StatementContext, name: &ObjectName) -> Result<()> {
    running.change_session(|session| current::use_database(session, &name.object().name))
}

fn use_schema(running: &mut StatementContext, name: &ObjectName) -> Result<()> {
    match name.parts.as_slice() {
        [schema] => {
            running.change_session(|session| current::use_schema(session, None, &schema.name))
        }
        [database, schema] => {
            let database = Some(database.name.as_str());
            running.change_session(|session| current::use_schema(session, database, &schema.name))
        }
        _ => {
            let text = format!("invalid schema name '{name}'");
            Err(Error::new(ErrorCode::InvalidStatement, text).at(name.span()))
        }
    }
}
