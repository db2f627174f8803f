//! USERS, ROLES, GRANTS_TO_ROLES and GRANTS_TO_USERS.

use firn_account::catalog::{ACCOUNT, Grant, GrantTarget, Grantee, Namespace, Object, ObjectKind};
use firn_types::{ObjectId, Result};

use super::View;
use crate::introspect::IntrospectionContext;
use crate::introspect::listing::{Cell, Listing, boolean, number, text, time};
use crate::introspect::user::KnownUser;

pub(super) const USERS: &str = "USER_ID:number, NAME, CREATED_ON:time, DELETED_ON:time, LOGIN_NAME, \
    DISPLAY_NAME, FIRST_NAME, LAST_NAME, EMAIL, MUST_CHANGE_PASSWORD:boolean, HAS_PASSWORD:boolean, COMMENT, \
    DISABLED, SNOWFLAKE_LOCK, DEFAULT_WAREHOUSE, DEFAULT_NAMESPACE, DEFAULT_ROLE, EXT_AUTHN_DUO, EXT_AUTHN_UID, \
    HAS_MFA:boolean, BYPASS_MFA_UNTIL:time, LAST_SUCCESS_LOGIN:time, EXPIRES_AT:time, LOCKED_UNTIL_TIME:time, \
    HAS_RSA_PUBLIC_KEY:boolean, PASSWORD_LAST_SET_TIME:time, OWNER, DEFAULT_SECONDARY_ROLE, TYPE";

pub(super) const ROLES: &str = "ROLE_ID:number, CREATED_ON:time, DELETED_ON:time, NAME, COMMENT, OWNER, \
    ROLE_TYPE, ROLE_DATABASE_NAME, OWNER_ROLE_TYPE";

pub(super) const GRANTS_TO_ROLES: &str = "CREATED_ON:time, MODIFIED_ON:time, PRIVILEGE, GRANTED_ON, NAME, \
    TABLE_CATALOG, TABLE_SCHEMA, GRANTED_TO, GRANTEE_NAME, GRANT_OPTION:boolean, GRANTED_BY, DELETED_ON:time, \
    GRANTED_BY_ROLE_TYPE";

pub(super) const GRANTS_TO_USERS: &str =
    "CREATED_ON:time, DELETED_ON:time, ROLE, GRANTED_TO, GRANTEE_NAME, GRANTED_BY";

pub(super) fn users(context: &IntrospectionContext, _: &View, listing: &mut Listing) -> Result<()> {
    for object in context.catalog.children(Namespace::User, ACCOUNT) {
        let Some(user) = object.as_user() else { continue };
        let mut cells = KnownUser::of(user, &context.shared).used();
        cells.push(("OWNER", text(context.catalog.name_of(user.header.owner))));
        listing.add(&cells);
    }
    Ok(())
}

pub(super) fn roles(context: &IntrospectionContext, _: &View, listing: &mut Listing) -> Result<()> {
    for role in all_roles(context) {
        let header = role.header();
        let database = context.catalog.object(header.parent);
        let mut cells = vec![
            ("ROLE_ID", number(header.id.0)),
            ("CREATED_ON", time(header.created_nanos)),
            ("NAME", text(role.name())),
            ("COMMENT", text(header.comment.as_str())),
            ("OWNER", text(context.catalog.name_of(header.owner))),
            ("ROLE_TYPE", text(role.kind().in_listings())),
            ("OWNER_ROLE_TYPE", text("ROLE")),
        ];
        cells.extend(database.map(|database| ("ROLE_DATABASE_NAME", text(database.name()))));
        listing.add(&cells);
    }
    Ok(())
}

/// Roles of the account, and those of databases.
fn all_roles(context: &IntrospectionContext) -> Vec<&Object> {
    let catalog = &context.catalog;
    let is_role = |object: &&Object| {
        matches!(object.kind(), ObjectKind::Role | ObjectKind::DatabaseRole)
            && catalog.is_live(object.id())
    };
    let mut roles: Vec<&Object> = catalog.all().filter(is_role).collect();
    roles.sort_by(|a, b| a.name().cmp(b.name()));
    roles
}

pub(super) fn grants_to_roles(
    context: &IntrospectionContext,
    _: &View,
    listing: &mut Listing,
) -> Result<()> {
    for role in all_roles(context) {
        for grant in context.catalog.grants_to(Grantee::Role(role.id())) {
            let mut cells = vec![
                ("CREATED_ON", time(grant.created_nanos)),
                ("MODIFIED_ON", time(grant.created_nanos)),
                ("PRIVILEGE", text(grant.privilege.as_str())),
                ("GRANTED_TO", text(role.kind().in_listings())),
                ("GRANTEE_NAME", text(role.name())),
                ("GRANT_OPTION", boolean(grant.grant_option)),
                ("GRANTED_BY", text(context.catalog.name_of(grant.granted_by))),
                ("GRANTED_BY_ROLE_TYPE", text("ROLE")),
            ];
            if let Some(subject) = subject(context, grant) {
                cells.extend(subject);
                listing.add(&cells);
            }
        }
    }
    Ok(())
}

/// What a grant is on; none for what is gone, or will be.
fn subject(context: &IntrospectionContext, grant: &Grant) -> Option<Vec<Cell<'static>>> {
    let catalog = &context.catalog;
    let id: ObjectId = match &grant.target {
        GrantTarget::Account => {
            return Some(vec![("GRANTED_ON", text("ACCOUNT")), ("NAME", text("FIRN"))]);
        }
        GrantTarget::Object(id) => *id,
        GrantTarget::Future { .. } => return None,
    };
    let object = catalog.object(id).filter(|_| catalog.is_live(id))?;
    let mut cells =
        vec![("GRANTED_ON", text(object.kind().words())), ("NAME", text(object.name()))];
    let mut around = Vec::new();
    let mut parent = object.header().parent;
    while let Some(container) = catalog.object(parent) {
        around.insert(0, container.name());
        parent = container.header().parent;
    }
    let names = ["TABLE_CATALOG", "TABLE_SCHEMA"];
    cells.extend(names.into_iter().zip(around).map(|(column, name)| (column, text(name))));
    Some(cells)
}

pub(super) fn grants_to_users(
    context: &IntrospectionContext,
    _: &View,
    listing: &mut Listing,
) -> Result<()> {
    let catalog = &context.catalog;
    for user in catalog.children(Namespace::User, ACCOUNT) {
        for grant in catalog.grants_to(Grantee::User(user.id())) {
            let GrantTarget::Object(role) = grant.target else { continue };
            if !catalog.is_live(role) {
                continue;
            }
            listing.add(&[
                ("CREATED_ON", time(grant.created_nanos)),
                ("ROLE", text(catalog.name_of(role))),
                ("GRANTED_TO", text("USER")),
                ("GRANTEE_NAME", text(user.name())),
                ("GRANTED_BY", text(catalog.name_of(grant.granted_by))),
            ]);
        }
    }
    Ok(())
}
