//! SHOW DATABASES and SHOW SCHEMAS.

use firn_account::catalog::{ACCOUNT, Namespace, Object, ObjectKind};
use firn_types::Result;

use super::ShowContext;
use crate::introspect::information_schema::INFORMATION_SCHEMA;
use crate::introspect::listing::{Listing, number, optional, text, time, y_n};

const DATABASES: &str = "created_on:time, name, is_default, is_current, origin, owner, comment, \
                         options, retention_time, kind, owner_role_type, object_visibility";

const SCHEMAS: &str = "created_on:time, name, is_default, is_current, database_name, owner, comment, \
                       options, retention_time, owner_role_type";

impl ShowContext<'_> {
    /// SHOW DATABASES.
    pub(in crate::introspect) fn databases(&self) -> Result<Listing> {
        let mut listing = self.history_listing(DATABASES, ", kind");
        let current = self.running.session.path.database.as_deref();
        for object in self.children(Namespace::Database, ACCOUNT) {
            let Object::Database(database) = &object else { continue };
            let header = &database.header;
            let is_current = current == Some(&header.name) && header.dropped_nanos.is_none();
            let options = if database.transient { "TRANSIENT" } else { "" };
            let days = self.catalog.container_retention_days(header.id);
            self.add(
                &mut listing,
                &header.name,
                &[
                    ("created_on", time(header.created_nanos)),
                    ("name", text(header.name.as_str())),
                    ("is_default", y_n(false)),
                    ("is_current", y_n(is_current)),
                    ("owner", self.owner(header)),
                    ("comment", text(header.comment.as_str())),
                    ("options", text(options)),
                    ("retention_time", text(days.to_string())),
                    ("kind", text("STANDARD")),
                    ("dropped_on", header.dropped_nanos.map_or(firn_types::Value::Null, time)),
                    ("owner_role_type", text("ROLE")),
                ],
            );
        }
        Ok(listing)
    }

    /// SHOW SCHEMAS.
    pub(in crate::introspect) fn schemas(&self) -> Result<Listing> {
        let mut listing = self.history_listing(SCHEMAS, ", retention_time");
        let path = &self.running.session.path;
        for database in self.scoped_databases()? {
            let in_use = path.database.as_ref() == Some(&database.header.name);
            let database_name = || text(database.header.name.as_str());
            let mut pending = Some(INFORMATION_SCHEMA);
            for object in self.children(Namespace::Schema, database.header.id) {
                if let Some(name) = pending.take_if(|name| object.name() > *name) {
                    self.add_information_schema(&mut listing, name, &database.header);
                }
                let Object::Schema(schema) = &object else { continue };
                let header = &schema.header;
                let is_current = in_use
                    && path.schema.as_ref() == Some(&header.name)
                    && header.dropped_nanos.is_none();
                let options = match (schema.transient, schema.managed_access) {
                    (true, true) => "TRANSIENT, MANAGED ACCESS",
                    (true, false) => "TRANSIENT",
                    (false, true) => "MANAGED ACCESS",
                    (false, false) => "",
                };
                let days = self.catalog.container_retention_days(header.id);
                self.add(
                    &mut listing,
                    &header.name,
                    &[
                        ("created_on", time(header.created_nanos)),
                        ("name", text(header.name.as_str())),
                        ("is_default", y_n(false)),
                        ("is_current", y_n(is_current)),
                        ("database_name", database_name()),
                        ("owner", self.owner(header)),
                        ("comment", text(header.comment.as_str())),
                        ("options", text(options)),
                        ("retention_time", text(days.to_string())),
                        ("dropped_on", header.dropped_nanos.map_or(firn_types::Value::Null, time)),
                        ("owner_role_type", text("ROLE")),
                    ],
                );
            }
            if let Some(name) = pending {
                self.add_information_schema(&mut listing, name, &database.header);
            }
        }
        Ok(listing)
    }

    fn add_information_schema(
        &self,
        listing: &mut Listing,
        name: &str,
        database: &firn_account::catalog::Header,
    ) {
        let cells = [
            ("created_on", time(database.created_nanos)),
            ("name", text(name)),
            ("is_default", y_n(false)),
            ("is_current", y_n(false)),
            ("database_name", text(database.name.as_str())),
            ("comment", text("Views describing the contents of schemas in this database")),
            ("retention_time", text("1")),
        ];
        self.add(listing, name, &cells);
    }

    /// SHOW SEQUENCES.
    pub(in crate::introspect) fn sequences(&self) -> Result<Listing> {
        const SEQUENCES: &str = "name, database_name, schema_name, next_value:number, \
                                 interval:number, created_on:time, owner, comment, \
                                 owner_role_type, ordered";
        let mut listing = self.listing(SEQUENCES);
        for found in self.scoped_objects(Namespace::Sequence)? {
            let Object::Sequence(sequence) = &found.object else { continue };
            let header = &sequence.header;
            let next = self.running.session.shared.account.next_value(sequence);
            self.add(
                &mut listing,
                &header.name,
                &[
                    ("created_on", time(header.created_nanos)),
                    ("name", text(header.name.as_str())),
                    ("kind", optional(Some(ObjectKind::Sequence.words().to_string()))),
                    ("database_name", text(found.place.database())),
                    ("schema_name", text(found.place.schema())),
                    ("next_value", number(next)),
                    ("interval", number(sequence.step)),
                    ("owner", self.owner(header)),
                    ("comment", text(header.comment.as_str())),
                    ("owner_role_type", text("ROLE")),
                    ("ordered", y_n(sequence.ordered)),
                ],
            );
        }
        Ok(listing)
    }
}
