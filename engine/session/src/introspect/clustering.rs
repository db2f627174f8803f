//! SYSTEM$CLUSTERING_INFORMATION and SYSTEM$CLUSTERING_DEPTH: how much micro-partitions overlap on a key.
//!
//! A micro-partition covers the range from the least to the greatest values of the key's expressions, in
//! the order of tuples. That is what a linear key sorts by: a later expression matters where the ones
//! before it are constant.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use firn_account::Catalog;
use firn_account::catalog::{ObjectKind, Table, TableColumn};
use firn_expression::Expr;
use firn_functions::FunctionContext;
use firn_query::bind::{BindContext, BindServices, Binder, Placeholders, TimePoint};
use firn_storage::Partition;
use firn_storage::statistics::compare;
use firn_types::{ColumnId, Error, ErrorCode, Field, Result, SqlType, Value};

use super::Described;
use crate::planning::cluster_keys;

/// Depths that have a bucket of their own in the histogram; further buckets double.
const SINGLE_BUCKETS: usize = 16;

/// Functions that keep the order of their one argument that is no constant, or turn it around.
const MONOTONE: &[&str] = &[
    "+",
    "-",
    "TRUNC",
    "ROUND",
    "FLOOR",
    "CEIL",
    "DATE_TRUNC",
    "TO_DATE",
    "YEAR",
    "LEFT",
    "SUBSTR",
    "LAST_DAY",
    "DATEADD",
    "TO_TIMESTAMP_NTZ",
];

/// The answer of SYSTEM$CLUSTERING_INFORMATION for a table and, where given, other keys than its own.
///
/// # Errors
/// When there is no such table, it has no key and none is given, or the key cannot be judged.
pub(super) fn information(
    described: &Described,
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
pub(super) fn depth(described: &Described, table: &str, keys: Option<&str>) -> Result<f64> {
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

/// One end of a range of one expression, in order.
#[derive(Clone, Debug)]
enum Bound {
    /// Less than all values: nothing is known.
    Lowest,
    /// A value.
    Value(Value),
    /// NULL stands behind all values.
    Null,
}

impl Bound {
    fn order(&self, other: &Bound) -> Ordering {
        let rank = |bound: &Bound| match bound {
            Bound::Lowest => 0,
            Bound::Value(_) => 1,
            Bound::Null => 2,
        };
        match (self, other) {
            (Bound::Value(a), Bound::Value(b)) => compare(a, b).unwrap_or(Ordering::Equal),
            (a, b) => rank(a).cmp(&rank(b)),
        }
    }
}

/// The range of a micro-partition: one bound for each expression of the key.
#[derive(Clone, Debug)]
struct Range {
    least: Vec<Bound>,
    greatest: Vec<Bound>,
}

fn order(a: &[Bound], b: &[Bound]) -> Ordering {
    let pairs = a.iter().zip(b).map(|(a, b)| a.order(b));
    pairs.fold(Ordering::Equal, Ordering::then)
}

impl Range {
    fn is_constant(&self) -> bool {
        let unknown = self.least.iter().any(|bound| matches!(bound, Bound::Lowest));
        !unknown && order(&self.least, &self.greatest).is_eq()
    }
}

/// How ranges overlap.
struct Overlap {
    /// For each range, how many others intersect it.
    overlaps: Vec<usize>,
    /// For each range, the greatest number of ranges, itself included, that hold one point of it.
    depths: Vec<usize>,
}

impl Overlap {
    fn of(ranges: &[Range]) -> Overlap {
        let mut points: Vec<&[Bound]> =
            ranges.iter().flat_map(|range| [&range.least[..], &range.greatest[..]]).collect();
        points.sort_by(|a, b| order(a, b));
        points.dedup_by(|a, b| order(a, b).is_eq());
        let place = |bound: &[Bound]| points.partition_point(|point| order(point, bound).is_lt());
        let places: Vec<(usize, usize)> =
            ranges.iter().map(|range| (place(&range.least), place(&range.greatest))).collect();
        // What begins and ends at each point.
        let (mut begun, mut ended) = (vec![0; points.len() + 1], vec![0; points.len() + 1]);
        for &(least, greatest) in &places {
            begun[least + 1] += 1;
            ended[greatest + 1] += 1;
        }
        for point in 1..begun.len() {
            begun[point] += begun[point - 1];
            ended[point] += ended[point - 1];
        }
        // Ranges that hold a point have begun there or before, and have not ended before.
        let covering: Vec<usize> =
            (0..points.len()).map(|point| begun[point + 1] - ended[point]).collect();
        let tallest = Tallest::of(covering);
        let overlap = |&(least, greatest): &(usize, usize)| begun[greatest + 1] - ended[least] - 1;
        Overlap {
            overlaps: places.iter().map(overlap).collect(),
            depths: places
                .iter()
                .map(|&(least, greatest)| tallest.within(least, greatest))
                .collect(),
        }
    }

    fn average_overlaps(&self) -> f64 {
        average(&self.overlaps)
    }

    fn average_depth(&self) -> f64 {
        average(&self.depths)
    }
}

fn average(counts: &[usize]) -> f64 {
    if counts.is_empty() { 0.0 } else { counts.iter().sum::<usize>() as f64 / counts.len() as f64 }
}

/// The greatest of any stretch of numbers: level `n` holds those of stretches of `2^n`.
struct Tallest(Vec<Vec<usize>>);

impl Tallest {
    fn of(numbers: Vec<usize>) -> Tallest {
        let mut levels = vec![numbers];
        let mut width = 1;
        while let Some(last) = levels.last().filter(|last| last.len() > width) {
            let wider = last.iter().zip(&last[width..]).map(|(a, b)| *a.max(b)).collect();
            levels.push(wider);
            width *= 2;
        }
        Tallest(levels)
    }

    /// The greatest of the numbers from `first` to `last`.
    fn within(&self, first: usize, last: usize) -> usize {
        let level = (last - first + 1).ilog2() as usize;
        let numbers = &self.0[level];
        numbers[first].max(numbers[last + 1 - (1 << level)])
    }
}

/// The key as it is shown, and the range of each micro-partition.
fn ranges(described: &Described, table: &str, keys: Option<&str>) -> Result<(String, Vec<Range>)> {
    let path = described.path(table, "SYSTEM$CLUSTERING_INFORMATION")?;
    let found = described.catalog.expect_path(ObjectKind::Table, &path)?;
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
    let partitions = table.snapshot.partitions()?.iter();
    let range = |partition: &Arc<Partition>| {
        let ends = keys.iter().map(|key| ends(key, &table, partition, &functions));
        let (least, greatest) = ends.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        Ok(Range { least, greatest })
    };
    let shown = format!("LINEAR({})", table.cluster_by.join(", "));
    Ok((shown, partitions.map(range).collect::<Result<_>>()?))
}

fn bound_keys(
    described: &Described,
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
        services: &KeysOnly,
    };
    cluster_keys(&Binder::new(&context), table)
}

/// The least and the greatest value of a key's expression in a micro-partition.
fn ends(
    key: &Expr,
    table: &Table,
    partition: &Partition,
    functions: &FunctionContext,
) -> Result<(Bound, Bound)> {
    let used = key.columns_used();
    let mut used = used.iter();
    let (Some(id), None) = (used.next(), used.next()) else {
        return Err(Error::not_supported("clustering information of this expression"));
    };
    let column = table.columns.get(id.0 as usize);
    let column = column.ok_or_else(|| Error::internal("a key of no column"))?;
    if !keeps_order(key) {
        return Err(Error::not_supported(format!(
            "clustering information of an expression over {} that does not keep its order",
            column.name
        )));
    }
    let (least, greatest) = column_ends(column, partition);
    let mapped = [least, greatest].map(|bound| match bound {
        Bound::Value(value) if key.as_column().is_none() => value_of(key, *id, &value, functions),
        other => Ok(other),
    });
    let [least, greatest] = mapped;
    let (least, greatest) = (least?, greatest?);
    // An expression that turns the order around.
    let turned = matches!((&least, &greatest), (Bound::Value(a), Bound::Value(b))
        if compare(a, b) == Some(Ordering::Greater));
    Ok(if turned { (greatest, least) } else { (least, greatest) })
}

fn column_ends(column: &TableColumn, partition: &Partition) -> (Bound, Bound) {
    let Some(known) = partition.column(column.field_id) else {
        // The file is older than the column.
        let value = column.initial_default.clone().map_or(Bound::Null, Bound::Value);
        return (value.clone(), value);
    };
    if known.null_count >= partition.rows {
        return (Bound::Null, Bound::Null);
    }
    let least = known.min.clone().map_or(Bound::Lowest, Bound::Value);
    let greatest = known.max.clone().filter(|_| known.null_count == 0);
    (least, greatest.map_or(Bound::Null, Bound::Value))
}

/// The expression's value where its column has this one.
fn value_of(
    key: &Expr,
    column: ColumnId,
    value: &Value,
    functions: &FunctionContext,
) -> Result<Bound> {
    let replaced = key.clone().map(&mut |expr| match expr {
        Expr::Column { id, sql_type, .. } if id == column => {
            Expr::Literal { value: value.clone(), sql_type }
        }
        other => other,
    });
    Ok(match replaced.constant_value(functions)? {
        Value::Null => Bound::Null,
        value => Bound::Value(value),
    })
}

/// Whether greater values of the one column never give lesser values, or never greater ones.
fn keeps_order(expr: &Expr) -> bool {
    match expr {
        Expr::Column { .. } => true,
        Expr::Cast { input, to, .. } => {
            let from = input.sql_type();
            let ordered =
                |kind: SqlType| !matches!(kind, SqlType::Varchar { .. } | SqlType::Variant);
            let same = ordered(from) && ordered(*to)
                || matches!((from, to), (SqlType::Varchar { .. }, SqlType::Varchar { .. }));
            same && keeps_order(input)
        }
        Expr::Call { function, arguments, .. } => {
            let mut varying = arguments.iter().filter(|argument| !argument.is_constant());
            let one = varying.next();
            // Only the beginning of a text keeps the order of texts.
            let whole = function.name != "SUBSTR"
                || matches!(arguments.get(1).and_then(Expr::as_literal),
                    Some(Value::Number(start)) if start.unscaled <= 1);
            MONOTONE.contains(&function.name)
                && whole
                && varying.next().is_none()
                && one.is_some_and(keeps_order)
        }
        _ => false,
    }
}

/// Keys are expressions over one table's columns: they ask nothing of the session.
#[derive(Debug)]
struct KeysOnly;

impl BindServices for KeysOnly {
    fn catalog_at(&self, _: &TimePoint, _: bool) -> Result<(Arc<Catalog>, i64)> {
        Err(Error::not_supported("time travel in a clustering key"))
    }

    fn result_fields(&self, _: &str) -> Result<Vec<Field>> {
        Err(Error::not_supported("an earlier result in a clustering key"))
    }

    fn information_schema_fields(&self, _: &str) -> Option<Vec<Field>> {
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

    fn range(least: i64, greatest: i64) -> Range {
        let bound = |n: i64| vec![Bound::Value(Value::integer(n))];
        Range { least: bound(least), greatest: bound(greatest) }
    }

    #[test]
    fn a_range_is_as_deep_as_its_deepest_point() {
        // The first three share 5; the fourth touches the third at 9; the last stands alone.
        let ranges = [range(1, 5), range(5, 6), range(4, 9), range(9, 12), range(20, 20)];
        let overlap = Overlap::of(&ranges);
        assert_eq!(overlap.overlaps, [2, 2, 3, 1, 0]);
        assert_eq!(overlap.depths, [3, 3, 3, 2, 1]);
        assert_eq!(ranges.iter().filter(|range| range.is_constant()).count(), 1);
    }

    #[test]
    fn nothing_has_no_depth_and_deep_ranges_share_buckets() {
        let nothing = Overlap::of(&[]);
        assert_eq!((nothing.average_overlaps(), nothing.average_depth()), (0.0, 0.0));
        let buckets = histogram(&[1, 1, 16, 17, 32, 33]);
        assert_eq!(buckets.len(), 19);
        assert_eq!((buckets[1], buckets[16]), ((1, 2), (16, 1)));
        assert_eq!((buckets[17], buckets[18]), ((32, 2), (64, 1)));
    }
}
