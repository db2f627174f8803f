//! TABLE_STORAGE_METRICS: what the files of tables hold, of whom, and since when.

use firn_account::catalog::{Database, Object, TableKind};
use firn_account::txn::HeldBytes;
use firn_types::{ObjectId, Result, Value};

use super::super::IntrospectionContext;
use super::super::listing::{Listing, boolean, number, text, time, yes_no};

pub(super) const TABLE_STORAGE_METRICS: &str = "TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, ID:number, \
    CLONE_GROUP_ID:number, IS_TRANSIENT, ACTIVE_BYTES:number, TIME_TRAVEL_BYTES:number, FAILSAFE_BYTES:number, \
    RETAINED_FOR_CLONE_BYTES:number, TABLE_CREATED:time, TABLE_DROPPED:time, TABLE_ENTERED_FAILSAFE:time, \
    CATALOG_CREATED:time, CATALOG_DROPPED:time, SCHEMA_CREATED:time, SCHEMA_DROPPED:time, COMMENT";

/// What is held of each table of the account, of dropped ones as long as anything is; nothing for others than
/// ACCOUNTADMIN.
pub(super) fn metrics(
    context: &IntrospectionContext,
    _: &Database,
    listing: &mut Listing,
) -> Result<()> {
    if context.catalog.authorize_admin().is_err() {
        return Ok(());
    }
    let catalog = &context.catalog;
    for (id, held) in context.shared.account.held_bytes(catalog)? {
        let is_live = catalog.is_live(id);
        if !is_live && held.total() == 0 {
            continue;
        }
        let mut cells = bytes(id, held);
        cells.push(("DELETED", boolean(!is_live)));
        // A table whose retention time is over is forgotten, also where clones have its files.
        if let Some(table) = catalog.object(id) {
            cells.extend(description(table));
            cells.extend(places(context, table));
        }
        listing.add(&cells);
    }
    Ok(())
}

type Cells = Vec<(&'static str, Value)>;

fn bytes(id: ObjectId, held: HeldBytes) -> Cells {
    vec![
        ("ID", number(id.0)),
        ("ACTIVE_BYTES", number(held.active)),
        ("TIME_TRAVEL_BYTES", number(held.time_travel)),
        ("FAILSAFE_BYTES", number(0_u64)),
        ("RETAINED_FOR_CLONE_BYTES", number(held.for_clones)),
    ]
}

fn description(object: &Object) -> Cells {
    let header = object.header();
    let table = object.as_table();
    let is_kept = table.is_none_or(|table| table.kind == TableKind::Permanent);
    let group = table.and_then(|table| table.clone_group).unwrap_or(header.id);
    vec![
        ("TABLE_NAME", text(header.name.as_str())),
        ("CLONE_GROUP_ID", number(group.0)),
        ("IS_TRANSIENT", yes_no(!is_kept)),
        ("COMMENT", text(header.comment.as_str())),
    ]
}

/// Where a table is, and since when it and its containers are there or gone. What is dropped with its container went
/// when that did.
fn places(context: &IntrospectionContext, table: &Object) -> Cells {
    let catalog = &context.catalog;
    let schema = catalog.object(table.header().parent);
    let database = schema.and_then(|schema| catalog.object(schema.header().parent));
    let (Some(schema), Some(database)) = (schema, database) else { return Vec::new() };
    let dropped = |objects: &[&Object]| {
        let nanos = objects.iter().find_map(|object| object.header().dropped_nanos);
        nanos.map_or(Value::Null, time)
    };
    vec![
        ("TABLE_SCHEMA_ID", number(schema.id().0)),
        ("TABLE_SCHEMA", text(schema.name())),
        ("TABLE_CATALOG_ID", number(database.id().0)),
        ("TABLE_CATALOG", text(database.name())),
        ("TABLE_CREATED", time(table.header().created_nanos)),
        ("TABLE_DROPPED", dropped(&[table, schema, database])),
        ("SCHEMA_CREATED", time(schema.header().created_nanos)),
        ("SCHEMA_DROPPED", dropped(&[schema, database])),
        ("CATALOG_CREATED", time(database.header().created_nanos)),
        ("CATALOG_DROPPED", dropped(&[database])),
    ]
}
