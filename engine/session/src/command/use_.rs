//! USE.

use firn_query::parse::ast::Use;
use firn_types::{Error, ErrorCode, ObjectName, Result};

use crate::current;
use crate::lifecycle::Running;
use crate::result::Rows;

/// Puts a database, schema, warehouse or role in use.
///
/// # Errors
/// `CannotUse` when it does not exist.
pub(super) fn run(running: &mut Running<'_>, ast: &Use) -> Result<Rows> {
    match ast {
        Use::Database(name) => {
            let name = running.written(name)?;
            current::use_database(running.session, &name.object().name)?;
        }
        Use::Schema(name) => {
            let name = running.written(name)?;
            use_schema(running, &name)?;
        }
        Use::Name(name) => {
            let name = running.written(name)?;
            match name.parts.len() {
                1 => current::use_database(running.session, &name.object().name)?,
                _ => use_schema(running, &name)?,
            }
        }
        Use::Warehouse(name) => {
            let name = running.written(name)?;
            current::use_warehouse(running.session, &name.object().name)?;
        }
        Use::Role(name) => {
            let name = running.written(name)?;
            current::use_role(running.session, &name.object().name)?;
        }
        Use::SecondaryRoles(_) => {}
    }
    Ok(Rows::done())
}

fn use_schema(running: &mut Running<'_>, name: &ObjectName) -> Result<()> {
    match name.parts.as_slice() {
        [schema] => current::use_schema(running.session, None, &schema.name),
        [database, schema] => {
            current::use_schema(running.session, Some(&database.name), &schema.name)
        }
        _ => {
            let text = format!("invalid schema name '{name}'");
            Err(Error::new(ErrorCode::InvalidStatement, text).at(name.span()))
        }
    }
}
