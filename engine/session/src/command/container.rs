//! Databases and schemas.

use std::collections::HashMap;

use firn_account::catalog::{ACCOUNT, Header, Namespace, Object, Schema, VisibleCatalog};
use firn_account::txn::CLONED;
use firn_account::{CatalogChange, no_past};
use firn_parse::ast::{CloneOf, CreateObject, ObjectKind};
use firn_types::{Error, ErrorCode, ObjectId, ObjectName, Result};

use super::attach;
use super::definition::{already_exists, created, kept_parameters, refuse_or_alter};
use super::kind::handler;
use super::option_table::{self, Place};
use crate::current;
use crate::find::known_kind;
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// CREATE DATABASE and CREATE SCHEMA; both come into use.
///
/// # Errors
/// When the name is taken, or the database of a schema does not exist.
pub(super) fn create(running: &mut StatementContext, ast: &CreateObject) -> Result<Rows> {
    refuse_or_alter(ast.mode)?;
    let written = running.written(&ast.name)?;
    let name = written.object().name.clone();
    let catalog = running.catalog();
    let parent = match ast.kind {
        ObjectKind::Database => ACCOUNT,
        _ => schema_parent(running, &catalog, &written)?,
    };
    let kind = known_kind(ast.kind)?;
    option_table::check(kind, Place::Create, &ast.options)?;
    let header = running.header(parent, &name, &ast.options);
    let create = handler(kind)?.create.ok_or_else(|| Error::not_supported(kind.words()))?;
    let object = create(running, ast, header)?;
    let object = attach::attached(running, &object, &ast.attachments)?;
    let existing = catalog.taken(&object);
    if existing.is_some() && ast.mode.if_not_exists {
        come_into_use(running, ast.kind, &written)?;
        let text = format!("{name} already exists, statement succeeded.");
        return Ok(Rows::status(text));
    }
    catalog.authorize_create(&object, ast.mode.or_replace)?;
    if existing.is_some() && !ast.mode.or_replace {
        return Err(already_exists(&name));
    }
    if let Some(existing) = existing {
        attach::refuse_protecting(running, existing)?;
    }
    let id = object.id();
    let (object, grants) = running.with_grants(object, false, None);
    let mut changes = vec![if ast.mode.or_replace {
        CatalogChange::replace(object)
    } else {
        CatalogChange::create(object)
    }];
    changes.extend(grants);
    changes.extend(kept_parameters(id, &ast.options));
    match &ast.clone {
        Some(clone) => changes.extend(cloned(running, ast.kind, clone, id)?),
        None if ast.kind == ObjectKind::Database => {
            let public = running.header(id, "PUBLIC", &[]);
            changes.push(CatalogChange::create(Schema::new(public)));
        }
        None => {}
    }
    running.change(changes)?;
    come_into_use(running, ast.kind, &written)?;
    Ok(Rows::status(created(kind, &name)))
}

/// The database that a schema's name is in.
fn schema_parent(
    running: &StatementContext,
    catalog: &VisibleCatalog,
    name: &ObjectName,
) -> Result<ObjectId> {
    let database = match name.parts.as_slice() {
        [_] => running.session.path.database("CREATE SCHEMA")?,
        [database, _] => database.name.clone(),
        _ => {
            let text = format!("invalid schema name '{name}'");
            return Err(Error::new(ErrorCode::InvalidStatement, text).at(name.span()));
        }
    };
    match catalog.database(&database) {
        Some(found) => Ok(found.header.id),
        None => {
            let kind = firn_account::catalog::ObjectKind::Database;
            Err(catalog.not_found(kind, ACCOUNT, &database))
        }
    }
}

fn come_into_use(
    running: &mut StatementContext,
    kind: ObjectKind,
    name: &ObjectName,
) -> Result<()> {
    running.change_session(|session| match (kind, name.parts.as_slice()) {
        (ObjectKind::Database, _) => current::use_database(session, &name.object().name),
        (_, [database, schema]) => current::use_schema(session, Some(&database.name), &schema.name),
        (_, _) => current::use_schema(session, None, &name.object().name),
    })
}

/// What a cloned container holds: second pointers to the same rows.
fn cloned(
    running: &StatementContext,
    kind: ObjectKind,
    clone: &CloneOf,
    target: ObjectId,
) -> Result<Vec<CatalogChange>> {
    let (catalog, nanos) = match &clone.at {
        Some(at) => running.past(at)?,
        None => (running.catalog(), running.start_nanos),
    };
    let now = running.catalog();
    let check = |id: ObjectId, name: &str| match now.object(id) {
        Some(object) if !now.is_retained(object, &catalog, nanos, running.start_nanos) => {
            Err(no_past(name))
        }
        _ => Ok(()),
    };
    let source = running.written(&clone.source)?;
    let mut changes = Vec::new();
    let mut ids = HashMap::new();
    match kind {
        ObjectKind::Database => {
            let database = catalog.database(&source.object().name).ok_or_else(|| {
                let kind = firn_account::catalog::ObjectKind::Database;
                catalog.not_found(kind, ACCOUNT, &source.object().name)
            })?;
            check(database.header.id, &database.header.name)?;
            let mut schemas = Vec::new();
            for schema in catalog.children(Namespace::Schema, database.header.id) {
                let copy = schema.copied(running.header(target, schema.name(), &[]));
                ids.insert(schema.id(), copy.id());
                schemas.push((schema.id(), copy.id()));
                let (copy, grants) = running.with_grants(copy, false, Some(schema.id()));
                changes.push(CatalogChange::create(copy));
                changes.extend(grants);
            }
            changes.extend(cloned_schemas(running, &catalog, &schemas, &mut ids));
        }
        _ => {
            let parent = schema_parent(running, &catalog, &source)?;
            let name = &source.object().name;
            let schema = catalog.schema(parent, name).ok_or_else(|| {
                let kind = firn_account::catalog::ObjectKind::Schema;
                catalog.not_found(kind, parent, name)
            })?;
            check(schema.header.id, name)?;
            let schemas = [(schema.header.id, target)];
            changes.extend(cloned_schemas(running, &catalog, &schemas, &mut ids));
        }
    }
    attach_as_now(&mut changes, &now, &ids);
    Ok(changes)
}

/// Clones of all that schemas hold; each schema stands beside its clone.
fn cloned_schemas(
    running: &StatementContext,
    catalog: &VisibleCatalog,
    schemas: &[(ObjectId, ObjectId)],
    ids: &mut HashMap<ObjectId, ObjectId>,
) -> Vec<CatalogChange> {
    let mut copies: Vec<(ObjectId, Object)> = Vec::new();
    let mut copy = |object: &Object, parent: ObjectId| {
        let header = Header {
            comment: object.header().comment.clone(),
            ..running.header(parent, object.name(), &[])
        };
        ids.insert(object.id(), header.id);
        copies.push((object.id(), object.copied(header.clone())));
        header.id
    };
    let inside = catalog.as_engine();
    for (from, target) in schemas {
        for object in CLONED.iter().flat_map(|namespace| catalog.children(*namespace, *from)) {
            if !object.is_cloned() {
                continue;
            }
            let id = copy(object, *target);
            // What columns count by.
            for sequence in inside.children(Namespace::Sequence, object.id()) {
                copy(sequence, id);
            }
        }
    }
    // A materialized view comes after its base table.
    copies.sort_by_key(|(_, copy)| matches!(copy, Object::MaterializedView(_)));
    let mut changes = Vec::new();
    for (from, mut copy) in copies {
        copy.follow_clones(ids);
        let (copy, grants) = running.with_grants(copy, false, Some(from));
        changes.push(CatalogChange::create(copy));
        changes.extend(grants);
    }
    changes
}

/// Gives clones the tags and policies that their originals have now, however old the rows are; where those were
/// cloned along, the clones of them.
fn attach_as_now(
    changes: &mut [CatalogChange],
    now: &VisibleCatalog,
    ids: &HashMap<ObjectId, ObjectId>,
) {
    let originals: HashMap<ObjectId, ObjectId> =
        ids.iter().map(|(old, new)| (*new, *old)).collect();
    for change in changes {
        let CatalogChange::Create { object, .. } = change else { continue };
        let original = originals.get(&object.id()).and_then(|id| now.object(*id));
        let Some(original) = original.filter(|old| !old.header().attachments.is_empty()) else {
            continue;
        };
        let attachments = &original.header().attachments;
        let attachments = attachments.map_ids(|id| ids.get(&id).copied().unwrap_or(id));
        *object = object.with_attachments(attachments);
    }
}
