//! DROP and UNDROP of every kind of object.

use firn_account::CatalogChange;
use firn_account::catalog::{
    ACCOUNTADMIN, Action, Namespace, Object, ObjectKind, SYSTEM_ROLES, VisibleCatalog,
};
use firn_parse::ast::{Drop, Undrop};
use firn_types::{Error, ErrorCode, Result};

use super::attach;
use super::definition::already_exists;
use super::kind::network_policy;
use crate::current;
use crate::find::{known_kind, live, place, place_of};
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// DROP.
///
/// # Errors
/// `NotFound` when there is no such object, unless IF EXISTS was written.
pub(super) fn drop_object(running: &mut StatementContext, ast: &Drop) -> Result<Rows> {
    let kind = known_kind(ast.kind)?;
    let missing = |name: &str| {
        Ok(Rows::status(format!("Drop statement executed successfully ({name} already dropped).")))
    };
    let place = match place_of(running, kind, &ast.name, ast.signature.as_deref()) {
        Ok(place) => place,
        Err(error) if ast.if_exists && error.code() == ErrorCode::NotFound => {
            return missing(&running.written(&ast.name)?.object().name);
        }
        Err(error) => return Err(error),
    };
    let catalog = running.catalog();
    let Some(object) = live(&catalog, kind, &place) else {
        if ast.if_exists {
            return missing(&place.name);
        }
        return Err(catalog
            .not_found(kind, place.parent, &place.name)
            .at(ast.name.span())
            .without_span());
    };
    refuse_system_role(&object)?;
    catalog.authorize(Action::Drop, &object)?;
    network_policy::refuse_attached(running, &object)?;
    attach::refuse_used(running, &object)?;
    attach::refuse_protecting(running, &object)?;
    if ast.cascade == Some(false) && holds_objects(&catalog, &object) {
        let text = format!("Cannot drop '{}': it is not empty.", place.name);
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    let mut changes = Vec::new();
    if matches!(kind, ObjectKind::Role | ObjectKind::DatabaseRole) {
        // What the role owned is from now on the current role's.
        let owned = catalog.owned_by(object.id());
        let heir = running.session.role;
        let heir = if heir == object.id() { ACCOUNTADMIN } else { heir };
        let inherited = |object: &Object| CatalogChange::Alter { object: object.with_owner(heir) };
        changes.extend(owned.filter(|other| other.id() != object.id()).map(inherited));
    }
    changes.push(CatalogChange::Drop { id: object.id() });
    running.change(changes)?;
    running.change_session(current::forget_dropped)?;
    Ok(Rows::status(format!("{} successfully dropped.", object.called())))
}

/// The roles that an account is born with stay as they are.
///
/// # Errors
/// `InsufficientPrivileges` for one of them.
pub(super) fn refuse_system_role(object: &Object) -> Result<()> {
    if SYSTEM_ROLES.iter().all(|role| role.id != object.id()) {
        return Ok(());
    }
    let text = format!("Insufficient privileges to operate on role '{}'.", object.name());
    Err(Error::new(ErrorCode::InsufficientPrivileges, text))
}

fn holds_objects(catalog: &VisibleCatalog, object: &Object) -> bool {
    let namespaces = match object.kind() {
        ObjectKind::Database => vec![Namespace::Schema],
        ObjectKind::Schema => vec![Namespace::Relation, Namespace::Stage, Namespace::Sequence],
        _ => Vec::new(),
    };
    namespaces.into_iter().any(|namespace| {
        let children = catalog.children(namespace, object.id());
        children.iter().any(|child| child.name() != "PUBLIC")
    })
}

/// UNDROP: the newest dropped version returns to its name.
///
/// # Errors
/// When the name is taken, or nothing of that name was dropped within the retention time.
pub(super) fn undrop(running: &mut StatementContext, ast: &Undrop) -> Result<Rows> {
    let kind = match ast.kind {
        ObjectKind::Table
        | ObjectKind::DynamicTable
        | ObjectKind::Schema
        | ObjectKind::Database
        | ObjectKind::Tag => known_kind(ast.kind)?,
        other => return Err(Error::not_supported(format!("UNDROP {}", other.words()))),
    };
    let place = place(running, kind, &ast.name)?;
    let catalog = running.catalog();
    let dropped = catalog.dropped(kind.namespace(), place.parent);
    // What was dropped before the retention time began is not shown any more, though it may not be swept.
    let is_kept = |object: &Object| {
        let since = catalog.retained_since(object, running.start_nanos);
        object.header().dropped_nanos.is_none_or(|dropped| dropped > since)
    };
    let mut named = dropped.iter().filter(|o| o.name() == place.name && o.kind() == kind);
    let newest = named.find(|object| is_kept(object) && catalog.sees(object));
    let Some(object) = newest else {
        let text = format!("{} '{}' did not exist or was purged.", kind.title(), place.name);
        return Err(Error::new(ErrorCode::NotFound, text));
    };
    if catalog.taken(object).is_some() {
        return Err(already_exists(&place.name));
    }
    catalog.authorize(Action::Drop, object)?;
    running.change(vec![CatalogChange::Undrop { id: object.id() }])?;
    Ok(Rows::status(format!("{} {} successfully restored.", kind.title(), place.name)))
}
