//! Objects by the names that statements write, for commands and listings alike.

use firn_account::catalog::{Namespace, Object, ObjectKind, Place, VisibleCatalog, signature};
use firn_parse::ast::{Name, TypeName};
use firn_query::bind::data_type;
use firn_types::{Error, ObjectName, Result, SqlType};

use crate::lifecycle::StatementContext;

/// Where an object of a kind stands whose name was written.
///
/// # Errors
/// When the container does not exist.
pub(crate) fn place(running: &StatementContext, kind: ObjectKind, name: &Name) -> Result<Place> {
    let written = running.written(name)?;
    running.catalog().place(kind, &written, &running.session.path, "this statement")
}

/// Where an object of a kind stands whose name was written, a function's with the types of its arguments.
///
/// # Errors
/// As [`place`]; for a type that firn does not know.
pub(crate) fn place_of(
    running: &StatementContext,
    kind: ObjectKind,
    name: &Name,
    types: Option<&[TypeName]>,
) -> Result<Place> {
    let Place { parent, name } = place(running, kind, name)?;
    let name = match types {
        Some(types) => {
            let types = types.iter().map(|name| running.sql_type(name)).collect::<Result<Vec<_>>>();
            signature(&name, &types?)
        }
        None => name,
    };
    Ok(Place { parent, name })
}

/// The kind of what a statement names, with a kind or, for tables and views, without.
///
/// # Errors
/// `not_supported` for kinds that firn does not have.
pub(crate) fn kind_of(
    running: &StatementContext,
    kind: Option<ObjectKind>,
    name: &Name,
) -> Result<ObjectKind> {
    if let Some(kind) = kind {
        return known_kind(kind);
    }
    let (place, catalog) = (place(running, ObjectKind::Table, name)?, running.catalog());
    let found = catalog.find(Namespace::Relation, place.parent, &place.name);
    Ok(found.map_or(ObjectKind::Table, Object::kind))
}

/// The live object of a kind at a place.
pub(crate) fn live(catalog: &VisibleCatalog, kind: ObjectKind, place: &Place) -> Option<Object> {
    let found = catalog.find(kind.namespace(), place.parent, &place.name)?;
    // A view is no table, but DROP VIEW of a materialized view is accepted.
    let fits = kind.namespace() != Namespace::Relation
        || found.kind() == kind
        || (kind == ObjectKind::View && found.kind() == ObjectKind::MaterializedView);
    fits.then(|| found.clone())
}

impl StatementContext {
    /// The type that a name means in the session.
    ///
    /// # Errors
    /// `UnsupportedDataType`.
    pub(crate) fn sql_type(&self, name: &TypeName) -> Result<SqlType> {
        data_type::resolve(name, self.session.settings.timestamp_mapping())
    }

    /// The role of a database that a statement names.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn database_role(&self, name: &ObjectName) -> Result<Object> {
        let (catalog, kind) = (self.session.catalog(), ObjectKind::DatabaseRole);
        let place = catalog.place(kind, name, &self.session.path, "this statement")?;
        let found = live(&catalog, kind, &place);
        found.ok_or_else(|| catalog.not_found(kind, place.parent, &place.name))
    }
}

/// A kind that firn has.
///
/// # Errors
/// `not_supported` for the others.
pub(crate) fn known_kind(kind: ObjectKind) -> Result<ObjectKind> {
    match kind.exists() {
        true => Ok(kind),
        false => Err(Error::not_supported(kind.words())),
    }
}
