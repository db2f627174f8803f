//! GRANT and REVOKE.

use firn_account::CatalogChange;
use firn_account::catalog::privilege::{
    IMPORTED_PRIVILEGES, MANAGE_GRANTS, ON_ACCOUNT, OWNERSHIP, USAGE,
};
use firn_account::catalog::{
    ACCOUNT, Grant, GrantTarget, Grantee, Namespace, Object, ObjectKind, Place, SNOWFLAKE,
    VisibleCatalog,
};
use firn_parse::ast::{self, GrantSubject, Name, Privilege};
use firn_types::{Error, ErrorCode, ObjectId, Result};

use crate::find::{kind_of, known_kind, live, place, place_of};
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// What a GRANT or REVOKE reaches.
struct Reached {
    /// Privileges, each on one thing.
    given: Vec<(String, GrantTarget)>,
    /// The objects of ON ALL, where it was written.
    counted: Option<usize>,
}

/// GRANT.
///
/// # Errors
/// When the subject or the grantee does not exist, or the subject has no such privilege.
pub(super) fn grant(running: &mut StatementContext, ast: &ast::Grant) -> Result<Rows> {
    let grantee = grantee(running, &ast.to)?;
    let reached = reached(running, &ast.subject)?;
    authorize(running, &reached)?;
    let mut changes = Vec::new();
    for (privilege, target) in &reached.given {
        if privilege == OWNERSHIP
            && let GrantTarget::Object(id) = target
        {
            changes.extend(give_ownership(running, *id, grantee, ast.current_grants)?);
            continue;
        }
        changes.push(CatalogChange::Grant(Grant {
            privilege: privilege.clone(),
            target: target.clone(),
            grantee,
            grant_option: ast.grant_option,
            granted_by: running.session.role,
            created_nanos: running.start_nanos,
        }));
    }
    running.change(changes)?;
    Ok(status(&reached))
}

/// REVOKE; what was never granted is no error. What its receiver gave on goes with CASCADE.
///
/// # Errors
/// As [`grant`]; when the receiver gave it on and CASCADE was not written.
pub(super) fn revoke(running: &mut StatementContext, ast: &ast::Revoke) -> Result<Rows> {
    let grantee = grantee(running, &ast.from)?;
    let reached = reached(running, &ast.subject)?;
    authorize(running, &reached)?;
    let catalog = running.catalog();
    let mut changes = Vec::new();
    for (privilege, target) in &reached.given {
        let Some(found) = catalog.grant(privilege, target, grantee) else { continue };
        let passed_on = passed_on(&catalog, found);
        if let (Some(dependent), false) = (passed_on.first(), ast.cascade == Some(true)) {
            return Err(dependent_grant(&catalog, dependent));
        }
        changes.extend(passed_on.into_iter().map(CatalogChange::Revoke));
        changes.push(if ast.grant_option_only {
            CatalogChange::Grant(Grant { grant_option: false, ..found.clone() })
        } else {
            CatalogChange::Revoke(found.clone())
        });
    }
    running.change(changes)?;
    Ok(status(&reached))
}

/// Whether the roles in use may give and take all that.
fn authorize(running: &StatementContext, reached: &Reached) -> Result<()> {
    let catalog = running.catalog();
    reached.given.iter().try_for_each(|(privilege, target)| match target {
        GrantTarget::Account => catalog.authorize_on_account(MANAGE_GRANTS),
        GrantTarget::Object(id) => catalog.authorize_grant(privilege, catalog.object_or_err(*id)?),
        GrantTarget::Future { container, .. } => match catalog.object_or_err(*container)? {
            schema @ Object::Schema(found) if found.managed_access => {
                catalog.authorize_grant(OWNERSHIP, schema)
            }
            _ => catalog.authorize_on_account(MANAGE_GRANTS),
        },
    })
}

/// What the receiver of a grant WITH GRANT OPTION gave on, and those who got it, and so on.
fn passed_on(catalog: &VisibleCatalog, grant: &Grant) -> Vec<Grant> {
    let mut found: Vec<Grant> = Vec::new();
    let mut givers = vec![grant.grantee];
    while let Some(Grantee::Role(giver)) = givers.pop() {
        let owns = match grant.target {
            GrantTarget::Object(id) => {
                catalog.object(id).is_some_and(|object| object.header().owner == giver)
            }
            _ => false,
        };
        let same = |other: &&Grant| {
            other.privilege == grant.privilege && other.granted_by == giver && !owns
        };
        for other in catalog.grants_on(&grant.target).into_iter().filter(same) {
            if other.grantee != grant.grantee && !found.contains(other) {
                givers.push(other.grantee);
                found.push(other.clone());
            }
        }
    }
    found
}

fn status(reached: &Reached) -> Rows {
    match reached.counted {
        None => Rows::done(),
        Some(count) => {
            Rows::status(format!("Statement executed successfully. {count} objects affected."))
        }
    }
}

fn grantee(running: &StatementContext, to: &ast::GrantTarget) -> Result<Grantee> {
    let catalog = running.catalog();
    match to {
        ast::GrantTarget::Role(name) => {
            let name = running.written(name)?;
            let name = &name.object().name;
            match catalog.role(name) {
                Some(role) => Ok(Grantee::Role(role.header.id)),
                None => Err(missing(ObjectKind::Role, name)),
            }
        }
        ast::GrantTarget::User(name) => {
            let name = running.written(name)?;
            let name = &name.object().name;
            match catalog.user(name) {
                Some(user) => Ok(Grantee::User(user.header.id)),
                None => Err(missing(ObjectKind::User, name)),
            }
        }
        ast::GrantTarget::DatabaseRole(name) => {
            let role = running.database_role(&running.written(name)?)?;
            Ok(Grantee::Role(role.id()))
        }
    }
}

fn missing(kind: ObjectKind, name: &str) -> Error {
    let text = format!("{} '{name}' does not exist or not authorized.", kind.title());
    Error::new(ErrorCode::NotFound, text)
}

fn reached(running: &StatementContext, subject: &GrantSubject) -> Result<Reached> {
    let catalog = running.catalog();
    match subject {
        GrantSubject::DatabaseRole(name) => {
            let role = named_object(running, &catalog, ObjectKind::DatabaseRole, name)?;
            let given = vec![(USAGE.to_string(), GrantTarget::Object(role.id()))];
            Ok(Reached { given, counted: None })
        }
        GrantSubject::Role(name) => {
            let name = running.written(name)?.object().name.clone();
            let role = catalog.role(&name).ok_or_else(|| missing(ObjectKind::Role, &name))?;
            let given = vec![(USAGE.to_string(), GrantTarget::Object(role.header.id))];
            Ok(Reached { given, counted: None })
        }
        GrantSubject::Object { privileges, kind: Some(ObjectKind::Account), .. } => {
            let names = named(privileges, "ACCOUNT", ON_ACCOUNT)?;
            let given = names.into_iter().map(|name| (name, GrantTarget::Account)).collect();
            Ok(Reached { given, counted: None })
        }
        GrantSubject::Object {
            privileges,
            kind: Some(ObjectKind::Database),
            name: Some(name),
            ..
        } if privileges.iter().any(|privilege| privilege.words == IMPORTED_PRIVILEGES) => {
            imported_privileges(running, privileges, name)
        }
        GrantSubject::Object { privileges, kind, name, signature } => {
            let Some(name) = name else {
                return Err(Error::internal("a privilege on nothing"));
            };
            let kind = kind_of(running, *kind, name)?;
            let place = place_of(running, kind, name, signature.as_deref())?;
            let object = object_at(&catalog, kind, &place)?;
            let target = GrantTarget::Object(object.id());
            Ok(Reached { given: on(privileges, kind, &[target])?, counted: None })
        }
        GrantSubject::Bulk { privileges, future, kind, in_database, container } => {
            let words = kind.words();
            let kind = known_kind(*kind)?;
            let holder = if *in_database { ObjectKind::Database } else { ObjectKind::Schema };
            let holder = named_object(running, &catalog, holder, container)?.id();
            if *future {
                let target = GrantTarget::Future { kind: words.to_string(), container: holder };
                return Ok(Reached { given: on(privileges, kind, &[target])?, counted: None });
            }
            let objects = inside(&catalog, kind, holder, *in_database);
            let targets: Vec<_> = objects.into_iter().map(GrantTarget::Object).collect();
            Ok(Reached { given: on(privileges, kind, &targets)?, counted: Some(targets.len()) })
        }
    }
}

/// IMPORTED PRIVILEGES on database SNOWFLAKE, which only ACCOUNTADMIN gives and takes.
fn imported_privileges(
    running: &StatementContext,
    privileges: &[Privilege],
    name: &Name,
) -> Result<Reached> {
    let catalog = running.catalog();
    let name = running.written(name)?.object().name.clone();
    if name != SNOWFLAKE || catalog.database(SNOWFLAKE).is_some() || privileges.len() > 1 {
        let text =
            format!("IMPORTED PRIVILEGES are for database {SNOWFLAKE} alone, not for '{name}'.");
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    catalog.authorize_admin()?;
    let given = vec![(IMPORTED_PRIVILEGES.to_string(), GrantTarget::Account)];
    Ok(Reached { given, counted: None })
}

fn named_object(
    running: &StatementContext,
    catalog: &VisibleCatalog,
    kind: ObjectKind,
    name: &Name,
) -> Result<Object> {
    object_at(catalog, kind, &place(running, kind, name)?)
}

fn object_at(catalog: &VisibleCatalog, kind: ObjectKind, place: &Place) -> Result<Object> {
    let found = live(catalog, kind, place);
    found.ok_or_else(|| catalog.not_found(kind, place.parent, &place.name))
}

/// The live objects of a kind in a schema, or in all schemas of a database.
fn inside(
    catalog: &VisibleCatalog,
    kind: ObjectKind,
    container: ObjectId,
    in_database: bool,
) -> Vec<ObjectId> {
    let ids = |kind: ObjectKind, parent: ObjectId| -> Vec<ObjectId> {
        let children = catalog.children(kind.namespace(), parent).into_iter();
        children.filter(|object| object.kind() == kind).map(Object::id).collect()
    };
    if !in_database || kind == ObjectKind::Schema {
        return ids(kind, container);
    }
    let schemas = catalog.children(Namespace::Schema, container);
    schemas.into_iter().flat_map(|schema| ids(kind, schema.id())).collect()
}

/// Each privilege on each target.
fn on(
    privileges: &[Privilege],
    kind: ObjectKind,
    targets: &[GrantTarget],
) -> Result<Vec<(String, GrantTarget)>> {
    let names = named(privileges, kind.words(), kind.definition().privileges)?;
    let each = |target: &GrantTarget| {
        names.iter().map(|name| (name.clone(), target.clone())).collect::<Vec<_>>()
    };
    Ok(targets.iter().flat_map(each).collect())
}

/// The names of privileges, ALL written out.
///
/// # Errors
/// For a privilege that the kind does not have.
fn named(privileges: &[Privilege], kind: &str, known: &[&str]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for privilege in privileges {
        let words = privilege.words.as_str();
        match words {
            "ALL" | "ALL PRIVILEGES" => names.extend(known.iter().map(ToString::to_string)),
            _ if words == OWNERSHIP && kind != "ACCOUNT" => names.push(words.to_string()),
            _ if known.contains(&words) => names.push(words.to_string()),
            _ => {
                let text = format!("Invalid object type '{kind}' for privilege '{words}'");
                return Err(Error::new(ErrorCode::InvalidStatement, text).at(privilege.span));
            }
        }
    }
    Ok(names)
}

/// The object gets another owner; its grants stay, go, or are in the way.
fn give_ownership(
    running: &StatementContext,
    id: ObjectId,
    to: Grantee,
    current_grants: Option<bool>,
) -> Result<Vec<CatalogChange>> {
    let Grantee::Role(role) = to else {
        let text = "OWNERSHIP can be granted to a role only";
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    };
    let catalog = running.catalog();
    let object = catalog.object_or_err(id)?;
    let mut grants = catalog.grants_on(&GrantTarget::Object(id)).into_iter();
    let mut changes = vec![CatalogChange::Alter { object: object.with_owner(role) }];
    match current_grants {
        Some(true) => {}
        Some(false) => changes.extend(grants.cloned().map(CatalogChange::Revoke)),
        // A role's grants to others say who may take it, not what may be done with it.
        None if object.kind() == ObjectKind::Role || object.header().parent == ACCOUNT => {}
        None => {
            if let Some(grant) = grants.next() {
                return Err(dependent_grant(&catalog, grant));
            }
        }
    }
    Ok(changes)
}

/// The error of a grant that another one is in the way of.
fn dependent_grant(catalog: &VisibleCatalog, grant: &Grant) -> Error {
    let name = catalog.name_of(grant.grantee.id());
    let kind = match grant.grantee {
        Grantee::Role(_) => "role",
        Grantee::User(_) => "user",
    };
    let securable = match grant.target {
        GrantTarget::Object(id) => catalog.full_name(id),
        _ => "ACCOUNT".to_string(),
    };
    let text = format!(
        "Dependent grant of privilege '{}' on securable '{securable}' to {kind} '{name}' exists. It must be \
         revoked first. More than one dependent grant may exist: use 'SHOW GRANTS' command to view \
         them. To revoke all dependent grants while transferring object ownership, use convenience \
         command 'GRANT OWNERSHIP ON <target_objects> TO <target_role> REVOKE CURRENT GRANTS'.",
        grant.privilege,
    );
    Error::new(ErrorCode::InvalidStatement, text)
}
