//! Database, schema, role and warehouse in use.

use firn_account::Catalog;
use firn_account::catalog::{Namespace, Object, PUBLIC_ROLE};
use firn_types::{Error, ErrorCode, ObjectId, Result};

use crate::introspect::information_schema::INFORMATION_SCHEMA;
use crate::session::SessionOptions;
use crate::session_state::SessionState;

/// The schema that every database has.
const PUBLIC: &str = "PUBLIC";

/// Puts in use what a new session starts with.
pub(crate) fn start(session: &mut SessionState, options: &SessionOptions) -> Result<()> {
    let fold = |name: &Option<String>, default: &str| {
        name.as_ref().map_or_else(|| default.to_string(), |name| name.to_uppercase())
    };
    let used = use_database(session, &fold(&options.database, "FIRN"));
    if let Some(name) = &options.database {
        used.map_err(|_| missing("Database", name))?;
    }
    if let Some(name) = &options.schema {
        use_schema(session, None, &name.to_uppercase()).map_err(|_| missing("Schema", name))?;
    }
    match &options.warehouse {
        Some(name) => {
            use_warehouse(session, &name.to_uppercase()).map_err(|_| missing("Warehouse", name))?;
        }
        None => session.warehouse = Some("COMPUTE_WH".to_string()),
    }
    match &options.role {
        Some(name) => use_role(session, &name.to_uppercase()).map_err(|_| missing("Role", name)),
        None => Ok(()),
    }
}

/// The error of a name to start with.
fn missing(kind: &str, name: &str) -> Error {
    let text = format!("{kind} '{}' does not exist or not authorized.", name.to_uppercase());
    Error::new(ErrorCode::CannotUse, text)
}

fn cannot_use() -> Error {
    Error::new(ErrorCode::CannotUse, "Object does not exist, or operation cannot be performed.")
}

/// USE DATABASE: its schema PUBLIC, if there is one, comes into use too.
pub(crate) fn use_database(session: &mut SessionState, name: &str) -> Result<()> {
    let catalog = session.catalog();
    let database = catalog.database(name).ok_or_else(cannot_use)?;
    let has_public = catalog.schema(database.header.id, PUBLIC).is_some();
    session.path.database = Some(name.to_string());
    session.path.schema = has_public.then(|| PUBLIC.to_string());
    Ok(())
}

/// USE SCHEMA, in a named database or the one in use.
pub(crate) fn use_schema(
    session: &mut SessionState,
    database: Option<&str>,
    name: &str,
) -> Result<()> {
    let catalog = session.catalog();
    let database = match database {
        Some(database) => database.to_string(),
        None => session.path.database("USE SCHEMA")?,
    };
    let found = catalog.database(&database).ok_or_else(cannot_use)?;
    if !has_schema(&catalog, found.header.id, name) {
        return Err(cannot_use());
    }
    session.path.database = Some(database);
    session.path.schema = Some(name.to_string());
    Ok(())
}

/// Whether a database has a schema, stored or not.
fn has_schema(catalog: &Catalog, database: ObjectId, name: &str) -> bool {
    name == INFORMATION_SCHEMA || catalog.schema(database, name).is_some()
}

/// USE WAREHOUSE.
pub(crate) fn use_warehouse(session: &mut SessionState, name: &str) -> Result<()> {
    session.catalog().warehouse(name).ok_or_else(cannot_use)?;
    session.warehouse = Some(name.to_string());
    Ok(())
}

/// USE ROLE.
pub(crate) fn use_role(session: &mut SessionState, name: &str) -> Result<()> {
    session.role = session.catalog().role(name).ok_or_else(cannot_use)?.header.id;
    Ok(())
}

/// Forgets a database, schema, warehouse or role in use that exists no more.
pub(crate) fn forget_dropped(session: &mut SessionState) -> Result<()> {
    let catalog = session.catalog();
    let database = session.path.database.as_ref();
    match database.map(|name| catalog.database(name)) {
        None => {}
        Some(None) => session.path = Default::default(),
        Some(Some(database)) => {
            let gone = session
                .path
                .schema
                .as_ref()
                .is_some_and(|schema| !has_schema(&catalog, database.header.id, schema));
            if gone {
                session.path.schema = None;
            }
        }
    }
    if catalog.name_of(session.role).is_empty() {
        session.role = PUBLIC_ROLE;
    }
    let warehouse = session.warehouse.as_ref();
    let gone = warehouse.is_some_and(|warehouse| {
        let account = firn_account::catalog::ACCOUNT;
        !matches!(
            catalog.find(Namespace::Warehouse, account, warehouse),
            Some(Object::Warehouse(_))
        )
    });
    if gone {
        session.warehouse = None;
    }
    Ok(())
}
