//! TABLE_PRIVILEGES, OBJECT_PRIVILEGES, USAGE_PRIVILEGES, APPLICABLE_ROLES and ENABLED_ROLES.

use firn_account::catalog::{Database, GrantTarget, Grantee, Namespace, Object, ObjectKind};
use firn_types::Value;

use super::super::IntrospectionContext;
use super::super::listing::{Cell, Listing, text, time, yes_no};
use crate::roles;

pub(super) const TABLE_PRIVILEGES: &str = "GRANTOR, GRANTEE, GRANTED_TO, TABLE_CATALOG, \
    TABLE_SCHEMA, TABLE_NAME, PRIVILEGE_TYPE, IS_GRANTABLE, WITH_HIERARCHY, CREATED:time";

pub(super) const OBJECT_PRIVILEGES: &str = "GRANTOR, GRANTEE, GRANTED_TO, OBJECT_CATALOG, \
    OBJECT_SCHEMA, OBJECT_NAME, OBJECT_TYPE, PRIVILEGE_TYPE, IS_GRANTABLE, CREATED:time";

pub(super) const APPLICABLE_ROLES: &str = "GRANTEE, ROLE_NAME, ROLE_OWNER, IS_GRANTABLE";

pub(super) const ENABLED_ROLES: &str = "ROLE_NAME, ROLE_OWNER";

/// A privilege that somebody has on an object.
struct HeldPrivilege<'a> {
    object: &'a Object,
    privilege: &'a str,
    grantor: &'a str,
    grantee: (&'static str, &'a str),
    grantable: bool,
    created_nanos: i64,
}

/// Who owns a database and its live objects, and what was granted on them.
fn held_privileges<'a>(
    context: &'a IntrospectionContext,
    database: &Database,
) -> Vec<HeldPrivilege<'a>> {
    let catalog = &context.catalog;
    let mut objects: Vec<&Object> = catalog.all().collect();
    objects.retain(|object| {
        let home = catalog.database_of(object.id()).map(|home| home.header.id);
        let here = object.id() == database.header.id || home == Some(database.header.id);
        // A sequence behind a column is no object of its own.
        let hidden = catalog.table(object.header().parent).is_some();
        here && !hidden && catalog.is_live(object.id())
    });
    objects.sort_by_cached_key(|object| (object.kind(), catalog.full_name(object.id())));
    let mut all = Vec::new();
    for object in objects {
        let header = object.header();
        let owner = catalog.name_of(header.owner);
        all.push(HeldPrivilege {
            object,
            privilege: "OWNERSHIP",
            grantor: owner,
            grantee: ("ROLE", owner),
            grantable: true,
            created_nanos: header.created_nanos,
        });
        let grants = catalog.grants_on(&GrantTarget::Object(object.id())).into_iter();
        all.extend(grants.map(|grant| HeldPrivilege {
            object,
            privilege: &grant.privilege,
            grantor: catalog.name_of(grant.granted_by),
            grantee: match grant.grantee {
                Grantee::Role(id) => ("ROLE", catalog.name_of(id)),
                Grantee::User(id) => ("USER", catalog.name_of(id)),
            },
            grantable: grant.grant_option,
            created_nanos: grant.created_nanos,
        }));
    }
    all
}

fn cells(held: &HeldPrivilege<'_>) -> Vec<Cell<'static>> {
    vec![
        ("GRANTOR", text(held.grantor)),
        ("GRANTED_TO", text(held.grantee.0)),
        ("GRANTEE", text(held.grantee.1)),
        ("PRIVILEGE_TYPE", text(held.privilege)),
        ("IS_GRANTABLE", yes_no(held.grantable)),
        ("CREATED", time(held.created_nanos)),
    ]
}

/// Database and schema of an object, as far as it has them.
fn home(context: &IntrospectionContext, object: &Object) -> (Value, Value) {
    let catalog = &context.catalog;
    let mut names = Vec::new();
    let mut parent = object.header().parent;
    while let Some(container) = catalog.object(parent) {
        names.insert(0, text(container.name()));
        parent = container.header().parent;
    }
    if object.kind() == ObjectKind::Database {
        names.push(text(object.name()));
    }
    let mut names = names.into_iter();
    (names.next().unwrap_or(Value::Null), names.next().unwrap_or(Value::Null))
}

pub(super) fn of_tables(
    context: &IntrospectionContext,
    database: &Database,
    listing: &mut Listing,
) {
    for held in held_privileges(context, database) {
        if held.object.namespace() != Namespace::Relation {
            continue;
        }
        let (catalog, schema) = home(context, held.object);
        let mut cells = cells(&held);
        cells.extend([
            ("TABLE_CATALOG", catalog),
            ("TABLE_SCHEMA", schema),
            ("TABLE_NAME", text(held.object.name())),
            ("WITH_HIERARCHY", yes_no(false)),
        ]);
        listing.add(&cells);
    }
}

pub(super) fn of_objects(
    context: &IntrospectionContext,
    database: &Database,
    listing: &mut Listing,
) {
    add_objects(context, database, listing, |_| true);
}

pub(super) fn usage(context: &IntrospectionContext, database: &Database, listing: &mut Listing) {
    add_objects(context, database, listing, |held| held.privilege == "USAGE");
}

fn add_objects(
    context: &IntrospectionContext,
    database: &Database,
    listing: &mut Listing,
    wants: impl Fn(&HeldPrivilege<'_>) -> bool,
) {
    for held in held_privileges(context, database).into_iter().filter(wants) {
        let (catalog, schema) = home(context, held.object);
        let mut cells = cells(&held);
        cells.extend([
            ("OBJECT_CATALOG", catalog),
            ("OBJECT_SCHEMA", schema),
            ("OBJECT_NAME", text(held.object.name())),
            ("OBJECT_TYPE", text(held.object.kind().words().to_string())),
        ]);
        listing.add(&cells);
    }
}

pub(super) fn applicable_roles(
    context: &IntrospectionContext,
    _: &Database,
    listing: &mut Listing,
) {
    let catalog = &context.catalog;
    let available = roles::available(catalog, &context.user);
    let user = catalog.user(&context.user).map(|user| Grantee::User(user.header.id));
    for grantee in available.iter().copied().map(Grantee::Role).chain(user) {
        for grant in catalog.grants_to(grantee) {
            let GrantTarget::Object(id) = grant.target else { continue };
            let Some(role) = catalog.object(id).and_then(Object::as_role) else { continue };
            listing.add(&[
                ("GRANTEE", text(catalog.name_of(grantee.id()))),
                ("ROLE_NAME", text(role.header.name.as_str())),
                ("ROLE_OWNER", text(catalog.name_of(role.header.owner))),
                ("IS_GRANTABLE", yes_no(grant.grant_option)),
            ]);
        }
    }
}

pub(super) fn enabled_roles(context: &IntrospectionContext, _: &Database, listing: &mut Listing) {
    let catalog = &context.catalog;
    let held = catalog.rights().roles().iter();
    let mut held: Vec<_> = held.filter_map(|id| catalog.object(*id)).collect();
    held.sort_by(|a, b| a.name().cmp(b.name()));
    for role in held {
        listing.add(&[
            ("ROLE_NAME", text(role.name())),
            ("ROLE_OWNER", text(catalog.name_of(role.header().owner))),
        ]);
    }
}
