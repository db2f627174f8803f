//! SHOW PRIMARY KEYS, UNIQUE KEYS, IMPORTED KEYS and EXPORTED KEYS.

use firn_account::catalog::VisibleCatalog;
use firn_account::catalog::{Constraint, ConstraintKind, ForeignKey, Object, Table};
use firn_types::Result;

use super::ShowContext;
use super::scope::Located;
use crate::introspect::listing::{Listing, number, text, time, true_false};

const KEYS: &str = "created_on:time, database_name, schema_name, table_name, column_name, \
                    key_sequence:number, constraint_name, rely, comment";

const FOREIGN_KEYS: &str = "created_on:time, pk_database_name, pk_schema_name, pk_table_name, \
                            pk_column_name, fk_database_name, fk_schema_name, fk_table_name, \
                            fk_column_name, key_sequence:number, update_rule, delete_rule, fk_name, \
                            pk_name, deferrability, rely, comment";

/// Which keys are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// PRIMARY KEY.
    Primary,
    /// UNIQUE.
    Unique,
}

/// From which side foreign keys are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The keys of the tables of the scope.
    Imported,
    /// The keys that refer to the tables of the scope.
    Exported,
}

impl ShowContext<'_> {
    /// SHOW PRIMARY KEYS and SHOW UNIQUE KEYS.
    pub(super) fn keys(&self, which: Which) -> Result<Listing> {
        let mut listing = Listing::show(KEYS);
        for found in self.scoped_relations()? {
            let Object::Table(table) = &found.object else { continue };
            for key in &table.constraints {
                let fits = match key.kind {
                    ConstraintKind::PrimaryKey => which == Which::Primary,
                    ConstraintKind::Unique => which == Which::Unique,
                    ConstraintKind::ForeignKey(_) => false,
                };
                if fits {
                    self.add_key(&mut listing, &found, table, key);
                }
            }
        }
        Ok(listing)
    }

    fn add_key(&self, listing: &mut Listing, found: &Located, table: &Table, key: &Constraint) {
        for (name, place) in column_names(table, key).iter().zip(1_i64..) {
            let cells = [
                ("created_on", time(table.header.created_nanos)),
                ("database_name", text(found.place.database())),
                ("schema_name", text(found.place.schema())),
                ("table_name", text(table.header.name.as_str())),
                ("column_name", text(name.as_str())),
                ("key_sequence", number(place)),
                ("constraint_name", text(key.name.as_str())),
                ("rely", true_false(key.rely)),
                ("comment", text(key.comment.as_str())),
            ];
            self.add(listing, &table.header.name, &cells);
        }
    }

    /// SHOW IMPORTED KEYS and SHOW EXPORTED KEYS.
    pub(super) fn foreign_keys(&self, side: Side) -> Result<Listing> {
        let mut listing = Listing::show(FOREIGN_KEYS);
        let scoped = self.scoped_relations()?;
        if side == Side::Imported {
            for table in scoped.iter().filter_map(|found| found.object.as_table()) {
                self.add_foreign(&mut listing, table, |_| true);
            }
            return Ok(listing);
        }
        let full_name = |found: &Located| {
            let (database, schema) = (found.place.database(), found.place.schema());
            [database, schema, found.object.name()].map(str::to_string)
        };
        let wanted: Vec<[String; 3]> = scoped.iter().map(full_name).collect();
        let mut tables: Vec<_> = self.catalog.all().filter_map(Object::as_table).collect();
        tables.retain(|table| self.catalog.is_live(table.id()));
        tables.sort_by_cached_key(|table| self.catalog.full_name(table.id()));
        for table in tables {
            self.add_foreign(&mut listing, table, |key| wanted.contains(&key.table));
        }
        Ok(listing)
    }

    fn add_foreign(
        &self,
        listing: &mut Listing,
        table: &Table,
        wants: impl Fn(&ForeignKey) -> bool,
    ) {
        let full = self.catalog.full_name(table.header.parent);
        let (database, schema) = full.split_once('.').unwrap_or((&full, ""));
        for key in &table.constraints {
            let ConstraintKind::ForeignKey(foreign) = &key.kind else { continue };
            if !wants(foreign) {
                continue;
            }
            let names = column_names(table, key);
            for ((own, referred), place) in names.iter().zip(&foreign.columns).zip(1_i64..) {
                let cells = [
                    ("created_on", time(table.header.created_nanos)),
                    ("pk_database_name", text(foreign.table[0].as_str())),
                    ("pk_schema_name", text(foreign.table[1].as_str())),
                    ("pk_table_name", text(foreign.table[2].as_str())),
                    ("pk_column_name", text(referred.as_str())),
                    ("fk_database_name", text(database)),
                    ("fk_schema_name", text(schema)),
                    ("fk_table_name", text(table.header.name.as_str())),
                    ("fk_column_name", text(own.as_str())),
                    ("key_sequence", number(place)),
                    ("update_rule", text(foreign.on_update.as_str())),
                    ("delete_rule", text(foreign.on_delete.as_str())),
                    ("fk_name", text(key.name.as_str())),
                    ("pk_name", text(referred_key(&self.catalog, foreign).unwrap_or_default())),
                    ("deferrability", text("NOT DEFERRABLE")),
                    ("rely", true_false(key.rely)),
                    ("comment", text(key.comment.as_str())),
                ];
                self.add(listing, &table.header.name, &cells);
            }
        }
    }
}

/// The name of the key that a foreign key refers to; none when it is gone.
pub(in crate::introspect) fn referred_key(
    catalog: &VisibleCatalog,
    foreign: &ForeignKey,
) -> Option<String> {
    let [database, schema, name] = foreign.table.clone();
    let path = firn_account::catalog::ObjectPath { database, schema, name };
    let found = catalog.find_path(firn_account::catalog::Namespace::Relation, &path);
    let table = found.and_then(Object::as_table)?;
    let fits = |key: &&Constraint| {
        !matches!(key.kind, ConstraintKind::ForeignKey(_))
            && column_names(table, key) == foreign.columns
    };
    table.constraints.iter().find(fits).map(|key| key.name.clone())
}

/// The names of a key's columns, in the key's order.
fn column_names(table: &Table, key: &Constraint) -> Vec<String> {
    let columns = key.columns.iter().filter_map(|field| table.field(*field));
    columns.map(|column| column.name.clone()).collect()
}
