//! SHOW TABLES, VIEWS, MATERIALIZED VIEWS and OBJECTS.

use firn_account::catalog::{Header, MaterializedView, Namespace, Object, Table, TableKind, View};
use firn_types::{Result, Value};

use super::ShowContext;
use super::scope::{Located, Place};
use crate::introspect::listing::{Cell, Listing, on_off, text, time, totals, true_false};

const TABLES: &str = "created_on:time, name, database_name, schema_name, kind, comment, cluster_by, \
                      rows:number, bytes:number, owner, retention_time, automatic_clustering, \
                      change_tracking, search_optimization, search_optimization_progress, \
                      search_optimization_bytes, is_external, enable_schema_evolution, \
                      owner_role_type, is_event, budget, is_hybrid, is_iceberg, is_dynamic, \
                      is_immutable";

const VIEWS: &str = "created_on:time, name, reserved, database_name, schema_name, owner, comment, \
                     text, is_secure, is_materialized, owner_role_type, change_tracking";

const MATERIALIZED_VIEWS: &str = "created_on:time, name, reserved, database_name, schema_name, \
                                  cluster_by, rows:number, bytes:number, source_database_name, \
                                  source_schema_name, source_table_name, refreshed_on:time, \
                                  compacted_on:time, owner, invalid, invalid_reason, behind_by, \
                                  comment, text, is_secure, automatic_clustering, \
                                  owner_role_type, budget";

const OBJECTS: &str = "created_on:time, name, database_name, schema_name, kind, comment, cluster_by, \
                       rows:number, bytes:number, owner, retention_time, owner_role_type, is_hybrid, \
                       is_dynamic, is_iceberg, is_interactive";

/// Whether a table's micro-partitions are sorted again by themselves.
pub(in crate::introspect) fn is_reclustered(table: &Table) -> bool {
    !table.cluster_by.is_empty() && !table.recluster_suspended
}

impl ShowContext<'_> {
    /// SHOW TABLES.
    pub(in crate::introspect) fn tables(&self) -> Result<Listing> {
        let mut listing = self.history_listing(TABLES, ", retention_time");
        for found in self.scoped_objects(Namespace::Relation)? {
            let Object::Table(table) = &found.object else { continue };
            if table.dynamic.is_some() {
                continue;
            }
            let mut cells = self.table_cells(table, &found.place);
            cells.push(("kind", text(table_kind(table))));
            self.add(&mut listing, &table.header.name, &cells);
        }
        Ok(listing)
    }

    fn table_cells(&self, table: &Table, place: &Place) -> Vec<Cell<'static>> {
        let mut cells = self.located(&table.header, place);
        let [rows, bytes] = totals(&table.snapshot);
        cells.extend([
            ("cluster_by", text(linear(&table.cluster_by))),
            ("rows", rows),
            ("bytes", bytes),
            ("retention_time", text(self.catalog.retention_days(table).to_string())),
            ("automatic_clustering", on_off(is_reclustered(table))),
            ("change_tracking", on_off(table.change_tracking)),
            ("search_optimization", on_off(false)),
            ("is_external", text("N")),
            ("enable_schema_evolution", text(if table.schema_evolution { "Y" } else { "N" })),
            ("is_event", text("N")),
            ("is_hybrid", text("N")),
            ("is_iceberg", text("N")),
            ("is_dynamic", text("N")),
            ("is_immutable", text("N")),
        ]);
        cells
    }

    /// SHOW VIEWS.
    pub(in crate::introspect) fn views(&self) -> Result<Listing> {
        let mut listing = self.listing(VIEWS);
        for found in self.scoped_objects(Namespace::Relation)? {
            let cells = match &found.object {
                Object::View(view) => self.view_cells(view, &found.place),
                Object::MaterializedView(view) => {
                    let mut cells = self.materialized_cells(view, &found.place);
                    cells.push(("is_materialized", true_false(true)));
                    cells.push(("change_tracking", on_off(false)));
                    cells
                }
                _ => continue,
            };
            self.add(&mut listing, found.object.name(), &cells);
        }
        Ok(listing)
    }

    /// SHOW MATERIALIZED VIEWS.
    pub(in crate::introspect) fn materialized_views(&self) -> Result<Listing> {
        let mut listing = self.listing(MATERIALIZED_VIEWS);
        for found in self.scoped_objects(Namespace::Relation)? {
            let Object::MaterializedView(view) = &found.object else { continue };
            self.add(&mut listing, &view.header.name, &self.materialized_cells(view, &found.place));
        }
        Ok(listing)
    }

    fn materialized_cells(&self, view: &MaterializedView, place: &Place) -> Vec<Cell<'static>> {
        let source = self.catalog.full_name(view.base_table);
        let mut source = source.splitn(3, '.').map(str::to_string);
        let mut part = || text(source.next().unwrap_or_default());
        let refreshed = match view.state.reflects {
            Some(_) => time(view.state.refreshed_nanos),
            None => Value::Null,
        };
        let invalid = view.state.invalid_reason.is_some();
        let mut cells = self.located(&view.header, place);
        let [rows, bytes] = totals(&view.state.snapshot);
        cells.extend([
            ("kind", text("MATERIALIZED_VIEW")),
            ("cluster_by", text(linear(&view.cluster_by))),
            ("rows", rows),
            ("bytes", bytes),
            ("source_database_name", part()),
            ("source_schema_name", part()),
            ("source_table_name", part()),
            ("refreshed_on", refreshed),
            ("invalid", true_false(invalid)),
            ("invalid_reason", text(view.state.invalid_reason.clone().unwrap_or_default())),
            ("behind_by", text("0s")),
            ("text", self.view_text(&view.header, view.secure, &view.text)),
            ("is_secure", true_false(view.secure)),
            ("automatic_clustering", on_off(!view.cluster_by.is_empty())),
        ]);
        cells
    }

    /// What all objects of a schema show.
    pub(super) fn located(&self, header: &Header, place: &Place) -> Vec<Cell<'static>> {
        vec![
            ("created_on", time(header.created_nanos)),
            ("name", text(header.name.as_str())),
            ("database_name", text(place.database())),
            ("schema_name", text(place.schema())),
            ("owner", self.owner(header)),
            ("comment", text(header.comment.as_str())),
            ("dropped_on", header.dropped_nanos.map_or(Value::Null, time)),
            ("owner_role_type", text("ROLE")),
        ]
    }

    /// The text of a view; of a secure one only for its owner.
    fn view_text(&self, header: &Header, secure: bool, written: &str) -> Value {
        let hidden = secure && !self.catalog.rights().includes(header.owner);
        text(if hidden { "" } else { written })
    }

    fn view_cells(&self, view: &View, place: &Place) -> Vec<Cell<'static>> {
        let mut cells = self.located(&view.header, place);
        cells.extend([
            ("kind", text("VIEW")),
            ("text", self.view_text(&view.header, view.secure, &view.text)),
            ("is_secure", true_false(view.secure)),
            ("is_materialized", true_false(false)),
            ("change_tracking", on_off(false)),
        ]);
        cells
    }

    /// SHOW OBJECTS: tables and views.
    pub(super) fn tables_and_views(&self) -> Result<Listing> {
        let mut listing = self.listing(OBJECTS);
        for found in self.scoped_objects(Namespace::Relation)? {
            let Located { place, object } = &found;
            let mut cells = match object {
                Object::Table(table) => self.table_cells(table, place),
                Object::View(view) => self.view_cells(view, place),
                Object::MaterializedView(view) => self.materialized_cells(view, place),
                Object::ExternalTable(table) => self.located(&table.header, place),
                _ => continue,
            };
            // Another kind of the same name stands before the object's own: the first one counts.
            let kind = match object {
                Object::Table(table) if table.is_temporary() => "TEMPORARY",
                Object::Table(_) => "TABLE",
                Object::View(_) => "VIEW",
                Object::ExternalTable(_) => "EXTERNAL_TABLE",
                _ => "MATERIALIZED_VIEW",
            };
            cells.insert(0, ("kind", text(kind)));
            let features = ["is_hybrid", "is_dynamic", "is_iceberg", "is_interactive"];
            if object.as_table().is_some_and(|table| table.dynamic.is_some()) {
                cells.push(("is_dynamic", text("Y")));
            }
            cells.extend(features.map(|name| (name, text("N"))));
            self.add(&mut listing, object.name(), &cells);
        }
        Ok(listing)
    }
}

fn table_kind(table: &Table) -> &'static str {
    match table.kind {
        TableKind::Permanent => "TABLE",
        TableKind::Transient => "TRANSIENT",
        TableKind::Temporary { .. } => "TEMPORARY",
    }
}

/// A clustering key as it is shown: `LINEAR(a, b)`; empty when there is none.
pub(in crate::introspect) fn linear(keys: &[String]) -> String {
    match keys {
        [] => String::new(),
        keys => format!("LINEAR({})", keys.join(", ")),
    }
}
