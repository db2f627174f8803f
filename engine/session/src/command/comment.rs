//! COMMENT ON.

use firn_account::CatalogChange;
use firn_account::catalog::{Action, Object, ObjectKind};
use firn_parse::ast::Comment;
use firn_types::{Error, ErrorCode, Result};

use super::kind::changed;
use crate::find::known_kind;
use crate::find::{live, place_of};
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// COMMENT ON.
///
/// # Errors
/// When there is no such object.
pub(super) fn comment(running: &mut StatementContext, ast: &Comment) -> Result<Rows> {
    if ast.kind == ObjectKind::Column {
        return comment_column(running, ast);
    }
    let kind = known_kind(ast.kind)?;
    let place = place_of(running, kind, &ast.name, ast.signature.as_deref())?;
    let catalog = running.catalog();
    let Some(object) = live(&catalog, kind, &place) else {
        if ast.if_exists {
            return Ok(Rows::done());
        }
        return Err(catalog.not_found(kind, place.parent, &place.name));
    };
    catalog.authorize(Action::Alter, &object)?;
    let object = object.with_comment(&ast.text);
    running.change(vec![CatalogChange::Alter { object }])?;
    Ok(Rows::done())
}

fn comment_column(running: &mut StatementContext, ast: &Comment) -> Result<Rows> {
    let written = running.written(&ast.name)?;
    let Some((column, table)) = written.parts.split_last() else { return Ok(Rows::done()) };
    let table = firn_types::ObjectName { parts: table.to_vec() };
    if table.parts.is_empty() {
        let text = format!("invalid identifier '{column}'");
        return Err(Error::new(ErrorCode::InvalidIdentifier, text).at(column.span));
    }
    let path = running.session.path.complete(&table, "COMMENT")?;
    let catalog = running.catalog();
    let object = catalog.resolve(ObjectKind::Table, &path)?;
    let Object::Table(table) = object else {
        return Err(Error::not_supported("COMMENT ON COLUMN of a view"));
    };
    catalog.authorize(Action::Alter, object)?;
    let object = changed(table, |table| {
        match table.columns.iter_mut().find(|other| other.name == column.name) {
            Some(found) => {
                found.comment = ast.text.clone();
                Ok(())
            }
            None => {
                let text = format!("invalid identifier '{column}'");
                Err(Error::new(ErrorCode::InvalidIdentifier, text).at(column.span))
            }
        }
    })?;
    running.change(vec![CatalogChange::Alter { object }])?;
    Ok(Rows::done())
}
