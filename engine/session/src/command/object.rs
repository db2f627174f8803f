//! CREATE of sequences, stages, file formats, integrations, warehouses, roles and users.

use std::sync::Arc;

use firn_account::catalog::{Object, ObjectKind};
use firn_parse::ast::CreateObject;
use firn_types::{Error, Result};

use super::attach;
use super::kind::handler;
use super::kind::stage::refreshes_on_create;
use super::option_table::{self, Place};
use super::stage_directory;
use crate::current;
use crate::find::known_kind;
use crate::find::place;
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// CREATE of an object that is no database, schema, table or view.
///
/// # Errors
/// When an option is wrong, the container does not exist, or the name is taken.
pub(super) fn create(running: &mut StatementContext, ast: &CreateObject) -> Result<Rows> {
    if ast.clone.is_some() && ast.kind != ObjectKind::Sequence {
        return Err(Error::not_supported(format!("CREATE {} .. CLONE", ast.kind.words())));
    }
    let kind = known_kind(ast.kind)?;
    option_table::check(kind, Place::Create, &ast.options)?;
    let place = place(running, kind, &ast.name)?;
    let header = running.header(place.parent, &place.name, &ast.options);
    let Some(create) = handler(kind)?.create else {
        return Err(Error::not_supported(format!("CREATE {}", kind.words())));
    };
    let object = create(running, ast, header)?;
    let mut object = attach::attached(running, &object, &ast.attachments)?;
    let catalog = running.catalog();
    catalog.authorize_create(&object, ast.mode.or_replace)?;
    let stays = ast.mode.if_not_exists && catalog.taken(&object).is_some();
    if let Object::Stage(stage) = &mut object
        && !stays
        && refreshes_on_create(stage, &ast.options)
    {
        stage_directory::fill(running, Arc::make_mut(stage))?;
    }
    let name = place.name;
    let rows = running.create_object(object, ast.mode)?;
    if kind == ObjectKind::Warehouse {
        running.change_session(|session| current::use_warehouse(session, &name))?;
    }
    Ok(rows)
}
