//! Database, schema, role and warehouse in use.

use firn_account::catalog::VisibleCatalog;
use firn_account::catalog::{Namespace, Object, PUBLIC_ROLE};
use firn_types::{Error, ErrorCode, ObjectId, Result};

use crate::introspect::information_schema::INFORMATION_SCHEMA;
use crate::roles;
use crate::session::SessionOptions;
use crate::session_state::SessionState;

/// The schema that every database has.
const PUBLIC: &str = "PUBLIC";

/// Puts in use what a new session starts with.
pub(crate) fn start(session: &mut SessionState, options: &SessionOptions) -> Result<()> {
    let fold = |name: &Option<String>, default: &str| {
        name.as_ref().map_or_else(|| default.to_string(), |name| folded(name))
    };
    start_role(session, options)?;
    let (namespace, warehouse) = defaults(session);
    let (database, schema) = namespace.split_once('.').unwrap_or((&namespace, ""));
    let used = use_database(session, &fold(&options.database, database));
    if used.is_ok() && options.database.is_none() && !schema.is_empty() {
        // It may be gone, or not to be seen.
        _ = use_schema(session, None, schema);
    }
    let tolerated = |outcome: Result<()>, kind: &str, name: &str| match outcome {
        Err(_) if !options.lenient => Err(missing(kind, name)),
        _ => Ok(()),
    };
    if let Some(name) = &options.database {
        tolerated(used, "Database", name)?;
    }
    if let Some(name) = &options.schema {
        let used = use_schema(session, None, &folded(name));
        if used.is_err() {
            session.path.schema = None;
        }
        tolerated(used, "Schema", name)?;
    }
    match &options.warehouse {
        Some(name) => tolerated(use_warehouse(session, &folded(name)), "Warehouse", name)?,
        // Who may not use it has none.
        None => _ = use_warehouse(session, &warehouse),
    }
    Ok(())
}

/// A name as it is kept: what stands between quotes as it is, anything else in upper case.
fn folded(name: &str) -> String {
    let inside = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inside.map_or_else(|| name.to_uppercase(), |inside| inside.replace("\"\"", "\""))
}

/// The namespace and the warehouse that the user's sessions start with.
fn defaults(session: &SessionState) -> (String, String) {
    let catalog = session.catalog();
    let user = catalog.user(&session.user);
    let property = |name: &str, default: &str| {
        let own = user.and_then(|user| user.property(name));
        own.map_or_else(|| default.to_string(), str::to_uppercase)
    };
    (property("DEFAULT_NAMESPACE", "FIRN"), property("DEFAULT_WAREHOUSE", "COMPUTE_WH"))
}

/// The role to start with: the one that is asked for, the user's default, or PUBLIC.
fn start_role(session: &mut SessionState, options: &SessionOptions) -> Result<()> {
    let catalog = session.catalog();
    let user = catalog.object(roles::user(&catalog, &session.user)).and_then(Object::as_user);
    let property = |name: &str| user.and_then(|user| user.property(name)).unwrap_or_default();
    session.secondary_roles = property("DEFAULT_SECONDARY_ROLES").contains("ALL");
    if let Some(name) = &options.only_role {
        use_role(session, name)?;
        session.secondary_roles = false;
        session.only_role = true;
    }
    if let Some(name) = &options.role {
        let name = folded(name);
        return use_role(session, &name).map_err(|error| match error.code() {
            ErrorCode::CannotUse => missing("Role", &name),
            _ => error,
        });
    }
    if session.only_role {
        return Ok(());
    }
    let default = catalog.role(&property("DEFAULT_ROLE").to_uppercase());
    let available = roles::available(&catalog, &session.user);
    session.role = match default.map(|role| role.header.id) {
        Some(role) if available.contains(&role) => role,
        _ => PUBLIC_ROLE,
    };
    Ok(())
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
fn has_schema(catalog: &VisibleCatalog, database: ObjectId, name: &str) -> bool {
    name == INFORMATION_SCHEMA || catalog.schema(database, name).is_some()
}

/// USE WAREHOUSE.
pub(crate) fn use_warehouse(session: &mut SessionState, name: &str) -> Result<()> {
    session.catalog().warehouse(name).ok_or_else(cannot_use)?;
    session.warehouse = Some(name.to_string());
    Ok(())
}

/// USE ROLE: one of the user's. What the role does not see stays in use for the roles that do.
pub(crate) fn use_role(session: &mut SessionState, name: &str) -> Result<()> {
    let catalog = session.catalog();
    let role = catalog.role(name).ok_or_else(cannot_use)?.header.id;
    let other = session.only_role && role != session.role;
    if other || !roles::available(&catalog, &session.user).contains(&role) {
        let text = format!(
            "Requested role '{name}' is not assigned to the executing user. Specify another role to activate."
        );
        return Err(Error::new(ErrorCode::RoleNotAssigned, text));
    }
    session.role = role;
    Ok(())
}

/// USE SECONDARY ROLES ALL, or NONE.
pub(crate) fn use_secondary_roles(session: &mut SessionState, all: bool) -> Result<()> {
    if all && session.only_role {
        let text = "Secondary roles cannot be used in a session that is for one role only.";
        return Err(Error::new(ErrorCode::RoleNotAssigned, text));
    }
    session.secondary_roles = all;
    Ok(())
}

/// Forgets a database, schema, warehouse or role in use that exists no more.
pub(crate) fn forget_dropped(session: &mut SessionState) -> Result<()> {
    // What the role in use does not see is not gone.
    let catalog = session.catalog().as_engine();
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
