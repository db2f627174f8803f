//! What ACCESS_HISTORY keeps of a statement: the objects that it has read, directly and below views, those that it has
//! changed, and the policies that were applied.

use std::collections::BTreeSet;

use firn_account::CatalogChange;
use firn_account::catalog::{Catalog, Object, VisibleCatalog};
use firn_plan::Plan;
use firn_plan::statement::StatementPlan;
use firn_query::bind::Accesses;
use firn_storage::ROW_ID_FIELD;
use firn_storage::format::v1::{
    Access, AccessedObject, AccessedPolicy, ChangedDefinition, ColumnLineage,
};
use firn_types::{FieldId, ObjectId};

use crate::lifecycle::StatementContext;
use crate::sources::{self, Sources, Written};

/// What the objects that a statement has read and changed take in memory.
pub(crate) fn access_bytes(access: &Access) -> usize {
    let column = |name: &String| size_of::<(u32, String)>() + name.len();
    let of = |object: &AccessedObject| {
        let columns: usize = object.columns.iter().map(|(_, name)| column(name)).sum();
        size_of::<AccessedObject>() + object.domain.len() + object.name.len() + columns
    };
    let objects = access.direct.iter().chain(&access.base).chain(&access.modified);
    let objects = objects.chain(access.definition.as_ref().map(|changed| &changed.object));
    let policies = access.policies.iter().flat_map(|applied| [&applied.on, &applied.policy]);
    let origins = |column: &ColumnLineage| {
        let count = column.direct.len() + column.base.len();
        size_of::<ColumnLineage>() + count * size_of::<(u64, u32)>()
    };
    let lineage: usize = access.lineage.iter().map(origins).sum();
    size_of::<Access>() + objects.chain(policies).map(of).sum::<usize>() + lineage
}

/// Objects, and columns of one, that are kept of a statement.
const OBJECTS_MAX: usize = 200;
const COLUMNS_MAX: usize = 1_000;

impl StatementContext {
    /// Keeps what a planned statement reads and writes.
    pub(crate) fn note_accesses(
        &self,
        accesses: &Accesses,
        plan: &StatementPlan,
        sources: &Sources,
    ) {
        let catalog = self.catalog().as_engine();
        let mut access = Access::default();
        for relation in &accesses.relations {
            let Some(object) = catalog.object(relation.object) else { continue };
            let columns = object.columns();
            let named = accesses.named_columns(relation).into_iter();
            let fields = named.filter_map(|position| columns.get(position)).map(|(id, ..)| *id);
            if relation.direct {
                add(&catalog, &mut access.direct, object, fields.clone());
            }
            if object.rows().is_some() {
                add(&catalog, &mut access.base, object, fields);
            }
        }
        if let Some(source) = plan.source() {
            for (table, fields) in scanned(source) {
                if let Some(object) = catalog.object(table)
                    && access.base.iter().any(|read| read.id == table.0)
                {
                    add(&catalog, &mut access.base, object, fields.into_iter());
                }
            }
        }
        add_written(&catalog, &mut access, plan, sources);
        for applied in &accesses.policies {
            let Some((on, policy)) = catalog.object(applied.on).zip(catalog.object(applied.policy))
            else {
                continue;
            };
            let column = applied.field.and_then(|field| {
                let mut columns = on.columns().into_iter();
                columns.find(|(id, ..)| *id == field).map(|(id, name, _)| (id.0, name))
            });
            access.policies.push(AccessedPolicy {
                on: named(&catalog, on),
                column,
                policy: named(&catalog, policy),
            });
        }
        access.policies.truncate(OBJECTS_MAX);
        *self.record.access() = Some(Box::new(access));
    }

    /// Keeps what a statement writes that is part of another one, into an object of a catalog that has it already.
    pub(crate) fn note_modified(&self, plan: &StatementPlan, catalog: &Catalog) {
        let seen = self.catalog().past(catalog.clone()).as_engine();
        let mut access = self.record.access();
        let access = access.get_or_insert_default();
        (access.modified, access.lineage) = Default::default();
        add_written(&seen, access, plan, &self.sources);
    }

    /// Keeps which object's definition a statement has changed.
    pub(crate) fn note_definition(&self, changes: &[CatalogChange]) {
        let catalog = self.catalog().as_engine();
        let of = |object: &Object, operation: &str| ChangedDefinition {
            object: named(&catalog, object),
            operation: operation.to_string(),
        };
        let found = changes.iter().find_map(|change| match change {
            CatalogChange::Create { object, .. } => Some(of(object, "CREATE")),
            CatalogChange::Alter { object } => Some(of(object, "ALTER")),
            CatalogChange::Rename { id, .. } => catalog.object(*id).map(|it| of(it, "ALTER")),
            CatalogChange::Swap { left, .. } => catalog.object(*left).map(|it| of(it, "ALTER")),
            CatalogChange::Drop { id } => catalog.object(*id).map(|it| of(it, "DROP")),
            CatalogChange::Undrop { id } => catalog.object(*id).map(|it| of(it, "UNDROP")),
            _ => None,
        });
        if let Some(found) = found {
            let mut access = self.record.access();
            access.get_or_insert_default().definition.get_or_insert(found);
        }
    }
}

fn named(catalog: &VisibleCatalog, object: &Object) -> AccessedObject {
    let parent = object.header().parent;
    let name = match catalog.object(parent) {
        Some(_) => format!("{}.{}", catalog.full_name(parent), object.called()),
        None => object.called().to_string(),
    };
    let domain = object.kind().title().to_string();
    AccessedObject { domain, id: object.id().0, name, columns: Vec::new() }
}

/// Adds an object with some of its columns to those that are there, each once.
fn add(
    catalog: &VisibleCatalog,
    to: &mut Vec<AccessedObject>,
    object: &Object,
    fields: impl Iterator<Item = FieldId>,
) {
    let known = to.iter().position(|known| known.id == object.id().0);
    let known = known.unwrap_or_else(|| {
        to.push(named(catalog, object));
        to.len() - 1
    });
    if known >= OBJECTS_MAX {
        to.truncate(OBJECTS_MAX);
        return;
    }
    let names = &mut to[known].columns;
    let old: BTreeSet<u32> = names.iter().map(|(id, _)| *id).collect();
    let fields: BTreeSet<FieldId> = fields.collect();
    let new = object.columns().into_iter();
    let new = new.filter(|(id, ..)| fields.contains(id) && !old.contains(&id.0));
    let room = COLUMNS_MAX.saturating_sub(old.len());
    names.extend(new.map(|(id, name, _)| (id.0, name)).take(room));
    names.sort();
}

/// The tables that a plan scans, with the columns that it reads of them.
fn scanned(plan: &Plan) -> Vec<(ObjectId, BTreeSet<FieldId>)> {
    let mut found: Vec<(ObjectId, BTreeSet<FieldId>)> = Vec::new();
    plan.visit(&mut |node| {
        let Plan::Scan(scan) = node else { return };
        let fields = scan.columns.iter().map(|column| column.source.field);
        let fields = fields.filter(|field| *field != ROW_ID_FIELD);
        match found.iter_mut().find(|(id, _)| *id == scan.table.id()) {
            Some((_, known)) => known.extend(fields),
            None => found.push((scan.table.id(), fields.collect())),
        }
    });
    found
}

/// Adds the tables that a statement writes, and from which columns the values come.
fn add_written(
    catalog: &VisibleCatalog,
    access: &mut Access,
    plan: &StatementPlan,
    sources: &Sources,
) {
    for Written { table, columns } in sources::written(plan) {
        let id = table.header.id;
        let Some(object) = catalog.object(id) else { continue };
        let fields = columns.iter().filter_map(|(position, _)| table.columns.get(*position));
        add(catalog, &mut access.modified, object, fields.map(|column| column.field_id));
        for (position, values) in &columns {
            let column = table.columns.get(*position).map(|column| (id, column.field_id));
            let lineage = column.and_then(|column| sources.lineage(column, values));
            let Some(lineage) = lineage.filter(|_| access.lineage.len() < COLUMNS_MAX) else {
                continue;
            };
            add_sources(catalog, &mut access.direct, &lineage.direct);
            add_sources(catalog, &mut access.base, &lineage.base);
            access.lineage.push(lineage);
        }
    }
}

/// Names the columns from which values come among those that are read.
fn add_sources(catalog: &VisibleCatalog, to: &mut Vec<AccessedObject>, columns: &[(u64, u32)]) {
    for (id, field) in columns {
        if let Some(object) = catalog.object(ObjectId(*id)) {
            add(catalog, to, object, std::iter::once(FieldId(*field)));
        }
    }
}
