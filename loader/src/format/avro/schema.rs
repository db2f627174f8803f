//! The schema that a file's blocks are read by.

use std::collections::HashMap;

use serde_json::Value as Json;

/// Most parts that a schema may have where each name stands for what it names. A name is quickly written, but what it
/// stands for is built anew wherever it stands: without an end, where each of many names stands for two of the next.
const PARTS_MAX: usize = 100_000;

/// The schema without logical types that SQL does not have: a UUID stays the text that it is written as, a
/// duration the bytes.
///
/// # Errors
/// What is wrong with it.
pub(super) fn plain_schema(schema: &str) -> Result<String, String> {
    let mut schema: Json = serde_json::from_str(schema).map_err(|error| error.to_string())?;
    if parts(&schema, &mut HashMap::new()) > PARTS_MAX {
        return Err(format!("its schema has more than {PARTS_MAX} parts"));
    }
    let mut pending = vec![&mut schema];
    while let Some(node) = pending.pop() {
        match node {
            Json::Object(members) => {
                let logical = members.get("logicalType").and_then(Json::as_str);
                if matches!(logical, Some("uuid" | "duration")) {
                    members.remove("logicalType");
                }
                pending.extend(members.values_mut());
            }
            Json::Array(items) => pending.extend(items),
            _ => {}
        }
    }
    Ok(schema.to_string())
}

/// How many parts a schema has, those that names stand for included. Of types with the same name in different
/// namespaces the largest counts. The depth is bounded by the reader of JSON.
fn parts<'s>(schema: &'s Json, named: &mut HashMap<&'s str, usize>) -> usize {
    match schema {
        Json::String(name) => named.get(own_name(name)).copied().unwrap_or(1),
        Json::Array(items) => {
            items.iter().fold(0, |sum: usize, item| sum.saturating_add(parts(item, named)))
        }
        Json::Object(members) => {
            let mut count = 1_usize;
            for key in ["type", "fields", "items", "values"] {
                let inner = members.get(key).map_or(0, |inner| parts(inner, named));
                count = count.saturating_add(inner);
            }
            let kind = members.get("type").and_then(Json::as_str);
            if let Some("record" | "error" | "enum" | "fixed") = kind
                && let Some(name) = members.get("name").and_then(Json::as_str)
            {
                let known = named.entry(own_name(name)).or_default();
                *known = count.max(*known);
            }
            count
        }
        _ => 1,
    }
}

/// A name without its namespace.
fn own_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of records, each of two of the one before.
    fn doubling(levels: usize) -> String {
        let record = |level: usize| {
            let inner = match level {
                0 => "\"int\"".to_owned(),
                level => format!("\"x.R{}\"", level - 1),
            };
            format!(
                r#"{{"name":"f{level}","type":{{"type":"record","name":"x.R{level}","fields":[
                    {{"name":"a","type":{inner}}},{{"name":"b","type":{inner}}}]}}}}"#
            )
        };
        let fields: Vec<String> = (0..levels).map(record).collect();
        format!(r#"{{"type":"record","name":"all","fields":[{}]}}"#, fields.join(","))
    }

    #[test]
    fn names_count_as_what_they_stand_for() {
        assert!(plain_schema(&doubling(8)).is_ok());
        let error = plain_schema(&doubling(60)).expect_err("it has too many parts");
        assert_eq!(error, "its schema has more than 100000 parts");
    }

    #[test]
    fn a_uuid_is_a_text() {
        let schema = r#"{"type":"string","logicalType":"uuid"}"#;
        assert_eq!(plain_schema(schema).as_deref(), Ok(r#"{"type":"string"}"#));
    }
}
