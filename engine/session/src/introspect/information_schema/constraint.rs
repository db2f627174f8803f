//! TABLE_CONSTRAINTS and REFERENTIAL_CONSTRAINTS.

use firn_account::catalog::{Constraint, ConstraintKind, Database, Schema, Table};

use super::super::IntrospectionContext;
use super::super::listing::{Cell, Listing, optional, text, time, yes_no};
use super::super::show::referred_key;
use super::container::present;
use super::relations;

pub(super) const TABLE_CONSTRAINTS: &str = "CONSTRAINT_CATALOG, CONSTRAINT_SCHEMA, CONSTRAINT_NAME, \
    TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_TYPE, IS_DEFERRABLE, INITIALLY_DEFERRED, \
    ENFORCED, COMMENT, CREATED:time, LAST_ALTERED:time, RELY";

pub(super) const REFERENTIAL_CONSTRAINTS: &str = "CONSTRAINT_CATALOG, CONSTRAINT_SCHEMA, \
    CONSTRAINT_NAME, UNIQUE_CONSTRAINT_CATALOG, UNIQUE_CONSTRAINT_SCHEMA, UNIQUE_CONSTRAINT_NAME, \
    MATCH_OPTION, UPDATE_RULE, DELETE_RULE, COMMENT, CREATED:time, LAST_ALTERED:time";

pub(super) const CHECK_CONSTRAINTS: &str = "CONSTRAINT_CATALOG, CONSTRAINT_SCHEMA, \
    CONSTRAINT_TABLE, CONSTRAINT_NAME, CHECK_CLAUSE";

fn each(
    context: &IntrospectionContext,
    database: &Database,
    add: &mut dyn FnMut(&Schema, &Table, &Constraint),
) {
    for (schema, object) in &relations(context, database) {
        let Some(table) = object.as_table() else { continue };
        table.constraints.iter().for_each(|key| add(schema, table, key));
    }
}

/// What both views tell of a key.
fn cells(
    database: &Database,
    schema: &Schema,
    table: &Table,
    key: &Constraint,
) -> Vec<Cell<'static>> {
    vec![
        ("CONSTRAINT_CATALOG", text(database.header.name.as_str())),
        ("CONSTRAINT_SCHEMA", text(schema.header.name.as_str())),
        ("CONSTRAINT_NAME", text(key.name.as_str())),
        ("COMMENT", present(&key.comment)),
        ("CREATED", time(table.header.created_nanos)),
        ("LAST_ALTERED", time(table.header.altered_nanos)),
    ]
}

pub(super) fn of_tables(
    context: &IntrospectionContext,
    database: &Database,
    listing: &mut Listing,
) {
    each(context, database, &mut |schema, table, key| {
        let kind = match key.kind {
            ConstraintKind::PrimaryKey => "PRIMARY KEY",
            ConstraintKind::Unique => "UNIQUE",
            ConstraintKind::ForeignKey(_) => "FOREIGN KEY",
        };
        let mut cells = cells(database, schema, table, key);
        cells.extend([
            ("TABLE_CATALOG", text(database.header.name.as_str())),
            ("TABLE_SCHEMA", text(schema.header.name.as_str())),
            ("TABLE_NAME", text(table.header.name.as_str())),
            ("CONSTRAINT_TYPE", text(kind)),
            ("IS_DEFERRABLE", yes_no(false)),
            ("INITIALLY_DEFERRED", yes_no(false)),
            ("ENFORCED", yes_no(false)),
            ("RELY", yes_no(key.rely)),
        ]);
        listing.add(&cells);
    });
}

pub(super) fn referential(
    context: &IntrospectionContext,
    database: &Database,
    listing: &mut Listing,
) {
    each(context, database, &mut |schema, table, key| {
        let ConstraintKind::ForeignKey(foreign) = &key.kind else { return };
        let [referred_database, referred_schema, _] = &foreign.table;
        let mut cells = cells(database, schema, table, key);
        cells.extend([
            ("UNIQUE_CONSTRAINT_CATALOG", text(referred_database.as_str())),
            ("UNIQUE_CONSTRAINT_SCHEMA", text(referred_schema.as_str())),
            ("UNIQUE_CONSTRAINT_NAME", optional(referred_key(&context.catalog, foreign))),
            ("MATCH_OPTION", text("FULL")),
            ("UPDATE_RULE", text(foreign.on_update.as_str())),
            ("DELETE_RULE", text(foreign.on_delete.as_str())),
        ]);
        listing.add(&cells);
    });
}
