//! SYSTEM$CLUSTERING_INFORMATION and SYSTEM$CLUSTERING_DEPTH: how much micro-partitions overlap on a key.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use firn_account::Catalog;
use firn_account::catalog::{ObjectKind, Stream, Table};
use firn_expression::Expr;
use firn_functions::FunctionContext;
use firn_query::bind::{BindContext, BindServices, Binder, Placeholders, StreamStart, TimePoint};
use firn_storage::Snapshot;
use firn_types::{Error, ErrorCode, Field, ObjectId, Result, SqlType, Value};

use super::IntrospectionContext;
use crate::clustering::{self, Overlap, Range};
use crate::planning::cluster_keys;

/// Depths that have a bucket of their own in the histogram; further buckets double.
const SINGLE_BUCKETS: usize = 16;

/// The answer of SYSTEM$CLUSTERING_INFORMATION for a table and, where given, other keys than its own.
///
/// # Errors
/// When there is no such table, it has no key and none is given, or the key cannot be judged.
pub(super) fn information(
    described: &IntrospectionContext,
    table: &str,
    keys: Option<&str>,
) -> Result<String> {
    let (keys, ranges) = ranges(described, table, keys)?;
    let overlap = Overlap::of(&ranges);
    let mut text = String::from("{\n");
    let _ = writeln!(text, "  \"cluster_by_keys\" : {},", serde_json::json!(keys));
    let _ = writeln!(text, "  \"total_partition_count\" : {},", ranges.len());
    let constant = ranges.iter().filter(|range| range.is_constant()).count();
    let _ = writeln!(text, "  \"total_constant_partition_count\" : {constant},");
    let _ = writeln!(text, "  \"average_overlaps\" : {},", decimals(overlap.average_overlaps()));
    let _ = writeln!(text, "  \"average_depth\" : {},", decimals(overlap.average_depth()));
    let buckets: Vec<String> = histogram(&overlap.depths)
        .into_iter()
        .map(|(depth, count)| format!("    \"{depth:05}\" : {count}"))
        .collect();
    let _ = writeln!(text, "  \"partition_depth_histogram\" : {{\n{}\n  }},", buckets.join(",\n"));
    text.push_str("  \"clustering_errors\" : [ ]\n}");
    Ok(text)
}

/// The answer of SYSTEM$CLUSTERING_DEPTH.
///
/// # Errors
/// As [`information`].
pub(super) fn depth(
    described: &IntrospectionContext,
    table: &str,
    keys: Option<&str>,
) -> Result<f64> {
    let (_, ranges) = ranges(described, table, keys)?;
    Ok(rounded(Overlap::of(&ranges).average_depth()))
}

/// At most four decimals, and at least one.
fn decimals(value: f64) -> String {
    let text = format!("{:.4}", value);
    let text = text.trim_end_matches('0');
    if text.ends_with('.') { format!("{text}0") } else { text.to_string() }
}

fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// How many partitions have which depth: 0 to 16 each, then up to 32, 64 and so on.
fn histogram(depths: &[usize]) -> Vec<(usize, usize)> {
    let mut buckets: Vec<(usize, usize)> = (0..=SINGLE_BUCKETS).map(|depth| (depth, 0)).collect();
    let deepest = depths.iter().copied().max().unwrap_or(0);
    let mut end = SINGLE_BUCKETS;
    while end < deepest {
        end *= 2;
        buckets.push((end, 0));
    }
    for depth in depths {
        if let Some(bucket) = buckets.iter_mut().find(|(end, _)| depth <= end) {
            bucket.1 += 1;
        }
    }
    buckets
}

/// The key as it is shown, and the range of each micro-partition.
fn ranges(
    described: &IntrospectionContext,
    table: &str,
    keys: Option<&str>,
) -> Result<(String, Vec<Range>)> {
    let path = described.path(table, "SYSTEM$CLUSTERING_INFORMATION")?;
    let found = described.catalog.resolve(ObjectKind::Table, &path)?;
    let Some(table) = found.as_table() else {
        return Err(Error::not_supported("clustering information of a view"));
    };
    let mut table = Table::clone(table);
    // A number says how many errors of reclustering are wanted; there are none.
    if let Some(keys) = keys.filter(|keys| keys.trim().parse::<u64>().is_err()) {
        let keys = keys.trim();
        let inner = keys.strip_prefix('(').and_then(|keys| keys.strip_suffix(')'));
        table.cluster_by = vec![inner.unwrap_or(keys).trim().to_string()];
    }
    if table.cluster_by.is_empty() {
        let text = format!("Invalid clustering keys or table {} is not clustered", path.name);
        return Err(Error::new(ErrorCode::InvalidParameterValue, text));
    }
    let functions = FunctionContext {
        text: Arc::clone(&described.formats),
        time_zone: described.time_zone,
        ..FunctionContext::default()
    };
    let keys = bound_keys(described, &functions, &table)?;
    let partitions: Vec<_> = table.snapshot.partitions()?.iter().cloned().collect();
    let ranges = clustering::ranges(&keys, &table, &partitions, &functions)?;
    let shown = format!("LINEAR({})", table.cluster_by.join(", "));
    Ok((shown, ranges))
}

fn bound_keys(
    described: &IntrospectionContext,
    functions: &FunctionContext,
    table: &Table,
) -> Result<Vec<Expr>> {
    let variables = HashMap::new();
    let context = BindContext {
        catalog: Arc::new(described.catalog.clone()),
        path: described.current.clone(),
        functions: functions.clone(),
        variables: &variables,
        placeholders: &Placeholders::default(),
        timestamp_mapping: SqlType::TIMESTAMP_NTZ,
        nulls_first: false,
        ignore_quoted_case: false,
        simulation: None,
        services: &KeysOnly,
    };
    cluster_keys(&Binder::new(&context), table)
}

/// Keys are expressions over one table's columns: they ask nothing of the session.
#[derive(Debug)]
struct KeysOnly;

impl BindServices for KeysOnly {
    fn catalog_at(&self, _: &TimePoint, _: bool) -> Result<(Arc<Catalog>, i64)> {
        Err(Error::not_supported("time travel in a clustering key"))
    }

    fn stream_start(&self, _: &Stream) -> Result<StreamStart> {
        Err(Error::not_supported("a stream in a clustering key"))
    }

    fn changes_end(&self) -> Result<Arc<Catalog>> {
        Err(Error::not_supported("a stream in a clustering key"))
    }

    fn rows_between(&self, _: ObjectId, _: (u64, u64)) -> Result<Vec<Arc<Snapshot>>> {
        Err(Error::not_supported("a stream in a clustering key"))
    }

    fn result_fields(&self, _: &str) -> Result<Vec<Field>> {
        Err(Error::not_supported("an earlier result in a clustering key"))
    }

    fn information_schema_fields(&self, _: &str) -> Option<Vec<Field>> {
        None
    }

    fn account_usage_fields(&self, _: &str) -> Option<Vec<Field>> {
        None
    }

    fn function_fields(&self, _: &str, _: &[(String, Value)]) -> Result<Option<Vec<Field>>> {
        Ok(None)
    }

    fn values_of(&self, _: firn_plan::statement::Query, _: u32) -> Result<Vec<Value>> {
        Err(Error::not_supported("a query in a clustering key"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_ranges_share_buckets() {
        let buckets = histogram(&[1, 1, 16, 17, 32, 33]);
        assert_eq!(buckets.len(), 19);
        assert_eq!((buckets[1], buckets[16]), ((1, 2), (16, 1)));
        assert_eq!((buckets[17], buckets[18]), ((32, 2), (64, 1)));
    }
}
