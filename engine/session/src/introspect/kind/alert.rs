//! What is told of alerts.

use firn_account::catalog::{Namespace, Object};
use firn_types::{Identifier, Result};

use super::another;
use crate::introspect::ddl::{Writer, quoted};
use crate::introspect::listing::{Listing, optional, text, time};
use crate::introspect::show::ShowContext;

const ALERTS: &str = "created_on:time, name, database_name, schema_name, owner, comment, warehouse, \
                      schedule, state, condition, action, owner_role_type";

/// SHOW ALERTS.
pub(super) fn show(show: &ShowContext<'_>) -> Result<Listing> {
    let mut listing = show.listing(ALERTS);
    for found in show.scoped_objects(Namespace::Alert)? {
        let Object::Alert(alert) = &found.object else { continue };
        let header = &alert.header;
        let cells = [
            ("created_on", time(header.created_nanos)),
            ("name", text(header.name.as_str())),
            ("kind", text("ALERT")),
            ("database_name", text(found.place.database())),
            ("schema_name", text(found.place.schema())),
            ("owner", show.owner(header)),
            ("comment", text(header.comment.as_str())),
            ("warehouse", optional(alert.warehouse.as_deref())),
            ("schedule", text(alert.schedule.as_str())),
            ("state", text(if alert.started { "started" } else { "suspended" })),
            ("condition", text(alert.condition.as_str())),
            ("action", text(alert.action.as_str())),
            ("owner_role_type", text("ROLE")),
        ];
        show.add(&mut listing, &header.name, &cells);
    }
    Ok(listing)
}

/// The statement that makes an alert again.
pub(super) fn define(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let Object::Alert(alert) = object else { return Err(another()) };
    let mut statement = format!("create or replace alert {}", writer.name(&alert.header));
    if let Some(warehouse) = &alert.warehouse {
        statement.push_str(&format!("\n\twarehouse={}", Identifier::to_sql(warehouse)));
    }
    statement.push_str(&format!("\n\tschedule={}", quoted(&alert.schedule)));
    if !alert.header.comment.is_empty() {
        statement.push_str(&format!("\n\tcomment={}", quoted(&alert.header.comment)));
    }
    let (condition, action) = (&alert.condition, &alert.action);
    Ok(format!("{statement}\n\tif (exists(\n{condition}\n))\n\tthen\n{action};"))
}
