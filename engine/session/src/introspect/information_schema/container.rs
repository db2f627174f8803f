//! DATABASES, SCHEMATA and INFORMATION_SCHEMA_CATALOG_NAME.

use firn_account::catalog::{ACCOUNT, Database, Namespace};

use super::super::IntrospectionContext;
use super::super::listing::{Listing, number, optional, text, time, yes_no};
use super::schemas;

pub(super) const DATABASES: &str = "DATABASE_NAME, DATABASE_OWNER, IS_TRANSIENT, COMMENT, \
    CREATED:time, LAST_ALTERED:time, RETENTION_TIME:number, TYPE";

pub(super) const SCHEMATA: &str = "CATALOG_NAME, SCHEMA_NAME, SCHEMA_OWNER, IS_TRANSIENT, \
    IS_MANAGED_ACCESS, RETENTION_TIME:number, DEFAULT_CHARACTER_SET_CATALOG, \
    DEFAULT_CHARACTER_SET_SCHEMA, DEFAULT_CHARACTER_SET_NAME, SQL_PATH, CREATED:time, \
    LAST_ALTERED:time, COMMENT";

pub(super) const CATALOG_NAME: &str = "CATALOG_NAME";

/// A text, NULL when it is empty.
pub(super) fn present(text: &str) -> firn_types::Value {
    optional(Some(text).filter(|text| !text.is_empty()))
}

pub(super) fn catalog_name(_: &IntrospectionContext, database: &Database, listing: &mut Listing) {
    listing.add(&[("CATALOG_NAME", text(database.header.name.as_str()))]);
}

pub(super) fn databases(context: &IntrospectionContext, _: &Database, listing: &mut Listing) {
    for object in context.catalog.children(Namespace::Database, ACCOUNT) {
        let Some(database) = object.as_database() else { continue };
        let header = &database.header;
        let days = context.catalog.container_retention_days(header.id);
        listing.add(&[
            ("DATABASE_NAME", text(header.name.as_str())),
            ("DATABASE_ID", number(header.id.0)),
            ("DATABASE_OWNER", text(context.catalog.name_of(header.owner))),
            ("IS_TRANSIENT", yes_no(database.transient)),
            ("COMMENT", present(&header.comment)),
            ("CREATED", time(header.created_nanos)),
            ("LAST_ALTERED", time(header.altered_nanos)),
            ("RETENTION_TIME", number(days)),
            ("TYPE", text("STANDARD")),
        ]);
    }
}

pub(super) fn schemata(context: &IntrospectionContext, database: &Database, listing: &mut Listing) {
    for schema in schemas(context, database) {
        let header = &schema.header;
        let days = context.catalog.container_retention_days(header.id);
        listing.add(&[
            ("CATALOG_NAME", text(database.header.name.as_str())),
            ("SCHEMA_NAME", text(header.name.as_str())),
            ("CATALOG_ID", number(database.header.id.0)),
            ("SCHEMA_ID", number(header.id.0)),
            ("SCHEMA_OWNER", text(context.catalog.name_of(header.owner))),
            ("IS_TRANSIENT", yes_no(schema.transient)),
            ("IS_MANAGED_ACCESS", yes_no(schema.managed_access)),
            ("RETENTION_TIME", number(days)),
            ("CREATED", time(header.created_nanos)),
            ("LAST_ALTERED", time(header.altered_nanos)),
            ("COMMENT", present(&header.comment)),
        ]);
    }
    listing.add(&[
        ("CATALOG_NAME", text(database.header.name.as_str())),
        ("SCHEMA_NAME", text(super::INFORMATION_SCHEMA)),
        ("IS_TRANSIENT", yes_no(false)),
        ("IS_MANAGED_ACCESS", yes_no(false)),
        ("CREATED", time(database.header.created_nanos)),
        ("LAST_ALTERED", time(database.header.altered_nanos)),
    ]);
}
