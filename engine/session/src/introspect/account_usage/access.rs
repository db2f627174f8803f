//! ACCESS_HISTORY: what statements have read, changed and defined, and the policies that were applied.

use firn_storage::format::v1::{Access, AccessedObject, AccessedPolicy, RanStatement};
use firn_types::Result;
use serde_json::{Value as Json, json};

use super::View;
use super::history::{EVENTS_MAX, SINCE_NANOS};
use crate::introspect::IntrospectionContext;
use crate::introspect::listing::{Listing, text, time, variant};
use crate::introspect::table_function::query_history;

pub(super) const ACCESS_HISTORY: &str = "QUERY_ID, QUERY_START_TIME:time, USER_NAME, \
    DIRECT_OBJECTS_ACCESSED:array, BASE_OBJECTS_ACCESSED:array, OBJECTS_MODIFIED:array, \
    OBJECT_MODIFIED_BY_DDL:object, POLICIES_REFERENCED:array, PARENT_QUERY_ID, ROOT_QUERY_ID";

pub(super) fn accesses(
    context: &IntrospectionContext,
    _: &View,
    listing: &mut Listing,
) -> Result<()> {
    let since = context.now_nanos.saturating_sub(SINCE_NANOS);
    let counts = |ran: &RanStatement| {
        let done = ran.end.as_ref().is_some_and(|end| end.error.is_none());
        // What is only explained is not read.
        done && ran.access.is_some() && ran.query_type != "EXPLAIN"
    };
    for ran in query_history::statements(context, since, EVENTS_MAX, counts)? {
        let Some(access) = &ran.access else { continue };
        let objects = |objects: &[AccessedObject]| {
            variant(&Json::Array(objects.iter().map(object).collect()))
        };
        let mut cells = vec![
            ("QUERY_ID", text(ran.query_id.as_str())),
            ("QUERY_START_TIME", time(ran.start_nanos)),
            ("USER_NAME", text(ran.user.as_str())),
            ("DIRECT_OBJECTS_ACCESSED", objects(&access.direct)?),
            ("BASE_OBJECTS_ACCESSED", objects(&access.base)?),
            ("OBJECTS_MODIFIED", variant(&modified(access))?),
            ("POLICIES_REFERENCED", variant(&policies(&access.policies))?),
        ];
        if let Some(definition) = &access.definition {
            let AccessedObject { domain, id, name, .. } = &definition.object;
            let changed = json!({
                "objectDomain": domain,
                "objectId": id,
                "objectName": name,
                "operationType": definition.operation,
                "properties": {},
            });
            cells.push(("OBJECT_MODIFIED_BY_DDL", variant(&changed)?));
        }
        listing.add(&cells);
    }
    Ok(())
}

fn object(object: &AccessedObject) -> Json {
    let AccessedObject { domain, id, name, columns } = object;
    let mut json = json!({ "objectDomain": domain, "objectId": id, "objectName": name });
    if !columns.is_empty() {
        let column = |(id, name): &(u32, String)| json!({ "columnId": id, "columnName": name });
        json["columns"] = columns.iter().map(column).collect();
    }
    json
}

/// What was written, with the columns from which the values of each column come.
fn modified(access: &Access) -> Json {
    let sources = |columns: &[(u64, u32)], among: &[AccessedObject]| {
        columns.iter().filter_map(|column| source(*column, among)).collect::<Json>()
    };
    let each = |written: &AccessedObject| {
        let mut json = object(written);
        let shown = json.get_mut("columns").and_then(Json::as_array_mut).into_iter().flatten();
        for ((id, _), shown) in written.columns.iter().zip(shown) {
            let lineage = access.lineage.iter().find(|one| one.column == (written.id, *id));
            let (direct, base) = match lineage {
                Some(lineage) => (lineage.direct.as_slice(), lineage.base.as_slice()),
                None => Default::default(),
            };
            shown["directSources"] = sources(direct, &access.direct);
            shown["baseSources"] = sources(base, &access.base);
        }
        json
    };
    Json::Array(access.modified.iter().map(each).collect())
}

/// A column of an object that was read.
fn source((id, column): (u64, u32), among: &[AccessedObject]) -> Option<Json> {
    let of = among.iter().find(|object| object.id == id)?;
    let (_, name) = of.columns.iter().find(|(known, _)| *known == column)?;
    let AccessedObject { domain, id, name: of, .. } = of;
    Some(json!({
        "columnName": name, "objectDomain": domain, "objectId": id, "objectName": of,
    }))
}

/// What is protected, each once, with the policies of itself and of its columns.
fn policies(all: &[AccessedPolicy]) -> Json {
    let mut found: Vec<Json> = Vec::new();
    let mut done: Vec<u64> = Vec::new();
    for first in all {
        if done.contains(&first.on.id) {
            continue;
        }
        done.push(first.on.id);
        let on: Vec<&AccessedPolicy> = all.iter().filter(|one| one.on.id == first.on.id).collect();
        let mut json = object(&first.on);
        let own: Vec<Json> =
            on.iter().filter(|one| one.column.is_none()).map(|one| policy(one)).collect();
        if !own.is_empty() {
            json["policies"] = Json::Array(own);
        }
        let columns: Vec<Json> = on
            .iter()
            .filter_map(|one| {
                let (id, name) = one.column.as_ref()?;
                Some(json!({ "columnId": id, "columnName": name, "policies": [policy(one)] }))
            })
            .collect();
        if !columns.is_empty() {
            json["columns"] = Json::Array(columns);
        }
        found.push(json);
    }
    Json::Array(found)
}

fn policy(one: &AccessedPolicy) -> Json {
    let AccessedObject { domain, id, name, .. } = &one.policy;
    let kind = domain.to_uppercase().replace(' ', "_");
    json!({ "policyName": name, "policyId": id, "policyKind": kind })
}
