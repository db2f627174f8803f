//! What is told of dynamic tables.

use firn_account::catalog::{Namespace, Object};
use firn_types::{Result, Value};

use super::another;
use crate::introspect::ddl::Writer;
use crate::introspect::listing::{Listing, optional, text, time, totals};
use crate::introspect::show::{ShowContext, is_reclustered, linear};

const DYNAMIC_TABLES: &str = "created_on:time, name, reserved, database_name, schema_name, \
                              cluster_by, rows:number, bytes:number, owner, target_lag, \
                              refresh_mode, refresh_mode_reason, warehouse, comment, text, \
                              automatic_clustering, scheduling_state, last_suspended_on:time, \
                              is_clone, is_replica, data_timestamp:time, owner_role_type";

/// SHOW DYNAMIC TABLES.
pub(super) fn show(show: &ShowContext<'_>) -> Result<Listing> {
    let mut listing = show.listing(DYNAMIC_TABLES);
    for found in show.scoped_objects(Namespace::Relation)? {
        let Object::Table(table) = &found.object else { continue };
        let Some(dynamic) = &table.dynamic else { continue };
        let header = &table.header;
        let [rows, bytes] = totals(&table.snapshot);
        let clustered = if is_reclustered(table) { "ON" } else { "OFF" };
        let state = dynamic.state.as_ref();
        let cells = [
            ("created_on", time(header.created_nanos)),
            ("name", text(header.name.as_str())),
            ("kind", text("DYNAMIC_TABLE")),
            ("database_name", text(found.place.database())),
            ("schema_name", text(found.place.schema())),
            ("cluster_by", text(linear(&table.cluster_by))),
            ("rows", rows),
            ("bytes", bytes),
            ("owner", show.owner(header)),
            ("target_lag", text(dynamic.target_lag.as_deref().unwrap_or("DOWNSTREAM"))),
            ("refresh_mode", text(dynamic.mode.word())),
            ("refresh_mode_reason", optional(dynamic.mode_reason.as_deref())),
            ("warehouse", optional(dynamic.warehouse.as_deref())),
            ("comment", text(header.comment.as_str())),
            ("text", text(dynamic.text.as_str())),
            ("automatic_clustering", text(clustered)),
            ("scheduling_state", text(if dynamic.suspended { "SUSPENDED" } else { "ACTIVE" })),
            ("last_suspended_on", dynamic.suspended_nanos.map_or(Value::Null, time)),
            ("is_clone", text("false")),
            ("is_replica", text("false")),
            ("data_timestamp", state.map_or(Value::Null, |state| time(state.data_nanos))),
            ("owner_role_type", text("ROLE")),
        ];
        show.add(&mut listing, &header.name, &cells);
    }
    Ok(listing)
}

/// The statement that makes a dynamic table again.
pub(super) fn define(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let Object::Table(table) = object else { return Err(another()) };
    let Some(dynamic) = &table.dynamic else { return Err(another()) };
    let names = table.columns.iter().map(|column| firn_types::Identifier::to_sql(&column.name));
    let names: Vec<String> = names.map(|name| format!("\n\t{name}")).collect();
    let lag = match &dynamic.target_lag {
        Some(lag) => format!("'{lag}'"),
        None => "DOWNSTREAM".to_string(),
    };
    let warehouse = dynamic.warehouse.as_deref().map(firn_types::Identifier::to_sql);
    let warehouse = warehouse.map_or(String::new(), |name| format!(" warehouse = {name}"));
    Ok(format!(
        "create or replace dynamic table {}({}\n) target_lag = {lag} refresh_mode = {} initialize = ON_CREATE{warehouse}\n as {};",
        writer.name(&table.header),
        names.join(","),
        dynamic.mode_asked,
        dynamic.query,
    ))
}
